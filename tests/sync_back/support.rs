//! A project, the templates that it was made from, and a checkout of these that edits go back to.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// The binary under test.
pub const QUICKSCALE: &str = env!("CARGO_BIN_EXE_quickscale");

/// What sync-back changes of a checkout.
const TREES: [&str; 3] = ["project_templates", "runtime", "service_templates"];

/// What every pack here has beside the files of a test: two modules, of which `two` needs `one`, and a theme.
const AROUND: [(&str, &str); 5] = [
    (
        "base/.env.j2",
        "APP_SECRET_KEY=<%= secret.app_secret_key %>\n",
    ),
    ("themes/plain/theme.yml", "{name: plain, summary: pages}"),
    (
        "modules/one/module.yml",
        "{name: one, summary: a part, feature: one}",
    ),
    (
        "modules/two/module.yml",
        "{name: two, summary: more, feature: two, requires: [one]}",
    ),
    (
        "base/base.yml",
        "secrets: [app_secret_key]\nfiles:\n  .env: { policy: once, mode: \"0600\" }\n  quickscale.yml: { policy: once }\n",
    ),
];

/// What a command said and how it ended.
#[derive(Debug)]
pub struct Said {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

/// All of it, in a scratch folder.
pub struct Workshop {
    folder: TempDir,
}

impl Workshop {
    /// A project called `my-saas` of `files`, by their places below `project_templates/` or, for `runtime/…`, in the
    /// checkout.
    pub fn new(files: &[(&str, &[u8])]) -> Self {
        let this = Self::with_templates(files);
        this.init("my-saas", &[]);
        this
    }

    /// Templates without a project.
    pub fn with_templates(files: &[(&str, &[u8])]) -> Self {
        let this = Self::empty();
        for pack in ["pack", "checkout"] {
            let config = Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("project_templates/base/quickscale.yml.j2");
            let config = std::fs::read(config).expect("there");
            this.write_template(pack, "base/quickscale.yml.j2", &config);
            for (path, text) in AROUND {
                this.write_template(pack, path, text.as_bytes());
            }
            for (path, bytes) in files {
                this.write_template(pack, path, bytes);
            }
        }
        this
    }

    /// The repository's own templates, without a project.
    pub fn of_repository() -> Self {
        let this = Self::empty();
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        for tree in TREES {
            let built = root.join(tree).join("target");
            copy(&root.join(tree), &this.path("checkout").join(tree), &built);
        }
        this.rebuild();
        this
    }

    fn empty() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("quickscale-sync-")
            .tempdir()
            .expect("a folder");
        let this = Self { folder };
        for pack in ["pack", "checkout"] {
            for tree in TREES {
                std::fs::create_dir_all(this.path(pack).join(tree)).expect("a folder");
            }
        }
        this
    }

    /// Has a project born beside the others.
    pub fn init(&self, name: &str, arguments: &[&str]) {
        let all = [&["init", name, "--no-git"], arguments].concat();
        let said = self.run(&all);
        assert_eq!(said.code, Some(0), "{said:?}");
    }

