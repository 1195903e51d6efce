//! What goes into one commit: a writer's own events, and what others have announced.

use std::sync::Arc;

use super::super::{
    draft::Draft,
    port::{Announcement, Slot},
    segment::{MAX_INLINE_BYTES, MAX_SEGMENT_EVENTS},
};

/// Drafts for one commit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Batch {
    /// The writer's own, which it commits in any case.
    pub(super) own: Vec<Arc<Draft>>,
    /// What is taken along.
    pub(super) taken: Vec<Announcement>,
    /// The oldest announcement that is not.
    pub(super) left: Option<Slot>,
    /// One of those left has no drafts: its writer only waits for the turn.
    pub(super) asks_for_turn: bool,
}

impl Batch {
    /// Takes along what fits beside `own`, the oldest first, and each announcement as a whole.
    pub(super) fn new(own: Vec<Arc<Draft>>, inbox: impl Iterator<Item = Announcement>) -> Self {
        let mut size = Size::of(&own);
        let mut batch = Self { own, ..Self::default() };
        for announcement in inbox {
            let more = Size::of(&announcement.drafts);
            if more.events > 0 && (size.and(more).fits() || size.events == 0) {
                size = size.and(more);
                batch.taken.push(announcement);
            } else {
                batch.asks_for_turn |= more.events == 0;
                batch.left = batch.left.or(Some(announcement.slot));
            }
        }
        batch
    }

    /// Leaves the oldest of those that would be taken along.
    pub(super) fn leave_oldest(&mut self) {
        if !self.taken.is_empty() {
            self.left = Some(self.taken.remove(0).slot);
        }
    }

    /// Whether another batch fits into the same commit.
    pub(super) fn has_room_for(&self, other: &Self) -> bool {
        Size::of(self.drafts()).and(Size::of(other.drafts())).fits()
    }

    /// Takes another batch along.
    pub(super) fn absorb(&mut self, other: Self) {
        self.own.extend(other.own);
        self.taken.extend(other.taken);
    }

    /// The writer's own come first.
    pub(super) fn drafts(&self) -> impl Iterator<Item = &Arc<Draft>> {
        self.own.iter().chain(self.taken.iter().flat_map(|announcement| &announcement.drafts))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.own.is_empty() && self.taken.is_empty()
    }
}

#[derive(Debug, Clone, Copy)]
struct Size {
    events: usize,
    bytes: usize,
}

impl Size {
    fn of<'a>(drafts: impl IntoIterator<Item = &'a Arc<Draft>>) -> Self {
        let none = Self { events: 0, bytes: 0 };
        drafts.into_iter().fold(none, |size, draft| size.and(Self { events: 1, bytes: draft.json.len() }))
    }

    fn and(self, other: Self) -> Self {
        Self { events: self.events + other.events, bytes: self.bytes + other.bytes }
    }

    /// Into one commit.
    fn fits(self) -> bool {
        self.events <= MAX_SEGMENT_EVENTS && self.bytes <= MAX_INLINE_BYTES
    }
}
