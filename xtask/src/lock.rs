//! `cargo xtask lock`: pins generated projects to the dependencies that this repository is tested with.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

/// Write project_templates/base/Cargo.lock.j2 from this repository's Cargo.lock
///
/// Run it after `cargo update`, and after every change of the runtime's dependencies.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Change nothing; fail when the template is not up to date
    #[arg(long)]
    check: bool,
}

/// The name that the project has while its lockfile is made.
const NAME: &str = "quickscale-lock-sample";

const START: &str = "[[package]]\n";

pub fn run(args: &Args) -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .context("xtask stands in the repository")?;
    let file = root.join("project_templates/base/Cargo.lock.j2");
    let scratch = tempfile::tempdir()?;
    let project = sample(root, scratch.path())?;
    let template = template(&resolve(root, &project)?)?;
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

/// A project with every module.
fn sample(root: &Path, scratch: &Path) -> Result<PathBuf> {
    let project = scratch.join(NAME);
    let mut command = Command::new("cargo");
    command.args([
        "run",
        "--quiet",
        "--package",
        "quickscale",
        "--",
        "--quiet",
        "--yes",
        "init",
        "lock-sample",
    ]);
    command
        .args(["--no-git", "--path"])
        .arg(&project)
        .current_dir(root);
    ensure!(command.status()?.success(), "quickscale init failed");
    let manifest = project.join("Cargo.toml");
    let text =
        fs_err::read_to_string(&manifest)?.replacen("\"lock-sample\"", &format!("\"{NAME}\""), 1);
    fs_err::write(manifest, text)?;
    Ok(project)
}

/// The project's lockfile: the repository's, without what the project does not use.
fn resolve(root: &Path, project: &Path) -> Result<String> {
    let lockfile = project.join("Cargo.lock");
    fs_err::copy(root.join("Cargo.lock"), &lockfile)?;
    let mut command = Command::new("cargo");
    command
        .args(["metadata", "--quiet", "--format-version", "1"])
        .current_dir(project);
    let output = command.output()?;
    ensure!(
        output.status.success(),
        "cargo metadata: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(fs_err::read_to_string(lockfile)?)
}

/// The lockfile as a template: the project's own package first, under its own name, for the engine to put in order.
fn template(lockfile: &str) -> Result<String> {
    let (head, packages) = lockfile
        .split_once(START)
        .context("the lockfile has no packages")?;
    let packages: Vec<&str> = packages.split(START).map(str::trim_end).collect();
    let own = format!("name = \"{NAME}\"\n");
    let (own_package, others): (Vec<&str>, Vec<&str>) = packages
        .into_iter()
        .partition(|package| package.starts_with(&own));
    let [own_package] = own_package[..] else {
        bail!("the lockfile does not hold the project once")
    };
    let own_package = own_package.replacen(NAME, "<%= project.slug %>", 1);
    let blocks: Vec<String> = std::iter::once(own_package.as_str())
        .chain(others)
        .map(|package| format!("{START}{package}\n"))
        .collect();
    let blocks = blocks.join("\n");
    Ok(format!(
        "{head}<% filter package_in_order %>\n{blocks}<% endfilter %>\n"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_project_is_taken_out_and_named_by_the_template() {
        let lockfile = format!(
            "version = 4\n\n[[package]]\nname = \"a\"\n\n[[package]]\nname = \"{NAME}\"\ndependencies = [\n \"a\",\n]\n"
        );
        let expected = "version = 4\n\n<% filter package_in_order %>\n[[package]]\nname = \"<%= project.slug %>\"\n\
                        dependencies = [\n \"a\",\n]\n\n[[package]]\nname = \"a\"\n<% endfilter %>\n";
        assert_eq!(template(&lockfile).unwrap(), expected);
    }

    #[test]
    fn a_lockfile_without_the_project_is_refused() {
        assert!(template("version = 4\n\n[[package]]\nname = \"a\"\n").is_err());
    }
}
