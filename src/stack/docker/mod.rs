//! The app in containers, as the project's `compose.yml` describes them. compose builds, starts and removes; what runs is
//! asked of docker by the exact labels that compose gives: the name of its project and the project's folder.

mod client;
mod containers;

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::health::{self, Readiness};
use super::port::{self, Wish};
use super::record::Record;
use super::up::Options;
use super::{Site, platform};
use crate::error::{Exit, Fault};
use crate::interrupt;
use crate::project::lock::Lock;

pub use super::record::Docker as Noted;
pub use client::{Client, availability};
pub use containers::Container;

/// How many lines of the app's log tell why a start failed.
const LAST_LINES: &str = "25";

/// Where compose publishes the app, for people and for health checks.
const HERE: &str = "127.0.0.1";

/// Builds and starts the containers and waits until the app is ready. What runs and has not changed is left alone.
pub fn up(site: &Site<'_>, options: &Options, hold: Lock) -> Result<()> {
    let client = Client::open(site.root)?;
    let service = client.app_service()?;
    let running = containers::of(&client, site.root)?;
    let own = running
        .iter()
        .find(|one| one.service == service)
        .and_then(Container::published);
    let port = match (options.port, own) {
        (None, Some(own)) => own,
        (Some(wanted), Some(own)) if wanted == own => own,
        (Some(wanted), _) => choose(site, Wish::Exactly(wanted))?,
        (None, None) => choose(site, Wish::From(site.settings.docker_port()?))?,
    };
    let url = format!("http://{HERE}:{port}");
    let noted = Noted {
        project: client.project().to_owned(),
        service,
        url,
        port,
    };
    site.run.write(&Record::Docker(noted.clone()))?;
    if options.foreground {
        return attended(site, &client, &noted, hold);
    }
    compose_up(
        site,
        &client,
        &noted,
        options.limit,
        &["--detach", "--build", "--wait"],
    )?;
    await_ready(site, &client, &noted, options.limit)?;
    drop(hold);
    site.ui
        .status("Running", "in containers; stop them with `quickscale down`");
    site.ui.data(&format!("{}\n", noted.url))?;
    if options.open {
        super::up::open(site, &noted.url);
    }
    Ok(())
}

fn choose(site: &Site<'_>, wish: Wish) -> Result<u16> {
    let choice = port::choose(HERE.parse()?, wish)?;
    if let Some(taken) = choice.taken {
        site.ui.info(&format!(
            "port {taken} is taken; using port {}",
            choice.port
        ));
    }
    Ok(choice.port)
}

/// Builds the image again and replaces the app's container; the database stays as it is.
pub fn restart(site: &Site<'_>, noted: &Noted, limit: Duration) -> Result<()> {
    let client = Client::open(site.root)?;
    let how = [
        "--detach",
        "--build",
        "--wait",
        "--force-recreate",
        "--no-deps",
        &noted.service,
    ];
    compose_up(site, &client, noted, limit, &how)?;
    await_ready(site, &client, noted, limit)?;
    site.ui.status("Running", "in containers, built again");
    site.ui.data(&format!("{}\n", noted.url))
}

fn compose_up(
    site: &Site<'_>,
    client: &Client,
    noted: &Noted,
    limit: Duration,
    how: &[&str],
) -> Result<()> {
    let mut command = client.compose(site.root);
    command.arg("up").args(how);
    if how.contains(&"--wait") {
        command
            .arg("--wait-timeout")
            .arg(limit.as_secs().to_string());
    }
    environment(&mut command, noted);
    if told(site, &mut command)? {
        Ok(())
    } else {
        Err(failed(
            site,
            client,
            noted,
            "docker compose could not start the app",
        ))
    }
}

/// Runs compose; whether it succeeded. What it says is progress, not data, and with `--quiet` it is shown only when it
/// failed.
fn told(site: &Site<'_>, command: &mut Command) -> Result<bool> {
    if !site.ui.quiet() {
        command.stdout(std::io::stderr());
        return Ok(command.status().context("cannot run docker")?.success());
    }
    let output = command.output().context("cannot run docker")?;
    if !output.status.success() {
        let said = [output.stdout, output.stderr].concat();
        site.ui.warn(String::from_utf8_lossy(&said).trim_end());
    }
    Ok(output.status.success())
}

/// compose.yml publishes the app on APP_PORT of this machine; everything else it takes from `.env`.
fn environment(command: &mut Command, noted: &Noted) {
    command.env("APP_PORT", noted.port.to_string());
}

/// compose waits for what has a health check; this asks the app itself.
fn await_ready(site: &Site<'_>, client: &Client, noted: &Noted, limit: Duration) -> Result<()> {
    let began = Instant::now();
    let address = format!("{HERE}:{}", noted.port);
    loop {
        match health::ask(&address) {
            Readiness::Ready => return Ok(()),
            Readiness::NotReady(why) if began.elapsed() >= limit => {
                return Err(failed(
                    site,
                    client,
                    noted,
                    &format!("the app did not become ready: {why}"),
                ));
            }
            Readiness::NotReady(_) => std::thread::sleep(Duration::from_millis(200)),
        }
    }
}

