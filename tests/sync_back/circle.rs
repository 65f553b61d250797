//! The full circle over the real templates: edits of one project go back, and come out in that project, in another with
//! edits of its own, and in one that is born later.

use crate::support::Workshop;

const PAGE: &str = "templates/home.html";
const CLOCK: &str = "vendor/quickscale-runtime/src/clock.rs";

/// P, called Ant Farm, with everything, and Q, called Bee Hive, with two modules and edits of its own.
fn projects() -> Workshop {
    let shop = Workshop::of_repository();
    shop.init("ant-farm", &[]);
    shop.init("bee-hive", &["--module", "auth", "--module", "api"]);
    let own = |path: &str, old: &str, new: &str| shop.replace_in("bee-hive", path, old, new);
    own(
        "README.md",
        "## Test it",
        "## Test it, and then test it again",
    );
    own(PAGE, "See the prices", "See our honey");
    own("Dockerfile", "EXPOSE 8000", "# Bees.\nEXPOSE 8000");
    shop
}

/// What P makes better: rendered files, a page, the runtime, a new file and one that can be run.
fn improve(shop: &Workshop) {
    let edit = |path: &str, old: &str, new: &str| shop.replace_in("ant-farm", path, old, new);
    edit(
        "README.md",
        "A web application in Rust,",
        "A fast web application in Rust,",
    );
    edit(
        "README.md",
        "## Deploy it\n\n",
        "## Deploy it\n\nAnt Farm's image is called ant-farm; in CI, ${{ github.ref }} names it.\n",
    );
    edit(
        "Dockerfile",
        "# The application.\n",
        "# The application, ant-farm.\n",
    );
    edit(
        PAGE,
        "Pay for results, not for seats",
        "Pay for what you get",
    );
    edit(
        CLOCK,
        "//! Nothing else in the runtime",
        "//! Nothing but this in the runtime",
    );
    shop.edit_in(
        "ant-farm",
        "docs/support.md",
        "# Support for Ant Farm\n\nAsk ant-farm@example.com.\n",
    );
}

#[test]
fn what_was_better_in_one_project_is_better_in_all() {
    let shop = projects();
    improve(&shop);
    let files = ["README.md", "Dockerfile", PAGE, CLOCK, "docs/support.md"];
    let edited = files.map(|path| shop.file_of("ant-farm", path));
    let said = shop.sync_of("ant-farm", &["--apply", "--new", "docs/support.md=base"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    shop.rebuild();
    shop.updates("ant-farm");
    shop.updates("bee-hive");

    let said = shop.sync_of("ant-farm", &["--preview"]);
    assert_eq!(said.out, "Nothing to carry back.\n", "{said:?}");
    let plan = shop.run(&["--project", "ant-farm", "plan", "--exit-code"]);
    assert_eq!(plan.code, Some(0), "{plan:?}");
    assert_eq!(files.map(|path| shop.file_of("ant-farm", path)), edited);

    let has = |path: &str, text: &str| {
        let file = shop.file_of("bee-hive", path);
        assert!(file.contains(text), "{path} has no {text:?}:\n{file}");
        assert!(
            !file.contains("Ant Farm") && !file.contains("ant-farm"),
            "{path}:\n{file}"
        );
    };
    has("README.md", "A fast web application in Rust,");
    has(
        "README.md",
        "Bee Hive's image is called bee-hive; in CI, ${{ github.ref }} names it.",
    );
    has("README.md", "## Test it, and then test it again");
    has("Dockerfile", "# The application, bee-hive.");
    has("Dockerfile", "# Bees.");
    has(PAGE, "Pay for what you get");
    has(PAGE, "See our honey");
    has(CLOCK, "//! Nothing but this in the runtime");
    has(
        "docs/support.md",
        "# Support for Bee Hive\n\nAsk bee-hive@example.com.\n",
    );
    let plan = shop.run(&["--project", "bee-hive", "plan"]);
    assert!(
        plan.out.contains("\n3 edited by you and kept.\n"),
        "{plan:?}"
    );

    shop.init("cat-house", &["--module", "none"]);
    assert!(
        shop.file_of("cat-house", "README.md")
            .contains("Cat House's image is called cat-house")
    );
}
