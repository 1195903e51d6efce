//! What several families show in the same way.

mod attachment;
mod deletion;

use domain::ids::{EventId, EventType, OrderId, SchemaVersion, Source};
use domain::time::Timestamp;
use ledger::Hash;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use store::log::{self, RecordedEvent, SchemaTag};
use utoipa::ToSchema;

pub use attachment::{Attachment, Download};
pub use deletion::{DeleteParams, Deletion};

use crate::problem::Problem;

/// An event as it was recorded.
#[derive(Debug, Serialize, ToSchema)]
pub struct Event {
    /// The producer's id of the event.
    #[schema(value_type = String, example = "evt_0001")]
    pub id: EventId,
    /// Its number in the tenant's log, from 1 without a gap.
    #[schema(minimum = 1)]
    pub sequence: u64,
    #[schema(value_type = String, example = "ord_123")]
    pub order_id: OrderId,
    /// When it happened, by the producer's clock. In UTC.
    #[schema(value_type = String, format = DateTime)]
    pub occurred_at: Timestamp,
    /// When it was recorded. Never goes back along the log.
    #[schema(value_type = String, format = DateTime)]
    pub received_at: Timestamp,
    #[schema(value_type = String, example = "order-service")]
    pub source: Source,
    #[serde(rename = "type")]
    #[schema(value_type = String, example = "order.payment.succeeded")]
    pub event_type: EventType,
    #[schema(value_type = String, example = "v1")]
    pub schema_version: SchemaVersion,
    /// The event that this one puts right.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, required = false)]
    pub correction_of: Option<EventId>,
    #[schema(value_type = Object)]
    pub payload: Map<String, Value>,
    #[schema(value_type = Object)]
    pub metadata: Map<String, Value>,
    /// How it stood to its registered schema when it was recorded; missing when none was registered.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub schema: Option<SchemaStanding>,
    pub integrity: Integrity,
}

/// How an event stands to its registered schema.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SchemaStanding {
    Fits,
    /// It does not fit, and its tenant chose to record such events all the same.
    Mismatch,
}

/// What becomes of corrections in a state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum View {
    /// They count in the place of what they correct.
    #[default]
    Corrected,
    /// They are left out.
    Original,
}

impl From<View> for domain::order::View {
    fn from(view: View) -> Self {
        match view {
            View::Corrected => Self::Corrected,
            View::Original => Self::Original,
        }
    }
}

/// What an auditor checks the event against. docs/LEDGER.md says how.
#[derive(Debug, Serialize, ToSchema)]
pub struct Integrity {
    /// The event's RFC 6962 leaf hash, in hexadecimal.
    #[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
    pub sha256: Hash,
    /// The log's chain hash at this event, in hexadecimal.
    #[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
    pub ledger_hash: Hash,
}

/// What says that an event is recorded: the same for the first submission and for each repeated one.
#[derive(Debug, Serialize, ToSchema)]
pub struct Receipt {
    #[schema(value_type = String, example = "evt_0001")]
    pub id: EventId,
    #[schema(value_type = String, example = "ord_123")]
    pub order_id: OrderId,
    /// The event's number in the tenant's log, from 1 without a gap.
    #[schema(minimum = 1)]
    pub sequence: u64,
    #[schema(value_type = String, format = DateTime)]
    pub received_at: Timestamp,
    /// The event's RFC 6962 leaf hash, in hexadecimal.
    #[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
    pub sha256: Hash,
    /// The log's chain hash at this event, in hexadecimal.
    #[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
    pub ledger_hash: Hash,
}

/// Refuses a range of time that nothing can lie in: it is a mistake, and an empty answer would hide it.
///
/// # Errors
/// `invalid-parameter`
pub fn time_range(from: Option<Timestamp>, to: Option<Timestamp>) -> Result<(), Problem> {
    match (from, to) {
        (Some(from), Some(to)) if from >= to => Err(Problem::parameter("from", "must be before to")),
        _ => Ok(()),
    }
}

impl From<RecordedEvent> for Event {
    fn from(recorded: RecordedEvent) -> Self {
        let RecordedEvent {
            entry: log::Entry { event, opening: _, schema },
            sequence,
            received_at,
            sha256,
            ledger_hash,
        } = recorded;
        let domain::event::Event {
            event_id,
            order_id,
            occurred_at,
            source,
            event_type,
            schema_version,
            correction_of,
            payload,
            metadata,
        } = event;
        Self {
            id: event_id,
            sequence,
            order_id,
            occurred_at,
            received_at,
            source,
            event_type,
            schema_version,
            correction_of,
            payload,
            metadata,
            schema: schema.map(SchemaStanding::from),
            integrity: Integrity { sha256, ledger_hash },
        }
    }
}

