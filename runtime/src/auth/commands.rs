//! Commands of the application's binary: `create-admin` and `seed`. No account is ever made by itself.

use std::io::{IsTerminal as _, Write as _};

use anyhow::{Context as _, anyhow, bail};
use clap::{Arg, ArgAction, ArgMatches};
use serde::Serialize;
use serde_json::json;

use super::actions::{self, Ensured};
use super::rules::{EmailAddress, Password};
use crate::app::Core;
use crate::cli::say;
use crate::http::Role;
use crate::module::Command;

pub(super) fn commands() -> Vec<Command> {
    let value = |name: &'static str, value_name, help: &'static str| {
        Arg::new(name).long(name).value_name(value_name).help(help)
    };
    let create_admin = clap::Command::new("create-admin")
        .about("Make an administrator, or make one of somebody who has an account")
        .arg(value("email", "ADDRESS", "The address to sign in with"))
        .arg(value(
            "password",
            "TEXT",
            "The password (default: ask, or generate one)",
        ));
    let json = Arg::new("json")
        .long("json")
        .action(ArgAction::SetTrue)
        .help("Print JSON");
    let seed = clap::Command::new("seed")
        .about("Make a user and an administrator to try things out with; not in production")
        .arg(json);
    vec![
        Command {
            cli: create_admin,
            run: Box::new(|core, arguments| {
                Box::pin(async move { create_admin_with(&core, &arguments).await })
            }),
        },
        Command {
            cli: seed,
            run: Box::new(|core, arguments| {
                Box::pin(async move {
                    print_seeds(&seed_users(&core).await?, arguments.get_flag("json"))
                })
            }),
        },
    ]
}

async fn create_admin_with(core: &Core, arguments: &ArgMatches) -> anyhow::Result<()> {
    let argument = |name| arguments.get_one::<String>(name).map(String::as_str);
    let email = match argument("email") {
        Some(text) => text.to_owned(),
        None => ask_email()?,
    };
    let email = EmailAddress::parse(&email).map_err(|why| anyhow!("{:?}: {why}", email.trim()))?;
    let known = actions::find_user_by_email(core, &email).await?;
    let keeps_password = known.as_ref().is_some_and(|user| user.is_verified);
    let (password, generated) = match argument("password") {
        Some(text) => (Some(check_password(text, &email, core)?), false),
        None if keeps_password => (None, false),
        None => match ask_password(&email, core)? {
            Some(password) => (Some(password), false),
            None => (Some(Password::generate()), true),
        },
    };
    let address = email.as_str();
    match actions::ensure_user(core, &email, Role::Admin, password.as_ref()).await? {
        Ensured::Created => say(&format!("{address} is an administrator now.")),
        Ensured::Changed => {
            say(&format!(
                "{address} had an account already; it is an administrator's now, and active."
            ));
            let fate = if password.is_some() {
                "was replaced"
            } else {
                "stays as it was"
            };
            say(&format!("Its password {fate}."));
            if !keeps_password {
                say(
                    "Nobody had confirmed the address: sessions, keys and other ways in of before have ended.",
                );
            }
        }
        Ensured::NeedsPassword => bail!("the account has changed just now; run the command again"),
    }
    if let (true, Some(password)) = (generated, &password) {
        say(&format!("Password (shown only now): {}", password.expose()));
    }
    Ok(())
}

fn check_password(text: &str, email: &EmailAddress, core: &Core) -> anyhow::Result<Password> {
    Password::new(text, email, core.name()).map_err(|why| anyhow!(why))
}

fn ask_email() -> anyhow::Result<String> {
    if !std::io::stdin().is_terminal() {
        bail!("the address is missing; give it with --email ADDRESS");
    }
    let mut answer = String::new();
    write!(std::io::stderr(), "E-mail: ")?;
    std::io::stdin()
        .read_line(&mut answer)
        .context("the terminal cannot be read")?;
    Ok(answer)
}

/// The password that is typed, unseen; none when there is nobody to ask or nothing is typed.
fn ask_password(email: &EmailAddress, core: &Core) -> anyhow::Result<Option<Password>> {
    if !std::io::stdin().is_terminal() {
        return Ok(None);
    }
    let prompt = "Password (leave it empty to have one generated): ";
    let text = rpassword::prompt_password(prompt).context("the terminal cannot be read")?;
    if text.is_empty() {
        return Ok(None);
    }
    check_password(&text, email, core).map(Some)
}

/// An account to try things out with.
#[derive(Debug, Serialize)]
pub(super) struct SeededUser {
    pub email: &'static str,
    pub password: String,
    pub role: Role,
}

const SEEDS: [(&str, Role); 2] = [
    ("user@example.com", Role::User),
    ("staff@example.com", Role::Admin),
];

/// Makes the accounts to try things out with, or gives them new passwords.
pub(super) async fn seed_users(core: &Core) -> anyhow::Result<Vec<SeededUser>> {
    if core.config().environment.is_production() {
        bail!(
            "`seed` makes accounts for trying things out and is refused in production; use `create-admin`"
        );
    }
    let mut users = Vec::new();
    for (address, role) in SEEDS {
        let email = EmailAddress::parse(address).map_err(|why| anyhow!(why))?;
        let password = Password::generate();
        actions::ensure_user(core, &email, role, Some(&password)).await?;
        users.push(SeededUser {
            email: address,
            password: password.expose().to_owned(),
            role,
        });
    }
    Ok(users)
}

fn print_seeds(users: &[SeededUser], as_json: bool) -> anyhow::Result<()> {
    if as_json {
        say(&serde_json::to_string_pretty(&json!({ "users": users }))?);
        return Ok(());
    }
    for user in users {
        say(&format!(
            "{:<20} {:<22} {}",
            user.email,
            user.password,
            user.role.as_str()
        ));
    }
    say("These passwords are shown only now. Run `seed` again for new ones.");
    Ok(())
}