fn failed(site: &Site<'_>, client: &Client, noted: &Noted, message: &str) -> anyhow::Error {
    let log = app_container(site, client, noted)
        .ok()
        .and_then(|container| {
            let output = client
                .docker()
                .args(["logs", "--tail", LAST_LINES, &container.id])
                .output()
                .ok()?;
            let text = [output.stdout, output.stderr].concat();
            Some(String::from_utf8_lossy(&text).trim_end().to_owned())
        });
    let message = match log {
        Some(log) if !log.is_empty() => format!("{message}; the end of the app's log:\n\n{log}\n"),
        _ => message.to_owned(),
    };
    Fault::new(message)
        .hint("`quickscale ps` shows the containers, `quickscale down` removes them")
        .into()
}

/// compose in the foreground: Ctrl-C reaches it, and it stops the containers.
fn attended(site: &Site<'_>, client: &Client, noted: &Noted, hold: Lock) -> Result<()> {
    let mut command = client.compose(site.root);
    command.args(["up", "--build"]);
    environment(&mut command, noted);
    let deferred = interrupt::defer();
    let mut child = command.spawn().context("cannot run docker")?;
    drop(hold);
    let status = child.wait().context("cannot wait for docker")?;
    site.run.forget()?;
    if status.success() || deferred.ended(status) {
        return Ok(());
    }
    Err(Fault::new(format!("docker compose ended ({status})"))
        .hint("the reason stands above")
        .into())
}

/// Stops and removes the containers, with their data when that is asked for. The user has agreed to that.
pub fn down(site: &Site<'_>, volumes: bool, grace: Duration) -> Result<()> {
    let client = Client::open(site.root)?;
    // Refuses when the name belongs to another folder.
    containers::of(&client, site.root)?;
    let mut command = client.compose(site.root);
    command
        .args(["down", "--remove-orphans", "--timeout"])
        .arg(grace.as_secs().to_string());
    if volumes {
        command.arg("--volumes");
    }
    if !told(site, &mut command)? {
        return Err(Fault::new("docker compose could not stop the app")
            .hint("the reason stands above")
            .into());
    }
    site.ui.status(
        "Stopped",
        if volumes {
            "the containers, and removed their data"
        } else {
            "the containers"
        },
    );
    site.run.forget()
}

/// The containers of this project, whatever state they are in.
pub fn list(site: &Site<'_>) -> Result<Vec<Container>> {
    containers::of(&Client::open(site.root)?, site.root)
}

/// Shows the log of the app's container.
pub fn logs(site: &Site<'_>, noted: &Noted, args: &[String]) -> Result<()> {
    let client = Client::open(site.root)?;
    let container = app_container(site, &client, noted)?;
    let mut command = client.docker();
    command.arg("logs").args(args).arg(&container.id);
    passed_on(
        command.status().context("cannot run docker")?.success(),
        "docker logs",
    )
}

/// Runs the app's own program with `args` in its container.
pub fn manage(site: &Site<'_>, noted: &Noted, args: &[std::ffi::OsString]) -> Result<Exit> {
    let client = Client::open(site.root)?;
    let container = app_container(site, &client, noted)?;
    let program = container
        .program
        .clone()
        .context("the app's container names no program")?;
    let mut command = exec(&client, &container);
    command.arg(program).args(args);
    interactive(command)
}

/// A shell of the database that runs in a container.
pub fn shell(site: &Site<'_>, noted: &Noted) -> Result<Exit> {
    let client = Client::open(site.root)?;
    let database = containers::of(&client, site.root)?
        .into_iter()
        .find(|one| one.service != noted.service && one.is_running() && one.is_postgres())
        .context(Fault::new("no container with PostgreSQL runs").hint("quickscale up --docker"))?;
    let mut command = exec(&client, &database);
    // The container knows user and database; nothing secret passes through here.
    command.args([
        "sh",
        "-c",
        r#"exec psql --username "$POSTGRES_USER" --dbname "${POSTGRES_DB:-$POSTGRES_USER}""#,
    ]);
    interactive(command)
}

fn exec(client: &Client, container: &Container) -> Command {
    use std::io::IsTerminal;
    let mut command = client.docker();
    command.args(["exec", "--interactive"]);
    if std::io::stdin().is_terminal() && std::io::stdout().is_terminal() {
        command.arg("--tty");
    }
    command.arg(&container.id);
    command
}

fn interactive(mut command: Command) -> Result<Exit> {
    // Ctrl-C reaches the child too; what it makes of it decides.
    let _deferred = interrupt::defer();
    let status = command.status().context("cannot run docker")?;
    Ok(Exit::Passed(platform::code_of(status)))
}

fn app_container(site: &Site<'_>, client: &Client, noted: &Noted) -> Result<Container> {
    let all = containers::of(client, site.root)?;
    all.into_iter()
        .find(|one| one.service == noted.service)
        .with_context(|| Fault::new("the app has no container").hint("quickscale up --docker"))
}

fn passed_on(success: bool, what: &str) -> Result<()> {
    if success {
        Ok(())
    } else {
        Err(Fault::new(format!("{what} failed"))
            .hint("the reason stands above")
            .into())
    }
}
