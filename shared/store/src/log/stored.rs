//! The item of a segment, and the object that it may point to.

use domain::{ids::TenantId, time::Timestamp};
use ledger::{Chain, Hash, Origin};
use serde::{Deserialize, Serialize};
use serde_bytes::{ByteArray, ByteBuf};
use sha2::{Digest, Sha256};

use super::{
    packing::unpack_entries,
    segment::{Segment, Stored},
};
use crate::{
    error::StoreError,
    item::{self, Item},
};

/// The item at (tenant, first) of the segments table.
#[derive(Debug, Serialize, Deserialize)]
pub struct SegmentItem {
    tenant: String,
    pub(super) first: u64,
    count: u64,
    prev_hash: ByteArray<32>,
    end_hash: ByteArray<32>,
    pub(super) received_at: Timestamp,
    origin: Origin,
    commit: ByteArray<16>,
    /// One JSON [`super::Entry`] a line, zstd-compressed together; not there when it is in S3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    data: Option<ByteBuf>,
    /// The key of the object in the data bucket that is `data` then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    object: Option<String>,
    /// SHA-256 of the object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sha256: Option<ByteArray<32>>,
    /// How long the object is when it is unpacked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
}

/// The key of a segment's object in the data bucket: `segments/<tenant>/<first, 20 digits>/<commit, hexadecimal>`. The
/// commit is random, so that no two writers ever put the same.
pub(super) fn object_key(tenant: &TenantId, first: u64, commit: &[u8; 16]) -> String {
    format!("{}{first:020}/{}", object_prefix(tenant), hex::encode(commit))
}

/// Of all of a tenant's objects.
pub(super) fn object_prefix(tenant: &TenantId) -> String {
    format!("segments/{tenant}/")
}

/// The item of a segment. A staged one's object is already there.
pub(super) fn to_item(tenant: &TenantId, segment: &Segment) -> Result<Item, StoreError> {
    let packed = segment.packed()?;
    let staged = segment.is_staged();
    item::to_item(&SegmentItem {
        tenant: tenant.to_string(),
        first: segment.first,
        count: segment.entries.len() as u64,
        prev_hash: ByteArray::new(segment.previous.0),
        end_hash: ByteArray::new(segment.end.0),
        received_at: segment.received_at,
        origin: segment.origin.clone(),
        commit: ByteArray::new(segment.commit),
        data: (!staged).then(|| ByteBuf::from(packed)),
        object: staged.then(|| object_key(tenant, segment.first, &segment.commit)),
        sha256: staged.then(|| ByteArray::new(Sha256::digest(packed).into())),
        bytes: staged.then_some(segment.unpacked_len() as u64),
    })
}

impl SegmentItem {
    /// The sequence number after the last entry.
    pub(super) fn next(&self) -> u64 {
        self.first + self.count
    }

    /// The chain after this segment; known without unpacking it.
    pub(super) fn chain(&self) -> Chain {
        Chain::at(self.origin.clone(), self.next() - 1, Hash(self.end_hash.into_array()))
    }

    /// The key of the object that has the entries, if they are not in the item.
    pub(super) fn object(&self) -> Option<&str> {
        self.object.as_deref()
    }

    /// About how much memory the entries take.
    pub(super) fn weight(&self) -> u64 {
        /// What events compress to one of, together.
        const RATIO: u64 = 5;
        self.data.as_ref().map_or(self.bytes.unwrap_or_default(), |data| data.len() as u64 * RATIO)
    }

    /// `object`: what the pointer points to, if there is one.
    pub(super) fn open(&self, object: Option<&[u8]>) -> Result<Segment, StoreError> {
        let corrupt = |what: &str| StoreError::corrupt(format_args!("the segment at {} {what}", self.first));
        let packed = match (&self.data, self.sha256, object) {
            (Some(data), _, _) => data.as_slice(),
            (None, Some(sha256), Some(object)) if Sha256::digest(object).as_slice() == sha256.as_slice() => object,
            (None, Some(_), Some(_)) => return Err(corrupt("points to an object that was changed")),
            _ => return Err(corrupt("has no entries")),
        };
        let entries = unpack_entries(packed)?;
        if entries.is_empty() || entries.len() as u64 != self.count {
            return Err(corrupt("lost entries"));
        }
        let parts = Stored {
            first: self.first,
            previous: Hash(self.prev_hash.into_array()),
            end: Hash(self.end_hash.into_array()),
            origin: self.origin.clone(),
            received_at: self.received_at,
            commit: self.commit.into_array(),
        };
        Ok(Segment::stored(parts, entries, self.data.is_none()))
    }
}

/// A segment as a table holds it: unpacked only by whom needs the entries.
#[derive(Debug)]
pub enum StoredSegment {
    #[doc(hidden)]
    Packed(Box<SegmentItem>),
    /// One that never was packed.
    #[cfg(feature = "testing")]
    Ready(std::sync::Arc<Segment>),
}

impl StoredSegment {
    /// The sequence number of the first entry.
    #[must_use]
    pub fn first(&self) -> u64 {
        match self {
            Self::Packed(item) => item.first,
            #[cfg(feature = "testing")]
            Self::Ready(segment) => segment.first,
        }
    }

    /// The sequence number after the last entry.
    #[must_use]
    pub fn next(&self) -> u64 {
        match self {
            Self::Packed(item) => item.next(),
            #[cfg(feature = "testing")]
            Self::Ready(segment) => segment.next(),
        }
    }

    /// The key of the object that holds the entries, if one does.
    #[must_use]
    #[cfg_attr(not(feature = "testing"), expect(unused_variables, reason = "an item in DynamoDB says it by itself"))]
    pub fn object(&self, tenant: &TenantId) -> Option<String> {
        match self {
            Self::Packed(item) => item.object().map(str::to_owned),
            #[cfg(feature = "testing")]
            Self::Ready(segment) => segment.is_staged().then(|| object_key(tenant, segment.first, &segment.commit)),
        }
    }
}
