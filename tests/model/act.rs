//! What a step is, and how a counterexample tells it.

use store::log::{Entry, protocol::Call};

use crate::actor::{Actor, Phase};

/// What a step is; the numbers are places in the actor's lists.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Act {
    Make {
        call: usize,
        part: usize,
        clock: u8,
    },
    /// All reads of the round.
    Read {
        clock: u8,
    },
    /// It may still be made.
    LoseAnswer {
        call: usize,
    },
    Throttle {
        call: usize,
    },
    /// It is made, and made again by a client that lost the first answer.
    MakeTwice {
        call: usize,
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
        let name = |call: usize| running.map(|running| short(&running.calls[call].call)).unwrap_or_default();
        let later = |clock: u8| match running {
            Some(running) if running.clock < clock => ", and long afterwards",
            _ => "",
        };
        match self {
            Self::Make { call, part, clock } => {
                let left = running.map(|running| &running.calls[call].left);
                let part = left.filter(|left| left.len() > 1).map(|left| format!(", of it {:?}", &left[part]));
                let part: String = part.unwrap_or_default().chars().take(120).collect();
                format!("{}{part}{}", name(call), later(clock))
            }
            Self::Read { clock } => {
                let calls = running.iter().flat_map(|running| &running.calls);
                let reads = calls.filter(|pending| !pending.is_write() && pending.answer.is_none());
                let reads: Vec<_> = reads.map(|pending| short(&pending.call)).collect();
                format!("{}{}", reads.join(" + "), later(clock))
            }
            Self::LoseAnswer { call } => format!("{}: no answer", name(call)),
            Self::Throttle { call } => format!("{}: throttled", name(call)),
            Self::MakeTwice { call } => format!("{}: made twice", name(call)),
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
