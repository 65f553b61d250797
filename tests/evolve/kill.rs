//! SIGKILL at random instants of an apply: the next command, whichever it is, finds the project as before or as after,
//! and says what it ended.

use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use crate::support::Project;
use crate::templates::Evolving;

/// How often an apply is killed.
const KILLS: u32 = 240;

/// The longest time from a start to a kill that looks at the clock.
const LONGEST: Duration = Duration::from_millis(80);

/// About so many files are written and removed.
const OPERATIONS: u32 = 90;

/// So many files are updated; others are written, removed and moved.
const FILES: usize = 60;

/// Numbers without a pattern, the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u32) -> u32 {
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        u32::try_from(self.0 >> 33).expect("31 bits") % end
    }
}

/// A project whose newer templates change it in every way.
fn evolving() -> Evolving {
    let mut it = Evolving::new(&[]);
    let file = |number: usize| format!("pages/{}/{number}.md", number % 7);
    for number in 0..FILES {
        it.base(&file(number), format!("{number}\n"));
    }
    for number in 0..8 {
        it.base(&format!("gone/{number}.md"), "gone\n");
        it.base(&format!("old/{number}.md"), format!("moved {number}\n"));
    }
    it.base("guide", "a file\n");
    it.applies(&[]);
    let mut rules = String::new();
    for number in 0..FILES {
        it.base(&file(number), format!("newer {number}\n"));
    }
    for number in 0..8 {
        it.drop_base(&format!("gone/{number}.md"));
        it.drop_base(&format!("old/{number}.md"));
        it.base(
            &format!("new/{number}.md"),
            format!("moved {number}\nand newer\n"),
        );
        rules.push_str(&format!(
            "  new/{number}.md: {{moved_from: [old/{number}.md]}}\n"
        ));
    }
    it.drop_base("guide");
    it.base("guide/index.md", "a folder\n");
    it.rules(&rules);
    it
}

/// Makes `to` what `from` is.
fn copy(from: &Path, to: &Path) {
    let _ = std::fs::remove_dir_all(to);
    let status = std::process::Command::new("cp")
        .arg("-a")
        .args([from, to])
        .status();
    assert!(status.expect("cp is there").success());
}

/// How far an apply is when it is killed. What it has done says so, and no clock, so that a busy machine kills it there as
/// well as one that idles.
#[derive(Debug, Clone, Copy)]
enum Instant {
    /// So long after its start.
    Any(Duration),
    /// It has prepared the file of this number, or all of them.
    Preparing(u32),
    /// It has put the file of this number into its place.
    Moving(u32),
}

impl Instant {
    /// The three kinds in turn.
    fn random(round: u32, random: &mut Random) -> Self {
        match round % 3 {
            0 => Self::Any(LONGEST * random.below(1000) / 1000),
            1 => Self::Preparing(random.below(OPERATIONS)),
            _ => Self::Moving(random.below(OPERATIONS)),
        }
    }

    /// Waits for it, but not longer than the apply runs.
    fn wait(self, project: &Project, apply: &mut Child) {
        let folder = project.path(".quickscale/apply");
        let (journal, new) = (folder.join("journal.json"), folder.join("new"));
        let is_there = || match self {
            Self::Any(_) => true,
            Self::Preparing(number) => new.join(number.to_string()).exists() || journal.exists(),
            Self::Moving(number) => journal.exists() && !new.join(number.to_string()).exists(),
        };
        if let Self::Any(delay) = self {
            std::thread::sleep(delay);
        }
        while !is_there() && apply.try_wait().expect("a child").is_none() {
            std::hint::spin_loop();
        }
    }
}

/// Starts an apply and kills it.
fn kill(project: &Project, instant: Instant) {
    let mut apply = project.command(&["apply", "--quiet"]);
    let mut apply = apply.stderr(Stdio::null()).spawn().expect("started");
    instant.wait(project, &mut apply);
    apply.kill().expect("killed");
    apply.wait().expect("ended");
}

#[test]
fn a_kill_at_any_instant_ends_as_before_or_after() {
    let it = evolving();
    let project = &it.project;
    let (root, kept) = (project.root(), project.beside("kept"));
    copy(&root, &kept);
    let before = project.snapshot();
    it.applies(&[]);
    let after = project.snapshot();
    assert_ne!(before, after);
    copy(&kept, &root);
    let mut random = Random(7);
    let (mut ends, mut told) = ([0, 0], [0, 0]);
    let mut rounds = 0;
    // Each way to end is seen a number of times, however late the kills come.
    while rounds < KILLS || ends.iter().chain(&told).any(|count| *count < 10) {
        assert!(
            rounds < 10 * KILLS,
            "kills that left it as before and as after: {ends:?}; undone and finished: {told:?}"
        );
        let round = rounds;
        rounds += 1;
        let instant = Instant::random(round, &mut random);
        kill(project, instant);
        // Any command ends what was begun.
        let next = [&["status"][..], &["plan", "--stat"], &["ps"]][round as usize / 3 % 3];
        let said = project.run(next);
        assert!(
            !project.path(".quickscale/apply").exists(),
            "{instant:?}: {said:?}"
        );
        let now = project.snapshot();
        assert!(
            now == before || now == after,
            "{instant:?}: neither before nor after: {said:?}"
        );
        ends[usize::from(now == after)] += 1;
        if now == after {
            copy(&kept, &root);
        }
        told[0] += u32::from(said.err.contains("it was undone"));
        told[1] += u32::from(said.err.contains("it is finished now"));
    }
}
