//! The steps of `cargo xtask test`, as a table: what each is called, needs and runs.

use std::process::Command;

use anyhow::Result;

use super::{World, browser};
use crate::servers::Chromedriver;
use crate::tools::Tool;
use crate::{process, repo};

/// One check.
pub struct Step {
    pub name: &'static str,
    pub summary: &'static str,
    pub tools: &'static [Tool],
    pub when: When,
    pub run: fn(&mut World) -> Result<()>,
}

/// When a step runs that nobody named.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum When {
    Always,
    /// Takes minutes; left out by `--fast`.
    Unhurried,
    /// Only by its name: it needs what cannot be installed everywhere.
    Named,
}

/// The variable by which the oracle of sync-back is told how many edits to try.
const ORACLE_EDITS: &str = "QUICKSCALE_ORACLE_EDITS";

/// Every check, the quickest to tell first.
pub const STEPS: &[Step] = &[
    Step {
        name: "fmt",
        summary: "the code is formatted",
        tools: &[],
        when: When::Always,
        run: fmt,
    },
    Step {
        name: "clippy",
        summary: "no lint has anything to say",
        tools: &[Tool::Node],
        when: When::Always,
        run: clippy,
    },
    Step {
        name: "features",
        summary: "nor in any set of the runtime's features",
        tools: &[],
        when: When::Unhurried,
        run: features,
    },
    Step {
        name: "lock",
        summary: "generated projects are pinned to what is tested here",
        tools: &[Tool::Node],
        when: When::Always,
        run: lock,
    },
    Step {
        name: "deny",
        summary: "dependencies have licences and sources that we allow",
        tools: &[Tool::CargoDeny],
        when: When::Always,
        run: deny,
    },
    Step {
        name: "unit",
        summary: "the command line and these tasks, from inside and outside",
        tools: &[Tool::Git, Tool::Node, Tool::Python],
        when: When::Always,
        run: unit,
    },
    Step {
        name: "laws",
        summary: "merges are git's, and plans lose nothing, on ten thousand random files and projects",
        tools: &[Tool::Git, Tool::Node],
        when: When::Unhurried,
        run: laws,
    },
    Step {
        name: "oracle",
        summary: "what sync-back carries back is what was meant, on six thousand random edits of the templates",
        tools: &[Tool::Node],
        when: When::Unhurried,
        run: oracle,
    },
    Step {
        name: "oracle-full",
        summary: "the same on twenty thousand, or on as many as QUICKSCALE_ORACLE_EDITS says",
        tools: &[Tool::Node],
        when: When::Named,
        run: oracle_full,
    },
    Step {
        name: "runtime-sqlite",
        summary: "the runtime on SQLite",
        tools: &[Tool::Curl, Tool::Node, Tool::Python, Tool::Poppler],
        when: When::Always,
        run: runtime_sqlite,
    },
    Step {
        name: "runtime-postgres",
        summary: "the runtime on PostgreSQL",
        tools: &[
            Tool::Curl,
            Tool::Node,
            Tool::Postgres,
            Tool::Python,
            Tool::Poppler,
        ],
        when: When::Always,
        run: runtime_postgres,
    },
    Step {
        name: "lives",
        summary: "500 random lives of paying customers and a death after every statement, on both databases",
        tools: &[Tool::Postgres],
        when: When::Named,
        run: lives,
    },
    Step {
        name: "generated",
        summary: "generated projects pass their own lints and tests",
        tools: &[Tool::Git, Tool::Node, Tool::Postgres, Tool::Python],
        when: When::Unhurried,
        run: generated,
    },
    Step {
        name: "demo",
        summary: "`cargo xtask demo` starts what two people can sign in to",
        tools: &[Tool::Node],
        when: When::Unhurried,
        run: demo,
    },
    Step {
        name: "browser",
        summary: "a browser walks through a generated application",
        tools: &[
            Tool::Git,
            Tool::Node,
            Tool::Postgres,
            Tool::Chromium,
            Tool::Chromedriver,
        ],
        when: When::Unhurried,
        run: browser,
    },
    Step {
        name: "docker",
        summary: "a generated project's image is built, and runs with PostgreSQL (only when named)",
        tools: &[Tool::Git, Tool::Node, Tool::Docker],
        when: When::Named,
        run: docker,
    },
];

