//! Requests a second of a generated application, on SQLite and on PostgreSQL, with the client on the same cores.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use super::Project;
use super::server::{Server, Setting, sqlite};
use super::table::{Table, megabytes};
use super::wrk::{self, Answers, Load};
use crate::person::{PASSWORD, Person, hidden};
use crate::servers::{Durability, Postgres};

/// How many connections send at the same time.
pub(super) const CONNECTIONS: u32 = 16;
/// How many of them sign in at a time, over and over, while others look at pages.
const SIGNING_IN: u32 = 4;

pub fn measure(project: &Project, binary: &Path, seconds: u64, table: &mut Table) -> Result<()> {
    let setting = |database_url: String| Setting {
        folder: project.folder(),
        binary: binary.to_owned(),
        database_url,
    };
    let file = project.scratch().join("load.db");
    Run {
        database: "SQLite",
        seconds,
        table,
    }
    .measure(&setting(sqlite(&file)))?;
    let postgres = Postgres::start(Durability::Full)?;
    Run {
        database: "PostgreSQL",
        seconds,
        table,
    }
    .measure(&setting(postgres.url("postgres")))?;
    table.made_by(format!(
        "`wrk --latency -t1 -c{CONNECTIONS} -d{seconds}s` against `APP_ENV=production my-saas-app serve`, both on this machine; \
         databases as they come, with their full durability"
    ));
    Ok(())
}

/// One database's turn.
struct Run<'a> {
    database: &'static str,
    seconds: u64,
    table: &'a mut Table,
}

impl Run<'_> {
    fn measure(&mut self, setting: &Setting) -> Result<()> {
        setting.migrate()?;
        let mut server = setting.serve()?;
        let people = people(&server)?;
        let cookies = people[0].cookies();
        let home = self.load(&server, "/", None).run()?;
        self.tell("home page", &home, "20000 /s");
        let dashboard = self.load(&server, "/dashboard", Some(&cookies)).run()?;
        self.tell("dashboard, signed in", &dashboard, "5000 /s");
        // At once, so that nothing but the sign-ins differs: after many writes PostgreSQL would be at its upkeep.
        self.measure_beside_sign_ins(setting, &server, &cookies)?;
        self.measure_paid_runs(setting, &server, &people)?;
        self.measure_paid_calls(setting, &server, &people)?;
        std::thread::sleep(Duration::from_secs(2));
        self.table.add(
            format!("{}: memory after all that", self.database),
            megabytes(server.memory()?),
            "80 MB",
        );
        Ok(())
    }

    fn load<'b>(&self, server: &Server, path: &str, cookies: Option<&'b str>) -> Load<'b> {
        let url = format!("{}{path}", server.url());
        Load {
            url,
            connections: CONNECTIONS,
            seconds: self.seconds,
            script: None,
            cookies,
        }
    }

    fn tell(&mut self, what: &str, answers: &Answers, aim: &str) {
        let Answers {
            requests: _,
            per_second,
            p50,
            p99,
        } = answers;
        let measured = format!("{per_second:.0} /s, p50 {p50}, p99 {p99}");
        self.table
            .add(format!("{}: {what}", self.database), measured, aim);
    }

    /// As many people as connections run the sentiment service, over and over; every run is a new one, and paid for.
    fn measure_paid_runs(
        &mut self,
        setting: &Setting,
        server: &Server,
        people: &[Person],
    ) -> Result<()> {
        let path = "/services/text_sentiment_analysis";
        let script = setting.folder.join("paid-runs.lua");
        fs_err::write(&script, paid_runs(people, path)?)?;
        let before = wealth(people)?;
        let load = Load {
            script: Some(&script),
            ..self.load(server, path, None)
        };
        let answers = load.run()?;
        let paid = before - wealth(people)?;
        ensure!(
            paid >= answers.requests,
            "{} runs cost {paid} credits",
            answers.requests
        );
        self.tell("a paid run of the sentiment service", &answers, "1000 /s");
        Ok(())
    }

    /// The same through the API, each person's program with a key of its own.
    fn measure_paid_calls(
        &mut self,
        setting: &Setting,
        server: &Server,
        people: &[Person],
    ) -> Result<()> {
        let path = "/api/v1/services/text_sentiment_analysis/runs";
        let keys: Vec<String> = people.iter().map(Person::api_key).collect::<Result<_>>()?;
        for (what, is_once) in [("", false), (", with an Idempotency-Key", true)] {
            let script = setting.folder.join("paid-calls.lua");
            fs_err::write(&script, paid_calls(&keys, is_once))?;
            let before = wealth(people)?;
            let load = Load {
                script: Some(&script),
                ..self.load(server, path, None)
            };
            let answers = load.run()?;
            let paid = before - wealth(people)?;
            ensure!(
                paid >= answers.requests,
                "{} calls cost {paid} credits",
                answers.requests
            );
            let what = format!("a paid run of the sentiment service through the API{what}");
            self.tell(&what, &answers, "p99 25 ms");
        }
        Ok(())
    }

    /// The pages again, while others sign in without a pause.
    fn measure_beside_sign_ins(
        &mut self,
        setting: &Setting,
        server: &Server,
        cookies: &str,
    ) -> Result<()> {
        let script = setting.folder.join("sign-ins.lua");
        fs_err::write(&script, sign_ins(&Person::at(&server.url()))?)?;
        for (what, path, cookies) in [
            ("home page", "/", None),
            ("dashboard", "/dashboard", Some(cookies)),
        ] {
            let others = Load {
                connections: SIGNING_IN,
                seconds: self.seconds + 2,
                script: Some(&script),
                ..self.load(server, "/accounts/login", None)
            };
            let others = others.start()?;
            std::thread::sleep(Duration::from_secs(1));
            let answers = self.load(server, path, cookies).run()?;
            let others = others.wait_with_output()?;
            let others = wrk::read(&String::from_utf8_lossy(&others.stdout))?;
            self.tell(
                &format!("{what} beside {:.0} sign-ins a second", others.per_second),
                &answers,
                "",
            );
        }
        Ok(())
    }
}

