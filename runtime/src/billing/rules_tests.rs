//! Tables over the decisions about money.

use super::*;
use crate::billing::objects::{Invoice, Line};

fn at(secs: i64) -> Timestamp {
    Timestamp::from_micros(secs * 1_000_000)
}

fn price(id: &str, minor: i64, credits: u32) -> Price {
    Price {
        price: id.into(),
        item: id.into(),
        money: Money::new(minor, "eur".parse().unwrap()),
        period: Some("month".into()),
        credits: Credits::whole(credits),
    }
}

fn line(id: &str, amount: i64, price: &str, is_proration: bool) -> Line {
    Line {
        id: id.into(),
        amount,
        price: Some(price.into()),
        quantity: 1,
        is_proration,
        period: (at(10), at(20)),
    }
}

fn invoice(reason: Reason, lines: Vec<Line>) -> Invoice {
    Invoice {
        id: "in_1".into(),
        customer: Some("cus_1".into()),
        reason,
        subscription: Some("sub_1".into()),
        is_paid: true,
        is_written_off: false,
        amount_paid: 900,
        amount_due: 900,
        currency: "eur".parse().unwrap(),
        number: "1".into(),
        intent: None,
        attempts: 1,
        lines,
        parts: Vec::new(),
        is_cut_off: false,
        created_at: at(10),
        paid_at: Some(at(10)),
    }
}

fn granted(reason: Reason, lines: Vec<Line>) -> Vec<(String, i64)> {
    let prices = [price("small", 900, 500), price("big", 2900, 2000)];
    let grants = grants(&invoice(reason, lines), &prices).unwrap();
    grants
        .into_iter()
        .map(|grant| (grant.source, grant.credits.as_milli()))
        .collect()
}

#[test]
fn a_line_of_a_period_brings_the_plans_credits() {
    let lines = || {
        vec![Line {
            quantity: 3,
            ..line("il_1", 2700, "small", false)
        }]
    };
    let brought = vec![("in_1:il_1".to_owned(), 1_500_000)];
    assert_eq!(granted(Reason::Create, lines()), brought);
    assert_eq!(granted(Reason::Cycle, lines()), brought);
    // A trial costs nothing and brings them, too.
    let trial = vec![line("il_1", 0, "small", false)];
    assert_eq!(
        granted(Reason::Create, trial),
        [("in_1:il_1".to_owned(), 500_000)]
    );
}

#[test]
fn a_change_brings_the_difference_as_far_as_it_was_paid_for() {
    // Half a period is left.
    let up = vec![
        line("il_1", -450, "small", true),
        line("il_2", 1450, "big", true),
    ];
    assert_eq!(granted(Reason::Update, up), [("in_1".to_owned(), 750_000)]);
    let down = vec![
        line("il_1", -1450, "big", true),
        line("il_2", 450, "small", true),
    ];
    assert_eq!(granted(Reason::Update, down), []);
    // To a longer period, which begins at once.
    let to_year = vec![
        line("il_1", -450, "small", true),
        line("il_2", 2900, "big", false),
    ];
    assert_eq!(
        granted(Reason::Update, to_year),
        [("in_1".to_owned(), 1_750_000)]
    );
}

#[test]
fn a_renewal_with_prorations_brings_both() {
    let lines = vec![
        line("il_1", 2900, "big", false),
        line("il_2", -450, "small", true),
        line("il_3", 1450, "big", true),
    ];
    let brought = [
        ("in_1:il_1".to_owned(), 2_000_000),
        ("in_1".to_owned(), 750_000),
    ];
    assert_eq!(granted(Reason::Cycle, lines), brought);
}

#[test]
fn an_unknown_price_is_a_fault_and_no_loss() {
    let fault = grants(
        &invoice(Reason::Cycle, vec![line("il_1", 9, "price_new", false)]),
        &[],
    );
    assert!(fault.unwrap_err().contains("price_new"));
    let by_hand = Line {
        price: None,
        ..line("il_1", 900, "", false)
    };
    assert_eq!(granted(Reason::Cycle, vec![by_hand]), []);
}

#[test]
fn shares_are_rounded_in_the_owners_favour_and_end_at_all() {
    let hundred = Credits::whole(100);
    for (lost, paid, milli) in [
        (0, 900, 0),
        (1, 900, 111),
        (450, 900, 50_000),
        (899, 900, 99_888),
        (900, 900, 100_000),
        (1000, 900, 100_000),
        (0, 0, 0),
    ] {
        assert_eq!(
            share(hundred, lost, paid).as_milli(),
            milli,
            "{lost} of {paid}"
        );
    }
}

fn lot(source: &str, credits: u32, taken: u32, restores: Option<&str>) -> PaidLot {
    PaidLot {
        source: source.into(),
        payment: "p".to_owned().into(),
        subscription: None,
        restores: restores.map(str::to_owned),
        credits: Credits::whole(credits),
        taken: Credits::whole(taken),
        revoked: Credits::whole(taken),
        period: None,
        is_over: false,
    }
}

#[test]
fn what_is_missing_is_taken_and_what_is_too_much_comes_back() {
    let whole = Credits::whole;
    let take = |parts: &[(&str, u32)]| {
        let parts = parts
            .iter()
            .map(|(source, credits)| ((*source).to_owned(), whole(*credits)));
        Some(Move::Take(parts.collect()))
    };
    let fresh = lot("a", 100, 0, None);
    assert_eq!(settle(&[&fresh], Credits::ZERO), None);
    assert_eq!(settle(&[&fresh], whole(30)), take(&[("a", 30)]));
    let half = lot("a", 100, 50, None);
    assert_eq!(settle(&[&half], whole(50)), None);
    assert_eq!(settle(&[&half], whole(80)), take(&[("a", 30)]));
    assert_eq!(settle(&[&half], whole(20)), Some(Move::Restore(whole(30))));
    // After a dispute was won, and then the payment was refunded after all.
    let gone = lot("a", 100, 100, None);
    let restored = lot("b", 100, 0, Some("a"));
    assert_eq!(settle(&[&gone, &restored], Credits::ZERO), None);
    assert_eq!(settle(&[&gone, &restored], whole(100)), take(&[("b", 100)]));
}

