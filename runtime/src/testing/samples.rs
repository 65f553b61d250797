//! Every page with its sample, behind an address of its own, so that tests see all of them.

use axum::extract::Path;
use axum::response::{Html, IntoResponse as _, Response};

use crate::app::Core;
use crate::error::{Error, Result};
use crate::http::{Access, Message, Routes, Visit};
use crate::module::Module;

/// A module for tests: `GET /samples/{number}` shows one page's sample to whoever asks.
pub struct SamplePages;

impl SamplePages {
    /// Template and address of every sample.
    pub fn of(core: &Core) -> Vec<(&'static str, String)> {
        let samples = core.samples().iter().enumerate();
        samples
            .map(|(number, sample)| (sample.template, format!("/samples/{number}")))
            .collect()
    }
}

impl Module for SamplePages {
    fn name(&self) -> &'static str {
        "sample_pages"
    }

    fn routes(&self) -> Routes {
        Routes::new().get("/samples/{number}", Access::Public, show)
    }
}

async fn show(visit: Visit, Path(number): Path<usize>) -> Result<Response> {
    let core = visit.core();
    let sample = core.samples().get(number).ok_or_else(Error::not_found)?;
    let context = sample.context.clone();
    let messages: [Message; 0] = [];
    let html = core
        .pages()
        .render(&visit, &messages, sample.template, context)?;
    Ok(Html(html).into_response())
}
