//! Every verb, killed after each of its statements: the ledger is clean, either nothing has happened or all of it, and
//! whoever asks again with the same key has it done once.

use std::time::Duration;

use quickscale_runtime::app::{Core, Overlay};
use quickscale_runtime::auth::audit;
use quickscale_runtime::credits::actions as ledger;
use quickscale_runtime::credits::verify::verify_owner;
use quickscale_runtime::credits::{
    Adjustment, Change, Credits, Grant, HoldId, HoldTerms, LotRef, Note, Owner,
};
use quickscale_runtime::error::Result;
use quickscale_runtime::testing::TestApp;

use crate::support::app;
use crate::support::death::{Life, kill_after};
use crate::support::ledger::{assert_account_sound, assert_sound, number, somebody};

const HOUR: Duration = Duration::from_secs(3600);
const VERB: &str = "LEDGER_TEST_VERB";
const OWNER: &str = "LEDGER_TEST_OWNER";
const HOLD: &str = "LEDGER_TEST_HOLD";

/// Each verb with what it leaves available and held, and how many entries more.
const VERBS: [(&str, u32, u32, i64); 12] = [
    ("nothing", 15, 6, 0),
    ("grant", 22, 6, 1),
    ("spend", 8, 6, 1),
    ("hold", 8, 13, 0),
    ("capture", 18, 0, 1),
    ("release", 21, 0, 0),
    ("refund", 19, 6, 1),
    ("revoke", 10, 6, 1),
    ("adjust", 8, 6, 1),
    ("end", 11, 6, 1),
    // Two hours later the hold has timed out; the 5 that came back into a lot that had run out are given anew, in two
    // entries, and a third one ends the other gift.
    ("sweep", 17, 0, 3),
    ("spend late", 10, 0, 4),
];

fn is_late(verb: &str) -> bool {
    matches!(verb, "sweep" | "spend late")
}

fn note(key: &str) -> Note {
    Note::system(key, "A test")
}

/// The second gift, as a source.
fn gift(Owner::User(owner): &Owner) -> String {
    format!("given to {owner}")
}

/// What was put in first, as a source.
fn source(Owner::User(owner): &Owner) -> String {
    format!("bought by {owner}")
}

fn terms(key: &str) -> HoldTerms {
    HoldTerms {
        key: key.into(),
        lasts: HOUR,
    }
}

/// An account with several lots, a spend and a hold that touches two of them: 15 credits available, 6 held.
async fn account(core: &Core) -> (Owner, HoldId) {
    let owner = somebody(core);
    let whole = Credits::whole;
    let until = core.now().plus(HOUR);
    let bought = Grant::purchase(whole(20)).from_source(source(&owner));
    let promotion = |amount| Grant::promotion(whole(amount), Some(until));
    let gifts = [promotion(5), promotion(4).from_source(gift(&owner))];
    let put_in = async |grant, key| ledger::grant(core, &owner, grant, &note(key)).await;
    put_in(&bought, "bought").await.unwrap();
    put_in(&gifts[0], "gift").await.unwrap();
    let hold = ledger::hold(core, &owner, whole(6), &terms("first")).await;
    let spent = ledger::spend(core, &owner, whole(8), &note("spent")).await;
    spent.unwrap();
    put_in(&gifts[1], "another gift").await.unwrap();
    (owner, hold.unwrap().id)
}

