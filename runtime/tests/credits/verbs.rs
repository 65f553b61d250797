//! Each verb by itself: what it does, what it refuses, and what it answers when it is asked again.

use std::time::Duration;

use axum::http::StatusCode;
use quickscale_runtime::app::Core;
use quickscale_runtime::auth::audit::{self, AuditEntry};
use quickscale_runtime::credits::actions as ledger;
use quickscale_runtime::credits::{
    Actor, Adjustment, Change, Credits, Cursor, EntryKind, Grant, HoldTerms, LotKind, Note, Owner,
    PriceVersion,
};
use quickscale_runtime::error::Error;
use quickscale_runtime::ids::UserId;
use quickscale_runtime::testing::TestApp;

use crate::support::ledger::{app_with, assert_sound, count, owner_with, somebody};
use crate::support::{app, sign_up, themed};

const HOUR: Duration = Duration::from_secs(3600);

fn whole(credits: u32) -> Credits {
    Credits::whole(credits)
}

fn note(key: &str) -> Note {
    Note::system(key, "A test")
}

fn terms(key: &str) -> HoldTerms {
    HoldTerms {
        key: key.into(),
        lasts: HOUR,
    }
}

fn adjustment(key: &str, change: Change) -> Adjustment {
    Adjustment {
        change,
        lasts: None,
        reason: "A test".into(),
        by: audit::Actor::CommandLine,
        key: key.into(),
    }
}

async fn give(core: &Core, owner: &Owner, kind: LotKind, amount: u32, lasts: Option<Duration>) {
    let grant = Grant {
        kind,
        amount: whole(amount),
        expires_at: lasts.map(|lasts| core.now().plus(lasts)),
        source: None,
    };
    let key = format!("{kind:?} {amount} {lasts:?}");
    ledger::grant(core, owner, &grant, &note(&key))
        .await
        .unwrap();
}

async fn available(core: &Core, owner: &Owner) -> Credits {
    ledger::balance(core, owner).await.unwrap().available
}

fn assert_insufficient(error: &Error, required: &str, available: &str) {
    assert_eq!(error.status(), StatusCode::PAYMENT_REQUIRED);
    assert_eq!(error.code(), "insufficient_credits");
    assert_eq!(error.problem().extra["required"], required);
    assert_eq!(error.problem().extra["available"], available);
}

#[tokio::test]
async fn whoever_signs_up_is_given_credits_in_the_same_transaction() {
    let app = themed(app()).start().await;
    sign_up(&app, "ada@example.com").await;
    assert_eq!(count(&app.core, "credit_accounts").await, 1);
    assert_eq!(count(&app.core, "credit_entries").await, 1);
    assert_sound(&app.core, "after a sign-up").await;

    let taken = [
        ("email", "ADA@example.com"),
        ("password", "another one 123"),
    ];
    app.client().post("/accounts/signup", &taken).await;
    assert_eq!(count(&app.core, "credit_accounts").await, 1);
}

#[tokio::test]
async fn a_grant_of_nothing_still_opens_an_account() {
    let app = themed(app_with(Credits::ZERO)).start().await;
    sign_up(&app, "ada@example.com").await;
    assert_eq!(count(&app.core, "credit_accounts").await, 1);
    assert_eq!(count(&app.core, "credit_entries").await, 0);
}

#[tokio::test]
async fn credits_are_spent_by_priority_then_soonest_expiry_then_age() {
    let app = TestApp::start(app()).await;
    let core = &app.core;
    let owner = somebody(core);
    give(core, &owner, LotKind::Purchase, 10, None).await;
    give(core, &owner, LotKind::Promotion, 4, None).await;
    give(core, &owner, LotKind::Promotion, 3, Some(2 * HOUR)).await;
    give(core, &owner, LotKind::Promotion, 2, Some(HOUR)).await;
    give(core, &owner, LotKind::Adjustment, 5, None).await;
    give(core, &owner, LotKind::Subscription, 1, Some(9 * HOUR)).await;
    let mut order = Vec::new();
    for spent in 0..25 {
        let key = format!("spend {spent}");
        ledger::spend(core, &owner, whole(1), &note(&key))
            .await
            .unwrap();
        let left = ledger::lots(core, &owner, 10).await.unwrap();
        order.push(left.first().map(|lot| (lot.kind, lot.amount)));
    }
    order.dedup();
    let lot = |kind, amount| Some((kind, whole(amount)));
    assert_eq!(
        order,
        [
            lot(LotKind::Promotion, 2),
            lot(LotKind::Promotion, 3),
            lot(LotKind::Promotion, 4),
            lot(LotKind::Adjustment, 5),
            lot(LotKind::Purchase, 10),
            None,
        ]
    );
    assert_sound(core, "after spending everything").await;
}

