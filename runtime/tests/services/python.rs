//! Services that are Python programs: what comes of a run when the program works, refuses, fails, dies, hangs or wants too
//! much; and what is left of its processes.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use garde::Validate;
use quickscale_runtime::credits::Credits;
use quickscale_runtime::python::Program;
use quickscale_runtime::services::{self, Service, ServiceContext, ServiceError};
use quickscale_runtime::testing::{Client, TestApp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::browser;
use crate::offered::app_with;
use crate::support::ledger::assert_sound;
use crate::support::{self, sign_up, themed};

/// Longer than anything takes on a busy machine.
const LONG: Duration = Duration::from_secs(60);

/// Does as it is told.
const PROGRAM: &str = r#"
import logging, os, subprocess, sys, time

def run(input, context):
    word, _, rest = input["text"].partition(" ")
    if word == "refuse":
        raise context.unusable("This text is of no use.")
    if word == "fail":
        raise RuntimeError("a secret of ours")
    if word == "die":
        os._exit(3)
    if word == "hang":
        child = subprocess.Popen(["sleep", "600"])
        write(rest, f"{os.getpid()} {child.pid}")
        time.sleep(600)
    if word == "grow":
        bytearray(2 * 1024 * 1024 * 1024)
    if word == "babble":
        print("this is no JSON")
        os.write(1, b"nor is this\n")
        sys.stderr.write("nor this\n")
        logging.warning("a warning of mine")
    if word == "close":
        os.closerange(3, 100)
    if word == "odd":
        return {"answer": float("nan")}
    if word == "wrong":
        return {"answer": 7}
    if word == "environment":
        return answer(" ".join(sorted(os.environ)))
    if word == "talk":
        context.progress(0.5, "half way")
        context.emit(answer("begun")["answer"])
        while not os.path.exists(rest):
            time.sleep(0.01)
    if word == "crowd":
        return answer(crowd(rest))
    return answer(rest)

def answer(text):
    return {"answer": f"[[{os.getpid()}|{text}]]"}

def crowd(folder):
    """How many of us are at work at once."""
    mine = os.path.join(folder, str(os.getpid()))
    os.mkdir(mine)
    time.sleep(0.1)
    there = len(os.listdir(folder))
    os.rmdir(mine)
    return str(there)

def write(path, text):
    with open(path + ".draft", "w") as file:
        file.write(text)
    os.rename(path + ".draft", path)
"#;

#[derive(Debug, Deserialize, Serialize, JsonSchema, Validate)]
struct Input {
    #[garde(length(chars, max = 1000))]
    text: String,
}

#[derive(Debug, Deserialize, Serialize, JsonSchema)]
struct Output {
    /// The process and what it says, in brackets that nothing else on the page has.
    answer: String,
}

/// A service whose work is a program.
struct Told {
    program: Arc<Program>,
    limit: Duration,
}

impl Service for Told {
    type Input = Input;
    type Output = Output;

    fn title(&self) -> &str {
        "Told"
    }

    fn description(&self) -> &str {
        "Does as it is told."
    }

    fn cost(&self) -> Credits {
        Credits::whole(1)
    }

    fn time_limit(&self) -> Option<Duration> {
        Some(self.limit)
    }

    async fn run(&self, input: Input, context: &ServiceContext) -> Result<Output, ServiceError> {
        self.program.run(&input, context).await
    }
}

/// An application with one program as two services: `told`, which has time, and `hasty`, which has none to spare.
struct Shop {
    app: TestApp,
    folder: Folder,
}

/// A folder that goes away with the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name = format!(
            "python_{}_{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::SeqCst)
        );
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Shop {
    async fn open(text: &str, settings: impl FnOnce(Program) -> Program) -> Self {
        let folder = Folder::new();
        std::fs::write(folder.0.join("service.py"), text).unwrap();
        let program = Program::at(&folder.0).interpreter("python3");
        let program = Arc::new(settings(program));
        let service = |limit| Told {
            program: program.clone(),
            limit,
        };
        let services = services::module(services::Settings::default())
            .service("told", service(LONG))
            .service("hasty", service(Duration::from_millis(500)));
        let app = app_with(Credits::whole(100), services);
        let app = themed(app).env("HF_TOKEN", "hf_123").start().await;
        Self { app, folder }
    }

    async fn customer(&self) -> Client {
        sign_up(&self.app, "ada@example.com").await
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.0.join(name)
    }
}

