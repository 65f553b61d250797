//! Which options are too weak for a place that people from everywhere reach: each with its remedy. Pure.

use super::{EmailVerification, Registration, Settings};
use crate::config::Fault;

/// The most that an option may be.
struct Bound {
    option: &'static str,
    of: fn(&mut Settings) -> &mut u32,
    most: u32,
    /// What comes of more.
    why: &'static str,
}

macro_rules! bounds {
    ($($option:ident <= $most:literal: $why:expr;)+) => {
        &[$(Bound {
            option: stringify!($option),
            of: |settings| &mut settings.$option,
            most: $most,
            why: $why,
        }),+]
    };
}

const TRIES: &str = "a program may try that often from one place";
const GUESSES: &str = "whoever guesses has that many tries";
const MAILS: &str = "strangers may have that many mails sent to one address";
const LASTS: &str = "what is stolen or left behind is good for that long";

/// Where no rule names a number it is about ten times what a project is born with.
const BOUNDS: &[Bound] = bounds! {
    sign_ins_per_minute <= 300: TRIES;
    failed_sign_ins_per_minute <= 100: GUESSES;
    // A hundred an hour: OWASP ASVS 4, 2.2.1; in five minutes, and in a quarter of an hour.
    failed_sign_ins_per_account <= 8: GUESSES;
    wrong_codes_per_account <= 25: GUESSES;
    sign_ups_per_minute <= 200: TRIES;
    mails_per_minute <= 50: MAILS;
    code_tries <= 10: GUESSES;
    second_factor_minutes <= 60: LASTS;
    // What is mailed to sign in with: OWASP ASVS 5, 6.5.5.
    magic_link_minutes <= 10: LASTS;
    session_idle_days <= 90: LASTS;
    session_days <= 365: LASTS;
    invitation_days <= 60: LASTS;
};

/// Whether an option does anything as the others are.
fn counts(option: &str, settings: &Settings) -> bool {
    match option {
        "magic_link_minutes" => settings.magic_links,
        "invitation_days" => settings.registration == Registration::Invitation,
        _ => true,
    }
}

fn fault(option: &str, problem: String) -> Fault {
    Fault {
        variable: format!("auth.{option} in quickscale.yml"),
        problem,
    }
}

/// What keeps an application from being deployed.
pub(super) fn weaknesses(settings: &Settings) -> Vec<Fault> {
    let unconfirmed = settings.registration == Registration::Open
        && settings.email_verification == EmailVerification::None;
    let unconfirmed = unconfirmed.then(|| {
        let problem = "is none: anybody can sign up, and pay, with anybody's address; make it optional or mandatory, or \
                       let nobody sign up uninvited (auth.registration)";
        fault("email_verification", problem.into())
    });
    let used = |bound: &&Bound| counts(bound.option, settings);
    let beyond = BOUNDS.iter().filter(used).filter_map(|bound| {
        let (value, most) = (*(bound.of)(&mut settings.clone()), bound.most);
        let problem = format!("is {value}: {}; make it {most} at most", bound.why);
        (value > most).then(|| fault(bound.option, problem))
    });
    unconfirmed.into_iter().chain(beyond).collect()
}

/// What is told, and left to whoever deploys.
pub(super) fn cautions(settings: &Settings) -> Vec<Fault> {
    let staff = (!settings.second_factor_for_staff).then(|| {
        let problem = "is false: who learns the password of one of the staff acts as the staff; make it true once each of \
                       them has a second factor";
        fault("second_factor_for_staff", problem.into())
    });
    staff.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::{App, Environment};

    fn options(found: Vec<Fault>) -> Vec<String> {
        let option = |fault: Fault| {
            let option = fault.variable.strip_prefix("auth.").unwrap();
            option.strip_suffix(" in quickscale.yml").unwrap().into()
        };
        found.into_iter().map(option).collect()
    }

    fn born() -> Settings {
        Settings {
            magic_links: true,
            ..Settings::default()
        }
    }

    #[test]
    fn what_a_project_is_born_with_is_strong_enough() {
        for registration in [
            Registration::Open,
            Registration::Invitation,
            Registration::Closed,
        ] {
            let settings = Settings {
                registration,
                ..born()
            };
            assert_eq!(options(weaknesses(&settings)), [""; 0]);
        }
    }

    #[test]
    fn strangers_show_that_an_address_is_theirs() {
        for (registration, expected) in [
            (Registration::Open, &["email_verification"][..]),
            (Registration::Invitation, &[]),
            (Registration::Closed, &[]),
        ] {
            let settings = Settings {
                registration,
                email_verification: EmailVerification::None,
                ..born()
            };
            assert_eq!(options(weaknesses(&settings)), expected);
        }
    }

    #[test]
    fn the_staff_without_a_second_factor_is_a_caution() {
        for (wanted, expected) in [(true, &[][..]), (false, &["second_factor_for_staff"])] {
            let settings = Settings {
                second_factor_for_staff: wanted,
                ..born()
            };
            assert_eq!(options(cautions(&settings)), expected);
            assert_eq!(options(weaknesses(&settings)), [""; 0]);
        }
    }

    #[test]
    fn each_bound_is_one_of_its_option_and_of_nothing_else() {
        for bound in BOUNDS {
            let mut settings = Settings {
                registration: Registration::Invitation,
                ..born()
            };
            *(bound.of)(&mut settings) = bound.most;
            assert_eq!(options(weaknesses(&settings)), [""; 0], "{}", bound.option);
            *(bound.of)(&mut settings) += 1;
            assert_eq!(options(weaknesses(&settings)), [bound.option]);
        }
    }

    /// What `check --deploy` asks all modules for.
    #[test]
    fn the_module_tells_of_its_own_settings() {
        let vars = [
            ("APP_ENV", "production"),
            ("APP_SECRET_KEY", "0123456789abcdef0123456789abcdef"),
            ("APP_URL", "https://shop.example"),
            ("DATABASE_URL", "postgres://app@db/app"),
        ];
        let vars = vars.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let config = Config::from_vars(vars.into(), ".".as_ref()).unwrap();
        let weak = Settings {
            email_verification: EmailVerification::None,
            code_tries: 11,
            ..Settings::default()
        };
        let app = |settings| {
            let app = App::builder("Shop", Environment::Production);
            app.module(crate::auth::module(settings))
        };
        let found = app(weak).weaknesses(&config);
        assert_eq!(options(found), ["email_verification", "code_tries"]);
        let born = app(Settings::default());
        assert_eq!(options(born.weaknesses(&config)), [""; 0]);
        assert_eq!(options(born.cautions(&config)), ["second_factor_for_staff"]);
    }

    #[test]
    fn what_is_switched_off_is_not_weak() {
        let settings = Settings {
            magic_links: false,
            magic_link_minutes: 60,
            invitation_days: 365,
            ..Settings::default()
        };
        assert_eq!(options(weaknesses(&settings)), [""; 0]);
    }
}
