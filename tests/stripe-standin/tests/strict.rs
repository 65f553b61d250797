//! What the stand-in takes and what it refuses, in raw HTTP.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use stripe_standin::{API_VERSION, KEY, StandIn, Verb};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A request that is right, to be changed in one place.
#[derive(Clone, Copy)]
struct Ask<'a> {
    method: &'a str,
    path: &'a str,
    key: &'a str,
    version: &'a str,
    idempotency: &'a str,
    kind: &'a str,
    body: &'a str,
}

const ASK: Ask<'static> = Ask {
    method: "POST",
    path: "/v1/customers",
    key: KEY,
    version: API_VERSION,
    idempotency: "k1",
    kind: "application/x-www-form-urlencoded",
    body: "email=ada%40example.com",
};

/// Sends it; gives the status and all of the answer.
async fn ask(address: &str, ask: Ask<'_>) -> (u16, String) {
    let host = address.trim_start_matches("http://");
    let mut stream = TcpStream::connect(host).await.unwrap();
    let mut request = format!(
        "{} {} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nAuthorization: Bearer {}\r\nStripe-Version: {}\r\n\
         Content-Type: {}\r\nContent-Length: {}\r\n",
        ask.method,
        ask.path,
        ask.key,
        ask.version,
        ask.kind,
        ask.body.len(),
    );
    if !ask.idempotency.is_empty() {
        request += &format!("Idempotency-Key: {}\r\n", ask.idempotency);
    }
    stream
        .write_all(format!("{request}\r\n{}", ask.body).as_bytes())
        .await
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    (status, answer)
}

#[tokio::test]
async fn what_stripe_would_not_take_is_refused() {
    let (stand_in, address) = StandIn::start().await;
    let long = "k".repeat(256);
    for (wrong, status, told) in [
        (
            Ask {
                key: "rk_other",
                ..ASK
            },
            401,
            "Invalid API Key",
        ),
        (
            Ask {
                version: "2020-08-27",
                ..ASK
            },
            400,
            "API version",
        ),
        (
            Ask {
                kind: "application/json",
                ..ASK
            },
            400,
            "no form",
        ),
        (
            Ask {
                idempotency: "",
                ..ASK
            },
            400,
            "Idempotency-Key",
        ),
        (
            Ask {
                idempotency: &long,
                ..ASK
            },
            400,
            "too long",
        ),
        (
            Ask {
                body: "email=a%40b&name=Ada",
                ..ASK
            },
            400,
            "unknown parameter: name",
        ),
        (
            Ask {
                body: "email=",
                ..ASK
            },
            400,
            "empty string for 'email'",
        ),
        (
            Ask {
                body: "email=a%40b&email=a%40c",
                ..ASK
            },
            400,
            "given twice",
        ),
        (
            Ask { body: "", ..ASK },
            400,
            "Missing required param: email",
        ),
        (
            Ask {
                path: "/v1/cards",
                ..ASK
            },
            404,
            "Unrecognized request URL",
        ),
        (
            Ask {
                path: "/v1/refunds",
                body: "payment_intent=pi_1&amount=2.5",
                ..ASK
            },
            400,
            "Invalid integer",
        ),
        (
            Ask {
                path: "/v1/refunds",
                body: "payment_intent=pi_1&amount=2",
                ..ASK
            },
            404,
            "No such payment_intent",
        ),
        (
            Ask {
                method: "GET",
                path: "/v1/charges?limit=0",
                ..ASK
            },
            400,
            "limit",
        ),
        (
            Ask {
                method: "GET",
                path: "/v1/charges/ch_1",
                ..ASK
            },
            404,
            "No such charge",
        ),
        (
            Ask {
                path: "/v1/subscriptions/sub_1",
                body: "cancel_at_period_end=yes",
                ..ASK
            },
            404,
            "No such subscription",
        ),
    ] {
        let (found, answer) = ask(&address, wrong).await;
        assert_eq!(found, status, "{answer}");
        assert!(answer.contains(told), "{answer}");
    }
    assert!(stand_in.all("").is_empty());
    assert_eq!(ask(&address, ASK).await.0, 200);
    assert_eq!(stand_in.all("cus_").len(), 1);
}

