//! Bodies of forms: URL-encoded ones into a type, multipart ones into fields and files.

use std::convert::Infallible;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, header};
use multer::Multipart;
use serde::de::DeserializeOwned;

use crate::app::Core;
use crate::error::Error;

/// The fields of a URL-encoded form as `T`. A field that is missing or of the wrong kind is a 422.
#[derive(Debug)]
pub struct Form<T>(pub T);

impl<T: DeserializeOwned> FromRequest<Core> for Form<T> {
    type Rejection = Error;

    async fn from_request(request: Request, core: &Core) -> Result<Self, Error> {
        let body = Bytes::from_request(request, core)
            .await
            .map_err(unreadable)?;
        let fields = parse_urlencoded(&body).ok_or_else(|| Error::unprocessable(BROKEN))?;
        check_texts(&fields)?;
        serde_urlencoded::from_bytes(&body)
            .map(Self)
            .map_err(|_| Error::unprocessable("The form is incomplete. Go back and try again."))
    }
}

/// One file of a multipart form.
#[derive(Debug, Clone)]
pub struct UploadedFile {
    pub field: String,
    pub name: String,
    pub bytes: Bytes,
}

/// A form with fields and files, URL-encoded or multipart. Empty file fields are left out.
#[derive(Debug, Default)]
pub struct Upload {
    pub fields: Vec<(String, String)>,
    pub files: Vec<UploadedFile>,
}

impl FromRequest<Core> for Upload {
    type Rejection = Error;

    async fn from_request(request: Request, _: &Core) -> Result<Self, Error> {
        let (parts, body) = request.into_parts();
        // The guard has read it, and bounded it as the route's rule says.
        let body = axum::body::to_bytes(body, usize::MAX)
            .await
            .map_err(unreadable)?;
        let Some(mut form) = multipart(&parts.headers, body.clone()) else {
            let fields = parse_urlencoded(&body).ok_or_else(|| Error::unprocessable(BROKEN))?;
            check_texts(&fields)?;
            return Ok(Self {
                fields,
                files: Vec::new(),
            });
        };
        let mut upload = Self::default();
        let broken = |_| Error::unprocessable(BROKEN);
        while let Some(field) = form.next_field().await.map_err(broken)? {
            let name = field.name().unwrap_or_default().to_owned();
            match field.file_name().map(str::to_owned) {
                None => upload
                    .fields
                    .push((name, field.text().await.map_err(broken)?)),
                Some(file) => {
                    let bytes = field.bytes().await.map_err(broken)?;
                    if !bytes.is_empty() {
                        upload.files.push(UploadedFile {
                            field: name,
                            name: file,
                            bytes,
                        });
                    }
                }
            }
        }
        check_texts(&upload.fields)?;
        Ok(upload)
    }
}

const BROKEN: &str = "The form did not arrive whole. Go back and try again.";

/// No field's text may hold a NUL: nobody types one, and PostgreSQL does not take it.
fn check_texts(fields: &[(String, String)]) -> Result<(), Error> {
    if fields.iter().any(|(_, text)| text.contains('\0')) {
        return Err(Error::unprocessable(BROKEN));
    }
    Ok(())
}

fn unreadable<E>(_: E) -> Error {
    Error::unprocessable(BROKEN)
}

/// The pairs of a URL-encoded body, in their order.
pub(super) fn parse_urlencoded(body: &Bytes) -> Option<Vec<(String, String)>> {
    serde_urlencoded::from_bytes(body).ok()
}

/// A reader of multipart fields, if that is what the headers announce.
pub(super) fn multipart(headers: &HeaderMap, body: Bytes) -> Option<Multipart<'static>> {
    let content_type = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let boundary = multer::parse_boundary(content_type).ok()?;
    let whole = futures_util::stream::once(async move { Ok::<_, Infallible>(body) });
    Some(Multipart::new(whole, boundary))
}