/// Sets of the runtime's features that a project can have: each module in one without most others. The full one is the
/// default; those of the projects that the step `generated` makes are linted there.
const FEATURES: &[&str] = &[
    "auth,api,social",
    "auth,admin,passkeys,pictures",
    "auth,credits,billing",
    "auth,credits,services,llm",
    "auth,credits,services,python",
    "auth,credits,services,billing,admin,smtp,stripe,postgres-tls,mimalloc",
];

fn fmt(_: &mut World) -> Result<()> {
    run(&mut repo::cargo(&["fmt", "--all", "--check"]))
}

fn clippy(_: &mut World) -> Result<()> {
    // `--all-targets` leaves out what plain `cargo test` leaves out.
    let mut command = repo::cargo(&[
        "clippy",
        "--workspace",
        "--all-targets",
        "--test",
        "generated",
    ]);
    run(command.args(["--", "-D", "warnings"]))
}

fn features(_: &mut World) -> Result<()> {
    for set in FEATURES {
        // The crate alone: its tests walk through the whole application.
        let mut command = repo::cargo(&["clippy", "--package", "quickscale-runtime", "--lib"]);
        command.args(["--no-default-features", "--features", set]);
        run(command.args(["--", "-D", "warnings"]))?;
    }
    Ok(())
}

fn lock(_: &mut World) -> Result<()> {
    run(Command::new(std::env::current_exe()?).args(["lock", "--check"]))
}

/// Known vulnerabilities are not among them: their database is on GitHub, which not every machine may ask.
fn deny(_: &mut World) -> Result<()> {
    run(&mut repo::cargo(&[
        "deny", "check", "bans", "licenses", "sources",
    ]))
}

fn run(command: &mut Command) -> Result<()> {
    process::run(command).map(drop)
}

fn unit(world: &mut World) -> Result<()> {
    let mut outcome = Ok(());
    // One at a time, so that each is built as other steps build it.
    for package in ["quickscale", "xtask", "stripe-standin"] {
        let mut command = repo::cargo(&["test", "--package", package, "--no-fail-fast", "--"]);
        outcome = outcome.and(test(world, &mut command));
    }
    outcome
}

fn laws(world: &mut World) -> Result<()> {
    let mut command = repo::cargo(&["test", "--package", "quickscale", "--lib", "--"]);
    command.args(["merge::", "plan::laws::"]);
    test(world, command.env("PROPTEST_CASES", "10000"))
}

fn oracle(world: &mut World) -> Result<()> {
    try_edits(world, "6000")
}

fn oracle_full(world: &mut World) -> Result<()> {
    let edits = std::env::var(ORACLE_EDITS);
    try_edits(world, edits.as_deref().unwrap_or("20000"))
}

/// Prints how many edits went back, were asked about or were wrong.
fn try_edits(world: &mut World, edits: &str) -> Result<()> {
    let mut command = repo::cargo(&["test", "--package", "quickscale", "--lib", "--"]);
    command.args(["sync_back::oracle::", "--nocapture"]);
    test(world, command.env(ORACLE_EDITS, edits))
}

fn runtime_sqlite(world: &mut World) -> Result<()> {
    all_of_runtime(world, None)
}

fn runtime_postgres(world: &mut World) -> Result<()> {
    let database = world.postgres()?.url("postgres");
    all_of_runtime(world, Some(&database))
}

fn all_of_runtime(world: &mut World, server: Option<&str>) -> Result<()> {
    let mut command = runtime_tests(world, &["--no-fail-fast", "--"])?;
    // For half of its time a test waits: for a server, another process or a clock.
    let threads = 2 * std::thread::available_parallelism()?.get();
    command.env("RUST_TEST_THREADS", threads.to_string());
    test(world, on(&mut command, server))
}

