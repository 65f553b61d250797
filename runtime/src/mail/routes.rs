//! The development pages about mails: those that were kept instead of being sent, and every template filled in.

use axum::extract::Path;
use axum::http::{HeaderName, header};
use axum::response::{Html, IntoResponse as _, Response};

use super::entity::Message;
use super::pages::{MailPage, MailsPage};
use crate::app::Core;
use crate::error::{Error, Result};
use crate::http::{Access, Routes, Visit};

pub(super) fn routes() -> Routes {
    Routes::new()
        .get("/dev/mails", Access::Public, mails)
        .get("/dev/mails/{id}", Access::Public, mail)
        .get("/dev/mails/{id}/html", Access::Public, mail_html)
        .get("/dev/mail-templates/{*name}", Access::Public, template)
}

fn kept(core: &Core) -> Result<Vec<Message>> {
    let letterbox = core.mailer().letterbox();
    Ok(letterbox.map_or(Ok(Vec::new()), |letterbox| letterbox.messages())?)
}

fn find(core: &Core, id: &str) -> Result<Message> {
    let mut kept = kept(core)?.into_iter();
    kept.find(|mail| mail.id == id).ok_or_else(Error::not_found)
}

async fn mails(visit: Visit) -> Result<Response> {
    let core = visit.core();
    visit.render(&MailsPage {
        mails: kept(core)?,
        templates: core.mail_samples().iter().map(|one| one.template).collect(),
    })
}

async fn mail(visit: Visit, Path(id): Path<String>) -> Result<Response> {
    let mail = find(visit.core(), &id)?;
    let html_path = format!("/dev/mails/{id}/html");
    visit.render(&MailPage { mail, html_path })
}

async fn mail_html(visit: Visit, Path(id): Path<String>) -> Result<Response> {
    Ok(bare(find(visit.core(), &id)?))
}

/// The HTML part by itself: no script runs in it, whatever the mail says.
fn bare(mail: Message) -> Response {
    const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox allow-top-navigation";
    let headers: [(HeaderName, &str); 1] = [(header::CONTENT_SECURITY_POLICY, POLICY)];
    (headers, Html(mail.html)).into_response()
}

/// `auth/verify` is the page of a template, `auth/verify/html` its HTML part by itself.
async fn template(visit: Visit, Path(name): Path<String>) -> Result<Response> {
    let core = visit.core();
    let (name, is_bare) = match name.strip_suffix("/html") {
        Some(name) => (name, true),
        None => (&*name, false),
    };
    let mut samples = core.mail_samples().iter();
    let sample = samples.find(|sample| sample.template == name);
    let sample = sample.ok_or_else(Error::not_found)?;
    let mail = core.write_sample(sample)?;
    if is_bare {
        return Ok(bare(mail));
    }
    let html_path = format!("/dev/mail-templates/{name}/html");
    visit.render(&MailPage { mail, html_path })
}
