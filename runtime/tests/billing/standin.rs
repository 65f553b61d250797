//! A stand-in for Stripe: an HTTP server that takes only what Stripe takes, keeps state, fails when it is told to, and
//! answers a repeated key with its first answer.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use quickscale_runtime::billing::provider::API_VERSION;
use serde_json::{Value, json};

/// What goes wrong with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// This status, and nothing is done.
    Refused(u16),
    /// It is done, and the answer breaks off.
    AnswerLost,
}

#[derive(Default)]
pub(super) struct Shop {
    pub(super) objects: BTreeMap<String, Value>,
    answers: BTreeMap<String, (String, Value)>,
    faults: VecDeque<Fault>,
    /// Method and path of each request, in order.
    log: Vec<String>,
}

/// The server.
#[derive(Clone, Default)]
pub struct StandIn(Arc<Mutex<Shop>>);

impl StandIn {
    /// Starts; gives the address to call.
    pub async fn start() -> (Self, String) {
        let stand_in = Self::default();
        let router = Router::new().fallback(answer).with_state(stand_in.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (stand_in, address)
    }

    /// The next requests fail so, one after the other.
    pub fn fail(&self, faults: &[Fault]) {
        self.0.lock().unwrap().faults.extend(faults);
    }

    pub fn put(&self, body: Value) {
        let id = body["id"].as_str().unwrap().to_owned();
        self.0.lock().unwrap().objects.insert(id, body);
    }

    /// It is as if there had never been such an object.
    pub fn forget(&self, id: &str) {
        self.0.lock().unwrap().objects.remove(id);
    }

    pub fn all(&self, prefix: &str) -> Vec<Value> {
        let shop = self.0.lock().unwrap();
        let objects = shop.objects.iter().filter(|(id, _)| id.starts_with(prefix));
        objects.map(|(_, body)| body.clone()).collect()
    }

    pub fn log(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap().log)
    }
}

fn refuse(status: u16, message: String) -> Response {
    let error = json!({"error": {"type": "invalid_request_error", "message": message}});
    (StatusCode::from_u16(status).unwrap(), error.to_string()).into_response()
}

async fn answer(State(stand_in): State<StandIn>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1024 * 1024).await.unwrap();
    let header = |name: &str| {
        parts
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    };
    let path = parts.uri.path().to_owned();
    let mut shop = stand_in.0.lock().unwrap();
    shop.log.push(format!("{} {path}", parts.method));
    if header("authorization") != "Bearer rk_test_1" {
        return refuse(401, "Invalid API Key provided".into());
    }
    if header("stripe-version") != API_VERSION {
        return refuse(400, "Invalid Stripe API version".into());
    }
    let fault = shop.faults.pop_front();
    if let Some(Fault::Refused(status)) = fault {
        return refuse(status, "told to fail".into());
    }
    let given = if parts.method == Method::POST {
        if header("content-type") != "application/x-www-form-urlencoded" {
            return refuse(400, "Invalid content type".into());
        }
        String::from_utf8(body.to_vec()).unwrap()
    } else {
        parts.uri.query().unwrap_or_default().to_owned()
    };
    let fields: BTreeMap<String, String> = serde_urlencoded::from_str(&given).unwrap();
    let key = header("idempotency-key").to_owned();
    if parts.method == Method::POST && key.is_empty() {
        return refuse(400, "every POST of ours has a key".into());
    }
    let known = shop
        .answers
        .get(&key)
        .filter(|_| parts.method == Method::POST)
        .cloned();
    let done = match known {
        Some((before, _)) if before != format!("{path}?{given}") => {
            return refuse(
                400,
                "Keys for idempotent requests can only be used with the same parameters".into(),
            );
        }
        Some((_, body)) => Ok(body),
        None => shop.carry_out(&parts.method, &path, &fields),
    };
    let body = match done {
        Ok(body) => body,
        Err((status, message)) => return refuse(status, message),
    };
    if parts.method == Method::POST {
        shop.answers
            .insert(key, (format!("{path}?{given}"), body.clone()));
    }
    if fault == Some(Fault::AnswerLost) {
        let broken = [
            Ok(Bytes::from_static(b"{\"id\":")),
            Err(std::io::Error::other("reset")),
        ];
        return Response::new(Body::from_stream(futures_util::stream::iter(broken)));
    }
    body.to_string().into_response()
}

pub(super) type Done = Result<Value, (u16, String)>;

/// Refuses fields that the real one does not know.
pub(super) fn only(fields: &BTreeMap<String, String>, known: &[&str]) -> Result<(), (u16, String)> {
    let unknown = fields.keys().find(|name| !known.contains(&name.as_str()));
    unknown.map_or(Ok(()), |name| {
        Err((400, format!("Received unknown parameter: {name}")))
    })
}

