//! Random sequences of verbs, under a moving clock, against a model in memory. After each step the balance, the lots
//! and the auditor are asked.

use std::time::Duration;

use quickscale_runtime::app::Core;
use quickscale_runtime::auth::audit;
use quickscale_runtime::credits::actions as ledger;
use quickscale_runtime::credits::verify::verify_owner;
use quickscale_runtime::credits::{
    Adjustment, Balance, Change, Credits, EntryKind, Grant, HoldTerms, Ledger, LotKind, LotRef,
    Note, Owner,
};
use quickscale_runtime::error::Result;
use quickscale_runtime::in_transaction;
use quickscale_runtime::testing::TestApp;
use rand::rngs::StdRng;
use rand::seq::IteratorRandom as _;
use rand::{RngExt as _, SeedableRng as _};

use crate::model::{FOREVER, Model, ModelHold};
use crate::support::app;
use crate::support::ledger::{assert_account_sound, assert_sound, somebody};

const SEQUENCES: u64 = 2000;
const MOST_STEPS: usize = 60;
/// Sequences share neither account nor clock with those that run beside them.
const BESIDE: u64 = 4;

struct Run<'a> {
    app: &'a TestApp,
    owner: Owner,
    model: Model,
    random: StdRng,
    step: usize,
}

fn milli(amount: u64) -> Credits {
    Credits::from_milli(amount)
}

