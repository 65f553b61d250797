//! The HTTP server: what each request must bring whatever it asks for, faults, and repeated keys.

use std::convert::Infallible;
use std::time::Duration;

use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full, Limited, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{HeaderMap, Method, Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;

use super::fields::{Done, Fields, Refusal};
use super::shop::Shop;
use super::{API_VERSION, Fault, StandIn, pages};

/// The end of a connection without an answer, or in the middle of one.
pub type Broken = std::io::Error;
pub type Body = BoxBody<Bytes, Broken>;

/// The most that Stripe reads of a request.
const LONGEST: usize = 1024 * 1024;
/// The longest key that Stripe takes.
const LONGEST_KEY: usize = 255;

pub async fn serve(listener: TcpListener, stand_in: StandIn) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            return;
        };
        let stand_in = stand_in.clone();
        let service = service_fn(move |request| answer(stand_in.clone(), request));
        let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
        tokio::spawn(async move {
            // A fault that was asked for ends in an error, too.
            drop(connection.await);
        });
    }
}

/// A request as it came.
struct Asked {
    method: Method,
    path: String,
    /// The form of a POST, the query of others.
    given: String,
    headers: HeaderMap,
}

impl Asked {
    fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    fn key(&self) -> &str {
        self.header("idempotency-key")
    }

    fn is_post(&self) -> bool {
        self.method == Method::POST
    }
}

async fn answer(stand_in: StandIn, request: Request<Incoming>) -> Result<Response<Body>, Broken> {
    let (parts, body) = request.into_parts();
    let body = Limited::new(body, LONGEST).collect().await;
    let body = body.map_err(Broken::other)?.to_bytes();
    let query = parts.uri.query().unwrap_or_default();
    let is_post = parts.method == Method::POST;
    let asked = Asked {
        path: parts.uri.path().to_owned(),
        given: if is_post {
            String::from_utf8_lossy(&body).into_owned()
        } else {
            query.to_owned()
        },
        method: parts.method,
        headers: parts.headers,
    };
    if !asked.path.starts_with("/v1/") {
        return Ok(pages::answer(
            &stand_in,
            &asked.method,
            &asked.path,
            &asked.given,
        ));
    }
    let fault = {
        let mut shop = stand_in.shop();
        shop.log.push(format!("{} {}", asked.method, asked.path));
        if let Err(refusal) = check(&shop, &asked) {
            return Ok(refused(&refusal));
        }
        if asked.is_post() {
            shop.keys.push(asked.key().to_owned());
        }
        shop.faults.pop_front()
    };
    match fault {
        None => {
            let mut shop = stand_in.shop();
            let is_replayed = asked.is_post() && shop.answers.contains_key(asked.key());
            let mut response = told(shop.answer(&asked));
            if is_replayed {
                let replayed = hyper::header::HeaderValue::from_static("true");
                response
                    .headers_mut()
                    .insert("idempotent-replayed", replayed);
            }
            Ok(response)
        }
        Some(Fault::Kept { is_done }) => {
            let mut shop = stand_in.shop();
            if is_done {
                let _ = shop.answer(&asked);
            }
            shop.keep_failure(&asked);
            Ok(refused(&failure(500)))
        }
        Some(Fault::Refused(status)) => Ok(refused(&failure(status))),
        Some(Fault::Busy(seconds)) => Ok(busy(seconds)),
        Some(Fault::Reset) => Err(Broken::other("told to break off")),
        Some(Fault::AnswerLost) => {
            let _ = stand_in.shop().answer(&asked);
            Ok(broken())
        }
        Some(Fault::Late(milliseconds)) => {
            let response = stand_in.shop().tell_answer(&asked);
            stand_in.shop().in_use.insert(asked.key().to_owned());
            // Whether somebody still waits for the answer or not.
            let over = tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(milliseconds)).await;
                stand_in.shop().in_use.remove(asked.key());
            });
            over.await.map_err(Broken::other)?;
            Ok(response)
        }
    }
}