pub(super) fn people(server: &Server) -> Result<Vec<Person>> {
    let new = |number| -> Result<Person> {
        let person = Person::at(&server.url());
        person.sign_up(&email(number))?;
        Ok(person)
    };
    (0..CONNECTIONS).map(new).collect()
}

fn email(number: u32) -> String {
    format!("person{number}@example.com")
}

/// How many credits they have together.
fn wealth(people: &[Person]) -> Result<u64> {
    let of = |person: &Person| -> Result<u64> {
        let page = person.page("/credits")?;
        let (before, _) = page
            .split_once(" credits available")
            .context("/credits tells no balance")?;
        let number = before
            .rsplit(|character: char| !character.is_ascii_digit())
            .next();
        Ok(number.unwrap_or_default().parse()?)
    };
    people.iter().map(of).sum()
}

/// The rest of a script after `local people = {`: each request is the next person's, with a key of its own.
const TAKE_TURNS: &str = r#"}
local turn = 0
function request()
  turn = turn + 1
  local person = people[turn % #people + 1]
  local headers = { ["Content-Type"] = "application/x-www-form-urlencoded", ["Cookie"] = person.cookie }
  return wrk.format("POST", nil, headers, person.body .. "x" .. turn)
end
"#;

/// A script of wrk's that lets people run a service in turn, each time with a key that is new.
fn paid_runs(people: &[Person], path: &str) -> Result<String> {
    let mut script = String::from("local people = {\n");
    for person in people {
        let page = person.page(path)?;
        let token = hidden(&page, "csrf").context("the service has no form")?;
        let key = hidden(&page, "run_key").context("the service's form has no key")?;
        let body = form(&[
            ("csrf", &token),
            ("text", "What a wonderful day, I love it!"),
            ("run_key", &key),
        ]);
        script += &format!(
            "  {{ cookie = \"{}\", body = \"{body}\" }},\n",
            person.cookies()
        );
    }
    script += TAKE_TURNS;
    Ok(script)
}

/// A script of wrk's that lets programs run a service in turn; with `is_once`, each time under a new key.
pub(super) fn paid_calls(keys: &[String], is_once: bool) -> String {
    let keys: Vec<_> = keys.iter().map(|key| format!("\"{key}\"")).collect();
    let once = if is_once {
        "headers[\"Idempotency-Key\"] = \"call-\" .. turn"
    } else {
        ""
    };
    format!(
        r#"local keys = {{ {} }}
local turn = 0
function request()
  turn = turn + 1
  local headers = {{ ["Content-Type"] = "application/json" }}
  headers["Authorization"] = "Bearer " .. keys[turn % #keys + 1]
  {once}
  return wrk.format("POST", nil, headers, '{{"text":"What a wonderful day, I love it!"}}')
end
"#,
        keys.join(", ")
    )
}

/// A script of wrk's that signs in with each request.
fn sign_ins(browser: &Person) -> Result<String> {
    let page = browser.page("/accounts/login")?;
    let token = hidden(&page, "csrf").context("the page has no form")?;
    let body = form(&[
        ("csrf", &token),
        ("email", &email(0)),
        ("password", PASSWORD),
    ]);
    let cookies = browser.cookies();
    Ok(format!(
        "wrk.method = \"POST\"\nwrk.body = \"{body}\"\nwrk.headers[\"Cookie\"] = \"{cookies}\"\n\
         wrk.headers[\"Content-Type\"] = \"application/x-www-form-urlencoded\"\n"
    ))
}

/// Fields as a browser sends them: whatever is neither a letter nor a digit as `%XX`.
fn form(fields: &[(&str, &str)]) -> String {
    let encode = |text: &str| -> String {
        let byte = |byte: u8| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        };
        text.bytes().map(byte).collect()
    };
    let pairs: Vec<_> = fields
        .iter()
        .map(|(name, value)| format!("{name}={}", encode(value)))
        .collect();
    pairs.join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_encoded() {
        assert_eq!(
            form(&[("email", "a@b.example"), ("text", "1 & 2")]),
            "email=a%40b%2Eexample&text=1%20%26%202"
        );
    }
}