pub(super) fn needed(
    fields: &BTreeMap<String, String>,
    name: &str,
) -> Result<String, (u16, String)> {
    fields
        .get(name)
        .cloned()
        .ok_or_else(|| (400, format!("Missing required param: {name}.")))
}

impl Shop {
    fn carry_out(
        &mut self,
        method: &Method,
        path: &str,
        fields: &BTreeMap<String, String>,
    ) -> Done {
        let parts: Vec<_> = path.trim_start_matches("/v1/").split('/').collect();
        let number = self.objects.len() + 1;
        match (method.as_str(), &parts[..]) {
            ("POST", ["customers"]) => {
                only(fields, &["email", "metadata[customer]"])?;
                let email = needed(fields, "email")?;
                self.keep(
                    json!({"id": format!("cus_{number}"), "object": "customer", "email": email}),
                )
            }
            ("POST", ["products"]) => {
                only(fields, &["id", "name", "description", "metadata[item]"])?;
                let (id, name) = (needed(fields, "id")?, needed(fields, "name")?);
                let description = fields.get("description");
                let metadata = json!({"item": fields.get("metadata[item]")});
                self.keep(json!({
                    "id": id, "object": "product", "name": name, "description": description, "active": true,
                    "metadata": metadata,
                }))
            }
            ("POST", ["products", id]) => {
                only(fields, &["name", "description", "metadata[item]"])?;
                let fields = fields.clone();
                self.change(id, |product| {
                    for name in ["name", "description"] {
                        product[name] = json!(fields.get(name));
                    }
                })
            }
            ("POST", ["prices"]) => self.make_price(fields, number),
            ("GET", ["prices"]) if fields.contains_key("lookup_keys[]") => {
                only(fields, &["lookup_keys[]", "active", "limit"])?;
                let wanted = needed(fields, "lookup_keys[]")?;
                let found = self
                    .objects
                    .values()
                    .filter(|body| body["lookup_key"] == wanted.as_str() && body["active"] == true);
                let found: Vec<_> = found.cloned().collect();
                Ok(json!({"object": "list", "data": found, "has_more": false}))
            }
            ("POST", ["checkout", "sessions"]) => self.open(fields, number),
            ("POST", ["checkout", "sessions", id, "expire"]) => {
                only(fields, &[])?;
                self.change(id, |session| session["status"] = "expired".into())
            }
            ("POST", ["refunds"]) => self.refund(fields, number),
            ("POST", ["subscription_schedules", rest @ ..]) => self.plan(rest, fields, number),
            ("POST" | "DELETE", ["subscriptions", id]) => {
                self.change_subscription(method, id, fields)
            }
            (
                "GET",
                [
                    kind @ ("products" | "prices" | "subscriptions" | "invoices" | "charges"
                    | "disputes" | "refunds"),
                ],
            ) => {
                only(
                    fields,
                    &[
                        "limit",
                        "created[gte]",
                        "status",
                        "expand[]",
                        "starting_after",
                    ],
                )?;
                Ok(self.list(kind, fields))
            }
            ("GET", ["checkout", "sessions"]) => Ok(self.list("checkout.sessions", fields)),
            ("GET", [_, id]) | ("GET", [_, _, id]) => {
                only(fields, &["expand[]"])?;
                self.read(id, fields.get("expand[]"))
            }
            _ => Err((404, format!("Unrecognized request URL ({method}: {path})."))),
        }
    }

    /// Two at a time, so that lists have several parts.
    fn list(&self, kind: &str, fields: &BTreeMap<String, String>) -> Value {
        let name = kind.trim_end_matches('s');
        let after = fields.get("starting_after");
        let since = fields
            .get("created[gte]")
            .map_or(0, |since| since.parse().unwrap());
        let is_new = |body: &Value| body["created"].as_i64().is_none_or(|at| at >= since);
        let all = self
            .objects
            .iter()
            .filter(|(_, body)| body["object"] == name);
        let rest: Vec<_> = all
            .filter(|(id, body)| after.is_none_or(|after| *id > after) && is_new(body))
            .map(|(_, body)| body)
            .collect();
        json!({"object": "list", "data": &rest[..rest.len().min(2)], "has_more": rest.len() > 2})
    }

    /// Payments of invoices are told, and products of prices spelt out, only where that is asked for.
    fn read(&self, id: &str, expand: Option<&String>) -> Done {
        let gone = || (404, format!("No such object: {id}"));
        let mut body = self.objects.get(id).cloned().ok_or_else(gone)?;
        match expand.map(String::as_str) {
            Some("payments") if body["object"] == "invoice" => {}
            Some("schedule") if body["object"] == "subscription" => {
                let schedule = body["schedule"].as_str().unwrap_or_default();
                body["schedule"] = self.objects.get(schedule).cloned().unwrap_or_default();
            }
            Some("product") if body["object"] == "price" => {
                let product = body["product"].as_str().unwrap();
                body["product"] = self.objects.get(product).cloned().unwrap();
            }
            Some(name) => return Err((400, format!("This property cannot be expanded ({name})."))),
            None => drop(body.as_object_mut().unwrap().remove("payments")),
        }
        Ok(body)
    }

