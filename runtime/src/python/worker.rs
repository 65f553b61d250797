//! One worker process: started, spoken with, and killed with everything that it has started.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};

use super::protocol::{self, Said};
use crate::services::{ServiceContext, ServiceError};

/// What makes a worker of a program.
const WORKER: &str = include_str!("worker.py");
/// Reads [`WORKER`], which a list of processes would be hard to read with, from standard input.
const START: &str =
    "import json,sys; exec(compile(json.loads(sys.stdin.buffer.readline()), 'worker.py', 'exec'))";
/// How long a process that ends by itself may take for it, before its end is not waited for.
const END: Duration = Duration::from_secs(2);
/// The longest line of the log.
const LOG_LINE: u64 = 8 * 1024;

/// How a worker is started.
#[derive(Debug)]
pub struct Launch {
    /// What the log calls it.
    pub name: String,
    pub folder: PathBuf,
    pub interpreter: PathBuf,
    pub workers: usize,
    pub memory: Option<u64>,
    pub start_limit: Duration,
    pub variables: BTreeMap<String, String>,
}

/// A process that takes runs.
#[derive(Debug)]
pub struct Worker {
    name: String,
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
    /// What was read of a line that is not whole yet.
    line: Vec<u8>,
}

/// How a run ended at a worker that goes on.
pub type Answer = Result<Value, ServiceError>;

/// Why there is no answer.
#[derive(Debug)]
pub enum Lost {
    /// The worker was gone before it began, which is no fault of the run.
    Untouched,
    /// It ended in the middle of the run, or broke the protocol.
    Broken(anyhow::Error),
}

impl Worker {
    /// Starts a worker and waits until it takes runs.
    ///
    /// # Errors
    /// When it cannot be started, ends at its start, or takes too long.
    pub async fn start(launch: &Launch) -> anyhow::Result<Self> {
        let mut worker = Self::spawn(launch)?;
        let ready = tokio::time::timeout(launch.start_limit, worker.ready());
        match ready.await {
            Ok(ready) => ready?,
            Err(_) => bail!(
                "the worker of {} was not ready within {:?}",
                launch.name,
                launch.start_limit
            ),
        }
        tracing::info!(
            service = launch.name,
            worker = worker.id(),
            "a worker is ready"
        );
        Ok(worker)
    }

    fn spawn(launch: &Launch) -> anyhow::Result<Self> {
        let Launch {
            name,
            folder,
            interpreter,
            memory,
            variables,
            ..
        } = launch;
        if !folder.join("service.py").is_file() {
            bail!("there is no {}/service.py", folder.display());
        }
        if interpreter.is_absolute() && !interpreter.is_file() {
            let folder = folder.display();
            bail!("{folder} has no virtual environment; `quickscale up` makes it");
        }
        let mut command = Command::new(interpreter);
        command
            // Apart from this machine's other Pythons, in UTF-8, and leaving no files behind.
            .args(["-I", "-B", "-X", "utf8", "-c", START])
            .arg(folder)
            .arg(memory.unwrap_or(0).to_string())
            .current_dir(folder)
            .env_clear()
            .envs(variables)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        #[cfg(unix)]
        command.process_group(0);
        let mut child = command
            .spawn()
            .with_context(|| format!("cannot start {}", interpreter.display()))?;
        let piped = "a stream that was asked for";
        let errors = child.stderr.take().context(piped)?;
        tokio::spawn(log(name.clone(), child.id(), errors));
        Ok(Self {
            name: name.clone(),
            requests: child.stdin.take().context(piped)?,
            answers: BufReader::new(child.stdout.take().context(piped)?),
            child,
            line: Vec::new(),
        })
    }

    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    async fn ready(&mut self) -> anyhow::Result<()> {
        let code = serde_json::to_string(WORKER)? + "\n";
        // A process that has ended takes nothing more, and why it did is told below.
        let _ = self.requests.write_all(code.as_bytes()).await;
        loop {
            match self.next().await? {
                Some(Said::Ready) => return Ok(()),
                Some(_) => {}
                None => {
                    let status = self.status().await;
                    bail!(
                        "a worker of {} ended at its start{status}; the log says more",
                        self.name
                    );
                }
            }
        }
    }

    /// Returns when the worker is of no use any more, with the reason. May be dropped and called again.
    pub async fn death(&mut self) -> String {
        loop {
            match self.next().await {
                Ok(Some(_)) => {}
                Ok(None) => return format!("it ended{}", self.status().await),
                Err(fault) => return format!("{fault:#}"),
            }
        }
    }