#[tokio::test]
async fn a_spend_that_is_too_large_takes_nothing_and_says_what_is_missing() {
    let app = TestApp::start(app()).await;
    let core = &app.core;
    let owner = owner_with(core, Credits::from_milli(2500)).await;
    let error = ledger::spend(core, &owner, whole(3), &note("spend")).await;
    assert_insufficient(&error.unwrap_err(), "3", "2.5");
    let error = ledger::hold(core, &owner, whole(3), &terms("hold")).await;
    assert_insufficient(&error.unwrap_err(), "3", "2.5");
    let nobody = somebody(core);
    let error = ledger::spend(core, &nobody, whole(1), &note("spend")).await;
    assert_insufficient(&error.unwrap_err(), "1", "0");
    assert_eq!(available(core, &owner).await, Credits::from_milli(2500));
    assert_eq!(count(core, "credit_entries").await, 1);
    assert_eq!(count(core, "credit_holds").await, 0);
}

#[tokio::test]
async fn amounts_of_nothing_and_beyond_every_bound_leave_no_row() {
    let app = TestApp::start(app()).await;
    let core = &app.core;
    let owner = owner_with(core, Credits::MAX).await;
    let zero = Credits::ZERO;
    assert!(ledger::spend(core, &owner, zero, &note("a")).await.is_err());
    assert!(ledger::hold(core, &owner, zero, &terms("b")).await.is_err());
    for change in [Change::Up(zero), Change::Down(zero), Change::Up(whole(1))] {
        let refused = ledger::adjust(core, &owner, &adjustment("c", change)).await;
        assert_eq!(refused.unwrap_err().status().as_u16(), 422, "{change}");
    }
    let past = Grant {
        kind: LotKind::Promotion,
        amount: whole(1),
        expires_at: Some(core.now()),
        source: None,
    };
    assert!(
        ledger::grant(core, &owner, &past, &note("d"))
            .await
            .is_err()
    );
    assert_eq!(count(core, "credit_entries").await, 1);
    assert_eq!(count(core, "audit_entries").await, 0);
}

#[tokio::test]
async fn credits_that_have_run_out_do_not_count_from_that_instant_on() {
    let app = TestApp::start(app()).await;
    let core = &app.core;
    let owner = owner_with(core, whole(5)).await;
    give(core, &owner, LotKind::Promotion, 7, Some(HOUR)).await;
    app.clock.advance(HOUR - Duration::from_micros(1));
    assert_eq!(available(core, &owner).await, whole(12));
    assert_eq!(ledger::lots(core, &owner, 10).await.unwrap().len(), 2);

    app.clock.advance(Duration::from_micros(1));
    assert_eq!(ledger::lots(core, &owner, 10).await.unwrap().len(), 1);
    let error = ledger::spend(core, &owner, whole(6), &note("too much")).await;
    assert_insufficient(&error.unwrap_err(), "6", "5");
    ledger::spend(core, &owner, whole(5), &note("all"))
        .await
        .unwrap();
    assert_eq!(available(core, &owner).await, Credits::ZERO);
    assert_sound(core, "after an expiry").await;
    let history = ledger::history(core, &owner, Cursor::START, 10)
        .await
        .unwrap();
    let kinds: Vec<_> = history.entries.iter().map(|entry| entry.kind).collect();
    let (spend, expiry, grant) = (EntryKind::Spend, EntryKind::Expiry, EntryKind::Grant);
    assert_eq!(kinds, [spend, expiry, grant, grant]);
}

