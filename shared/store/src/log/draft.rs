//! An event on its way into the log.

use std::hash::{Hash as StdHash, Hasher};

use domain::ids::EventId;
use ledger::{LeafEntry, Origin, Secret, commitment};

use super::{
    index::EventItem,
    segment::{Entry, SchemaTag},
};
use crate::error::StoreError;
use domain::event::Event;

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
    /// The length of the entry's JSON, in bytes.
    pub(super) json_len: usize,
}

impl Eq for Draft {}

impl StdHash for Draft {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.entry.event.event_id, self.submitted, String::from(self.entry.secret.clone())).hash(state);
    }
}

impl Draft {
    /// The secret must come from a cryptographic generator, and no two drafts may have the same.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`], when the event has no JSON form: a bug of ours.
    pub fn new(Submission { event, schema }: Submission, secret: Secret) -> Result<Self, StoreError> {
        Self::from_entry(Entry { event, secret, schema })
    }

    /// # Errors
    /// [`StoreError::Corrupt`], when the event has no JSON form: a bug of ours.
    pub(super) fn from_entry(entry: Entry) -> Result<Self, StoreError> {
        let json_len = entry.json_len()?;
        Ok(Self { submitted: entry.event.submitted_sha256(), json_len, entry })
    }

    /// The producer's id of the event.
    #[must_use]
    pub fn event_id(&self) -> &EventId {
        &self.entry.event.event_id
    }

    /// Whether an index item speaks of this very draft, and not of another submission of the same event: the leaf hash
    /// commits to the secret.
    pub(super) fn is_recorded_as(&self, item: &EventItem, origin: &Origin) -> bool {
        let Entry { event, secret, .. } = &self.entry;
        let content = commitment::content(secret, &event.payload, &event.metadata);
        let leaf = LeafEntry::new(event, content, origin, item.sequence, item.received_at);
        leaf.leaf_hash() == item.receipt().sha256
    }
}
