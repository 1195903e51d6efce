//! An event: what a producer says happened to an order.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::{
    ids::{EventId, EventType, InvalidId, OrderId, SchemaVersion, Source, TenantId},
    json::{self, JsonError},
    order::correction::CORRECTED,
    record,
    time::Timestamp,
};

/// The largest event that is accepted, in bytes of the JSON as it was sent: 256 KiB.
///
/// An event is kept in DynamoDB items, which AWS bounds at 400 KB; what does not compress must fit as well, with the
/// hashes and the erasure secret beside it. Larger documents belong into attachments.
pub const MAX_EVENT_BYTES: usize = 256 * 1024;

/// What happened, as the producer said it; every field has been checked.
///
/// Its JSON form is the envelope of the API, in which optional fields that are empty are left out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    pub event_id: EventId,
    pub order_id: OrderId,
    /// When it happened, by the producer's clock.
    pub occurred_at: Timestamp,
    pub source: Source,
    #[serde(rename = "type")]
    pub event_type: EventType,
    pub schema_version: SchemaVersion,
    /// The event that this one puts right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correction_of: Option<EventId>,
    pub payload: Map<String, Value>,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Value>,
}

impl Event {
    /// Who did it, if the producer says so: `metadata.actor_id`.
    #[must_use]
    pub fn actor_id(&self) -> Option<&str> {
        self.metadata.get("actor_id").and_then(Value::as_str)
    }

    /// SHA-256 over the canonical JSON (RFC 8785) of the event: tells a repeated event from another one under the same
    /// id. Two spellings of one instant or one number are the same event.
    #[must_use]
    pub fn submitted_sha256(&self) -> [u8; 32] {
        Sha256::digest(json::canonical(self)).into()
    }
}

/// Where the tenant of an event is known from.
#[derive(Debug, Clone, Copy)]
pub enum TenantSource<'a> {
    /// The caller's token names it; `tenant_id` in the envelope may only repeat it.
    Token(&'a TenantId),
    /// The envelope must name it (Kinesis).
    Envelope,
}

/// One thing that is wrong with an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// Where: a JSON Pointer (RFC 6901) into the event.
    pub pointer: String,
    /// What is wrong and what would be right; never the value that was sent.
    pub detail: String,
}

/// Why an event was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEvent {
    #[error("the event has {size} bytes; at most {MAX_EVENT_BYTES} are accepted, because it must fit a DynamoDB item")]
    TooLarge { size: usize },
    #[error(transparent)]
    Json(#[from] JsonError),
    #[error("the event does not fit the envelope")]
    Envelope(Vec<Violation>),
}

impl InvalidEvent {
    /// A stable word for logs, metrics and lists.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "event-too-large",
            Self::Json(JsonError::Empty) => "missing-body",
            Self::Json(JsonError::Syntax { .. }) => "malformed-json",
            Self::Json(JsonError::DuplicateKey { .. }) => "duplicate-key",
            Self::Json(JsonError::NumberOutOfRange { .. }) => "number-out-of-range",
            Self::Json(JsonError::TooDeep { .. }) => "too-deep",
            Self::Envelope(_) => "invalid-event",
        }
    }
}

/// Reads one event and says everything that is wrong with its envelope at once.
///
/// # Errors
/// [`InvalidEvent`].
pub fn parse(bytes: &[u8], tenant: TenantSource<'_>) -> Result<(TenantId, Event), InvalidEvent> {
    if bytes.len() > MAX_EVENT_BYTES {
        return Err(InvalidEvent::TooLarge { size: bytes.len() });
    }
    from_value(json::parse(bytes)?, tenant)
}

/// [`parse`] for an event that stands inside a document which was itself read by [`json::parse`] and is small enough.
///
/// # Errors
/// [`InvalidEvent::Envelope`].
pub fn from_value(value: Value, tenant: TenantSource<'_>) -> Result<(TenantId, Event), InvalidEvent> {
    read(value, tenant, Form::Event)
}

/// [`parse`] for a correction: an event that names another one in `correction_of`. Its type is [`CORRECTED`] unless it
/// says otherwise.
///
/// # Errors
/// [`InvalidEvent`].
pub fn parse_correction(bytes: &[u8], tenant: TenantSource<'_>) -> Result<(TenantId, Event), InvalidEvent> {
    if bytes.len() > MAX_EVENT_BYTES {
        return Err(InvalidEvent::TooLarge { size: bytes.len() });
    }
    read(json::parse(bytes)?, tenant, Form::Correction)
}

/// What an envelope may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Event,
    Correction,
}