#[tokio::test]
async fn a_hold_is_captured_in_part_and_the_rest_comes_back() {
    let app = TestApp::start(app()).await;
    let core = &app.core;
    let owner = owner_with(core, whole(10)).await;
    let hold = ledger::hold(core, &owner, whole(4), &terms("hold"))
        .await
        .unwrap();
    let balance = ledger::balance(core, &owner).await.unwrap();
    assert_eq!((balance.available, balance.held), (whole(6), whole(4)));
    assert_sound(core, "while credits are held").await;

    let too_much = ledger::capture(core, (&owner, &hold.id), whole(5), &note("x")).await;
    assert_eq!(too_much.unwrap_err().status().as_u16(), 422);
    let entry = ledger::capture(core, (&owner, &hold.id), whole(3), &note("capture"))
        .await
        .unwrap();
    assert_eq!(entry.change, Change::Down(whole(3)));
    assert_eq!(entry.balance_after, whole(7));
    assert_eq!(available(core, &owner).await, whole(7));
    assert_sound(core, "after a capture").await;

    let closed = ledger::release(core, &owner, &hold.id).await;
    assert_eq!(closed.unwrap_err().code(), "hold_closed");
    let closed = ledger::capture(core, (&owner, &hold.id), whole(1), &note("again")).await;
    assert_eq!(closed.unwrap_err().code(), "hold_closed");
}

#[tokio::test]
async fn a_hold_belongs_to_its_owner() {
    let app = TestApp::start(app()).await;
    let core = &app.core;
    let owner = owner_with(core, whole(10)).await;
    let thief = owner_with(core, whole(10)).await;
    let hold = ledger::hold(core, &owner, whole(4), &terms("hold"))
        .await
        .unwrap();
    let captured = ledger::capture(core, (&thief, &hold.id), whole(4), &note("x")).await;
    assert_eq!(captured.unwrap_err().status(), StatusCode::NOT_FOUND);
    let released = ledger::release(core, &thief, &hold.id).await;
    assert_eq!(released.unwrap_err().status(), StatusCode::NOT_FOUND);
    assert_eq!(available(core, &owner).await, whole(6));
}

#[tokio::test]
async fn a_hold_that_nobody_closes_comes_back_by_itself() {
    let app = TestApp::start(app()).await;
    let core = &app.core;
    let owner = owner_with(core, whole(10)).await;
    let hold = ledger::hold(core, &owner, whole(4), &terms("hold"))
        .await
        .unwrap();
    app.clock.advance(HOUR);
    let late = ledger::capture(core, (&owner, &hold.id), whole(4), &note("late")).await;
    assert_eq!(late.unwrap_err().code(), "hold_closed");
    let all = ledger::spend(core, &owner, whole(10), &note("all")).await;
    assert_eq!(all.unwrap().balance_after, Credits::ZERO);
    assert_sound(core, "after a hold ran out").await;
}

#[tokio::test]
async fn what_comes_back_to_a_lot_that_has_run_out_can_be_used_for_a_day() {
    let app = TestApp::start(app()).await;
    let core = &app.core;
    let owner = somebody(core);
    give(core, &owner, LotKind::Subscription, 5, Some(HOUR)).await;
    let lasting = HoldTerms {
        key: "hold".into(),
        lasts: 3 * HOUR,
    };
    let hold = ledger::hold(core, &owner, whole(4), &lasting)
        .await
        .unwrap();
    app.clock.advance(2 * HOUR);
    ledger::release(core, &owner, &hold.id).await.unwrap();
    assert_eq!(available(core, &owner).await, whole(4));
    assert_sound(core, "after a release to a lot that has run out").await;
    app.clock.advance(24 * HOUR);
    assert_eq!(available(core, &owner).await, Credits::ZERO);
    assert_sound(core, "after the day").await;
}