    pub fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn write_template(&self, pack: &str, path: &str, bytes: &[u8]) {
        let path = self.path(&template(pack, path));
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, bytes).expect("written");
    }

    /// Writes a file of the project.
    pub fn edit(&self, path: &str, bytes: impl AsRef<[u8]>) {
        self.edit_in("my-saas", path, bytes);
    }

    pub fn edit_in(&self, project: &str, path: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(project).join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, bytes).expect("written");
    }

    /// Changes a file of the project: what `old` is there becomes `new`.
    pub fn replace(&self, path: &str, old: &str, new: &str) {
        self.replace_in("my-saas", path, old, new);
    }

    pub fn replace_in(&self, project: &str, path: &str, old: &str, new: &str) {
        let text = self.file_of(project, path);
        assert!(text.contains(old), "{path} does not hold {old:?}: {text}");
        self.edit_in(project, path, text.replacen(old, new, 1));
    }

    /// A file of the project.
    pub fn project(&self, path: &str) -> String {
        self.file_of("my-saas", path)
    }

    pub fn file_of(&self, project: &str, path: &str) -> String {
        let path = self.path(project).join(path);
        std::fs::read_to_string(path).expect("the file is there")
    }

    /// Changes a template of the checkout.
    pub fn write_checkout(&self, path: &str, bytes: impl AsRef<[u8]>) {
        self.write_template("checkout", path, bytes.as_ref());
    }

    /// A template of the checkout.
    pub fn checkout(&self, path: &str) -> String {
        let bytes = std::fs::read(self.path(&template("checkout", path)));
        String::from_utf8(bytes.expect("the template is there")).expect("text")
    }

    /// The checkout's files with their contents, but not what belongs to transactions.
    pub fn snapshot(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let root = self.path("checkout");
        let files = walkdir::WalkDir::new(&root).sort_by_file_name();
        let files = files.into_iter().map(|entry| entry.expect("an entry"));
        files
            .filter(|entry| entry.file_type().is_file())
            .map(walkdir::DirEntry::into_path)
            .filter(|path| !path.starts_with(root.join(".quickscale")))
            .map(|path| (path.clone(), std::fs::read(&path).expect("a file")))
            .collect()
    }

    /// Has the binary's own templates be those of the checkout, as when it is built again.
    pub fn rebuild(&self) {
        std::fs::remove_dir_all(self.path("pack")).expect("removed");
        for tree in TREES {
            let checkout = self.path("checkout").join(tree);
            copy(
                &checkout,
                &self.path("pack").join(tree),
                &checkout.join("target"),
            );
        }
    }

    /// The binary with its surroundings sealed.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(QUICKSCALE);
        command
            .current_dir(self.folder.path())
            .env_clear()
            .env("HOME", self.folder.path())
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("COLUMNS", "100")
            .env("QUICKSCALE_TEMPLATES", self.path("pack"))
            .stdin(Stdio::null())
            .args(arguments);
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Said {
        let output = self.command(arguments).output();
        let output = output.expect("quickscale can be started");
        Said {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).expect("text"),
            err: String::from_utf8(output.stderr).expect("text"),
        }
    }

    /// `sync-back` of the project to the checkout.
    pub fn sync(&self, arguments: &[&str]) -> Said {
        self.sync_of("my-saas", arguments)
    }

    pub fn sync_of(&self, project: &str, arguments: &[&str]) -> Said {
        let own = ["sync-back", project, "--templates", "checkout"];
        self.run(&[&own, arguments].concat())
    }

    /// `--apply`, which must work.
    pub fn applies(&self, arguments: &[&str]) {
        let said = self.sync(&[&["--apply"], arguments].concat());
        assert_eq!(said.code, Some(0), "{said:?}");
    }

    /// `--apply`, which must end with `code`, write nothing and say `named`.
    pub fn refuses(&self, arguments: &[&str], code: i32, named: &str) {
        let before = self.snapshot();
        let said = self.sync(&[&["--apply"], arguments].concat());
        assert_eq!(said.code, Some(code), "{said:?}");
        assert!(said.err.contains(named), "{named:?} is not said: {said:?}");
        assert_eq!(self.snapshot(), before, "{said:?}");
    }

    /// `--preview --json`.
    pub fn json(&self) -> Value {
        let said = self.sync(&["--preview", "--json"]);
        assert_eq!(said.code, Some(0), "{said:?}");
        serde_json::from_str(&said.out).expect("JSON")
    }

    /// The edits of the project, in order.
    pub fn hunks(&self) -> Vec<Value> {
        let json = self.json();
        let files = json["files"].as_array().expect("files");
        let hunks = files
            .iter()
            .map(|file| file["hunks"].as_array().expect("hunks"));
        hunks.flatten().cloned().collect()
    }

    /// Why a file of the project stays as it is.
    pub fn skipped(&self, path: &str) -> Option<String> {
        let json = self.json();
        let skipped = json["skipped"].as_array().expect("a list");
        let found = skipped.iter().find(|skipped| skipped["path"] == path)?;
        Some(found["reason"].as_str().expect("text").to_owned())
    }

    /// `update` of a project, which must work.
    pub fn updates(&self, project: &str) {
        let said = self.run(&["--project", project, "update"]);
        assert_eq!(said.code, Some(0), "{said:?}");
    }
}

/// Copies a folder, without what stands at `without`.
fn copy(from: &Path, to: &Path, without: &Path) {
    let entries = walkdir::WalkDir::new(from).into_iter();
    for entry in entries.filter_entry(|entry| entry.path() != without) {
        let entry = entry.expect("an entry");
        let to = to.join(entry.path().strip_prefix(from).expect("inside"));
        if entry.file_type().is_dir() {
            std::fs::create_dir_all(to).expect("a folder");
        } else {
            std::fs::copy(entry.path(), to).expect("copied");
        }
    }
}

/// Where a template stands.
fn template(pack: &str, path: &str) -> String {
    match path.starts_with("runtime/") {
        true => format!("{pack}/{path}"),
        false => format!("{pack}/project_templates/{path}"),
    }
}