fn read(value: Value, tenant: TenantSource<'_>, form: Form) -> Result<(TenantId, Event), InvalidEvent> {
    let Value::Object(object) = value else {
        return Err(InvalidEvent::Envelope(vec![Violation {
            pointer: String::new(),
            detail: "must be an object".to_owned(),
        }]));
    };
    let mut envelope = Envelope { object, violations: Vec::new() };
    let correction_of = match form {
        Form::Event => None,
        Form::Correction => {
            envelope.object.entry("type").or_insert_with(|| CORRECTED.into());
            envelope.id::<EventId>("correction_of")
        }
    };
    let event_id = envelope.id::<EventId>("event_id");
    let order_id = envelope.id::<OrderId>("order_id");
    let occurred_at =
        envelope.text("occurred_at").and_then(|t| envelope.checked("occurred_at", t.parse::<Timestamp>()));
    let source = envelope.id::<Source>("source");
    let event_type = envelope.id::<EventType>("type");
    let schema_version = envelope.id::<SchemaVersion>("schema_version");
    let payload = envelope.object("payload", true);
    let metadata = envelope.metadata();
    let tenant = envelope.tenant(tenant);
    envelope.refuse_the_rest();
    envelope.refuse_ours(event_id.as_ref(), event_type.as_ref());

    let Envelope { violations, .. } = envelope;
    match (event_id, order_id, occurred_at, source, event_type, schema_version, payload, metadata, tenant) {
        (
            Some(event_id),
            Some(order_id),
            Some(occurred_at),
            Some(source),
            Some(event_type),
            Some(schema_version),
            Some(payload),
            Some(metadata),
            Some(tenant),
        ) if violations.is_empty() => Ok((
            tenant,
            Event {
                event_id,
                order_id,
                occurred_at,
                source,
                event_type,
                schema_version,
                correction_of,
                payload,
                metadata,
            },
        )),
        _ => Err(InvalidEvent::Envelope(violations)),
    }
}

/// The fields that have not been looked at yet, and what was wrong with the others.
struct Envelope {
    object: Map<String, Value>,
    violations: Vec<Violation>,
}

impl Envelope {
    fn refuse(&mut self, field: &str, detail: impl Into<String>) {
        let mut pointer = String::new();
        for token in field.split('/') {
            json::push_token(&mut pointer, token);
        }
        self.violations.push(Violation { pointer, detail: detail.into() });
    }

    fn checked<T, E: ToString>(&mut self, field: &str, result: Result<T, E>) -> Option<T> {
        result.map_err(|error| self.refuse(field, error.to_string())).ok()
    }

    fn text(&mut self, field: &'static str) -> Option<String> {
        match self.object.remove(field) {
            Some(Value::String(text)) => Some(text),
            Some(_) => {
                self.refuse(field, "must be a string");
                None
            }
            None => {
                self.refuse(field, "is missing");
                None
            }
        }
    }

    fn id<T: std::str::FromStr<Err = InvalidId>>(&mut self, field: &'static str) -> Option<T> {
        let text = self.text(field)?;
        self.checked(field, text.parse())
    }

    fn object(&mut self, field: &'static str, required: bool) -> Option<Map<String, Value>> {
        match self.object.remove(field) {
            Some(Value::Object(object)) => Some(object),
            None if !required => Some(Map::new()),
            None => {
                self.refuse(field, "is missing");
                None
            }
            Some(_) => {
                self.refuse(field, "must be an object");
                None
            }
        }
    }

    /// `metadata` is the producer's own, but for the two fields that we index and show.
    fn metadata(&mut self) -> Option<Map<String, Value>> {
        let metadata = self.object("metadata", false)?;
        for field in ["actor_id", "correlation_id"] {
            match metadata.get(field) {
                None => {}
                Some(Value::String(text)) if is_label(text) => {}
                Some(_) => self.refuse(
                    &format!("metadata/{field}"),
                    "must be a string of 1 to 256 characters without control characters",
                ),
            }
        }
        Some(metadata)
    }

    fn tenant(&mut self, source: TenantSource<'_>) -> Option<TenantId> {
        match source {
            TenantSource::Envelope => self.id("tenant_id"),
            TenantSource::Token(tenant) if self.object.contains_key("tenant_id") => {
                let named = self.id::<TenantId>("tenant_id")?;
                if named == *tenant {
                    return Some(named);
                }
                self.refuse("tenant_id", "must be the tenant of the token, or be left out");
                None
            }
            TenantSource::Token(tenant) => Some(tenant.clone()),
        }
    }

    /// What only we record would pass for it.
    fn refuse_ours(&mut self, event_id: Option<&EventId>, event_type: Option<&EventType>) {
        if event_id.is_some_and(record::is_record_id) {
            self.refuse("event_id", "must not begin with history: which is for what the service records itself");
        }
        if event_type.is_some_and(record::is_record) {
            self.refuse("type", "must not begin with history. which is for what the service records itself");
        }
    }

    /// A field we do not know is more likely a misspelt one than one to ignore.
    fn refuse_the_rest(&mut self) {
        for field in std::mem::take(&mut self.object).into_iter().map(|(field, _)| field).take(20) {
            let mut pointer = String::new();
            json::push_token(&mut pointer, &field);
            let detail = "is not a field of an event; put what is yours into payload or metadata".to_owned();
            self.violations.push(Violation { pointer, detail });
        }
    }
}