#[tokio::test]
async fn a_key_does_its_request_once_and_no_other() {
    let (stand_in, address) = StandIn::start().await;
    let (first, again) = (ask(&address, ASK).await, ask(&address, ASK).await);
    let body = |answer: &str| {
        answer
            .split_once("\r\n\r\n")
            .map(|(_, body)| body.to_owned())
    };
    assert_eq!(body(&again.1), body(&first.1));
    assert_eq!((first.0, again.0), (200, 200));
    assert!(!first.1.contains("idempotent-replayed"), "{}", first.1);
    assert!(again.1.contains("idempotent-replayed: true"), "{}", again.1);
    let other = ask(
        &address,
        Ask {
            body: "email=bob%40example.com",
            ..ASK
        },
    )
    .await;
    assert_eq!(other.0, 400);
    assert!(other.1.contains("idempotency_error"), "{}", other.1);
    assert_eq!(stand_in.all("cus_").len(), 1);
}

/// Makes what a payment page needs and opens one; gives its name.
async fn open(stand_in: &StandIn, address: &str) -> String {
    let steps = [
        ("customers", "email=ada%40example.com"),
        ("products", "id=small&name=Small+pack"),
        (
            "prices",
            "product=small&currency=eur&unit_amount=500&lookup_key=small_eur",
        ),
    ];
    for (folder, body) in steps {
        let path = format!("/v1/{folder}");
        let (status, answer) = ask(
            address,
            Ask {
                path: &path,
                idempotency: folder,
                body,
                ..ASK
            },
        )
        .await;
        assert_eq!(status, 200, "{answer}");
    }
    let id = |prefix: &str| stand_in.all(prefix)[0]["id"].as_str().unwrap().to_owned();
    let body = format!(
        "mode=payment&customer={}&line_items[0][price]={}&line_items[0][quantity]=2&success_url=http://app.test/thanks\
         &cancel_url=http://app.test/back",
        id("cus_"),
        id("price_")
    );
    let page = Ask {
        path: "/v1/checkout/sessions",
        idempotency: "page",
        body: &body,
        ..ASK
    };
    let (status, answer) = ask(address, page).await;
    assert_eq!(status, 200, "{answer}");
    id("cs_")
}

#[tokio::test]
async fn a_page_is_declined_and_paid_once_and_all_of_it_is_told() {
    let (stand_in, address) = StandIn::start().await;
    let page = open(&stand_in, &address).await;
    let path = format!("/c/pay/{page}");
    let shown = ask(
        &address,
        Ask {
            method: "GET",
            path: &path,
            body: "",
            ..ASK
        },
    )
    .await;
    assert!(shown.1.contains("Small pack: 1000 EUR"), "{}", shown.1);
    stand_in.events();
    assert_eq!(
        ask(
            &address,
            Ask {
                path: &path,
                body: "do=decline",
                ..ASK
            }
        )
        .await
        .0,
        402
    );
    assert!(stand_in.events().is_empty());
    let paid = ask(
        &address,
        Ask {
            path: &path,
            body: "do=pay",
            ..ASK
        },
    )
    .await;
    assert_eq!(paid.0, 303);
    assert!(
        paid.1.contains("location: http://app.test/thanks"),
        "{}",
        paid.1
    );
    stand_in.at_till(&page, Verb::Pay).unwrap_err();
    let kinds: Vec<_> = stand_in
        .events()
        .iter()
        .map(|event| event["type"].clone())
        .collect();
    assert_eq!(kinds, ["charge.succeeded", "checkout.session.completed"]);
    assert_eq!(stand_in.all("ch_").len(), 1);
}
