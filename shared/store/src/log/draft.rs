//! An event on its way into the log.

use std::{
    hash::{Hash as StdHash, Hasher},
    sync::OnceLock,
};

use domain::{event::Event, ids::EventId};
use ledger::{LeafEntry, Opening, Origin, Secret, commitment};

use super::{
    index::EventItem,
    packing,
    segment::{Entry, SchemaTag},
};
use crate::error::StoreError;

/// An event to be recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct Submission {
    pub event: Event,
    /// How it stands to its schema, if one is registered.
    pub schema: Option<SchemaTag>,
}

/// A submission with a secret of its own, by which it is told from every other submission of the same event.
#[derive(Debug, PartialEq)]
pub struct Draft {
    pub entry: Entry,
    /// [`domain::event::Event::submitted_sha256`]
    pub(super) submitted: [u8; 32],
    /// The entry's JSON: a line of a segment.
    pub(super) json: Vec<u8>,
    packed: Packed,
}

/// The entry's JSON, compressed by itself, once it was asked for: the body of an announcement and of a timeline's item.
/// Who commits what others have announced has the most to do, and need not do this again.
#[derive(Debug, Default)]
struct Packed(OnceLock<Vec<u8>>);

impl PartialEq for Packed {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Draft {}

impl StdHash for Draft {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.entry.event.event_id, self.submitted).hash(state);
        if let Opening::Secret(secret) = &self.entry.opening {
            String::from(secret.clone()).hash(state);
        }
    }
}

impl Draft {
    /// The secret must come from a cryptographic generator, and no two drafts may have the same.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`], when the event has no JSON form: a bug of ours.
    pub fn new(Submission { event, schema }: Submission, secret: Secret) -> Result<Self, StoreError> {
        Self::from_entry(Entry { event, opening: secret.into(), schema })
    }

    /// # Errors
    /// [`StoreError::Corrupt`], when the event has no JSON form: a bug of ours.
    pub(super) fn from_entry(entry: Entry) -> Result<Self, StoreError> {
        let mut json = Vec::with_capacity(2048);
        serde_json::to_writer(&mut json, &entry).map_err(StoreError::corrupt)?;
        Ok(Self { submitted: entry.event.submitted_sha256(), json, packed: Packed::default(), entry })
    }

    /// From what [`Draft::packed`] gave.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`], when it is not that.
    pub(super) fn unpack(packed: Vec<u8>) -> Result<Self, StoreError> {
        let entry = serde_json::from_slice(&packing::unpack(&packed)?).map_err(StoreError::corrupt)?;
        Ok(Self { packed: Packed(OnceLock::from(packed)), ..Self::from_entry(entry)? })
    }

    /// The entry's JSON, compressed by itself.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`], when it cannot be compressed: a bug of ours.
    pub(super) fn packed(&self) -> Result<&[u8], StoreError> {
        if let Some(packed) = self.packed.0.get() {
            return Ok(packed);
        }
        let packed = packing::pack(&self.json)?;
        Ok(self.packed.0.get_or_init(|| packed))
    }

    /// The producer's id of the event.
    #[must_use]
    pub fn event_id(&self) -> &EventId {
        &self.entry.event.event_id
    }

    /// Whether an index item speaks of this very draft, and not of another submission of the same event: the leaf hash
    /// commits to the secret.
    pub(super) fn is_recorded_as(&self, item: &EventItem, origin: &Origin) -> bool {
        let Entry { event, opening, .. } = &self.entry;
        let content = commitment::content(opening, &event.payload, &event.metadata);
        let leaf = LeafEntry::new(event, content, origin, item.sequence, item.received_at);
        leaf.leaf_hash() == item.receipt().sha256
    }
}
