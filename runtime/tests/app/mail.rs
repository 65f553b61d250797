//! Mails: how they are written, that each belongs to its transaction, and where they go.

use crate::support::{SITE, app, app_in, column, sign_up, sign_up_admin, themed};
use axum::http::StatusCode;
use quickscale_runtime::auth::Registration;
use quickscale_runtime::mail::{Letterbox, Mail, MailTemplate, Message};
use quickscale_runtime::testing::{TestApp, TestAppBuilder};
use quickscale_runtime::{Environment, in_transaction};
use serde::Serialize;

/// The contact form's mail, as another domain would write one.
#[derive(Serialize)]
struct Hello {
    name: &'static str,
    email: &'static str,
    message: &'static str,
}

impl MailTemplate for Hello {
    const NAME: &'static str = "site/message";

    fn sample() -> Self {
        Self {
            name: "Ada\r\nBcc: everybody@example.com",
            email: "ada@example.com",
            message: "<b>Hello</b>",
        }
    }
}

async fn send(app: &TestApp) {
    let sent = async {
        in_transaction!(app.core.db(), tx => {
            app.core.send_mail(tx, Mail::to("grace@example.com", &Hello::sample())).await
        })
    };
    sent.await.unwrap();
}

#[tokio::test]
async fn every_mail_has_a_text_part_and_the_right_name_and_address() {
    let app = themed(app()).start().await;
    let samples = app.core.mail_samples();
    assert!(!samples.is_empty());
    for sample in samples {
        let Message {
            subject,
            text,
            html,
            from,
            ..
        } = app.core.write_sample(sample).unwrap();
        let name = sample.template;
        assert!(!subject.is_empty() && !subject.contains('\n'), "{name}");
        for part in [&text, &html] {
            assert!(part.contains(SITE), "{name}: {part}");
            assert!(part.contains("http://app.test"), "{name}: {part}");
        }
        assert!(!html.contains("<b>"), "{name} does not escape: {html}");
        assert_eq!(from, format!("\"{SITE}\" <no-reply@app.test>"));
    }
}

#[tokio::test]
async fn a_mail_is_sent_if_its_transaction_is_kept() {
    let app = themed(app()).start().await;
    let mut tx = app.core.db().begin().await.unwrap();
    let mail = Mail::to("grace@example.com", &Hello::sample());
    app.core.send_mail(&mut tx, mail).await.unwrap();
    drop(tx);
    assert_eq!(app.mails().await, []);
    send(&app).await;
    let mails = app.mails().await;
    assert_eq!(mails.len(), 1);
    let mail = &mails[0];
    assert_eq!(mail.to, "grace@example.com");
    // One line, so that nothing that somebody typed becomes a header.
    let subject = format!("Ada Bcc: everybody@example.com has written to {SITE}");
    assert_eq!(mail.subject, subject);
    assert!(mail.html.contains("&lt;b&gt;Hello"), "{}", mail.html);
    assert_eq!(app.mails().await.len(), 1, "it is sent once");
}

#[tokio::test]
async fn what_waits_in_the_database_cannot_be_read_there() {
    let app = themed(app()).start().await;
    send(&app).await;
    let payloads = column(&app, "SELECT payload FROM jobs").await;
    assert!(payloads[0].len() > 100);
    for secret in ["grace", "Hello", "Ada"] {
        assert!(!payloads[0].contains(secret), "{payloads:?}");
    }
}

#[tokio::test]
async fn a_message_of_a_visitor_is_mailed_to_the_staff() {
    let app = themed(app()).start().await;
    sign_up_admin(&app, "root@example.com").await;
    sign_up_admin(&app, "former@example.com").await;
    sign_up(&app, "ada@example.com").await;
    let former = "UPDATE users SET is_active = 0 WHERE email = 'former@example.com'";
    let mut tx = app.core.db().begin().await.unwrap();
    sqlx::query(former).execute(tx.conn()).await.unwrap();
    tx.commit().await.unwrap();
    let before = app.mails().await.len();
    let message = [
        ("name", "Grace"),
        ("email", "grace@example.com"),
        ("message", "Do you answer?"),
    ];
    let answer = app.client().post("/contact", &message).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    let mails = app.mails().await.split_off(before);
    let receivers: Vec<_> = mails.iter().map(|mail| &*mail.to).collect();
    assert_eq!(receivers, ["root@example.com"]);
    assert_eq!(mails[0].reply_to.as_deref(), Some("grace@example.com"));
    assert!(mails[0].text.contains("Do you answer?"), "{mails:?}");
    assert_eq!(mails[0].link("admin"), Some("/admin/messages"));
}

fn in_environment(environment: Environment) -> TestAppBuilder {
    themed(app_in(environment, Registration::Open)).env("APP_URL", "http://localhost")
}