    pub(super) fn keep(&mut self, body: Value) -> Done {
        let id = body["id"].as_str().unwrap().to_owned();
        self.objects.insert(id, body.clone());
        Ok(body)
    }

    pub(super) fn change(&mut self, id: &str, change: impl FnOnce(&mut Value)) -> Done {
        let body = self
            .objects
            .get_mut(id)
            .ok_or((404, format!("No such object: {id}")))?;
        change(body);
        Ok(body.clone())
    }

    fn make_price(&mut self, fields: &BTreeMap<String, String>, number: usize) -> Done {
        let known = [
            "product",
            "currency",
            "unit_amount",
            "lookup_key",
            "transfer_lookup_key",
            "metadata[item]",
            "metadata[credits_milli]",
            "recurring[interval]",
        ];
        only(fields, &known)?;
        if !self.objects.contains_key(&needed(fields, "product")?) {
            return Err((400, "No such product".into()));
        }
        let key = needed(fields, "lookup_key")?;
        for body in self
            .objects
            .values_mut()
            .filter(|body| body["lookup_key"] == key.as_str())
        {
            body["lookup_key"] = Value::Null;
        }
        let amount: i64 = needed(fields, "unit_amount")?
            .parse()
            .map_err(|_| (400, "Invalid integer".to_owned()))?;
        let interval = fields
            .get("recurring[interval]")
            .map(|interval| json!({"interval": interval}));
        let credits = fields.get("metadata[credits_milli]");
        self.keep(json!({
            "id": format!("price_{number}"), "object": "price", "currency": fields["currency"],
            "unit_amount": amount, "lookup_key": key, "recurring": interval, "product": fields["product"],
            "active": true, "created": 1_767_225_600,
            "metadata": {"item": fields.get("metadata[item]"), "credits_milli": credits},
        }))
    }

    fn open(&mut self, fields: &BTreeMap<String, String>, number: usize) -> Done {
        let known = [
            "mode",
            "customer",
            "client_reference_id",
            "metadata[order]",
            "line_items[0][price]",
            "line_items[0][quantity]",
            "success_url",
            "cancel_url",
            "payment_intent_data[metadata][order]",
            "subscription_data[metadata][order]",
            "subscription_data[trial_period_days]",
            "subscription_data[trial_settings][end_behavior][missing_payment_method]",
            "payment_method_collection",
        ];
        only(fields, &known)?;
        let price = self
            .objects
            .get(&needed(fields, "line_items[0][price]")?)
            .cloned();
        let price = price.ok_or((400, "No such price".to_owned()))?;
        if !self.objects.contains_key(&needed(fields, "customer")?) {
            return Err((400, "No such customer".into()));
        }
        let is_recurring = !price["recurring"].is_null();
        if is_recurring != (needed(fields, "mode")? == "subscription") {
            return Err((400, "You must provide a price that fits the mode".into()));
        }
        let quantity: i64 = needed(fields, "line_items[0][quantity]")?.parse().unwrap();
        let id = format!("cs_{number}");
        self.keep(json!({
            "id": id, "object": "checkout.session", "mode": fields["mode"], "status": "open",
            "payment_status": "unpaid", "customer": fields["customer"], "created": 1_767_225_600,
            "client_reference_id": fields["client_reference_id"], "currency": price["currency"],
            "amount_total": price["unit_amount"].as_i64().unwrap() * quantity,
            "url": format!("https://checkout.stripe.test/c/{id}"), "payment_intent": null, "subscription": null,
        }))
    }

    fn refund(&mut self, fields: &BTreeMap<String, String>, number: usize) -> Done {
        only(fields, &["payment_intent", "amount", "metadata[refund]"])?;
        let intent = needed(fields, "payment_intent")?;
        let amount: i64 = needed(fields, "amount")?.parse().unwrap();
        let charge = self
            .objects
            .values_mut()
            .find(|body| body["object"] == "charge" && body["payment_intent"] == intent.as_str());
        let charge = charge.ok_or((404, "No such payment_intent".to_owned()))?;
        let refunded = charge["amount_refunded"].as_i64().unwrap() + amount;
        if refunded > charge["amount"].as_i64().unwrap() {
            return Err((
                400,
                "Refund amount is greater than unrefunded amount on charge".into(),
            ));
        }
        charge["amount_refunded"] = refunded.into();
        let charge = charge["id"].clone();
        self.keep(json!({
            "id": format!("re_{number}"), "object": "refund", "charge": charge, "payment_intent": intent,
            "amount": amount, "status": "succeeded", "metadata": {"refund": fields.get("metadata[refund]")},
        }))
    }
}
