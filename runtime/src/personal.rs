//! What an application knows of one person, for that person to take along: each module gives its part as files, none
//! larger than memory bears, so that a long history takes no more of it than a short one.

use std::future::Future;
use std::sync::Arc;

use futures_util::future::ready;
use futures_util::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};
use serde::Serialize;

use crate::app::Core;
use crate::error::{Error, Result};
use crate::ids::UserId;

/// One file of what is known of somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonalFile {
    /// With the module as its folder: `credits/journal-1.csv`.
    pub path: String,
    pub bytes: Vec<u8>,
}

/// The files of one module, made one after the other.
pub type PersonalFiles = BoxStream<'static, Result<PersonalFile>>;

pub(crate) type PersonalFn = Arc<dyn Fn(Core, UserId) -> PersonalFiles + Send + Sync>;

impl PersonalFile {
    /// A file of JSON for people to read.
    ///
    /// # Errors
    /// When `value` is none.
    pub fn json(path: impl Into<String>, value: &impl Serialize) -> Result<Self> {
        Ok(Self {
            path: path.into(),
            bytes: serde_json::to_vec_pretty(value).map_err(Error::internal)?,
        })
    }
}

/// A few files, made together.
pub fn together(
    files: impl Future<Output = Result<Vec<PersonalFile>>> + Send + 'static,
) -> PersonalFiles {
    let files = stream::once(files);
    files
        .map_ok(|files| stream::iter(files.into_iter().map(Ok)))
        .try_flatten()
        .boxed()
}

/// Many rows, a file a page. `page` gets where a page begins and its number from 1, and gives its file, none where there
/// is nothing, and where the next page begins.
pub fn paged<C, F>(start: C, page: impl Fn(C, usize) -> F + Send + 'static) -> PersonalFiles
where
    C: Send + 'static,
    F: Future<Output = Result<(Option<PersonalFile>, Option<C>)>> + Send + 'static,
{
    let pages = stream::try_unfold((Some(start), 1), move |(start, number)| {
        let made = start.map(|start| page(start, number));
        async move {
            let Some(made) = made else { return Ok(None) };
            let (file, next) = made.await?;
            Ok::<_, Error>(Some((file, (next, number + 1))))
        }
    });
    pages.try_filter_map(|file| ready(Ok(file))).boxed()
}