impl Run<'_> {
    fn core(&self) -> &Core {
        &self.app.core
    }

    fn amount(&mut self) -> u64 {
        self.random.random_range(1..=40)
    }

    fn key(&self) -> String {
        format!("step {}", self.step)
    }

    fn note(&self) -> Note {
        Note::system(self.key(), "A random step")
    }

    fn half_hours(&mut self, most: u64) -> Duration {
        Duration::from_secs(self.random.random_range(1..=most) * 1800)
    }

    async fn grant(&mut self) {
        let kind = LotKind::ALL[self.random.random_range(0..LotKind::ALL.len())];
        let amount = self.amount();
        let ends = match kind {
            LotKind::Subscription => true,
            LotKind::Purchase => false,
            LotKind::Promotion | LotKind::Adjustment => self.random.random_bool(0.6),
        };
        let lasts = self.half_hours(20);
        let expires_at = ends.then(|| self.core().now().plus(lasts));
        let source = format!("{:?} {}", self.owner, self.step);
        let grant = Grant {
            kind,
            amount: milli(amount),
            expires_at,
            source: Some(source.clone()),
        };
        let note = self.note();
        let done = ledger::grant(self.core(), &self.owner, &grant, &note).await;
        done.unwrap();
        let place = (kind, expires_at.unwrap_or(FOREVER));
        self.model.put_in(place, amount, Some(source));
    }

    async fn spend(&mut self) {
        let amount = self.amount();
        let done = ledger::spend(self.core(), &self.owner, milli(amount), &self.note()).await;
        let expected = self.model.spend(&self.key(), amount);
        assert_eq!(done.is_ok(), expected);
    }

    /// Reserves, then spends all of that, a part of it, or nothing.
    async fn reserve(&mut self) {
        let amount = self.amount();
        let spent = self.random.random_range(0..=amount);
        let reserved = self.spend_reserved(milli(amount), milli(spent)).await;
        let key = self.key();
        match self.model.available() >= amount {
            false => assert_eq!(reserved.unwrap_err().code(), "insufficient_credits"),
            true => {
                assert!(spent == 0 || self.model.spend(&key, spent));
                assert_eq!(reserved.unwrap(), milli(self.model.available()));
            }
        }
    }

    /// Gives what is available afterwards.
    async fn spend_reserved(&self, amount: Credits, spent: Credits) -> Result<Credits> {
        let (core, note) = (self.core(), self.note());
        let now = core.now();
        in_transaction!(core.db(), tx => {
            let mut ledger = Ledger::new(core, tx, now);
            let reserved = ledger.reserve(&self.owner, amount).await?;
            match spent.is_zero() {
                true => ledger.put_back(reserved).await,
                false => ledger.spend_reserved(reserved, spent, &note).await,
            }
        })
    }

    async fn adjust(&mut self) {
        let amount = self.amount();
        let change = if self.random.random_bool(0.5) {
            Change::Up(milli(amount))
        } else {
            Change::Down(milli(amount))
        };
        let adjustment = Adjustment {
            change,
            lasts: None,
            reason: "A random step".into(),
            by: audit::Actor::CommandLine,
            key: self.key(),
        };
        let done = ledger::adjust(self.core(), &self.owner, &adjustment).await;
        let expected = match change {
            Change::Up(_) => {
                let place = (LotKind::Adjustment, FOREVER);
                self.model.put_in(place, amount, None);
                true
            }
            Change::Down(_) => self.model.take(amount).is_some(),
        };
        assert_eq!(done.is_ok(), expected);
    }

    async fn hold(&mut self) {
        let amount = self.amount();
        let terms = HoldTerms {
            key: self.key(),
            lasts: self.half_hours(16),
        };
        let done = ledger::hold(self.core(), &self.owner, milli(amount), &terms).await;
        let parts = self.model.take(amount);
        assert_eq!(done.is_ok(), parts.is_some());
        if let (Ok(hold), Some(parts)) = (done, parts) {
            self.model.holds.push(ModelHold {
                id: hold.id,
                parts,
                expires_at: hold.expires_at,
                is_open: true,
            });
        }
    }

    async fn close(&mut self) {
        let holds = self.model.holds.iter().enumerate();
        let Some((at, hold)) = holds.choose(&mut self.random) else {
            return;
        };
        let (id, was_open) = (hold.id.clone(), hold.is_open);
        let held: u64 = hold.parts.iter().map(|(_, amount)| amount).sum();
        let captured = self.random.random_range(0..=held);
        let note = self.note();
        let (core, now) = (self.core(), self.core().now());
        let done = if captured == 0 {
            let done = ledger::release(core, &self.owner, &id).await.is_ok();
            if !was_open {
                return;
            }
            done
        } else {
            let held = (&self.owner, &id);
            let done = ledger::capture(core, held, milli(captured), &note).await;
            done.is_ok()
        };
        let key = self.key();
        assert_eq!(done, self.model.close(at, (&key, captured), now));
    }

    async fn refund(&mut self) {
        let spends = self.model.spends.iter().enumerate();
        let Some((at, spend)) = spends.choose(&mut self.random) else {
            return;
        };
        let (key, amount) = (spend.key.clone(), self.amount());
        let (core, now, note) = (self.core(), self.core().now(), self.note());
        let done = ledger::refund(core, &self.owner, (&key, milli(amount)), &note).await;
        assert_eq!(done.is_ok(), self.model.refund(at, amount, now));
    }

    /// A lot that somebody can name.
    fn some_lot(&mut self) -> Option<(usize, String)> {
        let lots = self.model.lots.iter().enumerate();
        let named = lots.filter_map(|(at, lot)| Some((at, lot.source.clone()?)));
        named.choose(&mut self.random)
    }

    async fn revoke(&mut self) {
        let Some((at, source)) = self.some_lot() else {
            return;
        };
        let amount = self.amount();
        let which = (LotRef::Source(&source), milli(amount));
        let done = ledger::revoke(self.core(), &self.owner, which, &self.note()).await;
        match self.model.revoke(at, amount) {
            0 => assert_eq!(done.unwrap_err().code(), "nothing_to_revoke"),
            taken => assert_eq!(done.unwrap().change, Change::Down(milli(taken))),
        }
    }

    async fn end(&mut self) {
        let Some((at, source)) = self.some_lot() else {
            return;
        };
        let now = self.core().now();
        let which = LotRef::Source(&source);
        let done = ledger::end(self.core(), &self.owner, which, &self.note()).await;
        if self.model.lots[at].kind == LotKind::Purchase {
            assert_eq!(done.unwrap_err().status().as_u16(), 422);
            return;
        }
        let remaining = self.model.lots[at].remaining;
        assert_eq!(done.unwrap().is_some(), remaining > 0);
        self.model.end(at, now);
    }

    async fn step(&mut self) {
        // Never quite still, so that what happens later also sorts later.
        let minutes = self.random.random_range(0..=90) * u64::from(self.random.random_bool(0.5));
        let passed = Duration::from_secs(minutes * 60) + Duration::from_micros(1);
        self.app.clock.advance(passed);
        self.model.tick(self.core().now());
        // Before anything is booked, too.
        self.compare_balance().await;
        match self.random.random_range(0..16) {
            0..3 => self.grant().await,
            3..5 => self.spend().await,
            5 => self.adjust().await,
            6..9 => self.hold().await,
            9..11 => self.close().await,
            11 => self.refund().await,
            12 => self.revoke().await,
            13 => self.end().await,
            14 => self.reserve().await,
            _ => {
                ledger::sweep(self.core()).await.unwrap();
            }
        }
        self.compare_holdings().await;
    }

    async fn compare_balance(&self) {
        let balance = ledger::balance(self.core(), &self.owner).await.unwrap();
        self.compare_sums(balance);
    }

    fn compare_sums(&self, balance: Balance) {
        assert_eq!(balance.available, milli(self.model.available()));
        assert_eq!(balance.held, milli(self.model.held()));
        assert_eq!(balance.debt, milli(self.model.debt));
    }

    async fn compare_holdings(&self) {
        let holdings = ledger::holdings(self.core(), &self.owner).await.unwrap();
        self.compare_sums(holdings.balance);
        let lots: Vec<_> = holdings
            .lots
            .iter()
            .map(|lot| {
                let expires_at = lot.expires_at.unwrap_or(FOREVER);
                ((lot.kind.priority(), expires_at), lot.remaining)
            })
            .collect();
        let mut expected: Vec<_> = self.model.lots.clone();
        expected.retain(|lot| lot.remaining > 0);
        expected.sort_by_key(|lot| lot.order());
        let expected: Vec<_> = expected
            .iter()
            .map(|lot| (lot.order(), milli(lot.remaining)))
            .collect();
        assert_eq!(lots, expected);
    }
}