/// Does a verb; done again it gives the first answer.
async fn act(core: &Core, verb: &str, (owner, hold): (&Owner, &HoldId)) -> Result<()> {
    let whole = Credits::whole;
    let note = note("the verb");
    match verb {
        "nothing" => {}
        "grant" => {
            let another = Grant::purchase(whole(7)).from_source(source(owner) + " again");
            ledger::grant(core, owner, &another, &note).await?;
        }
        "spend" | "spend late" => drop(ledger::spend(core, owner, whole(7), &note).await?),
        "hold" => drop(ledger::hold(core, owner, whole(7), &terms("the verb")).await?),
        "capture" => drop(ledger::capture(core, (owner, hold), whole(3), &note).await?),
        "release" => ledger::release(core, owner, hold).await?,
        "refund" => drop(ledger::refund(core, owner, ("spent", whole(4)), &note).await?),
        "revoke" => {
            let source = source(owner);
            let which = (LotRef::Source(&source), whole(5));
            ledger::revoke(core, owner, which, &note).await?;
        }
        "adjust" => {
            let adjustment = Adjustment {
                change: Change::Down(whole(7)),
                lasts: None,
                reason: "A test".into(),
                by: audit::Actor::CommandLine,
                key: "the verb".into(),
            };
            ledger::adjust(core, owner, &adjustment).await?;
        }
        "end" => {
            let source = gift(owner);
            ledger::end(core, owner, LotRef::Source(&source), &note).await?;
        }
        "sweep" => drop(ledger::sweep(core).await?),
        verb => panic!("there is no verb {verb}"),
    }
    Ok(())
}

/// Does one verb once, unless it is killed before.
#[tokio::test]
#[ignore = "the part of another process"]
async fn acts() {
    let Some(life) = Life::of(app(), Overlay::default()).await else {
        return;
    };
    let var = |name| std::env::var(name).unwrap();
    let (owner, hold) = (Owner::User(var(OWNER).into()), var(HOLD).into());
    life.begin();
    let done = act(&life.0.core, &var(VERB), (&owner, &hold)).await;
    done.unwrap();
}

/// What is available, what is held, and how many entries and holds there are.
async fn state(core: &Core, owner: &Owner) -> [i64; 4] {
    let balance = ledger::balance(core, owner).await.unwrap();
    let Owner::User(id) = owner;
    let rows = async |table| {
        let account = format!("(SELECT id FROM credit_accounts WHERE owner_id = '{id}')");
        let sql = format!("SELECT COUNT(*) FROM {table} WHERE account_id = {account}");
        number(core, &sql).await
    };
    let amounts = [balance.available, balance.held].map(Credits::as_milli);
    let (entries, holds) = (rows("credit_entries").await, rows("credit_holds").await);
    [amounts[0], amounts[1], entries, holds]
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_dies_at_any_statement_leaves_all_or_nothing_and_the_retry_happens_once() {
    let app = TestApp::start(app()).await;
    let core = &app.core;
    let mut deaths = 0;
    for (verb, available, held, entries) in VERBS {
        let mut is_killed = true;
        let mut statement = 0;
        while is_killed {
            statement += 1;
            if is_late(verb) {
                // Nothing of the accounts before is left to be booked.
                app.clock.advance(HOUR * 48);
                ledger::sweep(core).await.unwrap();
            }
            let (owner, hold) = account(core).await;
            if is_late(verb) {
                app.clock.advance(HOUR * 2);
            }
            let Owner::User(id) = &owner;
            let before = state(core, &owner).await;
            let vars = [(VERB, verb), (OWNER, id.as_str()), (HOLD, hold.as_str())];
            is_killed = kill_after(&app, "deaths::acts", &vars, statement).await;
            deaths += u32::from(is_killed);
            let after = [
                i64::from(available) * 1000,
                i64::from(held) * 1000,
                before[2] + entries,
                before[3] + i64::from(verb == "hold"),
            ];
            let what = format!("{verb}, after statement {statement}");
            let found = state(core, &owner).await;
            assert!(
                found == after || (is_killed && found == before),
                "{what}: {found:?}"
            );
            for _ in 0..2 {
                act(core, verb, (&owner, &hold)).await.unwrap();
                assert_eq!(state(core, &owner).await, after, "{what}, again");
            }
            assert_account_sound(core, &owner, &what).await;
            let findings = verify_owner(core, &owner).await.unwrap().findings;
            assert!(findings.is_empty(), "{what}: {findings:?}");
        }
    }
    assert!(deaths >= 30, "only {deaths} statements were seen");
    assert_sound(core, "after all those deaths").await;
}