/// What every request must bring.
fn check(shop: &Shop, asked: &Asked) -> Result<(), Refusal> {
    if asked.header(AUTHORIZATION.as_str()) != format!("Bearer {}", shop.key) {
        return Err(Refusal::new(401, "Invalid API Key provided"));
    }
    if asked.header("stripe-version") != API_VERSION {
        return Err(Refusal::new(400, "Invalid Stripe API version"));
    }
    if !asked.is_post() {
        return Ok(());
    }
    if asked.header(CONTENT_TYPE.as_str()) != "application/x-www-form-urlencoded" {
        return Err(Refusal::new(400, "Invalid request: the body is no form"));
    }
    if asked.key().is_empty() {
        return Err(Refusal::new(
            400,
            "Every POST of ours has an Idempotency-Key",
        ));
    }
    if asked.key().len() > LONGEST_KEY {
        return Err(Refusal::new(400, "The idempotency key is too long"));
    }
    Ok(())
}

impl Shop {
    /// Carries the request out, unless that was done under its key.
    fn answer(&mut self, asked: &Asked) -> Done {
        let fields = Fields::read(&asked.given)?;
        if !asked.is_post() {
            return self.carry_out(&asked.method, &asked.path, &fields);
        }
        let key = asked.key();
        if self.in_use.contains(key) {
            let message =
                "There is currently another in-progress request using this Idempotency Key";
            return Err(
                Refusal::new(409, message).coded("idempotency_error", "idempotency_key_in_use")
            );
        }
        let question = format!("{}?{}", asked.path, asked.given);
        match self.answers.get(key) {
            Some((before, _)) if *before != question => {
                let message = "Keys for idempotent requests can only be used with the same parameters they were first \
                     used with";
                Err(Refusal::new(400, message).coded("idempotency_error", ""))
            }
            Some((_, done)) => done.clone(),
            None => {
                let body = self.carry_out(&asked.method, &asked.path, &fields)?;
                self.answers
                    .insert(key.to_owned(), (question, Ok(body.clone())));
                Ok(body)
            }
        }
    }

    /// The answer, with what says that it was given before.
    fn tell_answer(&mut self, asked: &Asked) -> Response<Body> {
        let is_replayed = asked.is_post() && self.answers.contains_key(asked.key());
        let mut response = told(self.answer(asked));
        if is_replayed {
            let value = HeaderValue::from_static("true");
            response.headers_mut().insert("idempotent-replayed", value);
        }
        response
    }

    /// From now on the answer under the key of a POST is that something went wrong.
    fn keep_failure(&mut self, asked: &Asked) {
        if asked.is_post() {
            let question = format!("{}?{}", asked.path, asked.given);
            let failed = (question, Err(failure(500)));
            self.answers.insert(asked.key().to_owned(), failed);
        }
    }
}

fn failure(status: u16) -> Refusal {
    let refusal = Refusal::new(status, "told to fail");
    match status {
        409 => refusal.coded("idempotency_error", "idempotency_key_in_use"),
        429 => refusal.coded("invalid_request_error", "rate_limit"),
        500.. => refusal.coded("api_error", ""),
        _ => refusal,
    }
}

fn told(done: Done) -> Response<Body> {
    match done {
        Ok(body) => plain(200, &body),
        Err(refusal) => refused(&refusal),
    }
}

fn refused(refusal: &Refusal) -> Response<Body> {
    plain(refusal.status, &refusal.body())
}

fn plain(status: u16, body: &Value) -> Response<Body> {
    whole(status, "application/json", body.to_string())
}

/// An answer with a body of this type.
pub fn whole(status: u16, kind: &'static str, text: String) -> Response<Body> {
    let never = |fault: Infallible| match fault {};
    let body = Full::new(Bytes::from(text)).map_err(never).boxed();
    let made = Response::builder()
        .status(status)
        .header(CONTENT_TYPE, kind)
        .body(body);
    made.expect("the status is one")
}

fn busy(seconds: u64) -> Response<Body> {
    let mut response = refused(&failure(429));
    response.headers_mut().insert("retry-after", seconds.into());
    response
}

/// The beginning of an answer, and no more.
fn broken() -> Response<Body> {
    let pieces = [
        Ok(Frame::data(Bytes::from_static(b"{\"id\":"))),
        Err(Broken::other("told to break off")),
    ];
    Response::new(StreamBody::new(futures_util::stream::iter(pieces)).boxed())
}
