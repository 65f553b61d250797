//! SIGKILL at random instants of a sync-back: the next one ends what was begun, and no template is half written.

use std::process::Stdio;
use std::time::Instant;

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
    let begun = Instant::now();
    shop.applies(&[]);
    let whole = begun.elapsed();
    let after = shop.snapshot();
    let back = || {
        for path in &paths {
            shop.write_checkout(path, "as it was\n");
        }
        assert_eq!(shop.snapshot(), before);
    };
    back();
    let pending = shop.path("checkout/.quickscale/apply");
    let mut told = 0;
    for round in 0..KILLS {
        let mut sync =
            shop.command(&["sync-back", "my-saas", "--templates", "checkout", "--apply"]);
        let mut sync = sync
            .stderr(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .expect("started");
        // Half of the kills wait until it writes.
        let is_writing = round % 2 == 0;
        while is_writing && !pending.exists() && sync.try_wait().expect("a child").is_none() {
            std::hint::spin_loop();
        }
        let most = if is_writing { whole / 4 } else { whole };
        std::thread::sleep(most * ((round * 37) % 100) / 100);
        sync.kill().expect("killed");
        sync.wait().expect("ended");
        let said = shop.sync(&["--apply", "--only", "nothing"]);
        assert_eq!(said.code, Some(0), "{said:?}");
        told += u32::from(said.err.contains("an interrupted sync-back was ended"));
        assert!(!pending.exists(), "round {round}: {said:?}");
        let now = shop.snapshot();
        assert!(
            now == before || now == after,
            "round {round}: neither before nor after: {said:?}"
        );
        if now == after {
            back();
        }
    }
    assert!(
        told >= 3,
        "{told} of {KILLS} kills interrupted it while it wrote"
    );
}