/// Every `BESIDE`th sequence from `first` on, in an application of its own.
async fn walk(first: u64) {
    let app = TestApp::start(app()).await;
    for seed in (first..SEQUENCES).step_by(BESIDE as usize) {
        let mut random = StdRng::seed_from_u64(seed);
        let steps = random.random_range(1..=MOST_STEPS);
        let mut run = Run {
            app: &app,
            owner: somebody(&app.core),
            model: Model::default(),
            random,
            step: 0,
        };
        for step in 0..steps {
            run.step = step;
            // What fails says in which sequence: the same number walks the same way again.
            let stepped = std::panic::AssertUnwindSafe(run.step());
            if let Err(fault) = futures_util::FutureExt::catch_unwind(stepped).await {
                eprintln!("in sequence {seed}, at step {step}:");
                std::panic::resume_unwind(fault);
            }
            let when = format!("sequence {seed}, step {step}");
            assert_account_sound(&app.core, &run.owner, &when).await;
        }
        // The journal only grows, so that its chain and each of its entries are still as every step left them.
        let report = verify_owner(&app.core, &run.owner).await.unwrap();
        let findings = report.findings;
        assert!(findings.is_empty(), "{seed}: {findings:?}");
    }
    assert_sound(&app.core, "after everything").await;
    let kinds = EntryKind::ALL.map(|kind| kind.as_str());
    for kind in kinds {
        let sql = format!("SELECT COUNT(*) FROM credit_entries WHERE kind = '{kind}'");
        let made = crate::support::ledger::number(&app.core, &sql).await;
        assert!(made > 0, "no sequence made a {kind}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn any_sequence_of_verbs_gives_what_a_plain_model_gives() {
    let walks: Vec<_> = (0..BESIDE).map(|first| tokio::spawn(walk(first))).collect();
    for walk in walks {
        walk.await.unwrap();
    }
}
