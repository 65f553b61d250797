//! The ledger under load, on PostgreSQL with its full durability: spends through the API against pgbench with the
//! same SQL, one account that everybody spends from, a short and a long journal, a paid run.

mod probe;

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use ureq::Agent;

use super::Project;
use super::http::{CONNECTIONS, paid_calls, people};
use super::server::{Server, Setting};
use super::table::{Table, milliseconds, percentile};
use super::wrk::{Answers, Load};
use crate::person::Person;
use crate::servers::{Durability, Postgres};
use crate::{process, tools};

/// How often pgbench and the API take turns.
const TURNS: u32 = 3;
/// How many entries the long journal has, and how many the short one.
const MANY: u32 = 1_000_000;
const FEW: u32 = 10;
/// How often each is asked, in turn.
const LOOKS: u32 = 400;

/// Adds the endpoint that spends to a project that was just created.
pub fn prepare(project: &Project) -> Result<()> {
    let source = project.folder().join("src");
    fs_err::write(source.join("spending.rs"), include_str!("spending.rs.txt"))?;
    let lib = source.join("lib.rs");
    let text = fs_err::read_to_string(&lib)?;
    let install = "modules::install(App::builder(modules::NAME, environment))";
    ensure!(text.contains(install), "{} is not as it was", lib.display());
    let with = format!("{install}.module(spending::Spending)");
    let text = text.replace(install, &with);
    let text = text.replace("pub mod modules;", "pub mod modules;\nmod spending;");
    Ok(fs_err::write(lib, text)?)
}

pub fn measure(project: &Project, binary: &Path, seconds: u64, table: &mut Table) -> Result<()> {
    let postgres = Postgres::start(Durability::Full)?;
    let setting = Setting {
        folder: project.folder(),
        binary: binary.to_owned(),
        database_url: postgres.url("postgres"),
    };
    setting.migrate()?;
    let server = setting.serve()?;
    let people = people(&server)?;
    let keys: Vec<String> = people.iter().map(Person::api_key).collect::<Result<_>>()?;
    let mut run = Run {
        postgres: &postgres,
        setting: &setting,
        server: &server,
        keys: &keys,
        seconds,
        table,
    };
    run.measure_distinct_accounts()?;
    run.measure_one_account()?;
    run.measure_paid_runs()?;
    // Last: so many rows keep the server's housekeeping busy for a while.
    run.measure_journals()
}

struct Run<'a> {
    postgres: &'a Postgres,
    setting: &'a Setting,
    server: &'a Server,
    keys: &'a [String],
    seconds: u64,
    table: &'a mut Table,
}

