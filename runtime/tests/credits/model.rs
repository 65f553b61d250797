//! Random sequences of verbs, under a moving clock, against a ledger that is a few lists in memory.

use std::time::Duration;

use quickscale_runtime::app::Core;
use quickscale_runtime::auth::audit;
use quickscale_runtime::clock::Timestamp;
use quickscale_runtime::credits::actions as ledger;
use quickscale_runtime::credits::{
    Adjustment, Change, Credits, Grant, HoldId, HoldTerms, LotKind, Note, Owner,
};
use quickscale_runtime::testing::TestApp;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::support::app;
use crate::support::ledger::{assert_account_sound, somebody};

const SEQUENCES: u64 = 250;
const STEPS: usize = 16;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const FOREVER: Timestamp = Timestamp::from_micros(i64::MAX);

/// The same rules once more, as plainly as can be. Amounts are thousandths.
#[derive(Default)]
struct Model {
    lots: Vec<ModelLot>,
    holds: Vec<ModelHold>,
}

#[derive(Clone)]
struct ModelLot {
    priority: i64,
    expires_at: Timestamp,
    remaining: u64,
}

struct ModelHold {
    id: HoldId,
    /// Which lots, and how much of each.
    parts: Vec<(usize, u64)>,
    expires_at: Timestamp,
    is_open: bool,
}

impl Model {
    fn add(&mut self, priority: i64, expires_at: Timestamp, amount: u64) {
        self.lots.push(ModelLot {
            priority,
            expires_at,
            remaining: amount,
        });
    }

    fn available(&self) -> u64 {
        self.lots.iter().map(|lot| lot.remaining).sum()
    }

    fn held(&self) -> u64 {
        let open = self.holds.iter().filter(|hold| hold.is_open);
        open.flat_map(|hold| &hold.parts)
            .map(|(_, amount)| amount)
            .sum()
    }

    /// Takes from the lots one thousandth at a time, each from the lot that comes first.
    fn take(&mut self, amount: u64) -> Option<Vec<(usize, u64)>> {
        if self.available() < amount {
            return None;
        }
        let mut order: Vec<_> = (0..self.lots.len()).collect();
        order.sort_by_key(|at| (self.lots[*at].priority, self.lots[*at].expires_at, *at));
        let mut parts: Vec<(usize, u64)> = Vec::new();
        for _ in 0..amount {
            let at = *order.iter().find(|at| self.lots[**at].remaining > 0)?;
            self.lots[at].remaining -= 1;
            match parts.last_mut() {
                Some((lot, amount)) if *lot == at => *amount += 1,
                _ => parts.push((at, 1)),
            }
        }
        Some(parts)
    }

    fn give_back(&mut self, parts: Vec<(usize, u64)>, now: Timestamp) {
        for (lot, amount) in parts.into_iter().filter(|(_, amount)| *amount > 0) {
            if self.lots[lot].expires_at <= now {
                self.add(LotKind::Promotion.priority(), now.plus(DAY), amount);
            } else {
                self.lots[lot].remaining += amount;
            }
        }
    }

    /// Closes a hold that is open and still has time; says whether it did.
    fn close(&mut self, at: usize, captured: u64, now: Timestamp) -> bool {
        if !self.holds[at].is_open {
            return false;
        }
        self.holds[at].is_open = false;
        let mut rest = captured;
        let mut returned = self.holds[at].parts.clone();
        for (_, amount) in &mut returned {
            let spent = rest.min(*amount);
            rest -= spent;
            *amount -= spent;
        }
        self.give_back(returned, now);
        true
    }

    /// What has run out by now.
    fn tick(&mut self, now: Timestamp) {
        for at in 0..self.holds.len() {
            if self.holds[at].is_open && self.holds[at].expires_at <= now {
                self.close(at, 0, now);
            }
        }
        for lot in &mut self.lots {
            if lot.expires_at <= now {
                lot.remaining = 0;
            }
        }
    }
}

struct Run<'a> {
    app: &'a TestApp,
    owner: Owner,
    model: Model,
    random: StdRng,
    step: usize,
}

