//! `check`: reports every fault of the configuration and whether the database is ready.

use std::path::Path;
use std::process::ExitCode;

use super::{deploy, say};
use crate::app::{App, Overlay};
use crate::clock::Clock;
use crate::config::{Config, Faults};
use crate::db::Db;

pub(super) async fn run(app: App, root: &Path, deploy: bool) -> anyhow::Result<ExitCode> {
    let config = match read(&app, root, deploy) {
        Ok(config) => config,
        Err(faults) => return Ok(refuse(&faults)),
    };
    say("ok       the configuration holds");
    if deploy {
        for caution in app.cautions(&config) {
            say(&format!("warning  {caution}"));
        }
    }
    let connected = Db::connect_by(&config.database_url, config.database_connections).await;
    let db = match connected {
        Ok(db) => db,
        Err(why) => {
            say(&format!("error    the database cannot be used: {why:#}"));
            return Ok(ExitCode::FAILURE);
        }
    };
    say("ok       the database answers");
    let core = match app.build(config, db, Clock::System, Overlay::default()) {
        Ok(built) => built.core,
        Err(error) => match error.downcast_ref::<Faults>() {
            Some(faults) => return Ok(refuse(faults)),
            None => return Err(error),
        },
    };
    say("ok       modules, templates and flags hold");
    if let (true, Some(why)) = (deploy, core.mailer().obstacle()) {
        say(&format!(
            "error    mails cannot be sent: {why}; set it to smtps://USER:PASSWORD@HOST"
        ));
        return Ok(ExitCode::FAILURE);
    }
    let pending = core
        .migration_status()
        .await?
        .into_iter()
        .filter(|one| !one.applied)
        .count();
    core.db().close().await;
    if pending > 0 {
        say(&format!(
            "error    {pending} migration(s) are pending; run `migrate`"
        ));
        return Ok(ExitCode::FAILURE);
    }
    say("ok       every migration is applied");
    Ok(ExitCode::SUCCESS)
}

/// Tells every fault.
fn refuse(faults: &Faults) -> ExitCode {
    for fault in &faults.0 {
        say(&format!("error    {fault}"));
    }
    ExitCode::FAILURE
}

/// The configuration; for a deployment it is held to production's rules, whatever `APP_ENV` says, and must have no
/// weakness.
fn read(app: &App, root: &Path, for_deployment: bool) -> Result<Config, Faults> {
    let config = Config::from_process(root)?;
    if !for_deployment {
        return Ok(config);
    }
    let mut vars = config.vars.clone();
    vars.insert("APP_ENV".into(), "production".into());
    let config = Config::from_vars(vars, root)?;
    let mut weaknesses = deploy::weaknesses(&config);
    weaknesses.extend(app.weaknesses(&config));
    if weaknesses.is_empty() {
        return Ok(config);
    }
    Err(Faults(weaknesses))
}
