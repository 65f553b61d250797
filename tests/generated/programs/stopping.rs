//! A server that is told to stop while somebody waits for runs: each is finished or given up, answered and settled.

use std::net::TcpStream;
use std::process::{Child, Command, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use super::super::project::{Project, given, sealed, succeed};
use super::super::visitor::Program;
use super::open;

/// How long a server may take that was told to stop: what is under way has 15 seconds, requests have 20, and what is not
/// settled then has 20 more.
const LIMIT: Duration = Duration::from_secs(60);
const RUNS: &str = "/api/v1/services/patient/runs";

/// `my-saas-app serve`, not started by anything of ours.
struct Server(Child);

impl Server {
    fn start(project: &Project, program: &Program) -> Self {
        succeed(&mut project.cargo(&["build", "--locked"]));
        let binary = format!("{}/debug/my-saas-app", given("GENERATED_TARGET_DIR"));
        let mut serve = sealed(&binary, &project.folder());
        let (_, port) = program.address.rsplit_once(':').expect("it has a port");
        let serve = serve.arg("serve").env("PORT", port);
        let server = Self(serve.spawn().expect("it was built"));
        until("it listens", || listens(program));
        server
    }

    fn tell_to_stop(&self) {
        let process = self.0.id().to_string();
        succeed(Command::new("kill").args(["-TERM", &process]));
    }

    fn end(&mut self) -> ExitStatus {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.0.try_wait().expect("it is ours") {
                return status;
            }
            assert!(begun.elapsed() < LIMIT, "it does not end");
            thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has ended, unless something failed.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn listens(program: &Program) -> bool {
    TcpStream::connect(&program.address).is_ok()
}

fn until(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < LIMIT, "never: {what}");
        thread::sleep(Duration::from_millis(50));
    }
}

pub fn answers_who_waits(project: &Project, program: &Program) {
    let mut server = Server::start(project, program);
    let before = program.get("/api/v1/credits/balance");
    let calls = ["open", "shut"].map(|gate| {
        let program = program.clone();
        thread::spawn(move || program.post(RUNS, &json!({ "gate": gate })))
    });
    until("both are under way", || {
        let runs = program.get("/api/v1/runs?service=patient&status=running");
        runs["data"].as_array().is_some_and(|runs| runs.len() == 2)
    });
    server.tell_to_stop();
    until("it takes no more", || !listens(program));
    open(project, "open");
    open(project, "open-rest");
    let [finished, given_up] = calls.map(|call| call.join().expect("it is answered"));
    assert_eq!((finished.status, given_up.status), (200, 200));
    let (finished, given_up) = (finished.json(), given_up.json());
    assert_eq!(finished["status"], "succeeded", "{finished}");
    assert_eq!(finished["credits"]["cost"], "2", "{finished}");
    assert_eq!(given_up["status"], "failed", "{given_up}");
    assert_eq!(given_up["credits"]["cost"], "0", "{given_up}");
    let status = server.end();
    assert!(status.success(), "{status}");
    project.quickscale(&["manage", "credits", "verify"]);

    let mut server = Server::start(project, program);
    let after = program.get("/api/v1/credits/balance");
    let number = |balance: &serde_json::Value, name: &str| {
        let text = balance[name].as_str().expect("an amount is a text");
        text.parse::<f64>().expect("it is a number")
    };
    let spent = number(&before, "available") - number(&after, "available");
    assert!((spent - 2.0).abs() < f64::EPSILON, "{before} {after}");
    assert!(number(&after, "held").abs() < f64::EPSILON, "{after}");
    server.tell_to_stop();
    assert!(server.end().success());
}