#[test]
fn what_costs_more_or_lasts_longer_begins_at_once() {
    let price = |minor: i64, period: &str| Price {
        price: "p".into(),
        item: "i".into(),
        money: Money::new(minor, "eur".parse().unwrap()),
        period: Some(period.into()),
        credits: Credits::whole(1),
    };
    let (starter, team, year) = (
        price(900, "month"),
        price(2900, "month"),
        price(29_000, "year"),
    );
    for (from, to, expected) in [
        ((&starter, 1), (&team, 1), Begin::AtOnce),
        ((&team, 1), (&starter, 1), Begin::WithTheNextPeriod),
        ((&team, 1), (&team, 2), Begin::AtOnce),
        ((&team, 2), (&team, 1), Begin::WithTheNextPeriod),
        ((&team, 1), (&year, 1), Begin::AtOnce),
        ((&year, 1), (&team, 1), Begin::WithTheNextPeriod),
        ((&year, 1), (&team, 9), Begin::WithTheNextPeriod),
        ((&starter, 1), (&starter, 1), Begin::WithTheNextPeriod),
    ] {
        assert_eq!(begin(from, to), expected, "{from:?} {to:?}");
    }
}

#[test]
fn a_change_at_once_costs_the_rest_of_the_period() {
    let (small, large) = (price("small", 900, 500), price("large", 2900, 2000));
    let yearly = Price {
        period: Some("year".into()),
        ..price("yearly", 29_000, 24_000)
    };
    let due = |from: (&Price, i64), to: (&Price, i64), now: i64| {
        let (money, credits) = difference(from, to, (at(0), at(1000)), at(now));
        (money.minor, credits.as_milli() / 1000)
    };
    assert_eq!(due((&small, 1), (&large, 1), 0), (2000, 1500));
    assert_eq!(due((&small, 1), (&large, 1), 500), (1000, 750));
    assert_eq!(due((&large, 1), (&large, 3), 750), (1450, 1000));
    assert_eq!(due((&large, 1), (&yearly, 1), 500), (27_550, 23_000));
    // Before the period and after it, as clocks go.
    assert_eq!(due((&small, 1), (&large, 1), -9), (2000, 1500));
    assert_eq!(due((&small, 1), (&large, 1), 1001), (0, 0));
    assert_eq!(due((&large, 1), (&small, 1), 0), (0, 0));
}

#[test]
fn access_follows_the_status() {
    let day = Duration::from_secs(24 * 60 * 60);
    let base = SubscriptionRow {
        subscription: "sub_1".into(),
        customer: "c".to_owned().into(),
        status: "active".into(),
        price: "p".into(),
        element: "si".into(),
        quantity: 1,
        period: (at(0), at(100)),
        trial_end: None,
        cancels_at_end: false,
        is_paused: false,
        ended_at: None,
        paid_until: Some(at(100)),
        failing_since: None,
        is_alert: false,
        started_at: at(0),
        schedule: None,
        next: None,
    };
    let now = at(50);
    let of = |status: &str| {
        standing(
            &SubscriptionRow {
                status: status.into(),
                ..base.clone()
            },
            3 * day,
            now,
        )
    };
    use Standing::{Over, Suspended, Usable};
    for (status, expected) in [
        ("trialing", Usable),
        ("active", Usable),
        ("past_due", Usable),
        ("paused", Usable),
        ("incomplete", Suspended),
        ("unpaid", Suspended),
        ("canceled", Over),
        ("incomplete_expired", Over),
    ] {
        assert_eq!(of(status), expected, "{status}");
        assert!(is_known(status));
    }
    let failing = |since| SubscriptionRow {
        status: "past_due".into(),
        failing_since: Some(since),
        ..base.clone()
    };
    let days = |count: u32| at(0).plus(day * count);
    assert_eq!(standing(&failing(at(0)), 3 * day, days(2)), Usable);
    assert_eq!(standing(&failing(at(0)), 3 * day, days(3)), Suspended);
    // Its failure was never told: what counts is since when nothing is paid for.
    let untold = |paid_until| SubscriptionRow {
        status: "past_due".into(),
        paid_until,
        ..base.clone()
    };
    for (paid_until, since) in [(None, at(0)), (Some(at(100)), at(100))] {
        let row = untold(paid_until);
        assert_eq!(standing(&row, 3 * day, since.plus(2 * day)), Usable);
        assert_eq!(standing(&row, 3 * day, since.plus(3 * day)), Suspended);
    }
    let paused = SubscriptionRow {
        is_paused: true,
        ..base
    };
    assert_eq!(standing(&paused, day, at(99)), Usable);
    assert_eq!(standing(&paused, day, at(100)), Suspended);
}

#[test]
fn disputes_hold_money_from_their_opening_until_they_are_won() {
    for (status, gone) in [
        ("warning_needs_response", false),
        ("warning_closed", false),
        ("needs_response", true),
        ("under_review", true),
        ("lost", true),
        ("won", false),
    ] {
        assert_eq!(is_withdrawn(status), gone, "{status}");
    }
}
