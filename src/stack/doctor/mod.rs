//! What `quickscale check` looks at before somebody wonders why the app does not run: tools, files, configuration,
//! database, port, disk. Looks only; each finding names its remedy.

mod app;
mod files;
mod python;
mod tools;

use anyhow::Error;
use console::Style;
use serde::Serialize;

use super::Site;
use super::record::RunDir;
use super::settings::Settings;
use crate::error::hint_of;
use crate::project::Project;
use crate::ui::Ui;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Ok,
    /// The app runs, but somebody should look at it.
    Warning,
    /// The app does not run like this.
    Error,
}

/// What one check found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at: `rust`, `database`, ….
    pub check: &'static str,
    pub status: Severity,
    pub message: String,
    /// What to run or change; null where nothing is to be done.
    pub remedy: Option<String>,
}

impl Finding {
    fn ok(check: &'static str, message: impl Into<String>) -> Self {
        Self {
            check,
            status: Severity::Ok,
            message: message.into(),
            remedy: None,
        }
    }

    fn warning(check: &'static str, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            check,
            status: Severity::Warning,
            message: message.into(),
            remedy: Some(remedy.into()),
        }
    }

    fn error(check: &'static str, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            status: Severity::Error,
            ..Self::warning(check, message, remedy)
        }
    }

    /// A fault that the command itself would end with.
    fn fault(check: &'static str, error: &Error) -> Self {
        Self {
            check,
            status: Severity::Error,
            message: format!("{error:#}"),
            remedy: hint_of(error).map(str::to_owned),
        }
    }
}

/// Everything that was found, as `quickscale check --json` prints it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    pub format_version: u32,
    /// Whether no finding is an error.
    pub ok: bool,
    pub findings: Vec<Finding>,
}

/// Looks at everything.
pub fn examine(project: &Project, ui: &Ui) -> Report {
    let (settings, readable) = match Settings::load(project.root()) {
        Ok(settings) => (settings, None),
        Err(error) => (Settings::default(), Some(Finding::fault("env", &error))),
    };
    let site = Site {
        root: project.root(),
        run: RunDir::of(project),
        settings,
        ui,
    };
    let mut findings = vec![files::configuration(project), files::runtime(site.root)];
    findings.extend(tools::rust(site.root));
    findings.extend(tools::c_compiler());
    findings.push(tools::disk(site.root));
    findings.extend(python::programs(site.root));
    match readable {
        Some(finding) => findings.push(finding),
        None => {
            findings.extend(files::env(&site));
            findings.push(app::database(&site));
            findings.push(app::port(&site));
        }
    }
    findings.push(app::running(&site));
    findings.push(tools::docker());
    Report {
        format_version: 1,
        ok: !findings.iter().any(|one| one.status == Severity::Error),
        findings,
    }
}

/// The findings as lines for a reader.
pub fn describe(report: &Report) -> String {
    let mut text = String::new();
    for one in &report.findings {
        let (mark, style) = match one.status {
            Severity::Ok => ("ok", Style::new().green()),
            Severity::Warning => ("warning", Style::new().yellow()),
            Severity::Error => ("error", Style::new().red()),
        };
        let mark = style.apply_to(format!("{mark:>7}"));
        text.push_str(&format!("{mark}  {:<14}{}\n", one.check, one.message));
        if let Some(remedy) = &one.remedy {
            text.push_str(&format!("{:>7}  {:<14}→ {remedy}\n", "", ""));
        }
    }
    text
}
