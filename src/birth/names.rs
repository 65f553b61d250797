//! From the NAME that was typed to the project's two names, or to a refusal that says what would do.

use crate::catalogue::Catalogue;
use crate::error::Fault;
use crate::project::config::DisplayName;
use crate::project::names::{NameError, Slug};

/// What people and what machines call a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    /// For people.
    pub display: DisplayName,
    /// For machines.
    pub slug: Slug,
}

/// Takes NAME for both unless `display` says what people call it. `my-saas` is shown as `My Saas`; anything else that
/// makes a slug is shown as it was typed.
pub fn names(typed: &str, display: Option<&str>, catalogue: &Catalogue) -> Result<Names, Fault> {
    let slug = Slug::from_display(typed).map_err(|error| refusal(typed, display, &error))?;
    if catalogue.is_dependency(slug.as_str()) {
        return Err(taken(typed, display, &slug));
    }
    let title = if typed == slug.as_str() {
        slug.title()
    } else {
        typed.to_owned()
    };
    let display = display.map_or(title, str::to_owned);
    let display = display.parse().map_err(|error: NameError| {
        Fault::new(error.to_string())
            .hint("pass a shorter one with --name; people read it, machines do not")
    })?;
    Ok(Names { display, slug })
}

fn refusal(typed: &str, display: Option<&str>, error: &NameError) -> Fault {
    let fault = Fault::new(error.to_string());
    let command = match error.proposal() {
        Some(proposal) if proposal.contains(' ') => format!("quickscale init {proposal}"),
        Some(proposal) => command(proposal, typed, display),
        None if typed.trim().is_empty() => "quickscale init my-saas".into(),
        None => command("my-saas", typed, display),
    };
    fault.hint(format!("try `{command}`"))
}

fn taken(typed: &str, display: Option<&str>, slug: &Slug) -> Fault {
    let fault = Fault::new(format!(
        "`{slug}` is the name of a package that every project uses"
    ));
    fault.hint(format!(
        "try `{}`",
        command(&format!("{slug}-app"), typed, display)
    ))
}

/// The command that would do, keeping what was typed as the name for people where it is more than a slug.
fn command(slug: &str, typed: &str, display: Option<&str>) -> String {
    let is_plain = typed
        .bytes()
        .all(|byte| byte.is_ascii_lowercase() || byte == b'-');
    let keeps = || {
        typed
            .parse::<DisplayName>()
            .ok()
            .filter(|_| !is_plain)
            .map(|name| name.to_string())
    };
    match display.map(str::to_owned).or_else(keeps) {
        Some(name) => format!(
            "quickscale init {slug} --name '{}'",
            name.replace('\'', r"'\''")
        ),
        None => format!("quickscale init {slug}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::hint_of;

    fn names_of(typed: &str) -> Result<(String, String), String> {
        match names(typed, None, Catalogue::embedded()) {
            Ok(names) => Ok((names.display.to_string(), names.slug.to_string())),
            Err(fault) => Err(hint_of(&fault.into()).unwrap().to_owned()),
        }
    }

    #[test]
    fn a_project_has_a_name_for_people_and_one_for_machines() {
        for (typed, display, slug) in [
            ("my-saas-app", "My Saas App", "my-saas-app"),
            ("MySaaS", "MySaaS", "my-saas"),
            ("naïve café", "naïve café", "naive-cafe"),
            ("a", "A", "a"),
        ] {
            assert_eq!(names_of(typed), Ok((display.into(), slug.into())));
        }
    }

    #[test]
    fn a_refusal_says_what_to_type() {
        for (typed, command) in [
            ("2fast", "quickscale init app-2fast --name '2fast'"),
            ("test", "quickscale init test-app"),
            ("serde", "quickscale init serde-app"),
            ("CON", "quickscale init con-app --name 'CON'"),
            ("日本語", "quickscale init my-saas --name '日本語'"),
            ("../x", "quickscale init x --path ../x"),
            ("", "quickscale init my-saas"),
            ("...", "quickscale init my-saas --name '...'"),
        ] {
            assert_eq!(names_of(typed), Err(format!("try `{command}`")), "{typed}");
        }
    }
}
