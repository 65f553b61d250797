//! Counts the words of a book, page by page.

use std::time::Duration;

use garde::Validate;
use quickscale_runtime::credits::Credits;
use quickscale_runtime::services::{Service, ServiceContext, ServiceError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The service. Its name is the name of this file.
pub fn service() -> impl Service {
    PageCount
}

struct PageCount;

#[derive(Debug, Deserialize, JsonSchema, Validate)]
struct Input {
    /// A text of at most 20 pages, with an empty line between two pages.
    #[garde(length(chars, max = 100_000), custom(at_most_20_pages))]
    text: String,
}

fn at_most_20_pages(text: &str, (): &()) -> garde::Result {
    match text.split("\n\n").count() {
        0..=20 => Ok(()),
        _ => Err(garde::Error::new("These are more than 20 pages.")),
    }
}

#[derive(Debug, Serialize, JsonSchema)]
struct Output {
    pages: u32,
    words: usize,
}

impl Service for PageCount {
    type Input = Input;
    type Output = Output;

    fn title(&self) -> &str {
        "Page count"
    }

    fn description(&self) -> &str {
        "Counts the words of each page. Costs one credit a page."
    }

    fn cost(&self) -> Credits {
        Credits::whole(20)
    }

    fn background(&self) -> bool {
        true
    }

    fn time_limit(&self) -> Option<Duration> {
        Some(Duration::from_secs(60 * 60))
    }

    async fn run(&self, input: Input, context: &ServiceContext) -> Result<Output, ServiceError> {
        let pages: Vec<&str> = input.text.split("\n\n").collect();
        let mut output = Output { pages: 0, words: 0 };
        for page in &pages {
            if context.is_cancelled() {
                break;
            }
            let done = f64::from(output.pages) / pages.len() as f64;
            context.progress(done, &format!("Reading page {}", output.pages + 1));
            let words = count(page).await;
            output.pages += 1;
            output.words += words;
            context.emit(&format!("Page {}: {words} words\n", output.pages));
        }
        context.costs(Credits::whole(output.pages));
        Ok(output)
    }
}

/// Stands for a call of another system.
async fn count(page: &str) -> usize {
    page.split_whitespace().count()
}
