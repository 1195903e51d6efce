//! The calls that a machine asks for. Each is one of [`Tables`], whose contract says what its answer means.

use std::sync::Arc;

use domain::ids::OrderId;

use super::super::{
    index::{Found, IndexItem, IndexKey},
    port::{Announcement, Head, LogName, Mark, Put, Slot, Tables},
    segment::Segment,
};
use crate::error::StoreError;

/// One call of [`Tables`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Call {
    Head,
    Mark,
    Lookup(Vec<IndexKey>),
    Newest(OrderId),
    Stage(Arc<Segment>),
    Commit(Arc<Segment>),
    Apply { items: Vec<IndexItem>, taken: Vec<Slot> },
    Raise(u64),
    PassTurn { from: Option<Slot>, to: Option<Slot> },
    Announce(Announcement),
    Announced,
}

/// The answer to the [`Call`] of the same name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Answer {
    Head(Result<Head, StoreError>),
    Mark(Result<Mark, StoreError>),
    Lookup(Result<Found, StoreError>),
    Newest(Result<Option<u64>, StoreError>),
    Stage(Result<(), StoreError>),
    Commit(Result<Put, StoreError>),
    Apply(Result<(), StoreError>),
    Raise(Result<(), StoreError>),
    PassTurn(Result<Put, StoreError>),
    Announce(Result<Put, StoreError>),
    Announced(Result<Vec<Announcement>, StoreError>),
}

impl Call {
    /// Makes the call.
    pub async fn perform(self, tables: &dyn Tables, log: &LogName) -> Answer {
        match self {
            Self::Head => Answer::Head(tables.head(log).await),
            Self::Mark => Answer::Mark(tables.mark(log).await),
            Self::Lookup(keys) => Answer::Lookup(tables.lookup(log, keys).await),
            Self::Newest(order_id) => Answer::Newest(tables.newest_of(log, order_id).await),
            Self::Stage(segment) => Answer::Stage(tables.stage(log, segment).await),
            Self::Commit(segment) => Answer::Commit(tables.commit(log, segment).await),
            Self::Apply { items, taken } => Answer::Apply(tables.apply(log, items, taken).await),
            Self::Raise(watermark) => Answer::Raise(tables.raise(log, watermark).await),
            Self::PassTurn { from, to } => Answer::PassTurn(tables.pass_turn(log, from, to).await),
            Self::Announce(announcement) => Answer::Announce(tables.announce(log, announcement).await),
            Self::Announced => Answer::Announced(tables.announced(log).await),
        }
    }

    /// The answer of a call that failed.
    #[must_use]
    pub fn failed(&self, error: StoreError) -> Answer {
        match self {
            Self::Head => Answer::Head(Err(error)),
            Self::Mark => Answer::Mark(Err(error)),
            Self::Lookup(_) => Answer::Lookup(Err(error)),
            Self::Newest(_) => Answer::Newest(Err(error)),
            Self::Stage(_) => Answer::Stage(Err(error)),
            Self::Commit(_) => Answer::Commit(Err(error)),
            Self::Apply { .. } => Answer::Apply(Err(error)),
            Self::Raise(_) => Answer::Raise(Err(error)),
            Self::PassTurn { .. } => Answer::PassTurn(Err(error)),
            Self::Announce(_) => Answer::Announce(Err(error)),
            Self::Announced => Answer::Announced(Err(error)),
        }
    }
}

/// The answers to a round, each taken by its kind.
#[derive(Debug)]
pub(super) struct Answers(Vec<Answer>);

macro_rules! take {
    ($($name:ident, $kind:ident, $answer:ty;)*) => {$(
        pub(super) fn $name(&mut self) -> Result<$answer, StoreError> {
            let at = self.0.iter().position(|answer| matches!(answer, Answer::$kind(_)));
            match at.map(|at| self.0.remove(at)) {
                Some(Answer::$kind(answer)) => answer,
                _ => Err(StoreError::corrupt(concat!("a round was answered without ", stringify!($kind)))),
            }
        }
    )*};
}

impl Answers {
    pub(super) fn new(answers: Vec<Answer>) -> Self {
        Self(answers)
    }

    /// None as well if it was not asked for.
    pub(super) fn newest_if_asked(&mut self) -> Result<Option<u64>, StoreError> {
        if self.0.iter().any(|answer| matches!(answer, Answer::Newest(_))) { self.newest() } else { Ok(None) }
    }

    take! {
        head, Head, Head;
        mark, Mark, Mark;
        lookup, Lookup, Found;
        newest, Newest, Option<u64>;
        stage, Stage, ();
        commit, Commit, Put;
        apply, Apply, ();
        raise, Raise, ();
        pass_turn, PassTurn, Put;
        announce, Announce, Put;
        announced, Announced, Vec<Announcement>;
    }
}
