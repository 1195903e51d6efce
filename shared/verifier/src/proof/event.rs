//! Whether an event that the user has is the proven one.

use domain::{json, time::Timestamp};
use ledger::{LeafEntry, Opening};
use serde_json::{Map, Value};

use super::erased;
use crate::{
    outcome::{Failure, Fault, Trouble},
    proof::refused_entry,
};

/// What was found.
pub(super) struct Compared {
    pub(super) content_checked: bool,
    pub(super) erased: Vec<String>,
    pub(super) notes: Vec<String>,
}

/// Compares all that is in the document and in the entry, under the names of the API; and the content, if there is a
/// payload. What opens it is taken from the document or, else, from the proof.
pub(super) fn compare(event: &[u8], entry: &LeafEntry, opening: Option<&Opening>) -> Result<Compared, Failure> {
    let sequence = entry.seq;
    let malformed = |reason: String| Fault::Malformed { what: "the event that was given".to_owned(), reason };
    let event = json::parse(event).map_err(|error| malformed(error.to_string()))?;
    let Value::Object(mut event) = event else { return Err(malformed("it is no JSON object".to_owned()).into()) };

    let text = |value: &str| Value::from(value);
    let instant = |value: &Value, expected: Timestamp| {
        value.as_str().and_then(|text| text.parse::<Timestamp>().ok()) == Some(expected)
    };
    let correction = entry.correction_of.as_ref().map_or(Value::Null, |id| text(id.as_str()));
    let plain = [
        ("event_id", text(entry.event_id.as_str())),
        ("id", text(entry.event_id.as_str())),
        ("order_id", text(entry.order_id.as_str())),
        ("source", text(entry.source.as_str())),
        ("type", text(entry.event_type.as_str())),
        ("schema_version", text(entry.schema_version.as_str())),
        ("correction_of", correction),
        ("sequence", entry.seq.into()),
    ];
    for (field, expected) in plain {
        if event.remove(field).is_some_and(|found| found != expected) {
            return Err(Fault::OtherEvent { sequence, field }.into());
        }
    }
    for (field, expected) in [("occurred_at", entry.occurred_at), ("received_at", entry.received_at)] {
        if event.remove(field).is_some_and(|found| !instant(&found, expected)) {
            return Err(Fault::OtherEvent { sequence, field }.into());
        }
    }
    let mut compared = content(&mut event, entry, opening)?;
    // `schema` and `integrity` of the API's answers are no part of an event, and who knows what else is in the file.
    if !event.is_empty() {
        let names: Vec<&str> = event.keys().map(String::as_str).collect();
        compared.notes.push(format!("not compared, because no entry has it: {}", names.join(", ")));
    }
    Ok(compared)
}

/// Compares payload and metadata with the entry's commitment, and takes them out of the document.
fn content(event: &mut Map<String, Value>, entry: &LeafEntry, proven: Option<&Opening>) -> Result<Compared, Failure> {
    let sequence = entry.seq;
    let own: Map<String, Value> =
        ["secret", "opening"].into_iter().filter_map(|name| event.remove_entry(name)).collect();
    let metadata = event.remove("metadata").unwrap_or_else(|| Value::Object(Map::new()));
    let Some(payload) = event.remove("payload") else {
        let notes = vec!["there is no payload in the event that was given, so its content was not compared".to_owned()];
        return Ok(Compared { content_checked: false, erased: Vec::new(), notes });
    };
    let (Value::Object(mut payload), Value::Object(mut metadata)) = (payload, metadata) else {
        return Err(Fault::OtherEvent { sequence, field: "payload or metadata" }.into());
    };
    let opening = if own.is_empty() {
        proven.cloned().ok_or(Trouble::NoOpening)?
    } else {
        let reason = |error: serde_json::Error| Fault::OtherContent { sequence, reason: error.to_string() };
        serde_json::from_value(Value::Object(own)).map_err(reason)?
    };
    // Whoever has the event from before an erasure still has the value. That it is the erased one cannot be proven.
    let erased = erased(&opening);
    for pointer in &erased {
        forget(&mut payload, &mut metadata, pointer);
    }
    let opened = ledger::entry::OpenedEntry { entry: entry.clone(), metadata, opening, payload };
    opened.check().map_err(|error| refused_entry(error, sequence))?;
    Ok(Compared { content_checked: true, erased, notes: Vec::new() })
}

/// Puts `null` in the place of a value, if there is one.
fn forget(payload: &mut Map<String, Value>, metadata: &mut Map<String, Value>, pointer: &str) {
    for (name, object) in [("/payload", payload), ("/metadata", metadata)] {
        let Some(rest) = pointer.strip_prefix(name).filter(|rest| rest.starts_with('/')) else { continue };
        let mut document = Value::Object(std::mem::take(object));
        if let Some(value) = document.pointer_mut(rest) {
            *value = Value::Null;
        }
        if let Value::Object(members) = document {
            *object = members;
        }
    }
}
