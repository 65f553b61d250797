//! SIGKILL at random instants of a sync-back: the next one ends what was begun, and no template is half written.

use std::process::Stdio;

use crate::support::Workshop;

const KILLS: u32 = 30;

const FILES: usize = 60;

#[test]
fn a_kill_at_any_instant_ends_as_before_or_after() {
    let path = |number: usize| format!("base/pages/{number}.md");
    let paths: Vec<String> = (0..FILES).map(path).collect();
    let files: Vec<(&str, &[u8])> = paths
        .iter()
        .map(|path| (path.as_str(), b"as it was\n".as_slice()))
        .collect();
    let shop = Workshop::new(&files);
    for number in 0..FILES {
        shop.edit(&format!("pages/{number}.md"), "as it is now\n");
    }
    let before = shop.snapshot();
    shop.applies(&[]);
    let after = shop.snapshot();
    let back = || {
        for path in &paths {
            shop.write_checkout(path, "as it was\n");
        }
        assert_eq!(shop.snapshot(), before);
    };
    back();
    let pending = shop.path("checkout/.quickscale/apply");
    let (mut rounds, mut told) = (0, 0);
    // It is interrupted in the middle a number of times, however late the kills come.
    while rounds < KILLS || told < 5 {
        assert!(
            rounds < 20 * KILLS,
            "{told} of {rounds} kills came in the middle"
        );
        kill(&shop, rounds);
        let said = shop.sync(&["--apply", "--only", "nothing"]);
        assert_eq!(said.code, Some(0), "{said:?}");
        told += u32::from(said.err.contains("an interrupted sync-back was ended"));
        assert!(!pending.exists(), "round {rounds}: {said:?}");
        let now = shop.snapshot();
        assert!(
            now == before || now == after,
            "round {rounds}: neither before nor after: {said:?}"
        );
        if now == after {
            back();
        }
        rounds += 1;
    }
}

/// Starts a sync-back and kills it once it has prepared a file or put one into its place, whatever the clock says.
fn kill(shop: &Workshop, round: u32) {
    let mut sync = shop.command(&["sync-back", "my-saas", "--templates", "checkout", "--apply"]);
    let sync = sync.stderr(Stdio::null()).stdout(Stdio::null());
    let mut sync = sync.spawn().expect("started");
    let folder = shop.path("checkout/.quickscale/apply");
    let journal = folder.join("journal.json");
    let file = folder.join("new").join((round * 37 % 60).to_string());
    let is_there = || match round % 2 {
        0 => file.exists() || journal.exists(),
        _ => journal.exists() && !file.exists(),
    };
    while !is_there() && sync.try_wait().expect("a child").is_none() {
        std::hint::spin_loop();
    }
    sync.kill().expect("killed");
    sync.wait().expect("ended");
}
