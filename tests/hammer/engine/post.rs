//! Clients over HTTP, each with one event at a time: new ones, repeats, and contradictions.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use futures::future::try_join;

use super::api::Answer;
use super::dice::Dice;
use super::journal::{AGAIN, CONTESTED, LOST, POSTED, RECEIPT};
use super::{Run, Tenant};

/// Repeats are of one of so many last events, every second time.
const RECENT: u64 = 16;

/// So many events are looked at for one that has a receipt: what went over the stream has none.
const LOOKS: usize = 12;

/// How long somebody waits who is not patient: about as long as an answer takes.
const IMPATIENCE_MS: u64 = 60;

const LONGEST_PAUSE_MS: u64 = 5000;

impl Run<'_> {
    /// Sends events until the load is over.
    pub(super) async fn client(&self, mut dice: Dice) -> Result<()> {
        let plan = self.plan;
        while !self.is_stopped() {
            let tenant = &self.tenants[self.zipf.pick(&mut dice)];
            let kind = dice.below(100);
            if kind < plan.races {
                let number = tenant.journal.add(POSTED | CONTESTED, 0)?;
                let (one, other) = (dice.split(), dice.split());
                try_join(self.send(tenant, number, 0, one), self.send(tenant, number, 1, other)).await?;
                continue;
            }
            let again = if kind < plan.races + plan.conflicts {
                self.contradiction(tenant, &mut dice)?
            } else if kind < plan.races + plan.conflicts + plan.repeats {
                self.repeat(tenant, &mut dice)?
            } else {
                None
            };
            let (number, variant) = match again {
                Some(again) => again,
                None => (tenant.journal.add(POSTED, 0)?, 0),
            };
            self.send(tenant, number, variant, dice.split()).await?;
        }
        Ok(())
    }

    /// An event that was sent before, perhaps in this very moment by somebody else.
    pub(super) fn repeat(&self, tenant: &Tenant, dice: &mut Dice) -> Result<Option<(u64, u8)>> {
        let Some(number) = choose(tenant, dice) else { return Ok(None) };
        let slot = tenant.journal.slot(number)?;
        if slot.has(CONTESTED) && !slot.has(RECEIPT) {
            return Ok(None);
        }
        tenant.journal.mark(number, AGAIN)?;
        Ok(Some((number, if slot.has(RECEIPT) { slot.variant } else { 0 })))
    }

    /// Another content for an event that is recorded.
    pub(super) fn contradiction(&self, tenant: &Tenant, dice: &mut Dice) -> Result<Option<(u64, u8)>> {
        for _ in 0..LOOKS {
            let Some(number) = choose(tenant, dice) else { return Ok(None) };
            let slot = tenant.journal.slot(number)?;
            if slot.has(RECEIPT) {
                tenant.journal.mark(number, CONTESTED)?;
                return Ok(Some((number, slot.variant + 2)));
            }
        }
        Ok(None)
    }

    /// Sends an event until there is an answer that counts.
    async fn send(&self, tenant: &Tenant, number: u64, variant: u8, mut dice: Dice) -> Result<()> {
        let body = serde_json::to_string(&self.maker.event(number, variant)).context("an event cannot be written")?;
        let journal = &tenant.journal;
        journal.mark(number, POSTED)?;
        let first = Instant::now();
        for attempt in 0.. {
            let impatient = attempt == 0 && dice.percent(self.plan.impatient);
            let patience = impatient.then(|| Duration::from_millis(1 + dice.below(IMPATIENCE_MS)));
            let started = Instant::now();
            let answer = self.api.post(&tenant.name, body.clone(), patience).await?;
            let took = Some(started.elapsed());
            let after = match answer {
                Answer::Created(receipt) | Answer::Repeated(receipt) => {
                    let created = matches!(answer, Answer::Created(_));
                    self.figures.answer(if created { "201" } else { "200" }, took);
                    self.figures.receipt(first.elapsed());
                    let before = journal.slot(number)?;
                    if let Some(wrong) = journal.receive(number, variant, receipt, created)? {
                        self.differs(tenant, format!("event {} {wrong}", self.maker.id(number)));
                    }
                    let mut numbers = self.figures.numbers();
                    // What went over the stream is counted when it is found.
                    numbers.acknowledged += u64::from(!before.has(RECEIPT) && before.lane == 0);
                    numbers.repeated += u64::from(!created);
                    return Ok(());
                }
                Answer::Conflict => {
                    self.figures.answer("409", took);
                    self.figures.numbers().conflicts += 1;
                    let slot = journal.slot(number)?;
                    if !slot.has(CONTESTED) || slot.has(RECEIPT) && slot.variant == variant {
                        let id = self.maker.id(number);
                        self.differs(tenant, format!("event {id} is a conflict with itself (variant {variant})"));
                    }
                    return Ok(());
                }
                Answer::Refused { status, body } => {
                    self.figures.answer(&status.to_string(), took);
                    self.differs(tenant, format!("event {} is refused: {status} {body}", self.maker.id(number)));
                    return Ok(());
                }
                Answer::Unknown { what, after } => {
                    self.figures.answer(if impatient { "not waited for" } else { &what }, None);
                    journal.mark(number, LOST)?;
                    if impatient { Some(Duration::ZERO) } else { after }
                }
                Answer::Throttled { after } => {
                    self.figures.answer("429", None);
                    after
                }
            };
            if first.elapsed() > self.plan.give_up {
                self.figures.numbers().given_up += 1;
                return Ok(());
            }
            self.figures.numbers().retries += 1;
            let longest = LONGEST_PAUSE_MS.min(50 << attempt.min(10));
            tokio::time::sleep(after.unwrap_or_else(|| Duration::from_millis(1 + dice.below(longest)))).await;
        }
        Ok(())
    }
}

fn choose(tenant: &Tenant, dice: &mut Dice) -> Option<u64> {
    let all = tenant.journal.len();
    let among = if dice.percent(50) { all.min(RECENT) } else { all };
    (among > 0).then(|| all - 1 - dice.below(among))
}
