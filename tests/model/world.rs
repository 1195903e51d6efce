//! What all actors share, and what must hold of it at every moment.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use domain::ids::EventId;
use ledger::Chain;
use store::log::{
    Draft, IndexKey, Outcome, Receipt, RecordedEvent,
    memory::Memory,
    port::LogName,
    protocol::{Moment, Repairer, Step},
};

use crate::sample::noon;

/// The tables, what was acknowledged, and how many more faults there may be.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct World {
    pub(crate) memory: Memory,
    /// The receipt that anybody was given for an event.
    pub(crate) receipts: BTreeMap<EventId, Receipt>,
    pub(crate) crashes: u8,
    pub(crate) losses: u8,
}

impl World {
    /// The log is one unbroken chain without a doubled event, the index says nothing else than the log, it is complete
    /// below the watermark, and what was acknowledged is in both.
    pub(crate) fn check(&self, log: &LogName) -> Result<(), String> {
        let events = self.events(log)?;
        let mut ids = BTreeSet::new();
        if let Some(twice) = events.iter().find(|event| !ids.insert(&event.entry.event.event_id)) {
            return Err(format!("{} is in the log twice", twice.entry.event.event_id));
        }
        self.check_index(log, &events)?;
        let watermark = self.memory.mark(&log.tenant).watermark;
        if watermark > events.len() as u64 + 1 {
            return Err(format!("the watermark is at {watermark}, beyond the log's end"));
        }
        for event in events.iter().filter(|event| event.sequence < watermark) {
            if !self.is_indexed(log, event) {
                return Err(format!("{} is below the watermark and not in the index", event.entry.event.event_id));
            }
        }
        for (id, receipt) in &self.receipts {
            let Some(event) = events.iter().find(|event| event.entry.event.event_id == *id) else {
                return Err(format!("{id} was acknowledged and is not in the log"));
            };
            if *receipt != receipt_of(event) {
                return Err(format!("the receipt of {id} is not what the log says"));
            }
            if !self.is_indexed(log, event) {
                return Err(format!("{id} was acknowledged and a reader does not find it"));
            }
        }
        Ok(())
    }

    /// The log, with everything computed again from the entries alone.
    fn events(&self, log: &LogName) -> Result<Vec<RecordedEvent>, String> {
        let mut chain = Chain::new(log.origin.clone());
        let (mut events, mut last) = (Vec::new(), None);
        for segment in self.memory.segments(&log.tenant) {
            if segment.first != chain.sequence() + 1 || segment.previous != chain.ledger_hash() {
                return Err(format!("the segment at {} does not join the one before it", segment.first));
            }
            if !self.memory.is_whole(&log.tenant, segment) {
                return Err(format!("the entries of the segment at {} are gone", segment.first));
            }
            if last > Some(segment.received_at) {
                return Err(format!("the log's time goes back at {}", segment.first));
            }
            last = Some(segment.received_at);
            for entry in &segment.entries {
                let sealed = chain.seal(&entry.event, segment.received_at, &entry.opening);
                events.push(RecordedEvent {
                    entry: entry.clone(),
                    sequence: sealed.sequence,
                    received_at: segment.received_at,
                    sha256: sealed.leaf_hash,
                    ledger_hash: sealed.ledger_hash,
                });
            }
            if segment.end != chain.ledger_hash() {
                return Err(format!("the segment at {} has another end than its entries", segment.first));
            }
        }
        Ok(events)
    }

    fn check_index(&self, log: &LogName, events: &[RecordedEvent]) -> Result<(), String> {
        let by_id: HashMap<_, _> = events.iter().map(|event| (&event.entry.event.event_id, event)).collect();
        for (key, item) in self.memory.index() {
            let said = item.recorded();
            let id = &said.entry.event.event_id;
            let keys = keys_of(log, &said);
            if by_id.get(id) != Some(&&said) || !keys.contains(key) {
                return Err(format!("the index says of {id} what the log does not"));
            }
        }
        Ok(())
    }

    fn is_indexed(&self, log: &LogName, event: &RecordedEvent) -> bool {
        self.memory.lookup(&log.tenant, &keys_of(log, event)).len() == 2
    }

    /// Takes note of what a writer is told, and holds it against the log. An event is recorded for the one submission
    /// whose secret is in the log, and so for exactly one.
    pub(crate) fn acknowledge(
        &mut self,
        log: &LogName,
        drafts: &[Arc<Draft>],
        outcomes: Vec<Outcome>,
    ) -> Result<(), String> {
        if drafts.len() != outcomes.len() {
            return Err(format!("{} events, and {} answers", drafts.len(), outcomes.len()));
        }
        let events = self.events(log)?;
        for (draft, outcome) in drafts.iter().zip(outcomes) {
            let id = draft.event_id();
            let Some(event) = events.iter().find(|event| event.entry.event.event_id == *id) else {
                return Err(format!("{id} is acknowledged and not in the log"));
            };
            let receipt = receipt_of(event);
            let right = if event.entry.opening == draft.entry.opening {
                Outcome::Recorded(receipt.clone())
            } else if event.entry.event == draft.entry.event {
                Outcome::Repeated(receipt.clone())
            } else {
                Outcome::Conflict(receipt.clone())
            };
            if outcome != right {
                return Err(format!("the writer of {id} is told {outcome:?}, and right would be {right:?}"));
            }
            self.receipts.insert(id.clone(), receipt);
        }
        Ok(())
    }

    /// What a repair makes of this, when nobody else does anything: a whole index, and a watermark at the end.
    pub(crate) fn check_repair(&self, log: &Arc<LogName>) -> Result<(), String> {
        let mut world = self.clone();
        let mut repairer = Repairer::new(Arc::clone(log));
        let moment = Moment { now: noon(60_000), elapsed: Duration::ZERO, dice: [255; 16] };
        let mut step = repairer.start();
        for _ in 0..1_000 {
            match step {
                Step::Ask(mut rounds) => {
                    let round = rounds.pop().ok_or("a repair waits for nothing")?;
                    let answers = round.calls.iter().map(|call| world.memory.answer(log, call)).collect();
                    step = repairer.on(round.ticket, answers, &moment);
                }
                Step::Done(Err(error)) => return Err(format!("a repair fails: {error}")),
                Step::Done(Ok(repaired)) => {
                    world.check(log)?;
                    let end = world.events(log)?.len() as u64 + 1;
                    let watermark = world.memory.mark(&log.tenant).watermark;
                    return if watermark == end && repaired.watermark == end {
                        Ok(())
                    } else {
                        Err(format!("after a repair the watermark is at {watermark}, and the log ends at {end}"))
                    };
                }
            }
        }
        Err("a repair does not end".to_owned())
    }
}

fn receipt_of(event: &RecordedEvent) -> Receipt {
    Receipt {
        event_id: event.entry.event.event_id.clone(),
        order_id: event.entry.event.order_id.clone(),
        sequence: event.sequence,
        sha256: event.sha256,
        ledger_hash: event.ledger_hash,
        received_at: event.received_at,
    }
}

/// Where a reader finds an event: by its id, and in its order's timeline.
fn keys_of(log: &LogName, event: &RecordedEvent) -> [IndexKey; 2] {
    let said = &event.entry.event;
    [IndexKey::event(&log.tenant, &said.event_id), IndexKey::timeline(&log.tenant, &said.order_id, event.sequence)]
}
