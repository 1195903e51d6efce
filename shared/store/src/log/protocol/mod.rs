//! The append protocol, without any input or output: what to ask the tables for, and what their answers mean.
//!
//! A machine is started, and then told the answers to each [`Round`] of calls that it asks for, until it is done. It
//! reads no clock and draws no random numbers: both come with the answers, as a [`Moment`]. So the very code that runs
//! in production can be run by a model checker through every order of calls, crashes and lost answers.
//!
//! - [`Writer`] appends what fits one commit.
//! - [`Repairer`] brings the index to the log's end.

mod call;
mod decide;
mod repair;
mod view;
mod writer;

use std::time::Duration;

use domain::time::Timestamp;

pub use call::{Answer, Call};
pub use decide::Outcome;
pub use repair::{Repaired, Repairer};
pub use writer::{Appended, Writer};

/// What a machine wants next.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Step<T> {
    Ask(Round),
    Done(T),
}

/// Calls that are made at once, in any order. The machine goes on when all are answered, and gets the answers in the
/// order of the calls.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Round {
    /// How long to wait before the calls are made. It makes collisions rarer and nothing more correct.
    pub pause: Duration,
    pub calls: Vec<Call>,
}

impl<T> Step<T> {
    pub(super) fn ask(calls: impl Into<Vec<Call>>) -> Self {
        Self::ask_after(Duration::ZERO, calls)
    }

    pub(super) fn ask_after(pause: Duration, calls: impl Into<Vec<Call>>) -> Self {
        Self::Ask(Round { pause, calls: calls.into() })
    }
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
}