    /// Works on a run: on `request`, which is its line.
    ///
    /// # Errors
    /// When the worker is lost with it.
    pub async fn work(&mut self, request: &str, context: &ServiceContext) -> Result<Answer, Lost> {
        if self.requests.write_all(request.as_bytes()).await.is_err() {
            return Err(Lost::Untouched);
        }
        let mut taken = false;
        loop {
            let said = match self.next().await {
                Ok(Some(said)) => said,
                Ok(None) if !taken => return Err(Lost::Untouched),
                Ok(None) => {
                    let status = self.status().await;
                    let fault = anyhow!(
                        "a worker of {} ended in the middle of a run{status}",
                        self.name
                    );
                    return Err(Lost::Broken(fault));
                }
                Err(fault) => return Err(Lost::Broken(fault)),
            };
            match heard(said, context) {
                Heard::Nothing => {}
                Heard::Taken => taken = true,
                Heard::Answer(answer) => return Ok(answer),
            }
        }
    }

    /// The next that it says, what it logs aside.
    async fn next(&mut self) -> anyhow::Result<Option<Said>> {
        loop {
            match protocol::next(&mut self.answers, &mut self.line).await? {
                Some(Said::Log { level, message }) => {
                    let (service, worker) = (&self.name, self.child.id());
                    match level.as_str() {
                        "ERROR" | "CRITICAL" => tracing::error!(service, worker, "{message}"),
                        "WARNING" => tracing::warn!(service, worker, "{message}"),
                        "DEBUG" => tracing::debug!(service, worker, "{message}"),
                        _ => tracing::info!(service, worker, "{message}"),
                    }
                }
                said => return Ok(said),
            }
        }
    }

    /// How the process ended, in words for the end of a sentence. What it has started ends too.
    async fn status(&mut self) -> String {
        let _ = tokio::time::timeout(END, self.exit()).await;
        self.kill();
        match self.child.wait().await {
            Ok(status) => in_words(status),
            Err(fault) => format!(" ({fault})"),
        }
    }

    /// Returns when the process has ended, which is still to be collected: until then its number is nobody else's.
    #[cfg(unix)]
    async fn exit(&self) {
        use rustix::process::{WaitId, WaitIdOptions, waitid};
        let Some(process) = self.process() else {
            return;
        };
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        while let Ok(None) = waitid(WaitId::Pid(process), look) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    #[cfg(not(unix))]
    async fn exit(&mut self) {
        let _ = self.child.wait().await;
    }

    /// Its number, while it is its own.
    #[cfg(unix)]
    fn process(&self) -> Option<rustix::process::Pid> {
        let id = i32::try_from(self.child.id()?).ok()?;
        rustix::process::Pid::from_raw(id)
    }

    /// Kills the process with those that it has started, which are of its group.
    fn kill(&mut self) {
        #[cfg(unix)]
        if let Some(group) = self.process() {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        let _ = self.child.start_kill();
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.kill();
    }
}

/// What there was for a run in what its worker said.
enum Heard {
    /// Nothing that decides, or something of a run before, from a thread that it left behind.
    Nothing,
    Taken,
    Answer(Answer),
}

fn heard(said: Said, context: &ServiceContext) -> Heard {
    let id = context.run.as_str();
    match said {
        Said::Taken { run } if run == id => return Heard::Taken,
        Said::Output { run, value } if run == id => return Heard::Answer(Ok(value)),
        Said::Unusable { run, sentence } if run == id => {
            return Heard::Answer(Err(ServiceError::Unusable(sentence)));
        }
        Said::Failed { run, cause } if run == id => {
            return Heard::Answer(Err(ServiceError::Failed(anyhow!("{cause}"))));
        }
        Said::Progress {
            run,
            fraction,
            message,
        } if run == id => context.progress(fraction, &message),
        Said::Emit { run, text } if run == id => context.emit(&text),
        Said::Ready
        | Said::Log { .. }
        | Said::Taken { .. }
        | Said::Progress { .. }
        | Said::Emit { .. }
        | Said::Output { .. }
        | Said::Unusable { .. }
        | Said::Failed { .. } => {}
    }
    Heard::Nothing
}

/// `, with the exit code 3`; ` (signal: 9 (SIGKILL))` where a signal has ended it.
fn in_words(status: ExitStatus) -> String {
    match status.code() {
        Some(code) => format!(", with the exit code {code}"),
        None => format!(" ({status})"),
    }
}

/// Brings to the log what a worker prints, a line at a time.
async fn log(service: String, worker: Option<u32>, errors: ChildStderr) {
    let mut errors = BufReader::new(errors);
    let mut line = Vec::new();
    loop {
        line.clear();
        match (&mut errors)
            .take(LOG_LINE)
            .read_until(b'\n', &mut line)
            .await
        {
            Ok(0) | Err(_) => return,
            Ok(_) => {
                let line = String::from_utf8_lossy(&line);
                tracing::info!(service, worker, "{}", line.trim_end());
            }
        }
    }
}
