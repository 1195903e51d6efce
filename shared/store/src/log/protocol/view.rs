//! What a machine knows of the log's end.

use std::sync::Arc;

use domain::{ids::TenantId, time::Timestamp};
use ledger::Chain;

use super::super::{
    index::{self, Found, IndexKey},
    port::{BATCH_GET, Head},
    segment::Segment,
};

/// The end of the log as it was read, and what this machine has added since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct View {
    pub(super) chain: Chain,
    pub(super) received_at: Option<Timestamp>,
    /// As it was read; by now it may be higher.
    pub(super) watermark: u64,
    /// Everything below this is known to be in the index.
    pub(super) applied: u64,
    /// The segments from the watermark on; they join up, and end where the chain does.
    pub(super) tail: Vec<Arc<Segment>>,
}

impl std::hash::Hash for View {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        (self.chain.sequence(), self.chain.ledger_hash(), self.received_at, self.watermark, self.applied, &self.tail)
            .hash(state);
    }
}

impl View {
    pub(super) fn new(head: Head) -> Self {
        let Head { chain, received_at, mark, tail, behind: _ } = head;
        Self { chain, received_at, watermark: mark.watermark, applied: mark.watermark, tail }
    }

    /// The tail's index items that are worth looking up beside `wanted` keys: as many segments as fit `batches` batches.
    pub(super) fn keys_to_check(&self, tenant: &TenantId, wanted: usize, batches: usize) -> Vec<IndexKey> {
        let mut room = (batches * BATCH_GET).saturating_sub(wanted % BATCH_GET);
        let mut keys = Vec::new();
        for segment in self.unapplied() {
            let Some(left) = room.checked_sub(segment.entries.len() * 2) else { break };
            room = left;
            keys.extend(index::items(segment).map(|item| item.key(tenant)));
        }
        keys
    }

    /// Takes note of the tail's segments whose every index item was found.
    pub(super) fn check_applied(&mut self, tenant: &TenantId, found: &Found) {
        let applied = self.unapplied().take_while(|segment| is_applied(tenant, segment, found)).last();
        if let Some(segment) = applied {
            self.applied = segment.next();
        }
    }

    /// Takes note that a segment's items have been written.
    pub(super) fn note_applied(&mut self, segment: &Segment) {
        if segment.first == self.applied {
            self.applied = segment.next();
        }
    }

    fn unapplied(&self) -> impl Iterator<Item = &Arc<Segment>> {
        self.tail.iter().filter(|segment| segment.first >= self.applied)
    }

    /// Takes a segment that was committed at the end.
    pub(super) fn push(&mut self, segment: Arc<Segment>) {
        self.chain = segment.chain();
        self.received_at = Some(segment.received_at);
        self.tail.push(segment);
    }
}

/// Whether every index item of a segment was found.
pub(super) fn is_applied(tenant: &TenantId, segment: &Arc<Segment>, found: &Found) -> bool {
    index::items(segment).all(|item| found.contains_key(&item.key(tenant)))
}
