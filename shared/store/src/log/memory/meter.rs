//! Counts what calls cost, and knows for that how long the items are.

use std::collections::HashMap;

use domain::ids::TenantId;

use super::{
    super::{
        dynamo::announcement_item,
        index::IndexKey,
        port::{END, LogName, Put, Slot},
        protocol::{Answer, Call},
        stored,
    },
    Memory, Units,
    capacity::size_of,
};
use crate::error::StoreError;

/// Of the item that holds watermark and turn.
const MARK_BYTES: usize = 100;
/// The most that an item may have, in bytes:
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html>.
const MAX_ITEM: usize = 400 * 1024;

/// What was used so far.
#[derive(Debug, Default)]
pub(super) struct Meter {
    units: Units,
    sizes: Sizes,
}

/// The lengths of the items that are there, in bytes.
#[derive(Debug, Default)]
struct Sizes {
    segments: HashMap<(TenantId, u64), usize>,
    index: HashMap<IndexKey, usize>,
    inbox: HashMap<(TenantId, Slot), usize>,
}

/// The lengths of the items that a call writes, in bytes. They are made as the real ones are, compression and all.
#[derive(Debug, Default)]
pub(super) struct Size {
    segment: usize,
    announcement: usize,
    index: Vec<usize>,
}

impl Size {
    pub(super) fn of(log: &LogName, call: &Call) -> Result<Self, StoreError> {
        let mut size = Self::default();
        match call {
            Call::Commit(segment) => size.segment = size_of(&stored::to_item(&log.tenant, segment)?),
            Call::Announce(announcement) => {
                size.announcement = size_of(&announcement_item(&log.tenant, announcement)?);
            }
            Call::Apply { items, .. } => {
                for item in items {
                    size.index.push(size_of(&item.to_item(&log.tenant)?));
                }
            }
            _ => {}
        }
        Ok(size)
    }

    /// DynamoDB's limit of an item.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        let longest = self.index.iter().copied().chain([self.segment, self.announcement]).max().unwrap_or_default();
        if longest > MAX_ITEM {
            return Err(StoreError::Refused { operation: "a write", code: format!("an item of {longest} bytes") });
        }
        Ok(())
    }
}

impl Meter {
    /// What all calls have cost since this was last asked.
    pub(super) fn take(&mut self) -> Units {
        std::mem::take(&mut self.units)
    }

    /// `memory`: after the call.
    pub(super) fn count(&mut self, memory: &Memory, log: &LogName, call: &Call, answer: &Answer, size: &Size) {
        let Self { units, sizes } = self;
        let tenant = &log.tenant;
        units.calls += 1;
        match (call, answer) {
            (Call::Head, Answer::Head(Ok(head))) => {
                let size = |first| sizes.segments.get(&(tenant.clone(), first)).copied().unwrap_or_default();
                let newest: usize = memory.segments(tenant).rev().take(END).map(|segment| size(segment.first)).sum();
                let more: usize = head.tail.iter().rev().skip(END).map(|segment| size(segment.first)).sum();
                units.read += Units::read_of(MARK_BYTES + newest);
                units.read += if more > 0 { Units::read_of(more) } else { 0 };
            }
            (Call::Lookup(keys), Answer::Lookup(Ok(_))) => {
                let each = keys.iter().map(|key| Units::read_of(sizes.index.get(key).copied().unwrap_or_default()));
                units.read += each.sum::<u64>();
            }
            (Call::Commit(segment), Answer::Commit(Ok(put))) => {
                let key = (tenant.clone(), segment.first);
                let bytes = match put {
                    Put::Done => *sizes.segments.entry(key).or_insert(size.segment),
                    Put::Taken => sizes.segments.get(&key).copied().unwrap_or_default(),
                };
                units.written += Units::write_of(bytes);
                units.refused += u64::from(*put == Put::Taken);
            }
            (Call::Apply { items, taken }, Answer::Apply(Ok(()))) => {
                for (item, bytes) in items.iter().zip(&size.index) {
                    units.written += Units::write_of(*bytes);
                    sizes.index.insert(item.key(tenant), *bytes);
                }
                for slot in taken {
                    let bytes = sizes.inbox.remove(&(tenant.clone(), *slot)).unwrap_or_default();
                    units.written += Units::write_of(bytes);
                }
            }
            (Call::Announce(announcement), _) => {
                units.written += Units::write_of(size.announcement);
                sizes.inbox.insert((tenant.clone(), announcement.slot), size.announcement);
            }
            (Call::Announced, Answer::Announced(Ok(all))) => {
                let bytes = all.iter().filter_map(|one| sizes.inbox.get(&(tenant.clone(), one.slot))).sum();
                // Four shards, each read by itself.
                units.read += Units::read_of(bytes).max(4);
            }
            (Call::PassTurn { .. }, Answer::PassTurn(Ok(put))) => {
                units.written += 1;
                units.refused += u64::from(*put == Put::Taken);
            }
            (Call::Raise(_), _) => units.written += 1,
            // S3 has no units, and what is refused costs nothing.
            (Call::Stage(_) | Call::Lookup(_) | Call::Apply { .. }, _) => {}
            _ => units.read += 1,
        }
    }
}