#[tokio::test]
async fn a_repeated_key_gets_the_first_answer_and_another_request_is_refused() {
    let app = TestApp::start(app()).await;
    let core = &app.core;
    let owner = owner_with(core, whole(10)).await;
    let reused = |error: Error| assert_eq!(error.code(), "idempotency_key_reused");

    let first = ledger::spend(core, &owner, whole(10), &note("s"))
        .await
        .unwrap();
    let again = ledger::spend(core, &owner, whole(10), &note("s")).await;
    assert_eq!(again.unwrap(), first, "although nothing is left");
    reused(
        ledger::spend(core, &owner, whole(9), &note("s"))
            .await
            .unwrap_err(),
    );

    let up = adjustment("a", Change::Up(whole(8)));
    let first = ledger::adjust(core, &owner, &up).await.unwrap();
    assert_eq!(ledger::adjust(core, &owner, &up).await.unwrap(), first);
    let other = adjustment("a", Change::Up(whole(7)));
    reused(ledger::adjust(core, &owner, &other).await.unwrap_err());
    assert_eq!(count(core, "audit_entries").await, 1);

    let first = ledger::hold(core, &owner, whole(8), &terms("h"))
        .await
        .unwrap();
    let again = ledger::hold(core, &owner, whole(8), &terms("h")).await;
    assert_eq!(again.unwrap().id, first.id);
    reused(
        ledger::hold(core, &owner, whole(2), &terms("h"))
            .await
            .unwrap_err(),
    );

    let held = (&owner, &first.id);
    let captured = ledger::capture(core, held, whole(1), &note("c"))
        .await
        .unwrap();
    let again = ledger::capture(core, held, whole(1), &note("c")).await;
    assert_eq!(again.unwrap(), captured);
    reused(
        ledger::capture(core, held, whole(2), &note("c"))
            .await
            .unwrap_err(),
    );

    let again = ledger::hold(core, &owner, whole(8), &terms("h")).await;
    assert_eq!(again.unwrap(), first, "although it was captured");

    let hold = ledger::hold(core, &owner, whole(1), &terms("r"))
        .await
        .unwrap();
    ledger::release(core, &owner, &hold.id).await.unwrap();
    ledger::release(core, &owner, &hold.id).await.unwrap();
    let again = ledger::hold(core, &owner, whole(1), &terms("r")).await;
    assert_eq!(again.unwrap(), hold, "although it was released");
    assert_eq!(available(core, &owner).await, whole(7));
    assert_sound(core, "after repeating everything").await;
}

#[tokio::test]
async fn who_asks_and_what_is_paid_for_belong_to_a_key_and_what_that_costs_by_now_does_not() {
    let app = TestApp::start(app()).await;
    let core = &app.core;
    let owner = owner_with(core, whole(10)).await;
    let priced = |item: &str, number| Note {
        price: Some(PriceVersion {
            item: item.into(),
            number,
        }),
        ..note("s")
    };
    ledger::declare_price(core, "service:demo", whole(1))
        .await
        .unwrap();
    let first = ledger::spend(core, &owner, whole(1), &priced("service:demo", 1)).await;
    let first = first.unwrap();
    // The price was set to 3 after the first try.
    let again = ledger::spend(core, &owner, whole(3), &priced("service:demo", 2)).await;
    assert_eq!(again.unwrap(), first);
    let stranger = Note {
        actor: Actor::User(UserId::new(core.now())),
        ..priced("service:demo", 1)
    };
    for (amount, other) in [
        (1, stranger),
        (1, priced("service:other", 1)),
        (1, note("s")),
        (3, priced("service:demo", 1)),
    ] {
        let refused = ledger::spend(core, &owner, whole(amount), &other).await;
        let refused = refused.unwrap_err();
        assert_eq!(refused.code(), "idempotency_key_reused", "{other:?}");
    }
    assert_eq!(available(core, &owner).await, whole(9));

    let up = adjustment("a", Change::Up(whole(8)));
    ledger::adjust(core, &owner, &up).await.unwrap();
    let by_another = Adjustment {
        by: audit::Actor::Person {
            user: UserId::new(core.now()),
            address: "192.0.2.1".into(),
        },
        ..up
    };
    let refused = ledger::adjust(core, &owner, &by_another).await;
    assert_eq!(refused.unwrap_err().code(), "idempotency_key_reused");
    assert_sound(core, "after repeating with others").await;
}

