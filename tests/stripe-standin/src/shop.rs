//! What the stand-in knows: objects, the answers that it gave, what goes wrong next, and the events of what happened.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::fields::{Done, Fields, Refusal};
use super::{API_VERSION, Fault};

pub struct Shop {
    pub address: String,
    pub key: String,
    pub objects: BTreeMap<String, Value>,
    /// What was asked under a key, and the answer.
    pub answers: BTreeMap<String, (String, Done)>,
    /// Keys whose requests are not answered yet.
    pub in_use: BTreeSet<String>,
    /// With which fields payment pages were opened.
    pub wishes: BTreeMap<String, Fields>,
    pub faults: VecDeque<Fault>,
    pub log: Vec<String>,
    pub keys: Vec<String>,
    pub events: Vec<Value>,
    /// Seconds since 1970; the real time without.
    pub clock: Option<i64>,
    made: u32,
}

impl Shop {
    pub fn new(address: String, key: &str) -> Self {
        Self {
            address,
            key: key.to_owned(),
            objects: BTreeMap::new(),
            answers: BTreeMap::new(),
            in_use: BTreeSet::new(),
            wishes: BTreeMap::new(),
            faults: VecDeque::new(),
            log: Vec::new(),
            keys: Vec::new(),
            events: Vec::new(),
            clock: None,
            made: 0,
        }
    }

    pub fn now(&self) -> i64 {
        let real = || {
            let since = SystemTime::now().duration_since(UNIX_EPOCH);
            since.map_or(0, |since| {
                i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
            })
        };
        self.clock.unwrap_or_else(real)
    }

    /// An identifier that nothing has; later ones stand after earlier ones.
    pub fn name(&mut self, prefix: &str) -> String {
        self.made += 1;
        format!("{prefix}_{:06}", self.made)
    }

    pub fn keep(&mut self, body: Value) -> Value {
        let id = body["id"].as_str().unwrap_or_default().to_owned();
        self.objects.insert(id, body.clone());
        body
    }

    /// The object of a kind, `customer` and the like.
    pub fn find(&self, kind: &str, id: &str) -> Done {
        let is_there = |body: &&Value| body["object"] == kind && body["deleted"] != true;
        let found = self.objects.get(id).filter(is_there);
        found.cloned().ok_or_else(|| Refusal::missing(kind, id))
    }

    pub fn change(&mut self, id: &str, change: impl FnOnce(&mut Value)) -> Done {
        let body = self.objects.get_mut(id);
        let body = body.ok_or_else(|| Refusal::missing("object", id))?;
        change(body);
        Ok(body.clone())
    }

    /// Notes what happened, as an event of the object as it is now.
    pub fn tell(&mut self, kind: &str, object: &Value) {
        let id = self.name("evt");
        let mut object = object.clone();
        // An event expands nothing.
        if let Some(fields) = object.as_object_mut() {
            fields.remove("payments");
        }
        self.events.push(json!({
            "id": id, "object": "event", "api_version": API_VERSION, "created": self.now(), "livemode": false,
            "pending_webhooks": 1, "type": kind, "data": {"object": object},
        }));
    }
}

/// The text of a field, or nothing.
pub fn text<'a>(body: &'a Value, name: &str) -> &'a str {
    body[name].as_str().unwrap_or_default()
}

/// The number of a field, or 0.
pub fn number(body: &Value, name: &str) -> i64 {
    body[name].as_i64().unwrap_or_default()
}
