//! A machine of the protocol with the calls that it waits for.

use std::{sync::Arc, time::Duration};

use store::{
    StoreError,
    log::{
        Draft, IndexKey, Outcome, Segment,
        memory::Memory,
        port::LogName,
        protocol::{Call, Moment, Repairer, Round, Step, Ticket, Writer},
    },
};

use crate::{actor::Rules, broken::Variant, calls::Pending, sample::noon, world::World};

/// What a machine's clock may show, in milliseconds since it began: within every limit; past the time after which the
/// turn is taken over; past it once more, and past the time after which a writer looks for itself; past all patience.
const CLOCK: [u64; 4] = [0, 1_600, 3_200, 12_000];

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Running {
    machine: Machine,
    pub(crate) drafts: Vec<Arc<Draft>>,
    /// Under way, in the order of their tickets.
    pub(crate) rounds: Vec<Asked>,
    /// How often it has tried to commit.
    tries: u8,
    /// What it has tried to commit, if a variant asks for that.
    pub(crate) commits: Vec<Arc<Segment>>,
    /// By how much its wall clock is wrong, in milliseconds.
    skew: i64,
    name: u8,
    /// Of [`CLOCK`].
    pub(crate) clock: u8,
    /// An answer was lost or refused, and it may have to give up.
    pub(crate) hurt: bool,
}

/// A round, and what has come of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Asked {
    ticket: Ticket,
    pub(crate) calls: Vec<Pending>,
    /// The calls are made after a pause.
    pausing: bool,
}

