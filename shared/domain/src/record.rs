//! Records: the events that the service itself adds to an order's history, about snapshots and attachments.
//!
//! A record is an event like any other, with a sequence number and a place in the hash chain, so that what is said of a
//! document or a stored state is as immutable as the rest. Its id follows from what it is about: the ledger has an id
//! once, so a snapshot is stored once and deleted once, however many ask for it at the same time.
//!
//! Their types begin with `history.` and their ids with `history:`, which no producer may use.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use crate::{
    event::{Event, is_label},
    ids::{AttachmentId, EventId, EventType, InvalidId, OrderId, SnapshotId},
    order::{FoldRule, Pointer, SnapshotHeader},
    time::Timestamp,
};

const TYPES: &str = "history.";
const IDS: &str = "history:";
const SOURCE: &str = "order-history";
const SCHEMA_VERSION: &str = "v1";

/// Whether events of this type are records.
#[must_use]
pub fn is_record(event_type: &EventType) -> bool {
    event_type.as_str().starts_with(TYPES)
}

/// Whether the event with this id is a record.
#[must_use]
pub fn is_record_id(event_id: &EventId) -> bool {
    event_id.as_str().starts_with(IDS)
}

/// Whether an event says something about other events of its order, and is found with the order as such.
#[must_use]
pub fn is_linked(event: &Event) -> bool {
    event.correction_of.is_some() || is_record(&event.event_type)
}

/// What a record says: its payload.
pub trait Record: Serialize + DeserializeOwned {
    /// Of the events that say it.
    const TYPE: &'static str;
    /// What their ids have between `history:` and the name of what they are about.
    const ID: &'static str;
    /// The name of what they are about.
    type Subject: AsRef<str>;

    fn subject(&self) -> &Self::Subject;

    /// The id of the event that says it of this subject.
    ///
    /// # Errors
    /// Never for a subject whose name was parsed.
    fn id_of(subject: &Self::Subject) -> Result<EventId, InvalidId> {
        format!("{IDS}{}:{}", Self::ID, subject.as_ref()).parse()
    }

    /// The event that says it. `actor`: who asked for it, by the token's subject.
    ///
    /// # Errors
    /// [`InvalidId`]: a name in it is longer than it can be.
    fn into_event(self, order_id: OrderId, occurred_at: Timestamp, actor: &str) -> Result<Event, InvalidId> {
        let payload = match serde_json::to_value(&self) {
            Ok(Value::Object(payload)) => payload,
            // Records are structs of strings and numbers.
            Ok(_) | Err(_) => Map::new(),
        };
        Ok(Event {
            event_id: Self::id_of(self.subject())?,
            order_id,
            occurred_at,
            source: SOURCE.parse()?,
            event_type: Self::TYPE.parse()?,
            schema_version: SCHEMA_VERSION.parse()?,
            correction_of: None,
            payload,
            metadata: Map::from_iter([("actor_id".to_owned(), actor.into())]),
        })
    }

    /// What an event says, if it is such a record. Erased fields that are needed make it none.
    fn of(event: &Event) -> Option<Self> {
        (event.event_type.as_str() == Self::TYPE)
            .then(|| serde_json::from_value(Value::Object(event.payload.clone())).ok())
            .flatten()
    }
}

/// A state of the order was stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SnapshotStored {
    pub snapshot_id: SnapshotId,
    /// When the order was in this state, by whoever stored it.
    pub captured_at: Timestamp,
    /// Who stored it.
    pub source: String,
    /// Of the canonical JSON (RFC 8785) of the state, in hex.
    pub sha256: String,
    /// The length of that JSON.
    pub size_bytes: u64,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Value>,
    /// Whether the state was what the order's events came to at that instant, as they were known when it was stored.
    pub matches_history: bool,
    /// There if the state is what the order's events come to: a fold may start from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<Base>,
}

