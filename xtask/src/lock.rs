//! `cargo xtask lock`: pins generated projects to the dependencies that this repository is tested with.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

/// Write project_templates/base/Cargo.lock.j2 from this repository's Cargo.lock
///
/// Run it after `cargo update`, and after every change of the dependencies of the runtime, a module or a kind of service.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Change nothing; fail when the template is not up to date
    #[arg(long)]
    check: bool,
}

/// The name that a project has while its lockfile is made.
const NAME: &str = "quickscale-lock-sample";

const START: &str = "[[package]]\n";

const END: &str = "<% endif %>\n";

pub fn run(args: &Args) -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .context("xtask stands in the repository")?;
    let file = root.join("project_templates/base/Cargo.lock.j2");
    let scratch = tempfile::tempdir()?;
    let full = sample(root, &scratch.path().join("full"), &[])?;
    generate_services(root, &full)?;
    let full = resolve(root, &full)?;
    let bare = resolve(
        root,
        &sample(root, &scratch.path().join("bare"), &["--module", "none"])?,
    )?;
    let template = template(&full, &bare)?;
    if fs_err::read_to_string(&file).is_ok_and(|there| there == template) {
        println!("project_templates/base/Cargo.lock.j2 is up to date");
    } else if args.check {
        bail!("project_templates/base/Cargo.lock.j2 is not up to date; run `cargo xtask lock`");
    } else {
        fs_err::write(&file, template)?;
        println!("wrote project_templates/base/Cargo.lock.j2");
    }
    Ok(())
}

/// A new project in `project`.
fn sample(root: &Path, project: &Path, arguments: &[&str]) -> Result<PathBuf> {
    let mut command = quickscale(root);
    command.args(["init", "lock-sample", "--no-git"]);
    command.args(arguments).arg("--path").arg(project);
    ensure!(command.status()?.success(), "quickscale init failed");
    let manifest = project.join("Cargo.toml");
    let text = fs_err::read_to_string(&manifest)?;
    let text = text.replacen("\"lock-sample\"", &format!("\"{NAME}\""), 1);
    fs_err::write(manifest, text)?;
    Ok(project.to_path_buf())
}

/// One service of each kind: whatever a project can depend on.
fn generate_services(root: &Path, project: &Path) -> Result<()> {
    for kind in fs_err::read_dir(root.join("service_templates"))? {
        let kind = kind?.file_name().to_string_lossy().into_owned();
        let mut command = quickscale(root);
        command.arg("--project").arg(project);
        command.args([
            "generate-service",
            &format!("sample_{kind}"),
            "--type",
            &kind,
        ]);
        ensure!(command.status()?.success(), "generate-service failed");
    }
    Ok(())
}

fn quickscale(root: &Path) -> Command {
    let mut command = Command::new("cargo");
    command.args(["run", "--quiet", "--package", "quickscale", "--"]);
    command.args(["--quiet", "--yes"]).current_dir(root);
    command
}

/// The project's lockfile: the repository's, without what the project does not use.
fn resolve(root: &Path, project: &Path) -> Result<String> {
    let lockfile = project.join("Cargo.lock");
    fs_err::copy(root.join("Cargo.lock"), &lockfile)?;
    let mut command = Command::new("cargo");
    command.args(["metadata", "--quiet", "--format-version", "1"]);
    let output = command.current_dir(project).output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "cargo metadata: {said}");
    Ok(fs_err::read_to_string(lockfile)?)
}

/// A lockfile taken apart.
struct Lockfile<'a> {
    head: &'a str,
    /// The project itself, without its name.
    own: &'a str,
    others: Vec<&'a str>,
}

impl<'a> Lockfile<'a> {
    fn parse(text: &'a str) -> Result<Self> {
        let (head, packages) = text
            .split_once(START)
            .context("the lockfile has no packages")?;
        let name = format!("name = \"{NAME}\"\n");
        let mut own = None;
        let mut others = Vec::new();
        for package in packages.split(START).map(str::trim_end) {
            match package.strip_prefix(&name) {
                Some(rest) => own = Some(rest),
                None => others.push(package),
            }
        }
        let own = own.context("the lockfile does not hold the project")?;
        Ok(Self { head, own, others })
    }
}

/// The lockfile of all projects: the project's own package first, for the engine to put in order, and what the bare
/// project lacks only for those that have dependencies of their own.
fn template(full: &str, bare: &str) -> Result<String> {
    let (full, bare) = (Lockfile::parse(full)?, Lockfile::parse(bare)?);
    let strangers: Vec<_> = bare
        .others
        .iter()
        .filter(|package| !full.others.contains(package))
        .collect();
    ensure!(
        strangers.is_empty(),
        "only the bare project has {strangers:?}"
    );
    let own = full.own.lines().map(|line| {
        let always = bare.own.lines().any(|other| other == line);
        // With its version behind it, where there are several of a name.
        let name = line.trim().trim_matches([',', '"']);
        let name = name.split(' ').next().unwrap_or_default();
        let condition = format!("\"{name}\" in dependencies");
        optional(always, &condition, &format!("{line}\n"))
    });
    let others = full.others.iter().map(|package| {
        let always = bare.others.contains(package);
        optional(always, "dependencies", &format!("{START}{package}\n\n"))
    });
    let own = own.collect::<String>();
    let others = others.collect::<String>();
    let head = full.head;
    Ok(format!(
        "{head}<% filter package_in_order %>\n{START}name = \"<%= project.slug %>\"\n{own}\n{others}<% endfilter %>\n"
    ))
}

fn optional(always: bool, condition: &str, text: &str) -> String {
    if always {
        text.to_owned()
    } else {
        format!("<% if {condition} %>\n{text}{END}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lockfile(packages: &[(&str, &str)]) -> String {
        let package = |(name, dependencies): &(&str, &str)| {
            format!("[[package]]\nname = \"{name}\"\ndependencies = [\n{dependencies}]\n")
        };
        let packages: Vec<_> = packages.iter().map(package).collect();
        format!("version = 4\n\n{}", packages.join("\n"))
    }

    #[test]
    fn the_project_is_named_by_the_template_and_keeps_what_only_some_have_apart() {
        let full = lockfile(&[("a", ""), ("b", ""), (NAME, " \"a\",\n \"b\",\n")]);
        let bare = lockfile(&[("b", ""), (NAME, " \"b\",\n")]);
        let expected = "version = 4\n\n<% filter package_in_order %>\n\
            [[package]]\nname = \"<%= project.slug %>\"\ndependencies = [\n\
            <% if \"a\" in dependencies %>\n \"a\",\n<% endif %>\n \"b\",\n]\n\n\
            <% if dependencies %>\n[[package]]\nname = \"a\"\ndependencies = [\n]\n\n<% endif %>\n\
            [[package]]\nname = \"b\"\ndependencies = [\n]\n\n<% endfilter %>\n";
        assert_eq!(template(&full, &bare).unwrap(), expected);
    }

    #[test]
    fn a_lockfile_without_the_project_is_refused() {
        let other = lockfile(&[("a", "")]);
        assert!(template(&other, &other).is_err());
    }
}
