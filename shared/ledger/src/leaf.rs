//! The leaf entry: `docs/LEDGER.md`, section 3.

use domain::{
    event::Event,
    ids::{EventId, EventType, OrderId, SchemaVersion, Source},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

use crate::{hash::Hash, origin::Origin, tree};

/// The version of the leaf entry's format.
pub const VERSION: u8 = 1;

/// One line of the log. It names the event and commits to its content, and holds no payload: it may be published and
/// kept for ever.
///
/// The fields stand in the order of their names, which is the order of RFC 8785; together with values that need no
/// escaping (every name in it is checked ASCII) this makes serde's compact output the canonical form. A test holds it
/// against the canonicalizer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeafEntry {
    /// The commitment to payload and metadata.
    pub content: Hash,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correction_of: Option<EventId>,
    pub event_id: EventId,
    pub occurred_at: Timestamp,
    pub order_id: OrderId,
    pub origin: Origin,
    pub received_at: Timestamp,
    pub schema_version: SchemaVersion,
    /// From 1, without a gap.
    pub seq: u64,
    pub source: Source,
    #[serde(rename = "type")]
    pub event_type: EventType,
    pub v: u8,
}

/// Why bytes are no leaf entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LeafError {
    #[error("not a leaf entry: {0}")]
    Form(String),
    #[error("the leaf entry is not in its canonical form")]
    NotCanonical,
    #[error("the leaf entry has version {found}; this program knows version {VERSION}")]
    Version { found: u8 },
}

impl LeafEntry {
    /// Reads the bytes of a leaf entry, and takes them only in the form in which [`LeafEntry::to_bytes`] writes them.
    ///
    /// # Errors
    /// [`LeafError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, LeafError> {
        let entry: Self = serde_json::from_slice(bytes).map_err(|error| LeafError::Form(error.to_string()))?;
        if entry.to_bytes() != bytes {
            return Err(LeafError::NotCanonical);
        }
        entry.check_version()?;
        Ok(entry)
    }

    pub(crate) fn check_version(&self) -> Result<(), LeafError> {
        if self.v == VERSION { Ok(()) } else { Err(LeafError::Version { found: self.v }) }
    }

    #[must_use]
    pub fn new(event: &Event, content: Hash, origin: &Origin, seq: u64, received_at: Timestamp) -> Self {
        Self {
            content,
            correction_of: event.correction_of.clone(),
            event_id: event.event_id.clone(),
            occurred_at: event.occurred_at,
            order_id: event.order_id.clone(),
            origin: origin.clone(),
            received_at,
            schema_version: event.schema_version.clone(),
            seq,
            source: event.source.clone(),
            event_type: event.event_type.clone(),
            v: VERSION,
        }
    }

    /// The entry's bytes: its canonical JSON (RFC 8785).
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(512);
        // The only errors are those of the writer, and a Vec has none.
        let written = serde_json::to_writer(&mut out, self);
        debug_assert!(written.is_ok(), "a leaf entry is always written");
        out
    }

    /// RFC 6962 section 2.1: `SHA-256(0x00 ‖ entry)`. The API calls it `sha256`.
    #[must_use]
    pub fn leaf_hash(&self) -> Hash {
        tree::leaf_hash(&self.to_bytes())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

    use super::*;
    use domain::{event::TenantSource, json};

    fn entry(correction: bool) -> LeafEntry {
        let text = r#"{"event_id":"evt_1","order_id":"ord_1","occurred_at":"2025-08-29T12:34:56.5Z","source":"warehouse",
            "type":"order.shipped","schema_version":"v1","payload":{"carrier":"DHL"}}"#;
        let tenant = "acme".parse().unwrap();
        let (_, mut event) = domain::event::parse(text.as_bytes(), TenantSource::Token(&tenant)).unwrap();
        event.correction_of = correction.then(|| "evt_0".parse().unwrap());
        let origin = Origin::new("history.example.com", &tenant);
        LeafEntry::new(&event, Hash([0xab; 32]), &origin, 7, "2025-08-29T12:34:58Z".parse().unwrap())
    }

    #[test]
    fn the_bytes_are_the_canonical_json() {
        for correction in [false, true] {
            let bytes = entry(correction).to_bytes();
            assert_eq!(bytes, json::canonical(&json::parse(&bytes).unwrap()));
            assert_eq!(LeafEntry::parse(&bytes), Ok(entry(correction)));
        }
    }

    #[test]
    fn other_bytes_of_the_same_entry_are_refused() {
        let text = String::from_utf8(entry(false).to_bytes()).unwrap();
        let read = |text: &str| LeafEntry::parse(text.as_bytes());
        for other in [
            text.replace(r#""seq":7"#, r#""seq": 7"#),
            text.replace(r#""seq":7"#, r#""seq":7.0"#),
            text.replace("evt_1", r"evt\u005f1"),
            text.replace("abab", "ABAB"),
            text.replace("12:34:56.5Z", "12:34:56.50Z"),
            text.replace("history.example.com/acme", r"history.example.com\/acme"),
            text.replace(r#""v":1"#, r#""v":1,"w":2"#),
            text.replace(r#""v":1"#, r#""v":1,"v":1"#),
            format!("{text}\n"),
        ] {
            assert!(matches!(read(&other), Err(LeafError::NotCanonical | LeafError::Form(_))), "{other}");
        }
        assert_eq!(read(&text.replace(r#""v":1"#, r#""v":2"#)), Err(LeafError::Version { found: 2 }));
    }

    #[test]
    fn the_format_stays_as_it_is() {
        let expected = concat!(
            r#"{"content":"abababababababababababababababababababababababababababababababab","event_id":"evt_1","#,
            r#""occurred_at":"2025-08-29T12:34:56.5Z","order_id":"ord_1","origin":"history.example.com/acme","#,
            r#""received_at":"2025-08-29T12:34:58Z","schema_version":"v1","seq":7,"source":"warehouse","#,
            r#""type":"order.shipped","v":1}"#
        );
        assert_eq!(String::from_utf8(entry(false).to_bytes()).unwrap(), expected);
    }
}