impl Run<'_> {
    /// Balance and spend of an account with few entries and of one with many, asked in turn.
    fn measure_journals(&mut self) -> Result<()> {
        let newcomer = |email| -> Result<String> {
            let person = Person::at(&self.server.url());
            person.sign_up(email)?;
            person.api_key()
        };
        let [first, second] = [
            newcomer("short@example.com")?,
            newcomer("long@example.com")?,
        ];
        let short = Program::new(self.server, &first);
        let long = Program::new(self.server, &second);
        for program in [&short, &long] {
            (1..FEW).try_for_each(|_| program.spend())?;
        }
        self.setting.sql(&grow(MANY, &second))?;
        self.setting.sql("VACUUM ANALYZE")?;
        self.setting.sql("CHECKPOINT")?;
        for (what, ask) in [
            ("balance", Program::balance as fn(&Program) -> Result<()>),
            ("spend", Program::spend),
        ] {
            let (mut few, mut many) = (Vec::new(), Vec::new());
            for _ in 0..LOOKS {
                few.push(time(|| ask(&short))?);
                many.push(time(|| ask(&long))?);
            }
            let [few, many] = [few, many].map(|times| percentile(&times, 0.5));
            let ratio = many.as_secs_f64() / few.as_secs_f64();
            self.table.add(
                format!("{what} at {MANY} entries of one account, p50 against {FEW} entries"),
                format!(
                    "{} / {} = {ratio:.2}",
                    milliseconds(many),
                    milliseconds(few)
                ),
                "0.8 to 1.2",
            );
        }
        self.table.made_by(format!(
            "`GET /api/v1/credits/balance` and `POST /api/v1/spend`, {LOOKS} times each, the two accounts in turn"
        ));
        Ok(())
    }

    /// Each connection spends from an account of its own; pgbench does the same, in turn.
    fn measure_distinct_accounts(&mut self) -> Result<()> {
        self.spend(self.keys, 2)?;
        let script = self.setting.folder.join("spend.sql");
        fs_err::write(&script, self.script()?)?;
        let (mut api, mut pgbench) = (0.0, 0.0);
        for _ in 0..TURNS {
            pgbench += self.pgbench(&script)?;
            api += self.spend(self.keys, self.seconds)?.per_second;
        }
        let (api, pgbench) = (api / f64::from(TURNS), pgbench / f64::from(TURNS));
        self.table.add(
            format!("spend from {CONNECTIONS} accounts through the API, against pgbench"),
            format!(
                "{api:.0} /s / {pgbench:.0} /s = {:.0} %",
                api / pgbench * 100.0
            ),
            "50 %",
        );
        self.table.made_by(format!(
            "`wrk -t1 -c{CONNECTIONS}` on `POST /api/v1/spend`, in turn with `pgbench -n -M prepared -c{CONNECTIONS} -j1` \
             on the statements that the server logged of one such call, {TURNS} times each"
        ));
        Ok(())
    }

    fn measure_one_account(&mut self) -> Result<()> {
        let answers = self.spend(&self.keys[..1], self.seconds)?;
        self.tell(
            "spend from one account on all connections",
            &answers,
            "400 /s",
        );
        Ok(())
    }

    fn measure_paid_runs(&mut self) -> Result<()> {
        let path = "/api/v1/services/text_sentiment_analysis/runs";
        let answers = self.load(path, &paid_calls(self.keys, false), self.seconds)?;
        let what = "a paid run of the sentiment service through the API";
        self.tell(what, &answers, "p99 25 ms");
        Ok(())
    }

    fn tell(&mut self, what: &str, answers: &Answers, aim: &str) {
        let Answers {
            requests: _,
            per_second,
            p50,
            p99,
        } = answers;
        let measured = format!("{per_second:.0} /s, p50 {p50}, p99 {p99}");
        self.table.add(format!("PostgreSQL: {what}"), measured, aim);
    }

    fn spend(&self, keys: &[String], seconds: u64) -> Result<Answers> {
        let script = paid_calls(keys, false);
        self.load("/api/v1/spend", &script, seconds)
    }

    fn load(&self, path: &str, script: &str, seconds: u64) -> Result<Answers> {
        let file = self.setting.folder.join("calls.lua");
        fs_err::write(&file, script)?;
        let load = Load {
            url: format!("{}{path}", self.server.url()),
            connections: CONNECTIONS,
            seconds,
            script: Some(&file),
            cookies: None,
        };
        load.run()
    }

    /// Transactions a second.
    fn pgbench(&self, script: &Path) -> Result<f64> {
        let mut command = Command::new(program("pgbench")?);
        command.args(["-n", "-M", "prepared", "-j1", "-D", "ready=0"]);
        command.arg(format!("-c{CONNECTIONS}"));
        command.arg(format!("-T{}", self.seconds));
        command.arg("-f").arg(script);
        command.arg(&self.setting.database_url);
        eprintln!("$ {}", process::show(&command));
        let report = process::read(&mut command)?;
        let told = report.lines().find_map(|line| line.strip_prefix("tps = "));
        let number = told.and_then(|rest| rest.split(' ').next());
        let number = number.with_context(|| format!("pgbench tells no tps:\n{report}"))?;
        Ok(number.parse()?)
    }

    /// One call of the API as a script for pgbench.
    fn script(&self) -> Result<String> {
        self.setting.sql(PEOPLE)?;
        self.setting
            .sql("ALTER SYSTEM SET log_line_prefix = '%p|'")?;
        self.setting.sql("ALTER SYSTEM SET log_statement = 'all'")?;
        self.setting.sql("SELECT pg_reload_conf()")?;
        let program = Program::new(self.server, &self.keys[0]);
        let deadline = Instant::now() + Duration::from_secs(30);
        let call = loop {
            let before = self.postgres.log()?.len();
            program.spend()?;
            let logged = probe::read(&self.postgres.log()?[before..])?;
            match probe::of_one_call(logged) {
                Ok(call) => break call,
                // Not every connection has read its new configuration by now.
                Err(_) if Instant::now() < deadline => {
                    std::thread::sleep(Duration::from_millis(50))
                }
                Err(fault) => return Err(fault),
            }
        };
        self.setting.sql("ALTER SYSTEM RESET log_statement")?;
        self.setting.sql("SELECT pg_reload_conf()")?;
        let seen = self.setting.sql(&format!(
            "{SEEN} AND k.handle = '{}'",
            handle(&self.keys[0])
        ))?;
        let mut seen = seen.split('|').map(str::to_owned);
        let names = [
            "owner", "account", "lot", "handle", "last_seq", "previous", "key",
        ];
        let values = names.map(|name| (seen.next().unwrap_or_default(), name));
        probe::script(
            &call,
            &probe::Own {
                values: values.into(),
            },
        )
    }
}