impl From<SchemaTag> for SchemaStanding {
    fn from(tag: SchemaTag) -> Self {
        match tag {
            SchemaTag::Fits => Self::Fits,
            SchemaTag::Mismatch => Self::Mismatch,
        }
    }
}

impl From<log::Receipt> for Receipt {
    fn from(receipt: log::Receipt) -> Self {
        let log::Receipt { event_id, order_id, sequence, sha256, ledger_hash, received_at } = receipt;
        Self { id: event_id, order_id, sequence, received_at, sha256, ledger_hash }
    }
}

/// An event as a producer sends it: the envelope of `POST /events`. Described here, read by `domain::event::parse`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "the document's description of what domain::event::parse reads")]
pub struct NewEvent {
    /// The producer's own id, unique in its tenant; the same id is the same event.
    #[schema(pattern = "^[A-Za-z0-9._:@~+-]+$", min_length = 1, max_length = 128, example = "evt_0001")]
    event_id: String,
    #[schema(pattern = "^[A-Za-z0-9._:@~+-]+$", min_length = 1, max_length = 128, example = "ord_123")]
    order_id: String,
    /// RFC 3339, with an offset.
    #[schema(format = DateTime, example = "2025-08-29T12:34:56Z")]
    occurred_at: String,
    /// The service that says it.
    #[schema(pattern = "^[A-Za-z0-9._:@~+-]+$", min_length = 1, max_length = 128, example = "order-service")]
    source: String,
    #[schema(pattern = "^[a-z0-9_]+([.][a-z0-9_]+)*$", min_length = 1, max_length = 128, example = "order.created")]
    r#type: String,
    #[schema(pattern = "^[A-Za-z0-9._:@~+-]+$", min_length = 1, max_length = 64, example = "v1")]
    schema_version: String,
    #[schema(value_type = Object)]
    payload: Map<String, Value>,
    /// The producer's own; `actor_id` and `correlation_id` are strings if they are there.
    #[schema(value_type = Object, required = false)]
    metadata: Option<Map<String, Value>>,
    /// May repeat the tenant of the token.
    #[schema(required = false)]
    tenant_id: Option<String>,
}

/// A correction as it is sent: the envelope of an event that names another one. Described here, read by
/// `domain::event::parse_correction`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "the document's description of what domain::event::parse_correction reads")]
pub struct NewCorrection {
    /// The id of the correction itself, unique in its tenant among all events.
    #[schema(pattern = "^[A-Za-z0-9._:@~+-]+$", min_length = 1, max_length = 128, example = "evt_c01")]
    event_id: String,
    /// The id of the event that it puts right, which may be a correction.
    #[schema(pattern = "^[A-Za-z0-9._:@~+-]+$", min_length = 1, max_length = 128, example = "evt_0001")]
    correction_of: String,
    /// The order of that event.
    #[schema(pattern = "^[A-Za-z0-9._:@~+-]+$", min_length = 1, max_length = 128, example = "ord_123")]
    order_id: String,
    /// When it was corrected: RFC 3339, with an offset.
    #[schema(format = DateTime, example = "2025-08-29T12:34:56Z")]
    occurred_at: String,
    /// The service that says it.
    #[schema(pattern = "^[A-Za-z0-9._:@~+-]+$", min_length = 1, max_length = 128, example = "order-service")]
    source: String,
    /// `order.corrected` unless given.
    #[schema(
        required = false,
        pattern = "^[a-z0-9_]+([.][a-z0-9_]+)*$",
        min_length = 1,
        max_length = 128,
        example = "order.corrected"
    )]
    r#type: Option<String>,
    #[schema(pattern = "^[A-Za-z0-9._:@~+-]+$", min_length = 1, max_length = 64, example = "v1")]
    schema_version: String,
    /// A JSON Merge Patch (RFC 7396) over the payload of that event: a field's new value, or `null` to take it away.
    #[schema(value_type = Object)]
    payload: Map<String, Value>,
    /// The producer's own; `actor_id` and `correlation_id` are strings if they are there.
    #[schema(value_type = Object, required = false)]
    metadata: Option<Map<String, Value>>,
    /// May repeat the tenant of the token.
    #[schema(required = false)]
    tenant_id: Option<String>,
}

/// One event, or an array of them.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum NewEvents {
    One(NewEvent),
    Many(Vec<NewEvent>),
}