/// What is shown in lists and kept for good.
pub(crate) fn is_label(text: &str) -> bool {
    (1..=256).contains(&text.chars().count()) && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn acme() -> TenantId {
        "acme".parse().unwrap()
    }

    fn shipped() -> Value {
        json!({
            "event_id": "evt_1", "order_id": "ord_1", "occurred_at": "2025-08-29T14:34:56+02:00",
            "source": "warehouse", "type": "order.shipped", "schema_version": "v1",
            "payload": {"carrier": "DHL"}, "metadata": {"actor_id": "svc_warehouse"}
        })
    }

    fn read(value: &Value) -> Result<(TenantId, Event), InvalidEvent> {
        parse(value.to_string().as_bytes(), TenantSource::Token(&acme()))
    }

    fn violations(value: &Value) -> Vec<String> {
        match read(value) {
            Err(InvalidEvent::Envelope(violations)) => violations.into_iter().map(|v| v.pointer).collect(),
            other => panic!("expected violations, got {other:?}"),
        }
    }

    #[test]
    fn a_good_event_is_read_and_written_in_one_form() {
        let (tenant, event) = read(&shipped()).unwrap();
        assert_eq!(tenant, acme());
        assert_eq!(event.occurred_at.to_string(), "2025-08-29T12:34:56Z");
        assert_eq!(event.actor_id(), Some("svc_warehouse"));
        let again = serde_json::to_value(&event).unwrap();
        assert_eq!(read(&again).unwrap().1, event);
        assert_eq!(read(&again).unwrap().1.submitted_sha256(), event.submitted_sha256());
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_once() {
        let mut bad = shipped();
        bad["event_id"] = json!("a\u{1}b");
        bad["order_id"] = json!("");
        bad["occurred_at"] = json!("2025-08-29T12:34:56");
        bad["payload"] = json!([]);
        bad["metadata"]["actor_id"] = json!(7);
        bad["tpye"] = json!("order.shipped");
        bad.as_object_mut().unwrap().remove("source");
        assert_eq!(
            violations(&bad),
            ["/event_id", "/order_id", "/occurred_at", "/source", "/payload", "/metadata/actor_id", "/tpye"]
        );
    }

    #[test]
    fn what_only_we_record_is_refused() {
        let mut event = shipped();
        event["event_id"] = json!("history:snapshot:s");
        event["type"] = json!("history.snapshot.stored");
        assert_eq!(violations(&event), ["/event_id", "/type"]);
        event["event_id"] = json!("history");
        event["type"] = json!("historyish.thing");
        assert!(read(&event).is_ok());
    }

    #[test]
    fn a_correction_is_an_event_that_names_another() {
        let correct = |value: &Value| parse_correction(value.to_string().as_bytes(), TenantSource::Token(&acme()));
        let mut correction = shipped();
        correction["correction_of"] = json!("evt_0");
        assert_eq!(violations(&correction), ["/correction_of"]);
        assert_eq!(correct(&correction).unwrap().1.event_type.as_str(), "order.shipped");
        correction.as_object_mut().unwrap().remove("type");
        let (_, event) = correct(&correction).unwrap();
        assert_eq!(
            (event.event_type.as_str(), event.correction_of),
            ("order.corrected", Some("evt_0".parse().unwrap()))
        );
        correction.as_object_mut().unwrap().remove("correction_of");
        assert!(
            matches!(correct(&correction), Err(InvalidEvent::Envelope(wrong)) if wrong[0].pointer == "/correction_of")
        );
    }

    #[test]
    fn a_foreign_tenant_in_the_body_is_refused() {
        let mut event = shipped();
        event["tenant_id"] = json!("acme");
        assert!(read(&event).is_ok());
        event["tenant_id"] = json!("rival");
        assert_eq!(violations(&event), ["/tenant_id"]);
    }

    #[test]
    fn on_a_stream_the_envelope_names_the_tenant() {
        let mut event = shipped();
        let on_stream = |e: &Value| parse(e.to_string().as_bytes(), TenantSource::Envelope);
        assert!(on_stream(&event).is_err());
        event["tenant_id"] = json!("acme");
        assert_eq!(on_stream(&event).unwrap().0, acme());
    }

    #[test]
    fn the_size_limit_counts_what_was_sent() {
        let mut event = shipped();
        event["payload"]["blob"] = json!("x".repeat(MAX_EVENT_BYTES));
        assert!(matches!(read(&event), Err(InvalidEvent::TooLarge { .. })));
    }

    #[test]
    fn another_content_has_another_hash() {
        let (_, event) = read(&shipped()).unwrap();
        let mut other = shipped();
        other["payload"]["carrier"] = json!("UPS");
        assert_ne!(read(&other).unwrap().1.submitted_sha256(), event.submitted_sha256());
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = parse(&bytes, TenantSource::Envelope);
        }
    }
}
