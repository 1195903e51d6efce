//! What a machine knows of the log's end.

use std::{collections::BTreeSet, sync::Arc};

use domain::{ids::TenantId, time::Timestamp};
use ledger::Chain;

use super::super::{
    index::{self, Found, IndexKey},
    port::Head,
    segment::Segment,
};
use crate::batch::MAX_KEYS;

/// The end of the log as it was read, and what this machine has added since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct View {
    pub(super) chain: Chain,
    pub(super) received_at: Option<Timestamp>,
    /// As it was read; by now it may be higher.
    pub(super) watermark: u64,
    /// Everything below this is known to be in the index.
    pub(super) applied: u64,
    /// The segments from there on that are known to be in the index as well.
    ahead: BTreeSet<u64>,
    /// Where the log ended when it was read: what is below, others have committed.
    read_to: u64,
    /// The segments from the watermark on; they join up, and end where the chain does.
    pub(super) tail: Vec<Arc<Segment>>,
}

impl std::hash::Hash for View {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        (self.chain.sequence(), self.chain.ledger_hash(), self.received_at, self.watermark).hash(state);
        (self.applied, &self.ahead, self.read_to, &self.tail).hash(state);
    }
}

impl View {
    pub(super) fn new(head: Head) -> Self {
        let Head { chain, received_at, mark, tail, behind: _ } = head;
        let (watermark, read_to) = (mark.watermark, chain.sequence() + 1);
        Self { chain, received_at, watermark, applied: watermark, ahead: BTreeSet::new(), read_to, tail }
    }

    /// Others' index items in the tail that are worth looking up beside `wanted` keys: as many segments as fit `batches`
    /// batches.
    pub(super) fn keys_to_check(&self, tenant: &TenantId, wanted: usize, batches: usize) -> Vec<IndexKey> {
        let mut room = (batches * MAX_KEYS).saturating_sub(wanted % MAX_KEYS);
        let mut keys = Vec::new();
        for segment in self.unapplied().filter(|segment| self.is_others(segment)) {
            let Some(left) = room.checked_sub(segment.entries.len() * 2) else { break };
            room = left;
            keys.extend(index::items(segment).map(|item| item.key(tenant)));
        }
        keys
    }

    /// Takes note of the tail's segments whose every index item was found.
    pub(super) fn check_applied(&mut self, tenant: &TenantId, found: &Found) {
        let applied: Vec<_> = self
            .unapplied()
            .filter(|segment| is_applied(tenant, segment, found))
            .map(|segment| segment.first)
            .collect();
        self.ahead.extend(applied);
        self.go_ahead();
    }

    /// Takes note that a segment's items have been written.
    pub(super) fn note_applied(&mut self, segment: &Segment) {
        self.ahead.insert(segment.first);
        self.go_ahead();
    }

    fn go_ahead(&mut self) {
        for segment in &self.tail {
            if segment.first == self.applied && self.ahead.remove(&segment.first) {
                self.applied = segment.next();
            }
        }
    }

    /// Whether somebody else has committed a segment.
    pub(super) fn is_others(&self, segment: &Segment) -> bool {
        segment.first < self.read_to
    }

    fn unapplied(&self) -> impl Iterator<Item = &Arc<Segment>> {
        self.tail.iter().filter(|segment| segment.first >= self.applied && !self.ahead.contains(&segment.first))
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