/// Whose accounts pgbench spends from: client by client those of the API's callers.
const PEOPLE: &str = "CREATE TABLE bench_people AS
    SELECT row_number() OVER (ORDER BY u.id) - 1 AS n, u.id AS owner, a.id AS account, l.id AS lot, k.handle
    FROM users u JOIN credit_accounts a ON a.owner_id = u.id JOIN credit_lots l ON l.account_id = a.id
    JOIN api_keys k ON k.user_id = u.id";

/// What the newest entry of an account was made with.
const SEEN: &str = "SELECT a.owner_id, a.id, l.id, k.handle, e.seq, e.seq - 1, e.idempotency_key
    FROM credit_accounts a JOIN credit_lots l ON l.account_id = a.id
    JOIN credit_entries e ON e.account_id = a.id AND e.seq = a.last_seq
    JOIN api_keys k ON k.user_id = a.owner_id WHERE 1 = 1";

/// Lengthens the journal of a key's owner as if that many thousandths had been spent one by one.
fn grow(entries: u32, key: &str) -> String {
    let handle = handle(key);
    format!(
        "CREATE TABLE grown AS SELECT a.id AS account, l.id AS lot, a.last_seq AS seq, a.used,
             a.available + a.held - a.debt AS balance
         FROM credit_accounts a JOIN credit_lots l ON l.account_id = a.id
         JOIN api_keys k ON k.user_id = a.owner_id WHERE k.handle = '{handle}';
         INSERT INTO credit_entries (account_id, seq, kind, amount, balance_after, debt_after, used_after,
             actor, reason, idempotency_key, digest, hash, created_at)
         SELECT account, seq + n, 'spend', -1, balance - n, 0, used + n, 'system', 'Long ago',
             'api-call:' || md5(n::text), md5(n::text) || md5(n::text), md5(n::text) || md5(n::text),
             1700000000000000 + n FROM grown, generate_series(1, {entries}) n;
         INSERT INTO credit_allocations (account_id, seq, position, lot_id, amount)
         SELECT account, seq + n, 0, lot, -1 FROM grown, generate_series(1, {entries}) n;
         UPDATE credit_lots SET remaining = remaining - {entries}, spent = spent + {entries}
             FROM grown WHERE id = lot;
         UPDATE credit_accounts SET available = available - {entries}, last_seq = last_seq + {entries},
             used = credit_accounts.used + {entries} FROM grown WHERE id = account"
    )
}

/// The part of a key under which it is found.
fn handle(key: &str) -> &str {
    let rest = key.trim_start_matches("qs_live_");
    rest.get(..8).unwrap_or(rest)
}

fn program(name: &str) -> Result<std::path::PathBuf> {
    let folder = tools::postgres_binaries().context("PostgreSQL is not installed")?;
    Ok(folder.join(name))
}

fn time(work: impl FnOnce() -> Result<()>) -> Result<Duration> {
    let begun = Instant::now();
    work()?;
    Ok(begun.elapsed())
}

/// A program that calls the API with its key, one call after the other.
struct Program {
    agent: Agent,
    url: String,
    bearer: String,
}

impl Program {
    fn new(server: &Server, key: &str) -> Self {
        Self {
            agent: Agent::new_with_defaults(),
            url: server.url(),
            bearer: format!("Bearer {key}"),
        }
    }

    fn spend(&self) -> Result<()> {
        let request = self.agent.post(format!("{}/api/v1/spend", self.url));
        let request = request.header("Authorization", &self.bearer);
        let request = request.header("Content-Type", "application/json");
        request.send("{}")?.body_mut().read_to_string()?;
        Ok(())
    }

    fn balance(&self) -> Result<()> {
        let request = self
            .agent
            .get(format!("{}/api/v1/credits/balance", self.url));
        let request = request.header("Authorization", &self.bearer);
        request.call()?.body_mut().read_to_string()?;
        Ok(())
    }
}
