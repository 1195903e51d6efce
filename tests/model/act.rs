//! What a step is, and how a counterexample tells it.

use store::log::{Entry, protocol::Call};

use crate::{
    actor::{Actor, Phase},
    calls::Pending,
    running::Running,
};

/// A call that is under way, by its places in the actor's lists.
#[derive(Debug, Clone, Copy)]
pub(crate) struct At {
    pub(crate) round: usize,
    pub(crate) call: usize,
}

impl At {
    pub(crate) fn of(self, running: &Running) -> &Pending {
        &running.rounds[self.round].calls[self.call]
    }

    pub(crate) fn of_mut(self, running: &mut Running) -> &mut Pending {
        &mut running.rounds[self.round].calls[self.call]
    }
}

/// What a step is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Act {
    Make {
        at: At,
        part: usize,
        clock: u8,
    },
    /// All reads of the round.
    Read {
        round: usize,
        clock: u8,
    },
    /// It may still be made.
    LoseAnswer {
        at: At,
    },
    Throttle {
        at: At,
    },
    /// It is made, and made again by a client that lost the first answer.
    MakeTwice {
        at: At,
    },
    Crash,
    ArriveLate {
        call: usize,
    },
}

impl Act {
    /// In words, of an actor before the step.
    pub(crate) fn describe(self, actor: &Actor) -> String {
        let running = match &actor.phase {
            Phase::Running(running) => Some(running),
            _ => None,
        };
        let name = |at: At| running.map(|running| short(&at.of(running).call)).unwrap_or_default();
        let later = |clock: u8| match running {
            Some(running) if running.clock < clock => ", and long afterwards",
            _ => "",
        };
        match self {
            Self::Make { at, part, clock } => {
                let left = running.map(|running| &at.of(running).left);
                let part = left.filter(|left| left.len() > 1).map(|left| format!(", of it {:?}", &left[part]));
                let part: String = part.unwrap_or_default().chars().take(120).collect();
                format!("{}{part}{}", name(at), later(clock))
            }
            Self::Read { round, clock } => {
                let calls = running.iter().flat_map(|running| &running.rounds[round].calls);
                let reads = calls.filter(|pending| !pending.is_write() && pending.answer.is_none());
                let reads: Vec<_> = reads.map(|pending| short(&pending.call)).collect();
                format!("{}{}", reads.join(" + "), later(clock))
            }
            Self::LoseAnswer { at } => format!("{}: no answer", name(at)),
            Self::Throttle { at } => format!("{}: throttled", name(at)),
            Self::MakeTwice { at } => format!("{}: made twice", name(at)),
            Self::Crash => "crashes".to_owned(),
            Self::ArriveLate { call } => format!("{}: arrives late", short(&actor.late[call])),
        }
    }
}

fn short(call: &Call) -> String {
    let names =
        |entries: &[Entry]| entries.iter().map(|entry| entry.event.event_id.to_string()).collect::<Vec<_>>().join(" ");
    match call {
        Call::Commit(segment) => format!("Commit({} at {})", names(&segment.entries), segment.first),
        Call::Apply { items, taken } => {
            let mut ids: Vec<_> = items.iter().map(|item| item.recorded().entry.event.event_id.to_string()).collect();
            ids.dedup();
            format!("Apply({}; {} announcements)", ids.join(" "), taken.len())
        }
        Call::Announce(announcement) => format!("Announce({} events)", announcement.drafts.len()),
        Call::Lookup(keys) => format!("Lookup({} keys)", keys.len()),
        call => format!("{call:?}"),
    }
}
