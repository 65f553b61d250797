//! Services whose work is a Python program: `service.py` in a folder of the project with a virtual environment of its own,
//! kept running as worker processes.
//!
//! Invariants: there are never more processes than allowed; a process works on one run at a time, and one whose run was
//! given up is killed; whatever happens to a process, the run that it had ends with an error.

mod keeper;
mod protocol;
mod worker;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::services::{ServiceContext, ServiceError};
use keeper::Keepers;
use worker::Launch;

/// Where the programs of a project stand, below its folder.
const FOLDER: &str = "services/python";

/// What a worker may take of memory unless told otherwise.
const MEMORY: u64 = 1024 * 1024 * 1024;

/// How long a worker may take to start unless told otherwise: models take their time.
const START_LIMIT: Duration = Duration::from_secs(60);

/// A Python program that does the work of a service. Its workers start with its first run, go on for the next ones, and end
/// with the value.
#[derive(Debug)]
pub struct Program {
    settings: Settings,
    keepers: Keepers,
}

/// What can be chosen.
#[derive(Debug, Clone)]
struct Settings {
    place: PathBuf,
    interpreter: Option<PathBuf>,
    workers: usize,
    memory: Option<u64>,
    start_limit: Duration,
    variables: Vec<&'static str>,
}

impl Program {
    /// The program in `services/python/NAME`, with one worker of at most 1 GiB.
    pub fn new(name: &str) -> Self {
        Self::at(Path::new(FOLDER).join(name))
    }

    /// The program of a service, in the folder of its name in `services/python/`: `Program::of(module_path!())` in the
    /// service's own module, which is called like it.
    pub fn of(module: &str) -> Self {
        Self::new(module.rsplit("::").next().unwrap_or(module))
    }

    /// The program in another folder: a path that starts from the application's, or from the root.
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self {
            settings: Settings {
                place: folder.into(),
                interpreter: None,
                workers: 1,
                memory: Some(MEMORY),
                start_limit: START_LIMIT,
                variables: Vec::new(),
            },
            keepers: Keepers::default(),
        }
    }

    /// How many runs it works on at once, a process each; more wait. At least one.
    #[must_use]
    pub fn workers(mut self, most: usize) -> Self {
        self.settings.workers = most.max(1);
        self
    }

    /// What a worker may take of addresses, in bytes, and each process that it starts as much again; none for no limit,
    /// which programs that use a GPU need. A worker that wants more gets a `MemoryError`, its run fails, and another takes
    /// its place. Holds on Linux.
    #[must_use]
    pub fn memory(mut self, most: Option<u64>) -> Self {
        self.settings.memory = most;
        self
    }

    /// How long a worker may take from its start until it takes runs: what `service.py` does when it is loaded.
    #[must_use]
    pub fn start_limit(mut self, limit: Duration) -> Self {
        self.settings.start_limit = limit;
        self
    }

    /// Lets the program see this setting of the application in its environment. It sees no other but those that programs
    /// need to find their way, such as `PATH`: the application's secrets are none of its business.
    #[must_use]
    pub fn variable(mut self, name: &'static str) -> Self {
        self.settings.variables.push(name);
        self
    }

    /// The Python that runs it, in the place of that of its own environment, `.venv` in its folder.
    #[must_use]
    pub fn interpreter(mut self, python: impl Into<PathBuf>) -> Self {
        self.settings.interpreter = Some(python.into());
        self
    }

    /// Has a worker run `input`. What the program says of its progress goes to the page of the run; what it prints and logs
    /// goes to the application's log. A run that is given up takes its worker along.
    ///
    /// # Errors
    /// [`ServiceError::Unusable`] with the program's own sentence; anything else is a failure, from an exception in the
    /// program to a process that was killed.
    pub async fn run<I: Serialize, O: DeserializeOwned>(
        &self,
        input: &I,
        context: &ServiceContext,
    ) -> Result<O, ServiceError> {
        let request = protocol::request(&context.run, input)?;
        let launch = || Arc::new(self.settings.launch(context));
        let value = self.keepers.run(launch, request, context).await?;
        Ok(serde_json::from_value(value)?)
    }
}

/// Variables of the application's own environment that a program gets: those that tell where programs, homes and devices are.
const PASSED: [&str; 14] = [
    "CUDA_VISIBLE_DEVICES",
    "HOME",
    "LANG",
    "LD_LIBRARY_PATH",
    "NVIDIA_VISIBLE_DEVICES",
    "OMP_NUM_THREADS",
    "PATH",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "SYSTEMROOT",
    "TEMP",
    "TMPDIR",
    "TZ",
    "USERPROFILE",
];

impl Settings {
    /// How a worker is started for the application that `context` is of.
    fn launch(&self, context: &ServiceContext) -> Launch {
        let folder = context.root().join(&self.place);
        let folder = std::path::absolute(&folder).unwrap_or(folder);
        let own = if cfg!(windows) {
            ".venv/Scripts/python.exe"
        } else {
            ".venv/bin/python"
        };
        let passed = PASSED
            .iter()
            .filter_map(|name| Some((*name, std::env::var(name).ok()?)));
        let asked = self.variables.iter().filter_map(|name| {
            let value = context.variable(name)?;
            Some((*name, value.to_owned()))
        });
        let variables = passed
            .chain(asked)
            .map(|(name, value)| (name.to_owned(), value));
        Launch {
            name: self.place.file_name().map_or_else(
                || self.place.display().to_string(),
                |name| name.to_string_lossy().into_owned(),
            ),
            interpreter: self.interpreter.clone().unwrap_or_else(|| folder.join(own)),
            folder,
            workers: self.workers,
            memory: self.memory,
            start_limit: self.start_limit,
            variables: variables.collect(),
        }
    }
}