/// What a run of `told` gives: the process and its answer.
async fn ask(client: &mut Client, text: &str) -> (u32, String) {
    let page = browser::run(client, "/services/told", &[("text", text)]).await;
    answer_on(&page.text).unwrap_or_else(|| panic!("{text}: {}", page.text))
}

fn answer_on(page: &str) -> Option<(u32, String)> {
    let (_, rest) = page.split_once("[[")?;
    let (pid, rest) = rest.split_once('|')?;
    let (answer, _) = rest.split_once("]]")?;
    Some((pid.parse().ok()?, answer.to_owned()))
}

/// The page of a run that gives nothing.
async fn fails(client: &mut Client, service: &str, text: &str) -> String {
    let page = browser::run(client, service, &[("text", text)]).await;
    assert!(
        page.text.contains("Nothing was charged."),
        "{text}: {}",
        page.text
    );
    assert!(!page.text.contains("secret"), "{text}: {}", page.text);
    page.text
}

/// Whether the process is there, and not only still to be collected.
fn is_alive(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"));
    stat.is_ok_and(|stat| !stat.rsplit(')').next().unwrap().starts_with(" Z"))
}

async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < LONG, "{what} never came to be");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn one_process_works_on_run_after_run() {
    let shop = Shop::open(PROGRAM, |program| program).await;
    let mut ada = shop.customer().await;
    let (first, answer) = ask(&mut ada, "say Grüße").await;
    assert_eq!(answer, "Grüße");
    let refused = fails(&mut ada, "/services/told", "refuse").await;
    assert!(refused.contains("This text is of no use."), "{refused}");
    for (order, sentence) in [
        ("fail", "The service failed."),
        ("odd", "The service failed."),
        ("wrong", "The service failed."),
    ] {
        let page = fails(&mut ada, "/services/told", order).await;
        assert!(page.contains(sentence), "{order}: {page}");
    }
    let (last, _) = ask(&mut ada, "babble").await;
    assert_eq!(
        first, last,
        "neither a refusal nor an exception ends a worker"
    );
    assert_sound(&shop.app.core, "after runs of a program").await;
}

#[tokio::test]
async fn a_worker_that_dies_costs_nothing_and_is_replaced() {
    let memory = 512 * 1024 * 1024;
    let shop = Shop::open(PROGRAM, |program| program.memory(Some(memory))).await;
    let mut ada = shop.customer().await;
    let (mut before, _) = ask(&mut ada, "say hello").await;
    for order in ["die", "grow", "close"] {
        let page = fails(&mut ada, "/services/told", order).await;
        assert!(page.contains("The service failed."), "{order}: {page}");
        let (after, _) = ask(&mut ada, "say hello").await;
        assert_ne!(before, after, "{order}");
        until("the end of the old worker", || !is_alive(before)).await;
        before = after;
    }
    assert_sound(&shop.app.core, "after workers died").await;
}

