//! What is stored, as a value.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use domain::ids::{OrderId, TenantId};

use super::super::{
    index::{Found, IndexItem, IndexKey},
    port::{Announcement, Head, LogName, MAX_TAIL, Mark, Put, Slot, Tip},
    protocol::{Answer, Call},
    segment::Segment,
};
use crate::error::StoreError;

/// The tables Segments and Index. Cheap to clone and to hash: segments are shared, and hash as their chain's end.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Memory {
    segments: BTreeMap<(TenantId, u64), Arc<Segment>>,
    marks: BTreeMap<TenantId, Mark>,
    index: BTreeMap<IndexKey, IndexItem>,
    inbox: BTreeMap<(TenantId, Slot), Announcement>,
    /// The objects of staged segments: where they were to go, and under which name.
    objects: BTreeSet<(TenantId, u64, [u8; 16])>,
    swept: BTreeMap<TenantId, u64>,
}

impl Memory {
    /// Makes a call of a machine. It takes effect as a whole, and nothing happens in between; a test that wants a torn
    /// head, or a batch of which only a part was written, makes the smaller calls below instead.
    #[must_use]
    pub fn answer(&mut self, log: &LogName, call: &Call) -> Answer {
        if let Err(refusal) = Self::check(log, call) {
            return call.failed(refusal);
        }
        match call {
            Call::Head => Answer::Head(self.head(log, self.mark(&log.tenant))),
            Call::Mark => Answer::Mark(Ok(self.mark(&log.tenant))),
            Call::Lookup(keys) => Answer::Lookup(Ok(self.lookup(&log.tenant, keys))),
            Call::Newest(order_id) => Answer::Newest(Ok(self.newest_of(&log.tenant, order_id))),
            Call::Stage(segment) => {
                self.stage(&log.tenant, segment);
                Answer::Stage(Ok(()))
            }
            Call::Commit(segment) => Answer::Commit(Ok(self.commit(&log.tenant, segment))),
            Call::Apply { items, taken } => {
                items.iter().for_each(|item| self.write(&log.tenant, item));
                taken.iter().for_each(|slot| self.remove(&log.tenant, *slot));
                Answer::Apply(Ok(()))
            }
            Call::Raise(watermark) => {
                self.raise(&log.tenant, *watermark);
                Answer::Raise(Ok(()))
            }
            Call::PassTurn { from, to } => Answer::PassTurn(Ok(self.pass_turn(&log.tenant, *from, *to))),
            Call::Announce(announcement) => Answer::Announce(Ok(self.announce(&log.tenant, announcement))),
            Call::Announced => Answer::Announced(Ok(self.announced(&log.tenant))),
        }
    }

    /// DynamoDB refuses a batch that names an item twice.
    ///
    /// # Errors
    /// [`StoreError::Refused`]
    pub fn check(log: &LogName, call: &Call) -> Result<(), StoreError> {
        let has_doubles = match call {
            Call::Lookup(keys) => keys.iter().collect::<BTreeSet<_>>().len() < keys.len(),
            Call::Apply { items, taken } => {
                items.iter().map(|item| item.key(&log.tenant)).collect::<BTreeSet<_>>().len() < items.len()
                    || taken.iter().collect::<BTreeSet<_>>().len() < taken.len()
            }
            _ => false,
        };
        if has_doubles {
            return Err(StoreError::Refused { operation: "a batch", code: "an item twice".to_owned() });
        }
        Ok(())
    }

    /// The end of the log with a watermark that was read before or after the segments are read now.
    ///
    /// # Errors
    /// As [`super::super::port::Tables::head`].
    pub fn head(&self, log: &LogName, mark: Mark) -> Result<Head, StoreError> {
        let newest = self.segments(&log.tenant).next_back();
        let tip = newest.map(|segment| Tip { chain: segment.chain(), received_at: segment.received_at });
        // The watermark always stands at the end of a segment.
        let open = self.between(&log.tenant, mark.watermark, u64::MAX);
        let tail: Vec<_> = open.take(MAX_TAIL + 2).cloned().collect();
        if let Some(broken) = tail.iter().find(|segment| !self.is_whole(&log.tenant, segment)) {
            return Err(StoreError::corrupt(format_args!("the object of the segment at {} is gone", broken.first)));
        }
        let behind = tail.len() > MAX_TAIL + 1;
        let tail = if behind { tail.into_iter().take(MAX_TAIL).collect() } else { tail };
        Head::join(log, mark, tip, tail, behind)
    }

    /// The watermark and the turn.
    #[must_use]
    pub fn mark(&self, tenant: &TenantId) -> Mark {
        self.marks.get(tenant).copied().unwrap_or(Mark::START)
    }

    /// The log, in order.
    pub fn segments<'a>(&'a self, tenant: &'a TenantId) -> impl DoubleEndedIterator<Item = &'a Arc<Segment>> {
        self.between(tenant, 0, u64::MAX)
    }