#[tokio::test]
async fn in_development_mails_are_files_that_a_page_shows() {
    let folder = std::env::temp_dir().join(format!("quickscale_mails_{}", std::process::id()));
    let app = in_environment(Environment::Development).root(&folder);
    let app = app.start().await;
    send(&app).await;
    app.work_jobs().await;
    let kept = Letterbox::Folder(folder.join("var/mail"))
        .messages()
        .unwrap();
    assert_eq!(kept.len(), 1);
    let mut client = app.client();
    let list = client.get("/dev/mails").await.text;
    assert!(
        list.contains(&format!("/dev/mails/{}", kept[0].id)),
        "{list}"
    );
    let page = client.get(&format!("/dev/mails/{}", kept[0].id)).await;
    assert!(
        page.text.contains("everybody@example.com has written"),
        "{}",
        page.text
    );
    let html = client.get(&format!("/dev/mails/{}/html", kept[0].id)).await;
    let policy = html.headers["content-security-policy"].to_str().unwrap();
    assert!(
        policy.contains("default-src 'none'") && policy.contains("sandbox"),
        "{policy}"
    );
    for sample in app.core.mail_samples() {
        let path = format!("/dev/mail-templates/{}", sample.template);
        assert!(list.contains(&path), "{list}");
        assert_eq!(client.get(&path).await.status, StatusCode::OK);
        let html = client.get(&format!("{path}/html")).await;
        assert!(html.text.contains(SITE), "{}", html.text);
    }
    assert_eq!(
        client.get("/dev/mails/x").await.status,
        StatusCode::NOT_FOUND
    );
    std::fs::remove_dir_all(&folder).unwrap();
}

#[tokio::test]
async fn the_development_pages_are_not_there_elsewhere() {
    for environment in [Environment::Test, Environment::Production] {
        let app = in_environment(environment).start().await;
        for path in ["/dev/mails", "/dev/mail-templates/site/message"] {
            assert_eq!(app.client().get(path).await.status, StatusCode::NOT_FOUND);
        }
    }
}

#[tokio::test]
async fn in_production_mails_wait_until_there_is_a_way_to_send_them() {
    let app = in_environment(Environment::Production).start().await;
    send(&app).await;
    assert_eq!(app.work_jobs().await.failed, 1);
    let errors = column(&app, "SELECT last_error FROM jobs WHERE state = 'open'").await;
    assert!(errors[0].contains("SMTP_URL is not set"), "{errors:?}");
}

#[cfg(not(feature = "smtp"))]
#[tokio::test]
async fn a_build_without_smtp_does_not_pretend_to_send() {
    let app = in_environment(Environment::Production).env("SMTP_URL", "smtp://localhost");
    let fault = app.try_start().await.err().unwrap();
    assert!(fault.to_string().contains("--features smtp"), "{fault}");
}

#[cfg(feature = "smtp")]
mod smtp {
    use super::*;
    use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
    use tokio::net::TcpListener;

    /// A mail server of a few lines (RFC 5321): takes one mail and gives it back, with its envelope; addresses at
    /// `gone.example` it refuses for good.
    async fn serve(listener: TcpListener) -> String {
        let (stream, _) = listener.accept().await.unwrap();
        let (read, mut write) = stream.into_split();
        let (mut lines, mut heard, mut in_data) =
            (BufReader::new(read).lines(), String::new(), false);
        write.write_all(b"220 test\r\n").await.unwrap();
        while let Some(line) = lines.next_line().await.unwrap() {
            heard += &line;
            heard += "\n";
            let answer = match &*line {
                "." => "250 kept\r\n",
                _ if in_data => continue,
                "DATA" => "354 go on\r\n",
                "QUIT" => break,
                line if line.contains("gone.example") => "550 nobody of that name\r\n",
                _ => "250 ok\r\n",
            };
            in_data = line == "DATA";
            write.write_all(answer.as_bytes()).await.unwrap();
            if line == "." || answer.starts_with("550") {
                break;
            }
        }
        heard
    }

    async fn send_to(address: &str) -> (TestApp, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("smtp://{}", listener.local_addr().unwrap());
        let server = tokio::spawn(serve(listener));
        let app = in_environment(Environment::Production)
            .env("SMTP_URL", &url)
            .env("MAIL_FROM", "Shop <shop@shop.example>");
        let app = app.start().await;
        let mail = Mail::to(address, &Hello::sample()).reply_to("ada@example.com");
        let mut tx = app.core.db().begin().await.unwrap();
        app.core.send_mail(&mut tx, mail).await.unwrap();
        tx.commit().await.unwrap();
        app.work_jobs().await;
        (app, server.await.unwrap())
    }

    #[tokio::test]
    async fn a_mail_arrives_whole() {
        let (app, heard) = send_to("grace@example.com").await;
        assert_eq!(crate::support::count(&app, "jobs").await, 0);
        for part in [
            "MAIL FROM:<shop@shop.example>",
            "RCPT TO:<grace@example.com>",
            "Message-ID: <",
            "From: Shop <shop@shop.example>",
            "Reply-To: ada@example.com",
            "Subject: Ada Bcc: everybody@example.com has written",
            "Content-Type: text/plain",
            "Content-Type: text/html",
        ] {
            assert!(heard.contains(part), "{part}: {heard}");
        }
        let (head, _) = heard.split_once("\n\n").unwrap();
        assert!(!head.contains("\nBcc:"), "{heard}");
    }

    #[tokio::test]
    async fn an_address_that_does_not_exist_is_tried_once() {
        let (app, heard) = send_to("ada@gone.example").await;
        assert!(!heard.contains("DATA"), "{heard}");
        let errors = column(&app, "SELECT last_error FROM jobs WHERE state = 'dead'").await;
        assert!(errors[0].contains("nobody of that name"), "{errors:?}");
    }

    #[tokio::test]
    async fn a_wrong_address_of_the_server_is_found_at_the_start_and_not_repeated() {
        let app =
            in_environment(Environment::Production).env("SMTP_URL", "ftp://user:hunter2@host");
        let fault = app.try_start().await.err().unwrap().to_string();
        assert!(fault.contains("SMTP_URL"), "{fault}");
        assert!(!fault.contains("hunter2"), "{fault}");
    }
}
