//! Attached documents, as they are shown.

use domain::ids::{AttachmentId, EventId, OrderId};
use domain::record::{AttachmentDeleted, AttachmentRegistered, Record};
use domain::time::Timestamp;
use serde::Serialize;
use store::log::RecordedEvent;
use utoipa::ToSchema;

/// A document that belongs to an event.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Attachment {
    #[schema(value_type = String, example = "att_8a1f0c9e5f0b4f7e9a530b2f6f1f3c11")]
    pub attachment_id: AttachmentId,
    /// The event that it belongs to.
    #[schema(value_type = String, example = "evt_0001")]
    pub event_id: EventId,
    #[schema(value_type = String, example = "ord_123")]
    pub order_id: OrderId,
    /// The number in the tenant's log of the event that registered it.
    #[schema(minimum = 1)]
    pub sequence: u64,
    #[schema(example = "invoice.pdf")]
    pub filename: String,
    #[schema(example = "application/pdf")]
    pub content_type: String,
    /// In bytes.
    #[schema(minimum = 1)]
    pub size: u64,
    /// Of the document, in hexadecimal.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    pub sha256: String,
    pub tags: Vec<String>,
    #[schema(value_type = String, format = DateTime)]
    pub registered_at: Timestamp,
    /// Who registered it: the subject of the token.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub registered_by: Option<String>,
    /// That it was deleted; the document cannot be downloaded any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub deleted: Option<Deletion>,
    /// Where it can be downloaded, for a few minutes. Only in the answer for this one attachment.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub download: Option<Download>,
}

/// What is left of a document that was deleted.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Deletion {
    /// The number in the tenant's log of the event that says so.
    #[schema(minimum = 1)]
    pub sequence: u64,
    #[schema(value_type = String, format = DateTime)]
    pub deleted_at: Timestamp,
    /// Who deleted it: the subject of the token.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub deleted_by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub reason: Option<String>,
}

/// A link that opens without a token.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Download {
    /// GET it without the `Authorization` header.
    pub url: String,
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
}

impl Attachment {
    /// The attachment that this event registers, if it does.
    #[must_use]
    pub fn registered_by(recorded: &RecordedEvent) -> Option<Self> {
        let event = &recorded.entry.event;
        let AttachmentRegistered { attachment_id, event_id, filename, content_type, size_bytes, sha256, tags } =
            AttachmentRegistered::of(event)?;
        Some(Self {
            attachment_id,
            event_id,
            order_id: event.order_id.clone(),
            sequence: recorded.sequence,
            filename,
            content_type,
            size: size_bytes,
            sha256,
            tags,
            registered_at: recorded.received_at,
            registered_by: event.actor_id().map(ToOwned::to_owned),
            deleted: None,
            download: None,
        })
    }
}

impl Deletion {
    /// The deletion that this event records, and of which attachment, if it does.
    #[must_use]
    pub fn recorded_by(recorded: &RecordedEvent) -> Option<(AttachmentId, Self)> {
        let event = &recorded.entry.event;
        let AttachmentDeleted { attachment_id, event_id: _, reason } = AttachmentDeleted::of(event)?;
        let deletion = Self {
            sequence: recorded.sequence,
            deleted_at: recorded.received_at,
            deleted_by: event.actor_id().map(ToOwned::to_owned),
            reason,
        };
        Some((attachment_id, deletion))
    }
}
