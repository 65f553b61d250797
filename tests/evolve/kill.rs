//! SIGKILL at random instants of an apply: the next command, whichever it is, finds the project as before or as after,
//! and says what it ended.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::support::Project;
use crate::templates::Evolving;

/// How often an apply is killed.
const KILLS: u32 = 240;

/// The longest that is waited before a kill, however busy the machine is.
const LONGEST: Duration = Duration::from_millis(80);

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

/// Starts an apply and kills it: after `delay`, which for every other kill begins only when it begins to write.
fn kill(project: &Project, delay: Duration, once_it_writes: bool) {
    let mut apply = project.command(&["apply", "--quiet"]);
    let mut apply = apply.stderr(Stdio::null()).spawn().expect("started");
    let writes = project.path(".quickscale/apply");
    while once_it_writes && !writes.exists() && apply.try_wait().expect("a child").is_none() {
        std::hint::spin_loop();
    }
    std::thread::sleep(delay);
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
    let begun = Instant::now();
    it.applies(&[]);
    let whole = begun.elapsed();
    let after = project.snapshot();
    assert_ne!(before, after);
    copy(&kept, &root);
    let mut random = Random(7);
    let (mut ends, mut told) = ([0, 0], [0, 0]);
    for round in 0..KILLS {
        let once_it_writes = round % 2 == 0;
        let most = whole.min(LONGEST) / if once_it_writes { 2 } else { 1 };
        kill(project, most * random.below(1000) / 1000, once_it_writes);
        // Any command ends what was begun.
        let next = [&["status"][..], &["plan", "--stat"], &["ps"]][round as usize % 3];
        let said = project.run(next);
        assert!(
            !project.path(".quickscale/apply").exists(),
            "round {round}: {said:?}"
        );
        let now = project.snapshot();
        assert!(
            now == before || now == after,
            "round {round}: neither before nor after: {said:?}"
        );
        ends[usize::from(now == after)] += 1;
        if now == after {
            copy(&kept, &root);
        }
        told[0] += u32::from(said.err.contains("it was undone"));
        told[1] += u32::from(said.err.contains("it is finished now"));
    }
    let enough = ends.iter().chain(&told).all(|count| *count >= 10);
    assert!(
        enough,
        "kills that left it as before and as after: {ends:?}; undone and finished: {told:?}"
    );
}