/// The same tests do less of both among all others.
fn lives(world: &mut World) -> Result<()> {
    let database = world.postgres()?.url("postgres");
    let tests = ["--test", "billing", "--", "lives::", "deaths::"];
    for url in [None, Some(database)] {
        let mut command = runtime_tests(world, &tests)?;
        command.env("BILLING_LIVES", "500");
        command.env("BILLING_DEATHS", "all");
        test(world, on(&mut command, url.as_deref()))?;
    }
    Ok(())
}

/// Tests of the runtime, with what only production has; that a build without it says so, generated projects show.
fn runtime_tests(world: &mut World, arguments: &[&str]) -> Result<Command> {
    let mut command = repo::cargo(&["test", "--package", "quickscale-runtime"]);
    command.args(["--features", "smtp,postgres-tls"]);
    command.env("TMPDIR", world.scratch()?);
    command.args(arguments);
    Ok(command)
}

/// `command`, whose tests make their databases on the server of this address, or else in files.
fn on<'a>(command: &'a mut Command, server: Option<&str>) -> &'a mut Command {
    match server {
        Some(url) => command.env("TEST_DATABASE_URL", url),
        None => command.env_remove("TEST_DATABASE_URL"),
    }
}

fn generated(world: &mut World) -> Result<()> {
    let database = world.postgres()?.url("postgres");
    let mut command = generated_tests();
    command.args(["--skip", "browser::"]);
    test(world, command.env("GENERATED_DATABASE_URL", database))
}

fn demo(_: &mut World) -> Result<()> {
    crate::demo::try_out()
}

fn browser(world: &mut World) -> Result<()> {
    let database = world.postgres()?.url("postgres");
    let mut command = browser_tests(world.chromedriver()?)?;
    command.env("GENERATED_DATABASE_URL", database);
    if world.screenshots {
        command.env("SCREENSHOTS_DIR", repo::root().join("docs/images"));
    }
    test(world, &mut command)?;
    signing_in(world)
}

/// Ways to sign in, which need modules on request and another clock: at the runtime's own application.
fn signing_in(world: &mut World) -> Result<()> {
    let database = world.postgres()?.url("postgres");
    let driver = world.chromedriver()?.url().to_owned();
    let (axe, assets) = (browser::axe()?, browser::theme_assets()?);
    for url in [None, Some(database)] {
        let mut command = runtime_tests(world, &["--test", "browser", "--", "--ignored"])?;
        command.env("WEBDRIVER_URL", &driver);
        command.env("AXE_SCRIPT", &axe);
        command.env("THEME_ASSETS", assets.path().join("site/static"));
        test(world, on(&mut command, url.as_deref()))?;
    }
    Ok(())
}

/// The browser's journeys, with the browsers of `chromedriver`. Those on PostgreSQL need `GENERATED_DATABASE_URL` too.
pub fn browser_tests(chromedriver: &Chromedriver) -> Result<Command> {
    run(&mut repo::cargo(&["build", "--package", "stripe-standin"]))?;
    let stand_in = format!("debug/stripe-standin{}", std::env::consts::EXE_SUFFIX);
    let mut command = generated_tests();
    command.arg("browser::");
    command.env("WEBDRIVER_URL", chromedriver.url());
    command.env("AXE_SCRIPT", browser::axe()?);
    command.env("STRIPE_STANDIN", repo::target().join(stand_in));
    Ok(command)
}

fn docker(world: &mut World) -> Result<()> {
    let mut command = repo::cargo(&["test", "--package", "quickscale", "--test", "stack", "--"]);
    world.docker()?.lend(&mut command);
    test(world, command.args(["--ignored", "docker::"]))?;
    let mut command = generated_tests();
    world.docker()?.lend(&mut command);
    test(world, command.args(["--ignored", "docker::"]))
}

fn generated_tests() -> Command {
    let mut command = repo::cargo(&[
        "test",
        "--package",
        "quickscale",
        "--test",
        "generated",
        "--",
    ]);
    command.env("GENERATED_TARGET_DIR", repo::generated_target());
    command
}

/// Runs a `cargo test`, which takes arguments of the test programs by now, and counts what they tell.
fn test(world: &mut World, command: &mut Command) -> Result<()> {
    command.args(&world.arguments);
    process::run_watched(command, |line| world.tests.read(line)).map(drop)
}