#[tokio::test]
async fn a_worker_that_is_killed_while_it_waits_is_missed_by_nobody() {
    let shop = Shop::open(PROGRAM, |program| program).await;
    let mut ada = shop.customer().await;
    let (before, _) = ask(&mut ada, "say hello").await;
    let pid = rustix::process::Pid::from_raw(i32::try_from(before).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    let (after, answer) = ask(&mut ada, "say again").await;
    assert_ne!(before, after);
    assert_eq!(answer, "again");
}

#[tokio::test]
async fn a_run_whose_time_is_up_takes_its_worker_and_its_children_along() {
    let shop = Shop::open(PROGRAM, |program| program).await;
    let mut ada = shop.customer().await;
    ask(&mut ada, "say hello").await;
    let file = shop.path("pids");
    let order = format!("hang {}", file.display());
    let began = Instant::now();
    // On a busy machine time may be up before the program has begun.
    while !file.exists() {
        assert!(began.elapsed() < LONG, "it never began");
        let page = fails(&mut ada, "/services/hasty", &order).await;
        assert!(page.contains("took too long"), "{page}");
    }
    let pids = std::fs::read_to_string(&file).unwrap();
    assert_eq!(pids.split_whitespace().count(), 2, "{pids}");
    for pid in pids.split_whitespace().map(|pid| pid.parse().unwrap()) {
        until("the end of what hung", || !is_alive(pid)).await;
    }
    assert_eq!(ask(&mut ada, "say again").await.1, "again");
}

#[tokio::test(flavor = "multi_thread")]
async fn there_are_never_more_processes_than_allowed() {
    let shop = Shop::open(PROGRAM, |program| program.workers(2)).await;
    let ada = shop.customer().await;
    let place = shop.path("crowd");
    std::fs::create_dir(&place).unwrap();
    let order = format!("crowd {}", place.display());
    let runs: Vec<_> = (0..8)
        .map(|_| {
            let (mut ada, order) = (ada.clone(), order.clone());
            tokio::spawn(async move { ask(&mut ada, &order).await })
        })
        .collect();
    let mut pids = std::collections::BTreeSet::new();
    let mut most = 0;
    for run in runs {
        let (pid, there) = run.await.unwrap();
        pids.insert(pid);
        most = most.max(there.parse::<usize>().unwrap());
    }
    assert!(pids.len() <= 2 && most <= 2, "{pids:?}, {most} at once");
    assert_eq!(pids.len(), 2, "eight runs are enough for two");
}

#[tokio::test]
async fn workers_end_with_the_application() {
    let shop = Shop::open(PROGRAM, |program| program).await;
    let mut ada = shop.customer().await;
    let (pid, _) = ask(&mut ada, "say hello").await;
    assert!(is_alive(pid));
    drop((shop, ada));
    until("the end of the worker", || !is_alive(pid)).await;
}

#[tokio::test]
async fn a_program_sees_no_secret_that_it_was_not_given() {
    let shop = Shop::open(PROGRAM, |program| {
        program.variable("HF_TOKEN").variable("ABSENT")
    })
    .await;
    let mut ada = shop.customer().await;
    let (_, names) = ask(&mut ada, "environment").await;
    let names: Vec<&str> = names.split(' ').collect();
    assert!(
        names.contains(&"HF_TOKEN") && names.contains(&"PATH"),
        "{names:?}"
    );
    for name in [
        "APP_SECRET_KEY",
        "DATABASE_URL",
        "CARGO_MANIFEST_DIR",
        "ABSENT",
    ] {
        assert!(!names.contains(&name), "{names:?}");
    }
}

#[tokio::test]
async fn a_program_that_cannot_start_fails_runs_at_once_until_it_is_mended() {
    let shop = Shop::open("import nothing_of_this_name\n", |program| program).await;
    let mut ada = shop.customer().await;
    for _ in 0..2 {
        let page = fails(&mut ada, "/services/told", "say hello").await;
        assert!(page.contains("The service failed."), "{page}");
    }
    std::fs::write(shop.path("service.py"), PROGRAM).unwrap();
    let began = Instant::now();
    loop {
        let page = browser::run(&mut ada, "/services/told", &[("text", "say hello")]).await;
        if answer_on(&page.text).is_some() {
            break;
        }
        assert!(began.elapsed() < LONG, "{}", page.text);
    }
}

#[tokio::test]
async fn a_program_that_never_gets_ready_is_given_up() {
    let limit = Duration::from_millis(300);
    let shop = Shop::open("import time\ntime.sleep(600)\n", |program| {
        program.start_limit(limit)
    })
    .await;
    let mut ada = shop.customer().await;
    let page = fails(&mut ada, "/services/told", "say hello").await;
    assert!(page.contains("The service failed."), "{page}");
}

#[tokio::test]
async fn without_its_environment_a_program_does_not_start() {
    let shop = Shop::open(PROGRAM, |program| {
        program.interpreter(Path::new("/nowhere/.venv/bin/python"))
    })
    .await;
    let mut ada = shop.customer().await;
    let page = fails(&mut ada, "/services/told", "say hello").await;
    assert!(page.contains("The service failed."), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_program_says_is_seen_while_it_works_and_stopping_it_kills_it() {
    let shop = Shop::open(PROGRAM, |program| program).await;
    let mut ada = shop.customer().await;
    let go = shop.path("go");
    let order = format!("talk {}", go.display());
    let shown = async |ada: &Client, page: &str| {
        let text = ada.clone().get(page).await.text;
        (text.contains("half way"), answer_on(&text), text)
    };
    for stops in [false, true] {
        let sent = browser::fill_in(&mut ada, "/services/told", &[("text", &order)]).await;
        let page = sent.location().to_owned();
        support::until("it is seen", async || {
            let (half, answer, _) = shown(&ada, &page).await;
            half && answer.is_some_and(|(_, text)| text == "begun")
        })
        .await;
        let (_, answer, _) = shown(&ada, &page).await;
        let (pid, _) = answer.unwrap();
        assert!(is_alive(pid));
        if stops {
            ada.post(&format!("{page}/cancel"), &[]).await;
            until("the end of the worker", || !is_alive(pid)).await;
            support::until("it is over", async || {
                shown(&ada, &page)
                    .await
                    .2
                    .contains("because you asked for it")
            })
            .await;
        } else {
            std::fs::write(&go, "").unwrap();
            let answer = format!("[[{pid}|{}]]", go.display());
            support::until("it is done", async || {
                ada.clone().get(&page).await.text.contains(&answer)
            })
            .await;
            std::fs::remove_file(&go).unwrap();
        }
    }
    assert_sound(&shop.app.core, "after a program was stopped").await;
}

/// What is logged by all tests.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// The log from now on. One for the process: what a subscriber of one thread hears depends on other threads.
    fn start() -> Self {
        let log = Self::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .finish();
        tracing::subscriber::set_global_default(subscriber).unwrap();
        log
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn what_a_program_prints_and_logs_is_in_the_applications_log() {
    let log = Log::start();
    let shop = Shop::open(PROGRAM, |program| program).await;
    let mut ada = shop.customer().await;
    ask(&mut ada, "babble").await;
    fails(&mut ada, "/services/told", "fail").await;
    fails(&mut ada, "/services/told", "die").await;
    let name = shop.folder.0.file_name().unwrap().to_str().unwrap();
    for (level, text) in [
        ("INFO", "this is no JSON"),
        ("INFO", "nor is this"),
        ("INFO", "nor this"),
        ("WARN", "root: a warning of mine"),
        ("ERROR", "RuntimeError: a secret of ours"),
        ("ERROR", "in the middle of a run, with the exit code 3"),
    ] {
        let is_there = || {
            let all = log.text();
            let mut lines = all.lines().filter(|line| line.contains(name));
            lines.any(|line| line.contains(level) && line.contains(text))
        };
        until(text, is_there).await;
    }
}

#[test]
fn a_worker_whose_application_is_gone_ends_even_while_it_works() {
    let folder = Folder::new();
    std::fs::write(folder.0.join("service.py"), PROGRAM).unwrap();
    let worker = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/python/worker.py");
    let mut child = std::process::Command::new("python3")
        .arg("-IB")
        .arg(worker)
        .args([&folder.0, Path::new("0")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut requests = child.stdin.take().unwrap();
    let mut answers = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(answers.next().unwrap().unwrap().contains("ready"));
    let pids = folder.0.join("pids");
    let request =
        serde_json::json!({ "run": "1", "input": { "text": format!("hang {}", pids.display()) } });
    writeln!(requests, "{request}").unwrap();
    assert!(answers.next().unwrap().unwrap().contains("taken"));
    let began = Instant::now();
    while !pids.exists() {
        assert!(began.elapsed() < LONG, "it never began");
        std::thread::sleep(Duration::from_millis(5));
    }
    drop(requests);
    assert!(child.wait().unwrap().success());
    let pids = std::fs::read_to_string(&pids).unwrap();
    let left = pids.split(' ').nth(1).unwrap().parse().unwrap();
    let left = rustix::process::Pid::from_raw(left).unwrap();
    rustix::process::kill_process(left, rustix::process::Signal::KILL).unwrap();
}
