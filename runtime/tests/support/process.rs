//! The application's binary in processes of their own, on a test's database. It is the test's own program again, which runs
//! the test `application`.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Output, Stdio};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::StatusCode;
use hyper_util::rt::TokioIo;
use quickscale_runtime::testing::{Client, START, TestDatabase};
use quickscale_runtime::{App, Environment, cli, ids};
use tokio::net::{TcpListener, TcpStream};

const ARGUMENTS: &str = "APPLICATION_ARGUMENTS";
/// What comes before anything that the application prints, in a line of its own.
const BEGIN: &str = "the application says:";

/// The test `application` of whoever calls [`program`]: does nothing but in such a process.
pub fn application(make: impl Fn(Environment) -> App) {
    let Ok(arguments) = std::env::var(ARGUMENTS) else {
        return;
    };
    println!("\n{BEGIN}");
    let line = ["app"].into_iter().chain(arguments.split(' '));
    let code = cli::main_with(line.map(Into::into), make);
    std::process::exit(i32::from(code != ExitCode::SUCCESS));
}

/// The application's binary on a database of a test, about to do what `arguments` say. `test` is the path of the test that
/// is an [`application`].
pub fn program(test: &str, arguments: &str, folder: &Path, database: &TestDatabase) -> Command {
    let mut program = Command::new(std::env::current_exe().expect("this program has a path"));
    program
        .args(["--exact", test, "--nocapture"])
        .current_dir(folder)
        .env(ARGUMENTS, arguments)
        .env("APP_ENV", "development")
        .env("APP_SECRET_KEY", "a-key-for-tests-0123456789abcdef")
        .env("APP_URL", "http://app.test")
        .env("DATABASE_URL", &database.url)
        .env("PORT", "0");
    program
}

/// What the application wrote to its standard output, without what a program of tests writes there.
pub fn printed(output: &Output) -> String {
    let all = String::from_utf8_lossy(&output.stdout);
    let (_, own) = all
        .split_once(&format!("{BEGIN}\n"))
        .expect("it was started");
    own.to_owned()
}

/// A project's folder, gone when dropped.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new() -> Self {
        let random = ids::new_id(START);
        let folder = std::env::temp_dir().join(format!("project_{}_{random}", std::process::id()));
        let overlay = super::overlay();
        let assets = overlay.assets.expect("the theme has assets");
        let from = overlay.templates.iter().map(|from| (from, "templates"));
        for (from, to) in from.chain([(&assets, "static")]) {
            for file in super::files(from) {
                let copy = folder
                    .join(to)
                    .join(file.strip_prefix(from).expect("it lies below"));
                let above = copy.parent().expect("it has a folder");
                std::fs::create_dir_all(above).expect("folders can be made");
                std::fs::copy(&file, copy).expect("files can be copied");
            }
        }
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A process that serves the application; killed when dropped.
pub struct Process {
    child: Child,
    port: u16,
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Process {
    /// Starts a [`program`] that serves and waits until it answers.
    pub async fn start(serve: &mut Command) -> Self {
        Self::start_with(serve, Stdio::null).await
    }

    /// The same for one whose log is to be read.
    pub async fn start_logging(serve: &mut Command, log: &Path) -> Self {
        let file = || std::fs::File::create(log).expect("files can be made");
        Self::start_with(serve.env("LOG_FORMAT", "json"), || file().into()).await
    }

    /// Somebody else may take its port before it does: then it takes another.
    async fn start_with(serve: &mut Command, stdout: impl Fn() -> Stdio) -> Self {
        for _ in 0..5 {
            let free = TcpListener::bind("127.0.0.1:0")
                .await
                .expect("a port is free");
            let port = free.local_addr().expect("it has an address").port();
            drop(free);
            serve.env("PORT", port.to_string()).stdout(stdout());
            let child = serve.spawn().expect("this program can be started again");
            let mut process = Self { child, port };
            if process.is_ready().await {
                return process;
            }
        }
        panic!("the application does not start");
    }

    /// Whether it came to answer, and did not end before.
    async fn is_ready(&mut self) -> bool {
        loop {
            if self.child.try_wait().expect("it can be asked").is_some() {
                return false;
            }
            if TcpStream::connect(("127.0.0.1", self.port)).await.is_ok() {
                let ready = self.client().get("/health/ready").await;
                return ready.status == StatusCode::OK;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// A browser that reaches this process by the network.
    pub fn client(&self) -> Client {
        let port = self.port;
        let forward = move |request: Request| async move {
            let stream = TcpStream::connect(("127.0.0.1", port))
                .await
                .expect("it listens");
            let connection = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
            let (mut sender, connection) = connection.expect("it speaks HTTP");
            tokio::spawn(connection);
            let answer = sender.send_request(request).await;
            answer.expect("it answers").map(Body::new)
        };
        Client::of(Router::new().fallback(forward))
    }

    /// The same browser at this process.
    pub fn take_over(&self, client: &Client) -> Client {
        let mut moved = self.client();
        for name in ["qs_session", "qs_csrf"] {
            if let Some(value) = client.cookie(name) {
                moved.set_cookie(name, value);
            }
        }
        moved
    }
}
