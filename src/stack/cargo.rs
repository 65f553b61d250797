//! Building a project's binary with cargo, told by cargo's own messages.

use std::collections::{HashSet, VecDeque};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::record::Profile;
use super::settings::clean_cargo_environment;
use crate::error::Fault;
use crate::interrupt::{self, Deferred};

/// How many lines of a failed build are shown.
const SHOWN: usize = 40;
/// How often an interruption is looked for while cargo is silent.
const GLANCE: Duration = Duration::from_millis(100);
/// How many lines of a build's output are kept.
const KEPT: usize = 5000;

/// What is to be built.
pub struct Job<'a> {
    /// The project's folder.
    pub root: &'a Path,
    pub profile: Profile,
    /// Where the whole output goes.
    pub log: &'a Path,
    /// Colour the compiler's output.
    pub color: bool,
}

/// What happened.
#[derive(Debug, PartialEq, Eq)]
pub enum Event {
    /// How many crates the binary is made of.
    Total(u64),
    /// A crate that was not done before is built.
    Done(String),
}

/// Builds the binary and returns where it stands. A failure holds the compiler's reason. An interruption ends cargo.
pub fn build(job: &Job<'_>, mut tell: impl FnMut(Event)) -> Result<PathBuf> {
    let deferred = interrupt::defer();
    let (send, events) = channel();
    let mut counter = count_crates(job, send.clone());
    let mut child = start(job)?;
    let stderr = child
        .stderr
        .take()
        .map(|stderr| thread::spawn(move || keep(stderr)));
    if let Some(stdout) = child.stdout.take() {
        thread::spawn(move || read_messages(stdout, &send));
    }
    let own = |manifest: &Path| is_of(job.root, manifest);
    let binary = follow(until(&deferred, &events), own, &mut tell);
    if let Some(counter) = &mut counter {
        // It may wait for a lock of cargo's; the count is of no use any more.
        end(counter);
    }
    if deferred.requested() {
        end(&mut child);
    }
    let status = child.wait().context("cannot wait for cargo")?;
    deferred.check_after(status, "interrupted; the build was ended")?;
    let output = stderr
        .and_then(|reader| reader.join().ok())
        .unwrap_or_default();
    let plain = console::strip_ansi_codes(&output.join("\n")).into_owned();
    fs_err::write(job.log, plain)?;
    if !status.success() {
        return Err(failed(&output, job.log));
    }
    binary.with_context(|| {
        Fault::new("the project's package has no binary of its own name")
            .hint("src/main.rs must exist, and Cargo.toml must not name its binary otherwise")
    })
}

/// Ends a child that may have ended by itself.
fn end(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}

/// What is heard, until there is no more of it or an interruption was asked for.
fn until<'a>(
    deferred: &'a Deferred,
    events: &'a Receiver<Heard>,
) -> impl Iterator<Item = Heard> + 'a {
    std::iter::from_fn(move || {
        loop {
            match events.recv_timeout(GLANCE) {
                Ok(heard) => return Some(heard),
                Err(RecvTimeoutError::Timeout) if !deferred.requested() => {}
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return None,
            }
        }
    })
}

fn start(job: &Job<'_>) -> Result<Child> {
    let mut command = Command::new("cargo");
    command
        .current_dir(job.root)
        .arg("build")
        .args(["--message-format", "json-render-diagnostics"]);
    if job.profile == Profile::Release {
        command.arg("--release");
    }
    clean_cargo_environment(&mut command);
    command.env(
        "CARGO_TERM_COLOR",
        if job.color { "always" } else { "never" },
    );
    command.env("CARGO_TERM_PROGRESS_WHEN", "never");
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
        .spawn()
        .context(Fault::new("cannot run cargo").hint("install Rust: https://rustup.rs"))
}

