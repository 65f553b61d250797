//! What a person does with a service: fill in its form, send it, read the page that comes.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use quickscale_runtime::testing::{Answer, Client};

/// A file to be sent: field, name, content.
pub type File<'a> = (&'a str, &'a str, &'a [u8]);

/// The one-time key of a fresh form.
pub async fn fresh_key(client: &mut Client, path: &str) -> String {
    let page = client.get(path).await;
    page.input("run_key")
        .unwrap_or_else(|| panic!("{}", page.text))
        .to_owned()
}

/// Fills in a fresh form and sends it.
pub async fn fill_in(client: &mut Client, path: &str, fields: &[(&str, &str)]) -> Answer {
    let key = fresh_key(client, path).await;
    send(client, path, &key, fields).await
}

/// Sends a form that has `key`.
pub async fn send(client: &mut Client, path: &str, key: &str, fields: &[(&str, &str)]) -> Answer {
    let mut all = vec![("run_key", key)];
    all.extend_from_slice(fields);
    client.post(path, &all).await
}

/// Sends forms at the same time, one for each key. Gives the answers in the order of the keys.
pub async fn send_together(
    client: &Client,
    path: &'static str,
    keys: &[String],
    text: &'static str,
) -> Vec<Answer> {
    let tasks: Vec<_> = keys
        .iter()
        .map(|key| {
            let (mut client, key) = (client.clone(), key.clone());
            tokio::spawn(async move { send(&mut client, path, &key, &[("text", text)]).await })
        })
        .collect();
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(task.await.unwrap());
    }
    answers
}

/// The one page to which all of `answers` lead.
pub fn only_page(answers: &[Answer]) -> String {
    let pages = answers.iter().map(|sent| {
        assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.text);
        sent.location()
    });
    let pages: BTreeSet<_> = pages.collect();
    assert_eq!(pages.len(), 1, "{pages:?}");
    pages.into_iter().collect()
}

/// How many of `answers` say that a run was begun; the rest, that there are too few credits.
pub fn affordable(answers: &[Answer]) -> usize {
    let ran = |sent: &&Answer| match sent.status {
        StatusCode::SEE_OTHER => true,
        status => {
            assert_eq!(status, StatusCode::PAYMENT_REQUIRED, "{}", sent.text);
            false
        }
    };
    answers.iter().filter(ran).count()
}

/// `count` keys of forms, each another.
pub fn keys(count: usize) -> Vec<String> {
    (0..count)
        .map(|at| format!("0123456789abcdef{at}"))
        .collect()
}

/// Fills in a fresh form, sends it and opens the page of the run, once that has ended.
pub async fn run(client: &mut Client, path: &str, fields: &[(&str, &str)]) -> Answer {
    let sent = fill_in(client, path, fields).await;
    let page = sent.location();
    assert!(
        page.starts_with("/services/runs/"),
        "{}: {}",
        sent.status,
        sent.text
    );
    loop {
        let answer = client.get(page).await;
        if !answer.text.contains("id=\"run-output\"") {
            return answer;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

/// Fills in a fresh form that has a file.
pub async fn upload(
    client: &mut Client,
    path: &str,
    fields: &[(&str, &str)],
    (field, name, content): File<'_>,
) -> Answer {
    let page = client.get(path).await;
    let hidden = |name| (name, page.input(name).unwrap_or_default());
    let mut all = vec![hidden("csrf"), hidden("run_key")];
    all.extend_from_slice(fields);
    let mut body = Vec::new();
    for (name, value) in all {
        let part =
            format!("--line\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        body.extend(part.into_bytes());
    }
    let disposition = format!("form-data; name=\"{field}\"; filename=\"{name}\"");
    let head =
        format!("--line\r\nContent-Disposition: {disposition}\r\nContent-Type: text/plain\r\n\r\n");
    body.extend(head.into_bytes());
    body.extend(content);
    body.extend(b"\r\n--line--\r\n");
    let kind = "multipart/form-data; boundary=line";
    let request = Request::post(path).header(header::CONTENT_TYPE, kind);
    client.send(request, Body::from(body)).await
}