    pub(super) fn between<'a>(
        &'a self,
        tenant: &'a TenantId,
        from: u64,
        to: u64,
    ) -> impl DoubleEndedIterator<Item = &'a Arc<Segment>> {
        self.segments.range((tenant.clone(), from)..=(tenant.clone(), to)).map(|(_, segment)| segment)
    }

    /// Those of the index items that are there.
    #[must_use]
    pub fn lookup(&self, tenant: &TenantId, keys: &[IndexKey]) -> Found {
        keys.iter()
            .filter_map(|key| {
                let item = self.index.get(key)?;
                Some((key.clone(), item.is_by_id().then(|| item.event_item(tenant))))
            })
            .collect()
    }

    /// The sequence number of the last event in an order's timeline.
    #[must_use]
    pub fn newest_of(&self, tenant: &TenantId, order_id: &OrderId) -> Option<u64> {
        let ends = [0, u64::MAX].map(|sequence| IndexKey::timeline(tenant, order_id, sequence));
        let [first, last] = ends;
        self.index.range(first..=last).next_back().map(|(key, _)| key.sk)
    }

    /// Every index item, of all tenants.
    pub fn index(&self) -> impl Iterator<Item = (&IndexKey, &IndexItem)> {
        self.index.iter()
    }

    /// Puts the object of a segment.
    pub fn stage(&mut self, tenant: &TenantId, segment: &Segment) {
        self.objects.insert((tenant.clone(), segment.first, segment.commit));
    }

    /// Whether a segment's entries can be read: those of a staged one are in its object.
    #[must_use]
    pub fn is_whole(&self, tenant: &TenantId, segment: &Segment) -> bool {
        !segment.is_staged() || self.objects.contains(&(tenant.clone(), segment.first, segment.commit))
    }

    /// The objects of staged segments, committed or not: where they were to go, and the names of their commits.
    pub fn objects<'a>(&'a self, tenant: &'a TenantId, from: u64) -> impl Iterator<Item = (u64, [u8; 16])> + 'a {
        let all = self.objects.range((tenant.clone(), from, [0; 16])..);
        all.take_while(move |(of, _, _)| of == tenant).map(|(_, first, commit)| (*first, *commit))
    }

    pub(super) fn staging_tenants(&self) -> Vec<TenantId> {
        let mut tenants: Vec<_> = self.objects.iter().map(|(tenant, _, _)| tenant.clone()).collect();
        tenants.dedup();
        tenants
    }

    pub(super) fn swept(&mut self, tenant: &TenantId) -> &mut u64 {
        self.swept.entry(tenant.clone()).or_default()
    }

    /// Deletes the object of a segment.
    pub fn discard(&mut self, tenant: &TenantId, first: u64, commit: [u8; 16]) {
        self.objects.remove(&(tenant.clone(), first, commit));
    }

    /// Puts a segment where nothing is.
    pub fn commit(&mut self, tenant: &TenantId, segment: &Arc<Segment>) -> Put {
        match self.segments.entry((tenant.clone(), segment.first)) {
            std::collections::btree_map::Entry::Vacant(slot) => {
                slot.insert(Arc::clone(segment));
                Put::Done
            }
            std::collections::btree_map::Entry::Occupied(_) => Put::Taken,
        }
    }

    /// Writes one index item.
    pub fn write(&mut self, tenant: &TenantId, item: &IndexItem) {
        self.index.insert(item.key(tenant), item.clone());
    }

    /// Removes an announcement.
    pub fn remove(&mut self, tenant: &TenantId, slot: Slot) {
        self.inbox.remove(&(tenant.clone(), slot));
    }

    /// Moves the watermark up.
    pub fn raise(&mut self, tenant: &TenantId, watermark: u64) {
        let mark = self.marks.entry(tenant.clone()).or_insert(Mark::START);
        mark.watermark = mark.watermark.max(watermark);
    }

    /// Gives the turn to `to`, if it is `from`'s.
    pub fn pass_turn(&mut self, tenant: &TenantId, from: Option<Slot>, to: Option<Slot>) -> Put {
        let mark = self.marks.entry(tenant.clone()).or_insert(Mark::START);
        if mark.turn != from {
            return Put::Taken;
        }
        mark.turn = to;
        Put::Done
    }

    /// Puts an announcement where none is.
    pub fn announce(&mut self, tenant: &TenantId, announcement: &Announcement) -> Put {
        match self.inbox.entry((tenant.clone(), announcement.slot)) {
            std::collections::btree_map::Entry::Vacant(slot) => {
                slot.insert(announcement.clone());
                Put::Done
            }
            std::collections::btree_map::Entry::Occupied(_) => Put::Taken,
        }
    }

    /// The announcements that are there, the oldest first.
    #[must_use]
    pub fn announced(&self, tenant: &TenantId) -> Vec<Announcement> {
        let all = self.inbox.range((tenant.clone(), Slot(0))..=(tenant.clone(), Slot(u64::MAX)));
        all.map(|(_, announcement)| announcement.clone()).collect()
    }

    pub(super) fn index_item(&self, key: &IndexKey) -> Option<&IndexItem> {
        self.index.get(key)
    }

    pub(super) fn index_after<'a>(&'a self, key: &'a IndexKey) -> impl Iterator<Item = &'a IndexItem> {
        use std::ops::Bound::{Excluded, Unbounded};
        let after = self.index.range((Excluded(key.clone()), Unbounded));
        after.take_while(|(found, _)| found.pk == key.pk).map(|(_, item)| item)
    }
}
