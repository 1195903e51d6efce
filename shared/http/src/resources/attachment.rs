//! Attached documents, as they are shown.

use domain::ids::{AttachmentId, EventId, OrderId};
use domain::record::{AttachmentDeleted, AttachmentRegistered};
use domain::time::Timestamp;
use serde::Serialize;
use store::history::Said;
use utoipa::ToSchema;

use super::Deletion;

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

/// A link that opens without a token.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Download {
    /// GET it without the `Authorization` header.
    pub url: String,
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
}

impl Attachment {
    /// As it was registered, and what became of it.
    #[must_use]
    pub fn new(
        order_id: OrderId,
        registered: &Said<AttachmentRegistered>,
        deleted: Option<&Said<AttachmentDeleted>>,
    ) -> Self {
        let Said { sequence, received_at, actor, record } = registered.clone();
        let AttachmentRegistered { attachment_id, event_id, filename, content_type, size_bytes, sha256, tags } = record;
        Self {
            attachment_id,
            event_id,
            order_id,
            sequence,
            filename,
            content_type,
            size: size_bytes,
            sha256,
            tags,
            registered_at: received_at,
            registered_by: actor,
            deleted: deleted.map(|said| Deletion::new(said, said.record.reason.clone())),
            download: None,
        }
    }
}
