//! Endpoints of the API: what a module offers to programs, with everything that the API's description says about it.
//! Route, checks and description are made of one declaration, so that they cannot disagree. They are mounted when a
//! [`Gate`] is there, which the `api` module brings.

mod call;
mod describe;

pub use call::{Answer, Answered, Call, Headers, Reply};
pub use describe::{
    Member, MemberValue, Parameter, Place, Refusal, Shape, Special, example_of, type_name,
};

use std::future::Future;
use std::sync::Arc;

use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{RawPathParams, Request};
use axum::http::{Method, StatusCode};
use axum::response::Response;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::access::{Access, Rule};
use super::request::Visit;
use super::routes::Routes;
use crate::error::{Error, Result};

/// What a key may be allowed to do.
#[derive(Debug, PartialEq, Eq)]
pub struct Scope {
    /// Stable, for programs: `credits:read`.
    pub name: &'static str,
    /// For people, as the end of the sentence “Whoever has the key can …”.
    pub summary: &'static str,
}

/// What must be said about every endpoint.
#[derive(Debug, Clone, Copy)]
pub struct About {
    /// The operation's name in clients: `get_balance`.
    pub id: &'static str,
    /// Under which heading it stands.
    pub group: &'static str,
    pub summary: &'static str,
    pub description: &'static str,
    pub scope: &'static Scope,
}

/// One operation of the API.
#[derive(Clone)]
pub struct Endpoint {
    pub method: Method,
    /// The whole path: `/api/v1/services/{name}`.
    pub path: &'static str,
    pub about: About,
    pub parameters: Vec<Parameter>,
    /// What the request's body is, with an example.
    pub body: Option<(Shape, Value)>,
    /// What a good answer is, with an example.
    pub answer: (Shape, Value),
    /// The status of good answers, each with a description.
    pub statuses: Vec<(StatusCode, &'static str)>,
    /// How it may refuse, beside what every endpoint does.
    pub refusals: Vec<&'static Refusal>,
    /// What is known in more detail about some of the addresses that the path stands for.
    pub specials: Vec<Special>,
    /// How many bytes the request's body may have.
    pub body_limit: usize,
    /// Where the thing stands that an answer with 202 is about, as a path that ends before its `id`.
    pub location: Option<&'static str>,
    work: Work,
}

/// How an endpoint answers.
#[derive(Clone)]
enum Work {
    Json(Handler),
    Events(StreamHandler),
}

type StreamHandler = Arc<dyn Fn(Call) -> BoxFuture<'static, Result<Response>> + Send + Sync>;
type Handler = Arc<dyn Fn(Call) -> BoxFuture<'static, Result<Reply>> + Send + Sync>;

/// Whom the API lets in, how often, and what it makes of requests that come twice.
pub trait Gate: Send + Sync {
    /// Checks the request and lets `endpoint` answer it.
    fn pass(
        &self,
        endpoint: Arc<Endpoint>,
        visit: Visit,
        params: Vec<(String, String)>,
        request: Request,
    ) -> BoxFuture<'static, Response>;
}

impl Endpoint {
    /// Answers `GET` with a `T`.
    pub fn get<T, H, F>(path: &'static str, about: About, handler: H) -> Self
    where
        T: Answer,
        H: Fn(Call) -> F + Send + Sync + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        Self::new::<T>(Method::GET, path, about, move |call| {
            let answer = handler(call);
            async move { Reply::ok(&answer.await?) }.boxed()
        })
    }

