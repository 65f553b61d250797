//! What tests of credits share: accounts that nobody signed up for, and the ledger's invariants, read from its
//! tables and not from its code.

use quickscale_runtime::app::Core;
use quickscale_runtime::auth::{self, Registration};
use quickscale_runtime::credits::verify::verify;
use quickscale_runtime::credits::{self, Credits, Grant, Note, Owner};
use quickscale_runtime::ids::UserId;
use quickscale_runtime::{App, Environment};
use sqlx::Row as _;

/// An application with accounts and credits only, of which newcomers get `signup_grant`.
pub fn app_with(signup_grant: Credits) -> App {
    let registration = Registration::Open;
    App::builder("My Test Shop", Environment::Test)
        .module(auth::module(super::settings(registration)))
        .module(credits::module(credits::Settings {
            signup_grant,
            ..credits::Settings::default()
        }))
}

/// An owner without an account.
pub fn somebody(core: &Core) -> Owner {
    Owner::User(UserId::new(core.now()))
}

/// An owner who has bought `amount`.
pub async fn owner_with(core: &Core, amount: Credits) -> Owner {
    let owner = somebody(core);
    let grant = Grant::purchase(amount);
    let note = Note::system("first", "Bought");
    credits::actions::grant(core, &owner, &grant, &note)
        .await
        .expect("credits can be bought");
    owner
}

/// What is in a table.
pub async fn count(core: &Core, table: &'static str) -> i64 {
    number(core, &format!("SELECT COUNT(*) FROM {table}")).await
}

/// The one number that `sql` gives.
pub async fn number(core: &Core, sql: &str) -> i64 {
    let row = sqlx::query(sqlx::AssertSqlSafe(sql.to_owned()))
        .fetch_one(core.db().reader())
        .await
        .expect("the query runs");
    row.try_get(0).expect("it gives a number")
}

/// What must be true of every account at every time: a name, and a condition that finds an account `a` that
/// breaks it.
const INVARIANTS: [(&str, &str); 8] = [
    (
        "the entries add up to what the account owns, less its debt",
        "a.available + a.held - a.debt <> COALESCE((SELECT CAST(SUM(e.amount) AS BIGINT)
             FROM credit_entries e WHERE e.account_id = a.id), 0)",
    ),
    (
        "the lots add up to what is available and to what is held",
        "a.available <> COALESCE((SELECT CAST(SUM(l.remaining) AS BIGINT)
             FROM credit_lots l WHERE l.account_id = a.id), 0)
         OR a.held <> COALESCE((SELECT CAST(SUM(l.held) AS BIGINT)
             FROM credit_lots l WHERE l.account_id = a.id), 0)",
    ),
    (
        "nothing is available while something is owed",
        "a.available > 0 AND a.debt > 0",
    ),
    (
        "the open holds add up to what is held",
        "a.held <> COALESCE((SELECT CAST(SUM(h.amount) AS BIGINT)
             FROM credit_holds h WHERE h.account_id = a.id AND h.state = 'open'), 0)",
    ),
    (
        "every balance follows from the one before",
        "EXISTS (SELECT 1 FROM credit_entries e WHERE e.account_id = a.id
             AND e.balance_after <> e.amount + COALESCE((SELECT p.balance_after
                 FROM credit_entries p WHERE p.account_id = a.id AND p.seq = e.seq - 1), 0))",
    ),
    (
        "entries are numbered without a gap",
        "a.last_seq <> (SELECT COUNT(*) FROM credit_entries e WHERE e.account_id = a.id)
         OR a.last_seq <> COALESCE((SELECT MAX(e.seq)
             FROM credit_entries e WHERE e.account_id = a.id), 0)",
    ),
    (
        "the allocations add up to their entry, less what it changed of the debt",
        "EXISTS (SELECT 1 FROM credit_entries e WHERE e.account_id = a.id
             AND e.amount <> COALESCE((SELECT CAST(SUM(x.amount) AS BIGINT)
                 FROM credit_allocations x WHERE x.account_id = a.id AND x.seq = e.seq), 0)
                 - e.debt_after + COALESCE((SELECT p.debt_after FROM credit_entries p
                 WHERE p.account_id = a.id AND p.seq = e.seq - 1), 0))",
    ),
    (
        "what is left of a lot is what the journal left of it",
        "EXISTS (SELECT 1 FROM credit_lots l WHERE l.account_id = a.id
             AND l.remaining + l.held <> COALESCE((SELECT CAST(SUM(x.amount) AS BIGINT)
                 FROM credit_allocations x WHERE x.account_id = a.id AND x.lot_id = l.id), 0))",
    ),
];

/// Panics when anything in the ledger does not add up.
pub async fn assert_sound(core: &Core, when: &str) {
    assert_all(core, "1 = 1", when).await;
    let report = verify(core).await.expect("the ledger can be read");
    assert!(report.is_clean(), "{when}: {:?}", report.findings);
}

/// As [`assert_sound`], looking at one account only.
pub async fn assert_account_sound(core: &Core, Owner::User(id): &Owner, when: &str) {
    assert_all(
        core,
        &format!("a.owner_kind = 'user' AND a.owner_id = '{id}'"),
        when,
    )
    .await;
}

async fn assert_all(core: &Core, scope: &str, when: &str) {
    let broken = |condition: &str| {
        format!("SELECT COUNT(*) FROM credit_accounts a WHERE {scope} AND ({condition})")
    };
    let any: Vec<_> = INVARIANTS
        .iter()
        .map(|(_, condition)| format!("({condition})"))
        .collect();
    if number(core, &broken(&any.join(" OR "))).await > 0 {
        for (invariant, condition) in INVARIANTS {
            assert_eq!(
                number(core, &broken(condition)).await,
                0,
                "{invariant}: {when}"
            );
        }
    }
}
