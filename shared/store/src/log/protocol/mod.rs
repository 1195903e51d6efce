//! The append protocol, without any input or output: what to ask the tables for, and what their answers mean.
//!
//! A machine is started, and then told the answers to each [`Round`] of calls that it asks for, until it is done; several
//! rounds may be under way at once. It reads no clock and draws no random numbers: both come with the answers, as a
//! [`Moment`]. So the very code that runs in production can be run by a model checker through every order of calls,
//! crashes and lost answers.
//!
//! - [`Writer`] appends what fits one commit.
//! - [`Repairer`] brings the index to the log's end.

mod batch;
mod call;
mod decide;
mod repair;
mod serve;
mod task;
mod turn;
mod under_way;
mod view;
mod wait;
mod work;
mod writer;

use std::time::Duration;

use domain::time::Timestamp;

use super::port::Slot;

pub use call::{Answer, Call};
pub use decide::Outcome;
pub use repair::{Repaired, Repairer};
pub use under_way::Ticket;
pub use writer::{Appended, Writer};

/// What a machine wants next.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Step<T> {
    /// These rounds as well; with none, it waits for those that are under way.
    Ask(Vec<Round>),
    /// What is still under way are reads, and nobody waits for their answers.
    Done(T),
}

/// Calls that are made at once, in any order. The machine goes on when all are answered, and gets the answers in the
/// order of the calls.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Round {
    /// Goes back with the answers.
    pub ticket: Ticket,
    /// How long to wait before the calls are made. It makes collisions rarer and nothing more correct.
    pub pause: Duration,
    pub calls: Vec<Call>,
}

/// When a machine is asked what is next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Moment {
    /// The wall clock.
    pub now: Timestamp,
    /// How long the machine has been running; never goes back.
    pub elapsed: Duration,
    /// Random.
    pub dice: [u8; 16],
}

impl Moment {
    /// At least 0 and below 1.
    fn fraction(&self) -> f64 {
        f64::from(u16::from_be_bytes([self.dice[0], self.dice[1]])) / 65_536.0
    }

    /// A place at the end of the queue.
    fn slot(&self) -> Slot {
        /// 2020-01-01T00:00:00Z, in milliseconds since 1970.
        const START: i64 = 1_577_836_800_000;
        let [.., a, b, c] = self.dice;
        let millis = u64::try_from(self.now.as_millis() - START).unwrap_or_default();
        Slot(millis << 24 | u64::from(u32::from_be_bytes([0, a, b, c])))
    }
}
