//! The command `users` of the application's binary: what an operator does with accounts.

use anyhow::{anyhow, bail};
use clap::{Arg, ArgAction, ArgMatches};
use serde_json::{Value, json};

use super::actions::{self, UserQuery};
use super::audit::Actor;
use super::entity::User;
use super::rules::EmailAddress;
use super::second_factor;
use crate::app::Core;
use crate::cli::say;
use crate::clock::Timestamp;
use crate::module::Command;

pub(super) fn command() -> Command {
    let email = || Arg::new("email").value_name("EMAIL").required(true);
    let verb = |name: &'static str, about: &'static str| {
        clap::Command::new(name).about(about).arg(email())
    };
    let search = Arg::new("search").help("Only addresses that contain this");
    let json = Arg::new("json")
        .long("json")
        .action(ArgAction::SetTrue)
        .help("Print JSON");
    let list = clap::Command::new("list")
        .about("Show accounts, the newest first")
        .arg(search)
        .arg(json);
    let cli = clap::Command::new("users")
        .about("Look at accounts, lock and unlock them, help their owners back in")
        .subcommand_required(true)
        .subcommand(list)
        .subcommand(verb(
            "lock",
            "Sign somebody out everywhere and let him in no more",
        ))
        .subcommand(verb("unlock", "Let somebody in again"))
        .subcommand(verb(
            "verify",
            "Take an address as confirmed; prints a link to a new password, since the old one ends",
        ))
        .subcommand(verb(
            "reset-link",
            "Print a link to a new password, for handing over; it works once, for an hour",
        ))
        .subcommand(verb(
            "reset-second-factor",
            "Turn off the second factor of somebody who has lost app and recovery codes",
        ));
    Command {
        cli,
        run: Box::new(|core, arguments| Box::pin(async move { run(&core, &arguments).await })),
    }
}

async fn run(core: &Core, arguments: &ArgMatches) -> anyhow::Result<()> {
    let Some((verb, arguments)) = arguments.subcommand() else {
        bail!("say what to do: list, lock, unlock, verify, reset-link or reset-second-factor");
    };
    if verb == "list" {
        let search = arguments.get_one::<String>("search").cloned();
        return list(core, search.unwrap_or_default(), arguments.get_flag("json")).await;
    }
    let user = find(core, arguments).await?;
    let (by, email) = (&Actor::CommandLine, &user.email);
    match verb {
        "lock" => {
            actions::set_active(core, by, &user.id, false).await?;
            say(&format!("{email} is locked and signed out everywhere."));
        }
        "unlock" => {
            actions::set_active(core, by, &user.id, true).await?;
            say(&format!("{email} may sign in."));
        }
        "verify" => {
            if !actions::verify(core, by, &user).await? {
                say(&format!("Nothing to do: {email} is confirmed already."));
                return Ok(());
            }
            say(&format!("{email} is confirmed."));
            say(
                "Password and sessions of whoever signed up have ended. The owner chooses a password with this link,",
            );
            say("which works once, for an hour (`users reset-link` makes another):");
            say(&actions::reset_link(core, by, &user).await?);
        }
        "reset-link" => say(&actions::reset_link(core, by, &user).await?),
        _ => match second_factor::take_away(core, by, &user.id).await? {
            true => say(&format!("{email} signs in with the password alone.")),
            false => say(&format!("Nothing to do: {email} has no second factor.")),
        },
    }
    Ok(())
}

async fn find(core: &Core, arguments: &ArgMatches) -> anyhow::Result<User> {
    let text = arguments.get_one::<String>("email").map_or("", |text| text);
    let email = EmailAddress::parse(text).map_err(|why| anyhow!("{text:?}: {why}"))?;
    let user = actions::find_user_by_email(core, &email).await?;
    user.ok_or_else(|| anyhow!("nobody has the address {text}; `users list` shows who there is"))
}

/// How many accounts are read at once.
const BATCH: i64 = 500;

async fn list(core: &Core, search: String, as_json: bool) -> anyhow::Result<()> {
    let (mut all, mut before) = (Vec::new(), None);
    loop {
        let query = UserQuery {
            search: search.clone(),
            before,
            limit: BATCH,
        };
        let users = actions::list_users(core, &query).await?;
        before = users.last().map(|user| user.id.clone());
        if as_json {
            all.extend(users.iter().map(object));
        } else {
            users.iter().for_each(|user| say(&line(user)));
        }
        if before.is_none() {
            break;
        }
    }
    if as_json {
        say(&serde_json::to_string_pretty(&all)?);
    }
    Ok(())
}

fn object(user: &User) -> Value {
    json!({
        "id": user.id, "email": user.email, "name": user.name, "role": user.role, "active": user.is_active,
        "confirmed": user.is_verified, "created_at": user.created_at.rfc3339(),
        "last_signed_in_at": user.last_signed_in_at.map(Timestamp::rfc3339),
        "removal_due_at": user.removal_due_at.map(Timestamp::rfc3339), "removed": user.is_removed,
    })
}

/// An account in a line: since when, what it may, how it is, whose it is, and what is special.
fn line(user: &User) -> String {
    let state = match (user.is_removed, user.is_active) {
        (true, _) => "removed",
        (false, true) => "active",
        (false, false) => "locked",
    };
    let mut notes = Vec::new();
    if !user.is_verified && !user.is_removed {
        notes.push("unconfirmed".to_owned());
    }
    if let Some(due) = user.removal_due_at {
        notes.push(format!("leaves {due}"));
    }
    let notes = match notes.is_empty() {
        true => String::new(),
        false => format!("  ({})", notes.join(", ")),
    };
    let (role, since) = (user.role.as_str(), user.created_at);
    format!("{since}  {role:<8} {state:<7} {}{notes}", user.email)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Role;
    use crate::ids::UserId;

    #[test]
    fn a_line_tells_who_is_locked_unconfirmed_leaving_and_gone() {
        let at = Timestamp::from_micros(1_795_251_905_000_000);
        let user = |is_active, is_verified, removal_due_at, is_removed| User {
            id: UserId::new(at),
            email: "ada@example.com".into(),
            name: String::new(),
            role: Role::User,
            is_active,
            created_at: at,
            last_signed_in_at: None,
            removal_due_at,
            is_verified,
            is_removed,
        };
        let begin = "2026-11-21T09:05:05Z  user     ";
        for (user, rest) in [
            (user(true, true, None, false), "active  ada@example.com"),
            (user(false, true, None, false), "locked  ada@example.com"),
            (
                user(true, false, Some(at), false),
                "active  ada@example.com  (unconfirmed, leaves 2026-11-21T09:05:05Z)",
            ),
            (user(false, false, None, true), "removed ada@example.com"),
        ] {
            assert_eq!(line(&user), format!("{begin}{rest}"));
        }
    }
}
