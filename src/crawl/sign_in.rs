//! Signing in as a person does: the form is read from the page, filled in and sent.

use anyhow::{Context, Result};
use scraper::{ElementRef, Html};
use url::Url;

use super::Credentials;
use super::client::{Answer, Client, Content, Visit};
use super::page::fields_of;
use crate::error::Fault;

/// Where the sign-in form stands.
pub const PATH: &str = "/accounts/login";

struct Form {
    action: Url,
    fields: Vec<(String, String)>,
}

/// Signs in and returns where that leads; the client keeps the cookies.
pub fn sign_in(client: &Client, origin: &Url, credentials: &Credentials) -> Result<Url> {
    let page = origin
        .join(PATH)
        .context("the sign-in page has no address")?;
    let content = content_of(client.get(&page))?;
    let form = form_of(&content).ok_or_else(|| {
        Fault::new(format!(
            "{page} holds no form with a password (status {})",
            content.status
        ))
        .hint("is this the address of an app that QuickScale made?")
    })?;
    let fields: Vec<(String, String)> = form
        .fields
        .into_iter()
        .filter(|(name, _)| name != "email" && name != "password")
        .chain([
            ("email".to_owned(), credentials.email.clone()),
            ("password".to_owned(), credentials.password.clone()),
        ])
        .collect();
    let answer = content_of(client.post(&form.action, &page, &fields))?;
    if answer.status >= 400 || answer.url.path() == PATH {
        return Err(refused(&answer, &credentials.email).into());
    }
    Ok(answer.url)
}

fn content_of(visit: Visit) -> Result<Content> {
    let fault = match visit.answer {
        Ok(Answer::Content(content)) => return Ok(content),
        Ok(Answer::Elsewhere(url)) => format!("signing in leads away from the app, to {url}"),
        Ok(Answer::Loop(url)) => format!("signing in leads in circles, at {url}"),
        Err(why) => format!("{} does not answer: {why}", visit.asked),
    };
    Err(Fault::new(fault)
        .hint(format!("open {} in a browser and see", visit.asked))
        .into())
}

/// The form that asks for a password.
fn form_of(content: &Content) -> Option<Form> {
    let html = Html::parse_document(&String::from_utf8_lossy(&content.body));
    let mut forms = elements(&html).filter(|element| element.value().name() == "form");
    let form = forms.find(|form| {
        form.descendants()
            .filter_map(ElementRef::wrap)
            .any(is_password)
    })?;
    let action = content
        .url
        .join(form.value().attr("action").unwrap_or_default())
        .ok()?;
    Some(Form {
        action,
        fields: fields_of(form),
    })
}

fn elements(html: &Html) -> impl Iterator<Item = ElementRef<'_>> {
    html.root_element()
        .descendants()
        .filter_map(ElementRef::wrap)
}

fn is_password(element: ElementRef<'_>) -> bool {
    element.value().name() == "input" && element.value().attr("type") == Some("password")
}

fn refused(answer: &Content, email: &str) -> Fault {
    let html = Html::parse_document(&String::from_utf8_lossy(&answer.body));
    let alert = elements(&html).find(|element| element.value().attr("role") == Some("alert"));
    let said = alert.map(|alert| alert.text().collect::<String>());
    let said = said
        .map(|said| said.split_whitespace().collect::<Vec<_>>().join(" "))
        .filter(|said| !said.is_empty());
    let message = format!(
        "the app refuses to sign {email} in (status {})",
        answer.status
    );
    let message = said.map_or_else(|| message.clone(), |said| format!("{message}: {said}"));
    Fault::new(message)
        .hint("check --email and --password; `quickscale manage seed` makes accounts to try with")
}