impl Run<'_> {
    fn core(&self) -> &Core {
        &self.app.core
    }

    fn amount(&mut self) -> u64 {
        self.random.random_range(1..=40)
    }

    fn note(&self) -> Note {
        Note::system(format!("step {}", self.step), "A random step")
    }

    async fn grant(&mut self) {
        let kind = LotKind::ALL[self.random.random_range(0..LotKind::ALL.len())];
        let amount = self.amount();
        let lasts = self
            .random
            .random_bool(0.6)
            .then(|| Duration::from_secs(self.random.random_range(1..=20) * 1800));
        let expires_at = lasts.map(|lasts| self.core().now().plus(lasts));
        let grant = Grant {
            kind,
            amount: Credits::from_milli(amount),
            expires_at,
        };
        ledger::grant(self.core(), &self.owner, &grant, &self.note())
            .await
            .unwrap();
        let expires_at = expires_at.unwrap_or(FOREVER);
        self.model.add(kind.priority(), expires_at, amount);
    }

    async fn spend(&mut self) {
        let amount = self.amount();
        let (credits, note) = (Credits::from_milli(amount), self.note());
        let done = ledger::spend(self.core(), &self.owner, credits, &note).await;
        assert_eq!(done.is_ok(), self.model.take(amount).is_some());
    }

    async fn adjust(&mut self) {
        let amount = self.amount();
        let up = self.random.random_bool(0.5);
        let credits = Credits::from_milli(amount);
        let adjustment = Adjustment {
            change: if up {
                Change::Up(credits)
            } else {
                Change::Down(credits)
            },
            reason: "A random step".into(),
            by: audit::Actor::CommandLine,
            key: format!("step {}", self.step),
        };
        let done = ledger::adjust(self.core(), &self.owner, &adjustment).await;
        let expected = if up {
            let priority = LotKind::Adjustment.priority();
            self.model.add(priority, FOREVER, amount);
            true
        } else {
            self.model.take(amount).is_some()
        };
        assert_eq!(done.is_ok(), expected);
    }

    async fn hold(&mut self) {
        let amount = self.amount();
        let terms = HoldTerms {
            key: format!("step {}", self.step),
            lasts: Duration::from_secs(self.random.random_range(1..=8) * 1800),
        };
        let credits = Credits::from_milli(amount);
        let done = ledger::hold(self.core(), &self.owner, credits, &terms).await;
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
        if self.model.holds.is_empty() {
            return;
        }
        let now = self.core().now();
        let at = self.random.random_range(0..self.model.holds.len());
        let hold = &self.model.holds[at];
        let id = hold.id.clone();
        let held: u64 = hold.parts.iter().map(|(_, amount)| amount).sum();
        let captured = self.random.random_range(0..=held);
        let done = if captured == 0 {
            let was_released_before = !hold.is_open;
            let done = ledger::release(self.core(), &self.owner, &id).await.is_ok();
            if was_released_before {
                return;
            }
            done
        } else {
            let held = (&self.owner, &id);
            let (credits, note) = (Credits::from_milli(captured), self.note());
            let done = ledger::capture(self.core(), held, credits, &note).await;
            done.is_ok()
        };
        assert_eq!(done, self.model.close(at, captured, now));
    }

    async fn step(&mut self) {
        // Never quite still, so that what happens later also sorts later.
        let minutes = self.random.random_range(0..=90) * u64::from(self.random.random_bool(0.5));
        let passed = Duration::from_secs(minutes * 60) + Duration::from_micros(1);
        self.app.clock.advance(passed);
        self.model.tick(self.core().now());
        match self.random.random_range(0..10) {
            0..3 => self.grant().await,
            3..5 => self.spend().await,
            5 => self.adjust().await,
            6..8 => self.hold().await,
            _ => self.close().await,
        }
        let balance = ledger::balance(self.core(), &self.owner).await.unwrap();
        let (available, held) = (self.model.available(), self.model.held());
        assert_eq!(balance.available, Credits::from_milli(available));
        assert_eq!(balance.held, Credits::from_milli(held));
        let lots = ledger::lots(self.core(), &self.owner, 100).await.unwrap();
        let lots: Vec<_> = lots
            .iter()
            .map(|lot| (lot.priority, lot.expires_at, lot.remaining))
            .collect();
        let mut expected: Vec<_> = self.model.lots.clone();
        expected.retain(|lot| lot.remaining > 0);
        expected.sort_by_key(|lot| (lot.priority, lot.expires_at));
        let expected: Vec<_> = expected
            .iter()
            .map(|lot| {
                let expires_at = Some(lot.expires_at).filter(|at| *at != FOREVER);
                (lot.priority, expires_at, Credits::from_milli(lot.remaining))
            })
            .collect();
        assert_eq!(lots, expected);
    }
}

#[tokio::test]
async fn any_sequence_of_verbs_gives_what_a_plain_model_gives() {
    let app = TestApp::start(app()).await;
    for seed in 0..SEQUENCES {
        let mut run = Run {
            app: &app,
            owner: somebody(&app.core),
            model: Model::default(),
            random: StdRng::seed_from_u64(seed),
            step: 0,
        };
        for step in 0..STEPS {
            run.step = step;
            run.step().await;
            let when = format!("sequence {seed}, step {step}");
            assert_account_sound(&app.core, &run.owner, &when).await;
        }
    }
}