/// What a fold needs to know to start from a stored state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Base {
    pub header: SnapshotHeader,
    /// Every event that the state does not hold has a later sequence than this: reading starts here. It is earlier than
    /// the header's where the order had events already that happened after the state.
    pub read_after: u64,
    /// The erased fields of the state.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub redacted: Vec<Pointer>,
    /// How the events in the state were folded, by `<type>#<schema version>`. A rule that was registered since for one of
    /// them makes the state another one.
    pub rules: BTreeMap<String, FoldRule>,
}

/// Why something was deleted, in a person's words: 1 to 256 characters without control characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Reason(String);

/// Why a reason was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 256 characters without control characters")]
pub struct InvalidReason;

impl TryFrom<String> for Reason {
    type Error = InvalidReason;

    fn try_from(text: String) -> Result<Self, InvalidReason> {
        if is_label(&text) { Ok(Self(text)) } else { Err(InvalidReason) }
    }
}

impl From<Reason> for String {
    fn from(reason: Reason) -> Self {
        reason.0
    }
}

/// A stored state was deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotDeleted {
    pub snapshot_id: SnapshotId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
}

/// A document was attached to an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttachmentRegistered {
    pub attachment_id: AttachmentId,
    /// The event that the document belongs to.
    pub event_id: EventId,
    pub filename: String,
    pub content_type: String,
    pub size_bytes: u64,
    /// Of the document, in hex.
    pub sha256: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
}

/// A document was deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttachmentDeleted {
    pub attachment_id: AttachmentId,
    /// The event that the document belonged to.
    pub event_id: EventId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
}

impl Record for SnapshotStored {
    const TYPE: &'static str = "history.snapshot.stored";
    const ID: &'static str = "snapshot";
    type Subject = SnapshotId;

    fn subject(&self) -> &SnapshotId {
        &self.snapshot_id
    }
}

impl Record for SnapshotDeleted {
    const TYPE: &'static str = "history.snapshot.deleted";
    const ID: &'static str = "snapshot-deleted";
    type Subject = SnapshotId;

    fn subject(&self) -> &SnapshotId {
        &self.snapshot_id
    }
}

impl Record for AttachmentRegistered {
    const TYPE: &'static str = "history.attachment.registered";
    const ID: &'static str = "attachment";
    type Subject = AttachmentId;

    fn subject(&self) -> &AttachmentId {
        &self.attachment_id
    }
}

impl Record for AttachmentDeleted {
    const TYPE: &'static str = "history.attachment.deleted";
    const ID: &'static str = "attachment-deleted";
    type Subject = AttachmentId;

    fn subject(&self) -> &AttachmentId {
        &self.attachment_id
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

    use super::*;

    #[test]
    fn a_record_reads_back_from_its_event() {
        let longest = "s".repeat(SnapshotId::MAX_LEN).parse::<SnapshotId>().unwrap();
        let deleted =
            SnapshotDeleted { snapshot_id: longest, reason: Some("asked for".to_owned().try_into().unwrap()) };
        let event =
            deleted.clone().into_event("ord_1".parse().unwrap(), Timestamp::clamped_from_millis(0), "ann").unwrap();
        assert_eq!(event.actor_id(), Some("ann"));
        assert!(is_record(&event.event_type) && is_record_id(&event.event_id) && is_linked(&event));
        assert_eq!(SnapshotDeleted::of(&event), Some(deleted));
        assert_eq!(SnapshotStored::of(&event), None);
    }

    #[test]
    fn every_record_of_the_longest_name_has_an_id() {
        let (snapshot, attachment) = ("s".repeat(96).parse().unwrap(), "a".repeat(96).parse().unwrap());
        let ids = [
            SnapshotStored::id_of(&snapshot).unwrap(),
            SnapshotDeleted::id_of(&snapshot).unwrap(),
            AttachmentRegistered::id_of(&attachment).unwrap(),
            AttachmentDeleted::id_of(&attachment).unwrap(),
        ];
        assert!(ids.iter().all(is_record_id));
        assert_eq!(ids.iter().collect::<std::collections::BTreeSet<_>>().len(), 4);
    }
}