/// One of cargo's messages, as far as it is of interest here.
#[derive(Deserialize)]
struct Message {
    reason: String,
    package_id: Option<String>,
    manifest_path: Option<PathBuf>,
    target: Option<Target>,
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

enum Heard {
    Message(Message),
    Total(u64),
}

fn read_messages(stdout: impl Read, send: &Sender<Heard>) {
    for line in BufReader::new(stdout).lines().map_while(Result::ok) {
        // What is no message was printed by a build script or by a newer cargo.
        if let Ok(message) = serde_json::from_str(&line)
            && send.send(Heard::Message(message)).is_err()
        {
            return;
        }
    }
}

/// Whether a manifest is that of the project in `root`; cargo may spell the path otherwise.
fn is_of(root: &Path, manifest: &Path) -> bool {
    same_file::is_same_file(root.join("Cargo.toml"), manifest).unwrap_or(false)
}

/// Passes on what is heard until cargo and the counter are silent. Returns the binary that has the name of its package,
/// which is the package whose manifest is `own`.
fn follow(
    events: impl Iterator<Item = Heard>,
    own: impl Fn(&Path) -> bool,
    tell: &mut impl FnMut(Event),
) -> Option<PathBuf> {
    let mut built = HashSet::new();
    let mut executable = None;
    for heard in events {
        let message = match heard {
            Heard::Total(total) => {
                tell(Event::Total(total));
                continue;
            }
            Heard::Message(message) => message,
        };
        if message.reason == "build-finished" {
            break;
        }
        let (Some(package), Some(target)) = (message.package_id, message.target) else {
            continue;
        };
        if target.kind.iter().any(|kind| kind == "custom-build") {
            continue;
        }
        if message.executable.is_some()
            && target.name == package_name(&package)
            && message.manifest_path.as_deref().is_some_and(&own)
        {
            executable = message.executable;
        }
        if built.insert(package.clone()) {
            tell(Event::Done(package_name(&package).to_owned()));
        }
    }
    executable
}

/// The name in a package id: `path+file:///home/me/my-saas#0.1.0` or `registry+https://…#serde@1.0.228`.
fn package_name(id: &str) -> &str {
    let (source, fragment) = id.rsplit_once('#').unwrap_or((id, ""));
    match fragment.split_once('@') {
        Some((name, _)) => name,
        None => source.rsplit('/').next().unwrap_or(source),
    }
}

/// Asks cargo how many crates the binary is made of, beside the build: resolved for this machine, with the features in
/// use, without the crates that only tests need.
fn count_crates(job: &Job<'_>, send: Sender<Heard>) -> Option<Child> {
    let mut command = Command::new("cargo");
    command.current_dir(job.root).args([
        "tree",
        "--edges",
        "normal,build",
        "--prefix",
        "none",
        "--format",
        "{p}",
    ]);
    clean_cargo_environment(&mut command);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = command.spawn().ok()?;
    let stdout = child.stdout.take()?;
    thread::spawn(move || {
        let lines = BufReader::new(stdout).lines().map_while(Result::ok);
        let crates: HashSet<String> = lines
            .map(|line| line.trim_end_matches(" (*)").to_owned())
            .collect();
        // Nobody listens any more when the build was faster.
        let _ = send.send(Heard::Total(crates.len() as u64));
    });
    Some(child)
}

fn keep(stderr: impl Read) -> Vec<String> {
    let mut kept = VecDeque::new();
    for line in BufReader::new(stderr).split(b'\n').map_while(Result::ok) {
        if kept.len() == KEPT {
            kept.pop_front();
        }
        kept.push_back(String::from_utf8_lossy(&line).trim_end().to_owned());
    }
    kept.into()
}

pub(super) fn failed(output: &[String], log: &Path) -> anyhow::Error {
    let reason = reason(output);
    Fault::new(format!("the build failed\n\n{}", reason.join("\n")))
        .hint(format!(
            "mend what is said above; the whole output is in {}",
            log.display()
        ))
        .into()
}

/// The errors in cargo's output, without its progress and warnings; the end of the output when it holds none.
pub(super) fn reason(output: &[String]) -> Vec<String> {
    let mut wanted = false;
    let mut errors: Vec<String> = Vec::new();
    for line in output {
        let plain = console::strip_ansi_codes(line);
        if plain.starts_with("error") {
            wanted = true;
        } else if plain.starts_with("warning") || is_progress(&plain) {
            wanted = false;
        }
        if wanted {
            errors.push(line.clone());
        }
    }
    if errors.is_empty() {
        return output[output.len().saturating_sub(SHOWN)..].to_vec();
    }
    if errors.len() > SHOWN {
        let left_out = errors.len() - SHOWN;
        errors.truncate(SHOWN);
        errors.push(format!("… and {left_out} lines more"));
    }
    errors
}

/// cargo's own lines: a verb set to the right of twelve columns, such as `   Compiling`.
fn is_progress(line: &str) -> bool {
    line.get(..12).is_some_and(|verb| {
        let word = verb.trim_start();
        word.len() > 4
            && word.starts_with(char::is_uppercase)
            && word.chars().all(char::is_alphabetic)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn shows_errors_and_neither_warnings_nor_progress() {
        let output = lines(
            "   Compiling app v0.1.0 (/app)\nwarning: unused variable: `x`\n --> src/main.rs:1:1\n\n\
             \u{1b}[1merror[E0425]\u{1b}[0m: cannot find value `y`\n --> src/main.rs:2:5\n\n\
             warning: `app` generated 1 warning\nerror: could not compile `app`",
        );
        let shown = reason(&output).join("\n");
        assert!(
            shown.contains("cannot find value `y`\n --> src/main.rs:2:5"),
            "{shown}"
        );
        assert!(shown.ends_with("error: could not compile `app`"), "{shown}");
        assert!(
            !shown.contains("unused") && !shown.contains("Compiling"),
            "{shown}"
        );
    }

    #[test]
    fn a_failure_without_an_error_line_shows_the_end() {
        let output: Vec<String> = (0..100).map(|n| format!("line {n}")).collect();
        assert_eq!(reason(&output).len(), SHOWN);
        assert_eq!(reason(&output).last().map(String::as_str), Some("line 99"));
    }

    #[test]
    fn many_errors_are_cut_and_counted() {
        let mut output = lines("error: first");
        output.extend((0..100).map(|n| format!("  | {n}")));
        assert_eq!(
            reason(&output).last().map(String::as_str),
            Some("… and 61 lines more")
        );
    }

    #[test]
    fn what_is_built_is_told_once_a_crate() {
        let (send, events) = channel();
        let json = [
            r#"{"reason":"compiler-artifact","package_id":"r#a@1.0.0","manifest_path":"/a/Cargo.toml","target":{"name":"build-script-build","kind":["custom-build"]}}"#,
            r#"{"reason":"compiler-artifact","package_id":"r#a@1.0.0","manifest_path":"/a/Cargo.toml","target":{"name":"a_lib","kind":["lib"]}}"#,
            "a build script's own line",
            r#"{"reason":"compiler-artifact","package_id":"path+file:///p/app#0.1.0","manifest_path":"/p/app/Cargo.toml","target":{"name":"extra","kind":["bin"]},"executable":"/t/extra"}"#,
            r#"{"reason":"compiler-artifact","package_id":"path+file:///p/app#0.1.0","manifest_path":"/p/app/Cargo.toml","target":{"name":"app","kind":["bin"]},"executable":"/t/app"}"#,
            r#"{"reason":"build-finished","success":true}"#,
        ]
        .join("\n");
        read_messages(json.as_bytes(), &send);
        drop(send);
        let mut told = Vec::new();
        let executable = follow(
            events.into_iter(),
            |path| path == Path::new("/p/app/Cargo.toml"),
            &mut |event| told.push(event),
        );
        assert_eq!(executable, Some(PathBuf::from("/t/app")));
        assert_eq!(told, [Event::Done("a".into()), Event::Done("app".into())]);
    }
}
