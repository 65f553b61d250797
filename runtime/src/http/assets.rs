//! Static files under addresses that hold their content's digest, so that browsers may keep them for ever.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use sha2::{Digest as _, Sha256};
use tower::ServiceExt as _;
use tower_http::services::ServeDir;

use crate::crypto::hex;

/// The files below `static/`.
#[derive(Debug, Clone)]
pub struct Assets {
    root: PathBuf,
    /// Path to digest, settled at start. Development looks at the file each time instead.
    digests: Option<Arc<BTreeMap<String, String>>>,
}

const FOREVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const REVALIDATE: HeaderValue = HeaderValue::from_static("no-cache");
/// In bytes. File systems take no longer name, and to ask for one is a fault, not a file that is not there.
const LONGEST_PATH: usize = 255;
const DIGEST_LENGTH: usize = 12;

impl Assets {
    /// Serves `root`; with `settled`, every file's digest is taken now and files do not change any more.
    pub fn new(root: PathBuf, settled: bool) -> Self {
        let digests = settled.then(|| {
            let mut digests = BTreeMap::new();
            collect(&root, &root, &mut digests);
            Arc::new(digests)
        });
        Self { root, digests }
    }

    /// The address of a file: `css/app.css` → `/static/css/app.css?v=1a2b3c…`.
    /// `None` when there is no such file.
    pub fn url(&self, path: &str) -> Option<String> {
        let digest = self.digest(path)?;
        Some(address(path, &digest))
    }

    /// Path and address of every file that does not change any more.
    pub fn settled(&self) -> impl Iterator<Item = (String, String)> {
        let digests = self.digests.iter().flat_map(|digests| digests.iter());
        digests.map(|(path, digest)| (path.clone(), address(path, digest)))
    }

    /// What is in a file; none when there is no such file.
    pub async fn read(&self, path: &str) -> Option<Vec<u8>> {
        tokio::fs::read(self.root.join(path)).await.ok()
    }

    fn digest(&self, path: &str) -> Option<String> {
        match &self.digests {
            Some(digests) => digests.get(path).cloned(),
            None => digest_of(&self.root.join(path)),
        }
    }

    /// Answers a request whose path is relative to `/static`.
    pub async fn serve(&self, path: &str, request: Request) -> Response {
        let uri = format!("/{path}").parse::<Uri>().ok();
        let Some(uri) = uri.filter(|_| path.len() <= LONGEST_PATH) else {
            return StatusCode::NOT_FOUND.into_response();
        };
        let version = request
            .uri()
            .query()
            .and_then(|query| query.strip_prefix("v="));
        let fresh = version.is_some() && version == self.digest(path).as_deref();
        let (mut parts, _) = request.into_parts();
        parts.uri = uri;
        let files = ServeDir::new(&self.root).append_index_html_on_directories(false);
        let mut response = match files
            .oneshot(Request::from_parts(parts, Body::empty()))
            .await
        {
            Ok(response) => response.map(Body::new).into_response(),
            Err(never) => match never {},
        };
        if response.status().is_success() || response.status() == StatusCode::NOT_MODIFIED {
            let cache = if fresh { FOREVER } else { REVALIDATE };
            response.headers_mut().insert(header::CACHE_CONTROL, cache);
        }
        response
    }
}

fn address(path: &str, digest: &str) -> String {
    format!("/static/{path}?v={digest}")
}

fn digest_of(file: &Path) -> Option<String> {
    let bytes = std::fs::read(file).ok()?;
    let mut digest = hex(&Sha256::digest(&bytes));
    digest.truncate(DIGEST_LENGTH);
    Some(digest)
}

fn collect(root: &Path, folder: &Path, digests: &mut BTreeMap<String, String>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(root, &path, digests);
        } else if let (Ok(name), Some(digest)) = (path.strip_prefix(root), digest_of(&path)) {
            digests.insert(name.to_string_lossy().replace('\\', "/"), digest);
        }
    }
}
