//! SIGKILL at random instants of an apply: the next command finds the project as before or as after, and says so.

use std::time::{Duration, Instant};

use crate::support::Project;

/// Pages whose older versions make the apply long enough to be hit.
const PAGES: [&str; 6] = [
    "templates/about.html",
    "templates/home.html",
    "templates/contact.html",
    "templates/layout.html",
    "templates/error.html",
    "static/css/app.css",
];

#[test]
fn a_kill_at_any_instant_ends_as_before_or_after() {
    let project = Project::new(&[]);
    let newest = PAGES.map(|page| project.read(page));
    for (page, text) in PAGES.iter().zip(&newest) {
        project.age(page, format!("{text}older\n"));
    }
    let pages = |project: &Project| PAGES.map(|page| project.read(page));
    let before = pages(&project);
    let whole = Instant::now();
    assert_eq!(project.apply(&[]).code, Some(0));
    let whole = whole.elapsed();
    assert_eq!(project.run(&["undo"]).code, Some(0));
    let mut ends = [0, 0];
    for round in 0..40u32 {
        let mut child = project
            .command(&["apply", "--quiet"])
            .spawn()
            .expect("started");
        std::thread::sleep(whole * round / 40 + Duration::from_micros(u64::from(round) * 37));
        child.kill().expect("killed");
        child.wait().expect("ended");
        // Any command ends what was begun.
        assert_eq!(project.run(&["status"]).code, Some(0), "round {round}");
        let now = pages(&project);
        assert!(
            now == before || now == newest,
            "round {round}: neither before nor after"
        );
        ends[usize::from(now == newest)] += 1;
        if now == newest {
            let said = project.run(&["undo"]);
            assert_eq!(said.code, Some(0), "round {round}: {said:?}");
        }
        assert_eq!(pages(&project), before, "round {round}");
    }
    assert!(ends[0] > 0, "{ends:?}");
}
