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
        let mut events = own.len();
        let mut bytes: usize = own.iter().map(|draft| draft.json.len()).sum();
        let mut batch = Self { own, ..Self::default() };
        for announcement in inbox {
            let (more, longer) =
                (announcement.drafts.len(), announcement.drafts.iter().map(|d| d.json.len()).sum::<usize>());
            let fits = events + more <= MAX_SEGMENT_EVENTS && bytes + longer <= MAX_INLINE_BYTES;
            if more > 0 && (fits || events == 0) {
                events += more;
                bytes += longer;
                batch.taken.push(announcement);
            } else {
                batch.asks_for_turn |= more == 0;
                batch.left = batch.left.or(Some(announcement.slot));
            }
        }
        batch
    }

    /// The writer's own come first.
    pub(super) fn drafts(&self) -> impl Iterator<Item = &Arc<Draft>> {
        self.own.iter().chain(self.taken.iter().flat_map(|announcement| &announcement.drafts))
    }

    /// Of all that is announced by others.
    pub(super) fn oldest(&self) -> Option<Slot> {
        self.taken.first().map(|one| one.slot).into_iter().chain(self.left).min()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.own.is_empty() && self.taken.is_empty()
    }
}