impl Asked {
    pub(crate) fn is_answered(&self) -> bool {
        self.calls.iter().all(|pending| pending.answer.is_some())
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Machine {
    Writer(Box<Writer>),
    Repairer(Box<Repairer>),
}

/// What a machine says to its answers.
pub(crate) enum Heard {
    Rounds(Vec<Round>),
    Appended(Vec<Outcome>),
    Repaired,
    Failed(StoreError),
}

impl Running {
    /// `skew`: by how much its wall clock is wrong, in milliseconds. `contended`: it was told that others write as well.
    pub(crate) fn writer(rules: &Rules, name: u8, drafts: Vec<Arc<Draft>>, skew: i64, contended: bool) -> Self {
        // All of its commits are large, or none.
        let limit = if rules.staged { 0 } else { usize::MAX };
        let writer = Writer::new(Arc::clone(&rules.log), drafts.clone()).staging_over(limit);
        let mut writer = writer.racing(rules.races).looking(rules.looks);
        let moment = Moment { now: noon(skew), elapsed: Duration::ZERO, dice: [name; 16] };
        let Step::Ask(rounds) = writer.start(contended, &moment) else { panic!("a writer asks first") };
        Self::asking(rules, name, Machine::Writer(Box::new(writer)), drafts, skew, rounds)
    }

    pub(crate) fn repairer(rules: &Rules, name: u8) -> Self {
        let mut repairer = Repairer::new(Arc::clone(&rules.log));
        let Step::Ask(rounds) = repairer.start() else { panic!("a repair asks first") };
        Self::asking(rules, name, Machine::Repairer(Box::new(repairer)), vec![], 0, rounds)
    }

    fn asking(
        rules: &Rules,
        name: u8,
        machine: Machine,
        drafts: Vec<Arc<Draft>>,
        skew: i64,
        rounds: Vec<Round>,
    ) -> Self {
        let commits = vec![];
        let mut asking = Self { machine, drafts, rounds: vec![], tries: 0, commits, skew, name, clock: 0, hurt: false };
        asking.ask(rules, rounds).unwrap();
        asking
    }

    fn moment(&self) -> Moment {
        // The lowest bit parts the inbox; each commit has a name of its own.
        let mut dice = [self.name; 16];
        dice[1] = self.tries;
        let elapsed = Duration::from_millis(CLOCK[usize::from(self.clock)]);
        Moment { now: noon(self.skew), elapsed, dice }
    }

    pub(crate) fn ask(&mut self, rules: &Rules, rounds: Vec<Round>) -> Result<(), String> {
        for Round { ticket, pause, calls } in rounds {
            let calls = rules.variant.ask(self, calls);
            for call in &calls {
                // Whether it is made as a whole or in parts.
                Memory::check(&rules.log, call).map_err(|refusal| refusal.to_string())?;
                if let Call::Commit(segment) = call {
                    self.tries += 1;
                    if rules.variant == Variant::NoHelp {
                        self.commits.push(Arc::clone(segment));
                    }
                }
            }
            let calls = calls.into_iter().map(|call| Pending::new(call, rules.grain)).collect();
            self.rounds.push(Asked { ticket, calls, pausing: !pause.is_zero() });
        }
        self.forget();
        self.rounds.sort_by_key(|asked| asked.ticket);
        if self.rounds.windows(2).any(|two| two[0].ticket == two[1].ticket) {
            return Err("two rounds have the same ticket".to_owned());
        }
        if self.rounds.is_empty() { Err("a machine waits for nothing".to_owned()) } else { Ok(()) }
    }

    /// Ends the reads whose answers make no difference, so that there are not as many states as they have moments to end.
    fn forget(&mut self) {
        let moment = self.moment();
        if let Machine::Writer(writer) = &mut self.machine {
            self.rounds.retain(|asked| {
                let wanted = writer.wants(asked.ticket);
                if !wanted {
                    assert!(!asked.calls.iter().any(Pending::is_write), "a write is forgotten");
                    assert_eq!(writer.on(asked.ticket, vec![], &moment), Step::Ask(vec![]));
                }
                wanted
            });
        }
    }

    /// Whether a key is that of one of its own events.
    pub(crate) fn wants(&self, log: &LogName, key: &IndexKey) -> bool {
        self.drafts.iter().any(|draft| *key == IndexKey::event(&log.tenant, draft.event_id()))
    }

    /// How far the clock may have gone when a round is answered. Time only matters to who waits, and to who might have
    /// served for too long.
    pub(crate) fn latest(&self, round: usize, rules: &Rules) -> u8 {
        let asked = &self.rounds[round];
        if asked.pausing {
            rules.clock.max(self.clock)
        } else if asked.calls.iter().any(|pending| pending.call == Call::Announced) {
            rules.clock.min(1).max(self.clock)
        } else {
            self.clock
        }
    }

    pub(crate) fn hear(&mut self, round: usize, rules: &Rules) -> Heard {
        let Asked { ticket, calls, .. } = self.rounds.remove(round);
        let answers = calls.iter().filter_map(|pending| pending.answer.clone());
        let answers = answers.map(|answer| rules.variant.hear(self, &calls, &rules.log, answer)).collect();
        let moment = self.moment();
        match &mut self.machine {
            Machine::Writer(writer) => match writer.on(ticket, answers, &moment) {
                Step::Ask(rounds) => Heard::Rounds(rounds),
                Step::Done(Ok(outcomes)) => Heard::Appended(outcomes),
                Step::Done(Err(error)) => Heard::Failed(error),
            },
            Machine::Repairer(repairer) => match repairer.on(ticket, answers, &moment) {
                Step::Ask(rounds) => Heard::Rounds(rounds),
                Step::Done(Ok(_)) => Heard::Repaired,
                Step::Done(Err(error)) => Heard::Failed(error),
            },
        }
    }

    /// An error must have a reason.
    pub(crate) fn excuse(&self, rules: &Rules, world: &World, error: StoreError) -> Result<(), String> {
        let patience = usize::from(self.clock) + 1 == CLOCK.len();
        let fine = match &error {
            StoreError::Contended { .. } => patience,
            StoreError::Throttled { .. } => world.losses < rules.losses,
            StoreError::Unavailable { .. } => world.losses < rules.losses || rules.grain.torn_head,
            StoreError::Refused { .. } | StoreError::OtherOrigin { .. } | StoreError::Corrupt { .. } => false,
        };
        if fine { Ok(()) } else { Err(format!("an append fails without a reason: {error}")) }
    }
}
