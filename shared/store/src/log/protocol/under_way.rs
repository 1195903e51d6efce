//! The rounds that a machine waits for, and what each of them is for.

use std::{collections::BTreeMap, time::Duration};

use super::{Call, Round, task::Task};

/// Tells a machine's rounds apart: no two that are under way have the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(u32);

impl Ticket {
    /// Of a machine that never has two rounds under way.
    pub(super) const ONLY: Self = Self(0);
}

/// What a round is for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Purpose {
    /// The stage, of which it is the only one.
    Stage,
    /// To see whether our receipt has come, and perhaps whose `turn` it is.
    Look {
        turn: bool,
    },
    Task(Task),
}

/// What is under way; without a purpose, if nobody wants to know the answers any more.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct UnderWay(BTreeMap<Ticket, Option<Purpose>>);

impl UnderWay {
    /// A round for `purpose`, with the lowest ticket that is free: the same course of things has the same tickets.
    pub(super) fn ask(&mut self, purpose: Purpose, pause: Duration, calls: Vec<Call>) -> Round {
        let free = self.0.keys().zip(0..).take_while(|(ticket, at)| ticket.0 == *at).count();
        let ticket = Ticket(u32::try_from(free).unwrap_or(u32::MAX));
        self.0.insert(ticket, Some(purpose));
        Round { ticket, pause, calls }
    }

    /// What an answered round was for; none if nobody wants to know any more.
    pub(super) fn end(&mut self, ticket: Ticket) -> Option<Purpose> {
        self.0.remove(&ticket).flatten()
    }

    /// Nobody wants to know the answers of what is still under way.
    pub(super) fn forget(&mut self) {
        self.0.values_mut().for_each(|purpose| *purpose = None);
    }

    pub(super) fn wants(&self, ticket: Ticket) -> bool {
        matches!(self.0.get(&ticket), Some(Some(_)))
    }

    pub(super) fn purposes(&self) -> impl Iterator<Item = &Purpose> {
        self.0.values().flatten()
    }
}
