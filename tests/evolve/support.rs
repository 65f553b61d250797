//! A project in a scratch folder, made to look as if older templates had been applied to it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use quickscale::digest::Digest;
use tempfile::TempDir;

/// The binary under test.
pub const QUICKSCALE: &str = env!("CARGO_BIN_EXE_quickscale");

/// A born project.
pub struct Project {
    folder: TempDir,
    /// The templates that are used instead of the binary's.
    templates: Option<PathBuf>,
}

/// What a command said and how it ended.
#[derive(Debug)]
pub struct Said {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Said {
    pub fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("text");
        Self {
            code: output.status.code(),
            out: text(&output.stdout),
            err: text(&output.stderr),
        }
    }
}

impl Project {
    /// A project with every module, or with `arguments` for `init`.
    pub fn new(arguments: &[&str]) -> Self {
        let project = Self::scratch();
        project.init(arguments);
        project
    }

    /// A place for a project, with nothing in it.
    pub fn scratch() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("quickscale-evolve-")
            .tempdir()
            .expect("a folder");
        let project = Self {
            folder,
            templates: None,
        };
        std::fs::create_dir(project.root()).expect("a folder");
        project
    }

    /// Has the project born there.
    pub fn init(&self, arguments: &[&str]) {
        let mut all = vec!["init", "my-saas", "--no-git", "--path", "."];
        all.extend_from_slice(arguments);
        let said = self.run(&all);
        assert_eq!(said.code, Some(0), "{said:?}");
    }

    /// Takes the templates of a folder from now on.
    pub fn use_templates(&mut self, folder: PathBuf) {
        self.templates = Some(folder);
    }

    /// A place beside the project.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn root(&self) -> PathBuf {
        self.folder.path().join("app")
    }

    pub fn path(&self, path: &str) -> PathBuf {
        self.root().join(path)
    }

    pub fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.path(path)).expect("the file is there")
    }

    pub fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, text).expect("the file can be written");
    }

    pub fn rename(&self, from: &str, to: &str) {
        let to = self.path(to);
        std::fs::create_dir_all(to.parent().expect("a folder")).expect("a folder");
        std::fs::rename(self.path(from), to).expect("renamed");
    }

    /// The names in a folder, in order.
    pub fn names(&self, folder: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.path(folder)).expect("a folder");
        let name = |entry: std::fs::DirEntry| entry.file_name().into_string().expect("text");
        let mut names: Vec<_> = entries
            .map(|entry| name(entry.expect("an entry")))
            .collect();
        names.sort();
        names
    }

    /// Makes all of it somebody else's.
    #[cfg(unix)]
    pub fn give_to(&self, user: u32) {
        for entry in walkdir::WalkDir::new(self.folder.path()) {
            let path = entry.expect("an entry").into_path();
            std::os::unix::fs::lchown(path, Some(user), Some(user)).expect("given");
        }
    }

    /// `quickscale ARGUMENTS` in the project, about to run without a terminal.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(QUICKSCALE);
        command
            .current_dir(self.root())
            .env_clear()
            .env("HOME", self.folder.path())
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("COLUMNS", "100")
            .stdin(Stdio::null())
            .args(arguments);
        if let Some(folder) = &self.templates {
            command.env("QUICKSCALE_TEMPLATES", folder);
        }
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Said {
        let mut command = self.command(arguments);
        Said::of(&command.output().expect("quickscale can be started"))
    }

    pub fn apply(&self, arguments: &[&str]) -> Said {
        self.run(&[&["apply"], arguments].concat())
    }

    /// The actions of `plan --json`, by path.
    pub fn plan(&self) -> Vec<(String, String)> {
        let said = self.run(&["plan", "--json"]);
        assert_eq!(said.code, Some(0), "{said:?}");
        let json: serde_json::Value = serde_json::from_str(&said.out).expect("JSON");
        let text =
            |change: &serde_json::Value, key: &str| change[key].as_str().expect(key).to_owned();
        let changes = json["changes"].as_array().expect("changes");
        changes
            .iter()
            .map(|change| (text(change, "path"), text(change, "action")))
            .collect()
    }

    /// Makes `older` what was last applied at `path`, and what stands there: since then the template has moved on.
    pub fn age(&self, path: &str, older: impl AsRef<[u8]>) {
        let older = older.as_ref();
        let now = Digest::of(&std::fs::read(self.path(path)).expect("the file is there"));
        let then = Digest::of(older);
        let state = self.read(".quickscale/state.yml");
        let entry = format!("  {path}:\n");
        let (before, after) = state.split_once(&entry).expect("the state knows the file");
        let after = after.replacen(&now.to_string(), &then.to_string(), 1);
        self.write(".quickscale/state.yml", format!("{before}{entry}{after}"));
        self.write(&format!(".quickscale/base/{then}"), older);
        std::fs::write(self.path(path), older).expect("the file can be written");
    }

    /// Every file with its contents, but not what belongs to transactions and to this machine.
    pub fn snapshot(&self) -> Vec<(String, Vec<u8>)> {
        let root = self.root();
        let skipped = ["apply", "undo", "base", "lock", "lock.holder", "run"]
            .map(|name| root.join(".quickscale").join(name));
        let is_skipped = |path: &Path| skipped.iter().any(|folder| path.starts_with(folder));
        let mut files: Vec<_> = walkdir::WalkDir::new(&root)
            .into_iter()
            .map(|entry| entry.expect("an entry").into_path())
            .filter(|path| path.is_file() && !is_skipped(path))
            .map(|path| {
                let name = path
                    .strip_prefix(&root)
                    .expect("inside")
                    .display()
                    .to_string();
                (name, std::fs::read(&path).expect("a file"))
            })
            .collect();
        files.sort();
        files
    }
}
