//! How long `plan`, `apply` and a preview of `sync-back` take on a project of 300 managed files and on one of ten times as
//! many, and how much memory: the real templates, and as many more pages as that takes.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tempfile::TempDir;

use super::table::{Table, megabytes, milliseconds, percentile};
use crate::{process, repo};

const RUNS: usize = 20;

/// One of so many files of an update holds edits of the user.
const EDITED: usize = 4;

pub fn measure(quickscale: &Path, table: &mut Table) -> Result<()> {
    for (least, touched, times) in [(300, 40, 1), (3000, 400, 10)] {
        let project = Project::new(quickscale, least, touched)?;
        let files = project.files;
        let aim = |what: u32| milliseconds(Duration::from_millis(what.into()) * times);
        let (plans, _) = project.runs(&["plan", "--stat"], None)?;
        table.add(
            format!("plan with nothing to do, {files} files, p50 of {RUNS}"),
            milliseconds(percentile(&plans, 0.5)),
            aim(50),
        );
        let (previews, _) = project.runs(&["sync-back", "--templates", "..", "--preview"], None)?;
        table.add(
            format!(
                "preview of a sync-back, {files} files with edits in {}, p50 of {RUNS}",
                edited(touched) + 1
            ),
            milliseconds(percentile(&previews, 0.5)),
            aim(150),
        );
        project.update(touched)?;
        let (applies, memory) = project.runs(&["apply"], Some(&["undo"]))?;
        table.add(
            format!("apply that touches {touched} of {files} files, p50 of {RUNS}"),
            milliseconds(percentile(&applies, 0.5)),
            aim(200),
        );
        table.add(
            "the same, slowest",
            milliseconds(percentile(&applies, 1.0)),
            "",
        );
        table.add(
            format!("apply, memory, {files} files"),
            megabytes(memory),
            megabytes(60_000_000 * u64::from(times)),
        );
    }
    table.made_by(
        "`quickscale plan --stat`; `quickscale sync-back --preview` with edits in pages and in the README, which is rendered and judged in \
         every set of modules; `quickscale apply` after a change of templates, a fourth of which meets edits of the user, taken \
         back by `quickscale undo` (release build, on a disk, with fsync; wall clock and ru_maxrss)",
    );
    Ok(())
}

/// A project with the templates that it was made from, in a scratch folder.
struct Project {
    scratch: TempDir,
    quickscale: PathBuf,
    /// How many managed files it has.
    files: usize,
}

impl Project {
    /// A project of `least` managed files, of which an update can touch `touched`; of more when the repository's own
    /// templates leave no room for these.
    fn new(quickscale: &Path, least: usize, touched: usize) -> Result<Self> {
        let scratch = tempfile::Builder::new()
            .prefix("quickscale-bench-")
            .tempdir()?;
        let mut project = Self {
            scratch,
            quickscale: quickscale.to_owned(),
            files: 0,
        };
        project.link_templates()?;
        project.init("plain")?;
        let own = project.count_managed("plain")?;
        let more = least.saturating_sub(own).max(touched);
        project.files = own + more;
        for number in 0..more {
            project.write_page(number, "as it was")?;
        }
        project.init("app")?;
        for number in (0..touched).step_by(EDITED) {
            let page = project.folder().join(page(number));
            let text = fs_err::read_to_string(&page)?;
            fs_err::write(page, format!("<!-- mine -->\n{text}"))?;
        }
        let readme = project.folder().join("README.md");
        let text = fs_err::read_to_string(&readme)?;
        fs_err::write(readme, format!("{text}Ask my-saas-app@example.com.\n"))?;
        Ok(project)
    }

    fn folder(&self) -> PathBuf {
        self.scratch.path().join("app")
    }

    fn base(&self) -> PathBuf {
        self.scratch.path().join("project_templates/base")
    }

    /// Templates that lead to the repository's, and room for more.
    fn link_templates(&self) -> Result<()> {
        let templates = repo::root().join("project_templates");
        let own = self.scratch.path().join("project_templates");
        fs_err::create_dir_all(self.base())?;
        for folder in ["modules", "themes"] {
            symlink(templates.join(folder), own.join(folder))?;
        }
        for entry in fs_err::read_dir(templates.join("base"))? {
            let entry = entry?;
            symlink(entry.path(), self.base().join(entry.file_name()))?;
        }
        Ok(())
    }

    /// A page of the size that pages have, a hundred lines, with `word` in its middle.
    fn write_page(&self, number: usize, word: &str) -> Result<()> {
        let lines = |from: usize| -> String {
            let line =
                |line| format!("<p>Page {number}, line {line}: what people read there.</p>\n");
            (from..from + 50).map(line).collect()
        };
        let path = self.base().join(page(number));
        fs_err::create_dir_all(path.parent().context("a page has a folder")?)?;
        let text = format!("{}<p>{word}</p>\n{}", lines(0), lines(50));
        Ok(fs_err::write(path, text)?)
    }

    /// What a newer quickscale brings.
    fn update(&self, touched: usize) -> Result<()> {
        (0..touched).try_for_each(|number| self.write_page(number, "as it is now"))
    }

    fn init(&self, name: &str) -> Result<()> {
        let mut init = self.command(&["init", "my-saas-app", "--no-git", "--path", name]);
        process::run_quietly(&mut init)?;
        Ok(())
    }

    fn count_managed(&self, name: &str) -> Result<usize> {
        let state = self.scratch.path().join(name).join(".quickscale/state.yml");
        let state = fs_err::read_to_string(state)?;
        Ok(state.matches("\n    policy: managed\n").count())
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.quickscale);
        command
            .current_dir(self.scratch.path())
            .env("QUICKSCALE_TEMPLATES", self.scratch.path())
            .args(arguments);
        command
    }

    /// The times of a command in the project, and the most memory; after each run, `back` takes it back.
    fn runs(&self, arguments: &[&str], back: Option<&[&str]>) -> Result<(Vec<Duration>, u64)> {
        let run = |arguments: &[&str]| {
            process::run_quietly(self.command(arguments).current_dir(self.folder()))
        };
        let mut times = Vec::new();
        let mut memory = 0;
        for _ in 0..RUNS {
            let usage = run(arguments)?;
            times.push(usage.wall);
            memory = memory.max(usage.max_rss);
            back.map(run).transpose()?;
        }
        Ok((times, memory))
    }
}

/// How many of so many files have edits.
fn edited(touched: usize) -> usize {
    touched.div_ceil(EDITED)
}

/// Where a page stands, twenty to a folder.
fn page(number: usize) -> String {
    format!("pages/{:03}/{number:04}.html", number / 20)
}
