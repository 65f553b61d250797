//! A project of templates that a test writes itself, so that it can change both sides: what the user has and what a newer
//! quickscale brings.

use std::path::PathBuf;

use crate::support::Project;

/// What is there beside the files of a test: two modules, of which `two` needs `one`, and a theme.
const AROUND: [(&str, &str); 5] = [
    ("base/base.yml", "secrets: [app_secret_key]"),
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
];

/// What `base.yml` says of the files that are not the test's.
const RULES: &str = "  .env: {policy: once, mode: '0600'}\n  quickscale.yml: {policy: once}\n";

/// A born project with its templates.
pub struct Evolving {
    pub project: Project,
    base: String,
}

impl Evolving {
    /// A project of `files`, by their places below `base/`.
    pub fn new(files: &[(&str, &str)]) -> Self {
        Self::born(files, "")
    }

    /// The same, with `rules` for some of the files, as lines of `base.yml`.
    pub fn born(files: &[(&str, &str)], rules: &str) -> Self {
        let project = Project::scratch();
        let mut this = Self {
            project,
            base: String::new(),
        };
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let config = root.join("project_templates/base/quickscale.yml.j2");
        this.template(
            "base/quickscale.yml.j2",
            std::fs::read(config).expect("there"),
        );
        for (path, text) in AROUND {
            this.template(path, text);
        }
        for folder in ["runtime", "service_templates"] {
            std::fs::create_dir(this.templates().join(folder)).expect("a folder");
        }
        for (path, text) in files {
            this.base(path, text);
        }
        this.rules(rules);
        this.project.use_templates(this.templates());
        this.project.init(&[]);
        this
    }

    fn templates(&self) -> PathBuf {
        self.project.beside("templates")
    }

    /// Writes a file of the newer templates, by its place below `project_templates/`.
    pub fn template(&self, path: &str, bytes: impl AsRef<[u8]>) {
        let path = self.templates().join("project_templates").join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, bytes).expect("written");
    }

    /// Writes one of the base layer.
    pub fn base(&self, path: &str, bytes: impl AsRef<[u8]>) {
        self.template(&format!("base/{path}"), bytes);
    }

    /// The newer templates have it no more.
    pub fn drop_base(&self, path: &str) {
        let base = self.templates().join("project_templates/base");
        let file = base.join(path);
        std::fs::remove_file(&file).expect("removed");
        for folder in file
            .ancestors()
            .skip(1)
            .take_while(|folder| **folder != base)
        {
            let _ = std::fs::remove_dir(folder);
        }
    }

    /// What the newer `base.yml` says of some files.
    pub fn rules(&mut self, rules: &str) {
        self.base = format!("secrets: [app_secret_key]\nfiles:\n{RULES}{rules}");
        self.template("base/base.yml", &self.base);
    }

    /// What `plan` would do at a path; none when nothing.
    pub fn action(&self, path: &str) -> Option<String> {
        let plan = self.project.plan();
        plan.into_iter()
            .find(|(at, _)| at == path)
            .map(|(_, action)| action)
    }

    /// `apply`, which must work and leave nothing to do.
    pub fn applies(&self, arguments: &[&str]) {
        let said = self.project.apply(arguments);
        assert_eq!(said.code, Some(0), "{said:?}");
        let again = self.project.run(&["plan", "--exit-code"]);
        assert!(matches!(again.code, Some(0 | 11)), "not quiet: {again:?}");
    }

    /// `apply`, which must end with `code` and change nothing.
    pub fn refuses(&self, arguments: &[&str], code: i32, named: &str) {
        let before = self.project.snapshot();
        let said = self.project.apply(arguments);
        assert_eq!(said.code, Some(code), "{said:?}");
        assert!(said.err.contains(named), "{said:?}");
        assert_eq!(self.project.snapshot(), before, "{said:?}");
    }

    /// `git ARGUMENTS` in the project, as somebody whom no configuration of this machine knows; what it says.
    pub fn git(&self, arguments: &[&str]) -> String {
        let identity = [
            "-c",
            "user.name=Somebody",
            "-c",
            "user.email=somebody@example.com",
        ];
        let mut git = std::process::Command::new("git");
        git.args(identity)
            .args(arguments)
            .current_dir(self.project.root());
        let output = git
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .output()
            .expect("git is there");
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).expect("text")
    }
}
