//! What the work of committing consists of: its tasks, each a round of its own, and what is kept between them.

use std::{collections::VecDeque, sync::Arc};

use super::{
    super::{
        index::{self, Found, IndexItem, IndexKey},
        port::Slot,
        segment::Segment,
    },
    batch::Batch,
    view::View,
};
use crate::error::StoreError;

/// What is known, and what waits until something else is over.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Work {
    pub(super) view: View,
    /// Looked up, and not yet committed.
    pub(super) ready: VecDeque<(Batch, Found)>,
    /// To be looked up beside the next commit.
    pub(super) check: Vec<IndexKey>,
    /// Nothing more is taken on.
    pub(super) over: bool,
    /// The oldest announcement that is not taken on.
    pub(super) left: Option<Slot>,
    /// How often in a row the inbox was empty.
    pub(super) idle: u32,
    /// It is no use to go on: as soon as no write is under way, the log's end is read again, or all is given up.
    pub(super) broken: Option<Broken>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Broken {
    /// The log's end is not where it was.
    Raced,
    Failed(StoreError),
}

/// What one round of the work is for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Task {
    /// To see what is announced.
    ReadInbox,
    LookUp(Batch),
    Stage(Committing),
    Commit(Committing),
    Apply(After),
    PassTurn,
}

/// A commit, and what is to be done after it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Committing {
    pub(super) segment: Arc<Segment>,
    /// To be looked up meanwhile: index items of the tail, to know how far it is applied.
    pub(super) check: Vec<IndexKey>,
    pub(super) after: After,
}

impl From<StoreError> for Broken {
    fn from(error: StoreError) -> Self {
        Self::Failed(error)
    }
}

/// What is to be written to the index.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct After {
    pub(super) segment: Option<Arc<Segment>>,
    /// Of events that somebody else has committed, and that our own receipts speak of.
    pub(super) help: Vec<IndexItem>,
    /// Announcements whose events are in the log.
    pub(super) done: Vec<Slot>,
    /// With this, all that our own receipts speak of is in the index.
    pub(super) completes: bool,
}

impl Task {
    pub(super) fn is_commit(&self) -> bool {
        matches!(self, Self::Stage(_) | Self::Commit(_))
    }

    pub(super) fn is_look_up(&self) -> bool {
        matches!(self, Self::LookUp(_))
    }

    /// A work may be over while others are under way.
    pub(super) fn must_end(&self) -> bool {
        !matches!(self, Self::ReadInbox | Self::LookUp(_))
    }
}

impl Work {
    pub(super) fn new(view: View) -> Self {
        Self { view, ready: VecDeque::new(), check: vec![], over: false, left: None, idle: 0, broken: None }
    }

    /// What was looked up, as much of it as fits one commit.
    pub(super) fn next_ready(&mut self) -> Option<(Batch, Found)> {
        let (mut batch, mut found) = self.ready.pop_front()?;
        while let Some((more, _)) = self.ready.front()
            && batch.has_room_for(more)
            && let Some((more, mut also)) = self.ready.pop_front()
        {
            batch.absorb(more);
            found.append(&mut also);
        }
        Some((batch, found))
    }
}

impl After {
    pub(super) fn is_empty(&self) -> bool {
        self.segment.is_none() && self.help.is_empty() && self.done.is_empty()
    }

    pub(super) fn items(&self) -> Vec<IndexItem> {
        self.help.iter().cloned().chain(self.segment.iter().flat_map(index::items)).collect()
    }
}