#[tokio::test]
async fn the_staff_corrects_a_balance_and_it_is_recorded() {
    let app = TestApp::start(app()).await;
    let core = &app.core;
    let owner = owner_with(core, whole(10)).await;
    let up = ledger::adjust(core, &owner, &adjustment("up", Change::Up(whole(50)))).await;
    assert_eq!(up.unwrap().balance_after, whole(60));
    let down = ledger::adjust(core, &owner, &adjustment("down", Change::Down(whole(55)))).await;
    let down = down.unwrap();
    assert_eq!(down.kind, EntryKind::Adjustment);
    assert_eq!(down.balance_after, whole(5));
    assert_eq!(down.actor, Actor::System);
    let below = ledger::adjust(core, &owner, &adjustment("no", Change::Down(whole(6)))).await;
    assert_insufficient(&below.unwrap_err(), "6", "5");
    assert_eq!(count(core, "audit_entries").await, 2);
    assert_sound(core, "after corrections").await;
}

#[tokio::test]
async fn the_history_is_read_in_pages_without_gap_or_repetition() {
    let app = TestApp::start(app()).await;
    let core = &app.core;
    let owner = owner_with(core, whole(10)).await;
    for spent in 0..6 {
        let key = format!("spend {spent}");
        ledger::spend(core, &owner, whole(1), &note(&key))
            .await
            .unwrap();
    }
    let mut seen = Vec::new();
    let mut from = Some(Cursor::START);
    while let Some(cursor) = from {
        let page = ledger::history(core, &owner, cursor, 3).await.unwrap();
        seen.extend(page.entries.iter().map(|entry| entry.seq));
        from = page.next;
    }
    assert_eq!(seen, [7, 6, 5, 4, 3, 2, 1]);
}

#[tokio::test]
async fn the_journal_cannot_be_changed_even_by_hand() {
    let app = TestApp::start(app()).await;
    let core = &app.core;
    owner_with(core, whole(10)).await;
    for sql in [
        "UPDATE credit_entries SET amount = 1",
        "DELETE FROM credit_entries",
        "DELETE FROM credit_entries WHERE seq = 99 OR seq = 1",
        "UPDATE credit_allocations SET amount = 1",
        "DELETE FROM credit_allocations",
    ] {
        let mut tx = core.db().begin().await.unwrap();
        let refused = sqlx::query(sql).execute(tx.conn()).await;
        let error = refused.expect_err(sql).to_string();
        assert!(error.contains("never changed"), "{sql}: {error}");
    }
    assert_eq!(count(core, "credit_entries").await, 1);
}

#[tokio::test]
async fn a_source_is_granted_once_and_prices_keep_their_versions() {
    let app = TestApp::start(app()).await;
    let core = &app.core;
    let (owner, other) = (somebody(core), somebody(core));
    let grant = Grant::purchase(whole(5)).from_source("session:1:line:1");
    ledger::grant(core, &owner, &grant, &note("a"))
        .await
        .unwrap();
    for (owner, key) in [(&owner, "b"), (&other, "a")] {
        let again = ledger::grant(core, owner, &grant, &note(key)).await;
        assert_eq!(again.unwrap_err().code(), "source_granted");
    }
    let item = "service:demo";
    let first = ledger::declare_price(core, item, whole(1)).await.unwrap();
    let same = ledger::declare_price(core, item, whole(1)).await.unwrap();
    assert_eq!((first.version.number, &same), (1, &first));
    let act = || AuditEntry::new(&audit::Actor::CommandLine, "demo.price_set", ("demo", "1"));
    let set = ledger::set_price(core, &first.version, whole(3), act()).await;
    assert_eq!(set.unwrap().version.number, 2);
    for amount in [3, 4] {
        let late = ledger::set_price(core, &first.version, whole(amount), act()).await;
        assert_eq!(late.unwrap_err().code(), "price_changed");
    }
    let spent = Note {
        price: Some(first.version.clone()),
        ..note("spend")
    };
    let entry = ledger::spend(core, &owner, whole(1), &spent).await.unwrap();
    assert_eq!(entry.price, Some(first.version));
    assert_eq!(
        ledger::price(core, item).await.unwrap().unwrap().amount,
        whole(3)
    );
    assert_sound(core, "after a priced spend").await;
}