    /// Answers `POST` of a `B`; the handler says with which status.
    pub fn post<B, A, H, F>(path: &'static str, about: About, example: Value, handler: H) -> Self
    where
        B: DeserializeOwned + JsonSchema + Send + 'static,
        A: Answered,
        H: Fn(Call, B) -> F + Send + Sync + 'static,
        F: Future<Output = Result<A>> + Send + 'static,
    {
        let handler = Arc::new(handler);
        let mut endpoint = Self::new::<A::Body>(Method::POST, path, about, move |mut call| {
            let handler = handler.clone();
            async move {
                let body = serde_json::from_value(call.take_body());
                let body = body.map_err(|fault| {
                    Error::unprocessable(format!("The body does not fit: {fault}."))
                })?;
                handler(call, body).await?.reply()
            }
            .boxed()
        });
        endpoint.body = Some((Shape::of::<B>(), example));
        endpoint
    }

    /// Answers `GET` with server-sent events, which look like `example`.
    pub fn events<H, F>(path: &'static str, about: About, example: &str, handler: H) -> Self
    where
        H: Fn(Call) -> F + Send + Sync + 'static,
        F: Future<Output = Result<Response>> + Send + 'static,
    {
        let shape = Shape::Named("EventStream".into(), json!({ "type": "string" }));
        let work = Work::Events(Arc::new(move |call| handler(call).boxed()));
        Self::with(Method::GET, (path, about), (shape, json!(example)), work)
    }

    fn new<T: Answer>(
        method: Method,
        path: &'static str,
        about: About,
        handler: impl Fn(Call) -> BoxFuture<'static, Result<Reply>> + Send + Sync + 'static,
    ) -> Self {
        let answer = (Shape::of::<T>(), json_of(&T::example()));
        let work = Work::Json(Arc::new(handler));
        Self::with(method, (path, about), answer, work)
    }

    fn with(
        method: Method,
        (path, about): (&'static str, About),
        answer: (Shape, Value),
        work: Work,
    ) -> Self {
        Self {
            method,
            path,
            about,
            parameters: Vec::new(),
            body: None,
            answer,
            statuses: vec![(StatusCode::OK, "Done")],
            refusals: Vec::new(),
            specials: Vec::new(),
            body_limit: Rule::from(Access::Public).body_limit,
            location: None,
            work,
        }
    }

    #[must_use]
    pub fn parameter(mut self, parameter: Parameter) -> Self {
        self.parameters.push(parameter);
        self
    }

    /// A good answer may have this status too.
    #[must_use]
    pub fn status(mut self, status: StatusCode, description: &'static str) -> Self {
        self.statuses.push((status, description));
        self
    }

    /// An answer with 202 says in `Location` where to ask again: `path` and the answer's `id`.
    #[must_use]
    pub fn located(mut self, path: &'static str) -> Self {
        self.location = Some(path);
        self
    }

    #[must_use]
    pub fn refuses(mut self, refusal: &'static Refusal) -> Self {
        self.refusals.push(refusal);
        self
    }

    /// Says more about one address.
    #[must_use]
    pub fn special(mut self, special: Special) -> Self {
        self.specials.push(special);
        self
    }

    #[must_use]
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = bytes;
        self
    }

    /// Does what the endpoint is there for. Whoever calls this has let the caller in.
    pub fn answer(&self, call: Call) -> BoxFuture<'static, Result<Reply>> {
        match &self.work {
            Work::Json(handler) => handler(call),
            Work::Events(_) => {
                let fault = anyhow::anyhow!("an endpoint of events was asked for JSON");
                async move { Err(Error::internal(fault)) }.boxed()
            }
        }
    }

    /// As [`Endpoint::answer`], where the answer is a stream of events; gives the call back where it is not.
    pub fn stream(
        &self,
        call: Call,
    ) -> std::result::Result<BoxFuture<'static, Result<Response>>, Box<Call>> {
        match &self.work {
            Work::Events(handler) => Ok(handler(call)),
            Work::Json(_) => Err(Box::new(call)),
        }
    }

    /// The media type of good answers.
    pub fn media_type(&self) -> &'static str {
        match self.work {
            Work::Json(_) => "application/json",
            Work::Events(_) => "text/event-stream",
        }
    }

    /// Adds the endpoint's route behind `gate`.
    pub(crate) fn mount(self: Arc<Self>, gate: &Arc<dyn Gate>, routes: Routes) -> Routes {
        let (gate, rule) = (gate.clone(), Rule::from(Access::Key(self.about.scope)));
        let (method, path) = (self.method.clone(), self.path);
        // A path that is no text names nothing: without parameters the endpoint finds nothing either.
        let handler = move |visit: Visit, params: Params, request: Request| {
            let params = params.iter().flat_map(RawPathParams::iter);
            let params = params.map(|(name, value)| (name.to_owned(), value.to_owned()));
            gate.pass(self.clone(), visit, params.collect(), request)
        };
        match method {
            Method::GET => routes.get(path, rule, handler),
            _ => routes.post(path, rule, handler),
        }
    }
}

type Params = std::result::Result<RawPathParams, RawPathParamsRejection>;

fn json_of(value: &impl Serialize) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}
