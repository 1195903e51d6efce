//! An event's two copies, field by field.
//!
//! The event is kept twice: in its segment of the log, which is the truth, and in the index, from which reads are
//! answered. Each copy opens its own commitment, so each gives a digest of every field, and a field that was changed
//! in one of them is the one whose digests differ.

use std::collections::BTreeMap;

use ledger::Opening;
use ledger::commitment::{self, FieldState};
use serde::Serialize;
use serde_json::{Map, Value};
use store::log::Entry;
use utoipa::ToSchema;

/// The most bytes of pointers that are compared. An event of deeply nested long keys has many times its own size.
const MAX_POINTER_BYTES: usize = 16 * 1024 * 1024;
/// The most bytes of pointers that are listed: an answer of Lambda has at most 6 MB.
const MAX_LISTED_BYTES: usize = 2 * 1024 * 1024;
/// What a listed field takes beside its pointer, about.
const LISTED_OVERHEAD: usize = 32;

/// How one field stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Field {
    /// An RFC 6901 pointer into the event as it was sent, such as `/payload/items/0/sku` or `/type`.
    #[schema(example = "/payload/total")]
    pub(crate) pointer: String,
    pub(crate) status: FieldStatus,
    /// For a redacted field: who erased it, or by which request.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub(crate) by: Option<String>,
}

/// What can be said of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FieldStatus {
    /// It is as it was recorded.
    Ok,
    /// It was erased, and the digest that was kept of it is the one that was recorded.
    Redacted,
    /// It was recorded and is gone, without having been erased.
    Missing,
    /// It is not what was recorded; or which one it is cannot be told, and this is one of those that may be.
    Mismatch,
}

/// How many fields stand how.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct FieldCounts {
    ok: usize,
    redacted: usize,
    missing: usize,
    mismatch: usize,
}

/// The fields of an event.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Fields {
    /// In the order of their pointers. When there are too many to list, those that are not `ok` come before the others.
    pub(crate) listed: Vec<Field>,
    pub(crate) counts: FieldCounts,
    /// How many are not listed.
    pub(crate) left_out: usize,
}

impl Fields {
    /// Compares the copy in the index with the one in the log. `vouched`: whether the hashes vouch for what the copies
    /// agree on; where they do not, nothing says which field it is.
    pub(crate) fn compare(index: &Entry, log: Option<&Entry>, vouched: bool) -> Self {
        let copies = [Some(index), log];
        if copies.into_iter().flatten().any(|entry| pointer_bytes(entry) > MAX_POINTER_BYTES) {
            return Self::default();
        }
        let mut all = envelope(index, log.unwrap_or(index));
        let index = digests(index);
        all.extend(match log.map(digests) {
            Some(log) => paired(index, log),
            None => {
                index.into_iter().map(|(pointer, state)| standing(pointer, Some(state.clone()), Some(state))).collect()
            }
        });
        let agree = all.iter().all(|field| matches!(field.status, FieldStatus::Ok | FieldStatus::Redacted));
        if agree && !vouched {
            for field in &mut all {
                field.status = FieldStatus::Mismatch;
                field.by = None;
            }
        }
        Self::list(all)
    }

    /// The fields of a copy in the log to which there is none in the index.
    pub(crate) fn gone(log: &Entry) -> Self {
        if pointer_bytes(log) > MAX_POINTER_BYTES {
            return Self::default();
        }
        Self::list(paired(BTreeMap::new(), digests(log)))
    }

    /// Whether every field is as it was recorded, or was erased for a reason.
    pub(crate) fn hold(&self) -> bool {
        self.counts.missing == 0 && self.counts.mismatch == 0
    }

    fn list(mut all: Vec<Field>) -> Self {
        let mut counts = FieldCounts::default();
        for field in &all {
            *match field.status {
                FieldStatus::Ok => &mut counts.ok,
                FieldStatus::Redacted => &mut counts.redacted,
                FieldStatus::Missing => &mut counts.missing,
                FieldStatus::Mismatch => &mut counts.mismatch,
            } += 1;
        }
        let size = |field: &Field| field.pointer.len() + field.by.as_ref().map_or(0, String::len) + LISTED_OVERHEAD;
        if all.iter().map(size).sum::<usize>() > MAX_LISTED_BYTES {
            all.sort_by_key(|field| field.status == FieldStatus::Ok);
        }
        let mut bytes = 0;
        let fit = all.iter().take_while(|field| {
            bytes += size(field);
            bytes <= MAX_LISTED_BYTES
        });
        let fit = fit.count();
        let left_out = all.len() - fit;
        all.truncate(fit);
        Self { listed: all, counts, left_out }
    }
}

/// The parts of an event that are no content: the leaf names them in clear.
fn envelope(index: &Entry, log: &Entry) -> Vec<Field> {
    let (a, b) = (&index.event, &log.event);
    let mut parts = vec![
        ("/event_id", a.event_id == b.event_id),
        ("/occurred_at", a.occurred_at == b.occurred_at),
        ("/order_id", a.order_id == b.order_id),
        ("/schema_version", a.schema_version == b.schema_version),
        ("/source", a.source == b.source),
        ("/type", a.event_type == b.event_type),
    ];
    if a.correction_of.is_some() || b.correction_of.is_some() {
        parts.insert(0, ("/correction_of", a.correction_of == b.correction_of));
    }
    let status = |same| if same { FieldStatus::Ok } else { FieldStatus::Mismatch };
    parts
        .into_iter()
        .map(|(pointer, same)| Field { pointer: pointer.to_owned(), status: status(same), by: None })
        .collect()
}

fn digests(entry: &Entry) -> BTreeMap<String, FieldState> {
    let fields = commitment::fields(&entry.opening, &entry.event.payload, &entry.event.metadata);
    fields.into_iter().map(|field| (field.pointer, field.state)).collect()
}

fn paired(mut index: BTreeMap<String, FieldState>, log: BTreeMap<String, FieldState>) -> Vec<Field> {
    let mut fields: BTreeMap<String, Field> = BTreeMap::new();
    for (pointer, state) in log {
        let other = index.remove(&pointer);
        fields.insert(pointer.clone(), standing(pointer, other, Some(state)));
    }
    for (pointer, state) in index {
        fields.insert(pointer.clone(), standing(pointer, Some(state), None));
    }
    fields.into_values().collect()
}

/// How a field stands that is so in the index and so in the log.
fn standing(pointer: String, index: Option<FieldState>, log: Option<FieldState>) -> Field {
    use FieldState::{Erased, Kept, Mismatch, Missing};
    let (status, by) = match (index, log) {
        (Some(Kept { digest: a }), Some(Kept { digest: b })) if a == b => (FieldStatus::Ok, None),
        // An erasure goes through the copies one after another; in between, one of them still has the value.
        (Some(Erased { digest: a, by }), Some(Erased { digest: b, .. } | Kept { digest: b }))
        | (Some(Kept { digest: a }), Some(Erased { digest: b, by }))
            if a == b =>
        {
            (FieldStatus::Redacted, Some(by))
        }
        (None | Some(Missing), Some(_)) | (Some(_), Some(Missing)) => (FieldStatus::Missing, None),
        (Some(Kept { .. } | Erased { .. } | Mismatch), _) | (None, _) => (FieldStatus::Mismatch, None),
        (Some(Missing), None) => (FieldStatus::Missing, None),
    };
    Field { pointer, status, by }
}

/// How long all pointers of an event are together, in bytes.
fn pointer_bytes(entry: &Entry) -> usize {
    let opening = match &entry.opening {
        Opening::Secret(_) => 0,
        Opening::Fields { salts, erased } => salts.keys().chain(erased.keys()).map(String::len).sum(),
    };
    opening + members("/payload".len(), &entry.event.payload) + members("/metadata".len(), &entry.event.metadata)
}

fn members(prefix: usize, object: &Map<String, Value>) -> usize {
    object.iter().map(|(key, value)| below(prefix + 1 + key.len(), value)).sum::<usize>().max(prefix)
}

fn below(prefix: usize, value: &Value) -> usize {
    match value {
        Value::Object(object) => members(prefix, object),
        // An index has seven digits at most: no event has more bytes.
        Value::Array(items) => items.iter().map(|item| below(prefix + 8, item)).sum::<usize>().max(prefix),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => prefix,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

    use domain::event::{self, TenantSource};
    use ledger::Secret;
    use serde_json::json;

    use super::*;

    fn entry(payload: Value) -> Entry {
        let event = json!({
            "event_id": "evt_1", "order_id": "ord_1", "occurred_at": "2025-08-29T12:34:56Z", "source": "warehouse",
            "type": "order.shipped", "schema_version": "v1", "payload": payload, "metadata": {"actor_id": "a"}
        });
        let tenant = "acme".parse().unwrap();
        let (_, event) = event::parse(event.to_string().as_bytes(), TenantSource::Token(&tenant)).unwrap();
        Entry { event, opening: Secret::new([7; 32]).into(), schema: None }
    }

    fn erased(mut entry: Entry, pointer: &str) -> Entry {
        let event = &mut entry.event;
        commitment::erase(&mut event.payload, &mut event.metadata, &mut entry.opening, &[pointer], "request 7")
            .unwrap();
        entry
    }

    /// The fields that are not `ok`: pointer, status, by whom.
    fn others(fields: &Fields) -> Vec<(&str, FieldStatus, Option<&str>)> {
        let others = fields.listed.iter().filter(|field| field.status != FieldStatus::Ok);
        others.map(|field| (field.pointer.as_str(), field.status, field.by.as_deref())).collect()
    }

    #[test]
    fn an_erased_field_is_redacted_in_every_state_of_the_erasure() {
        let whole = entry(json!({"name": "Ada", "city": "Recife"}));
        let redacted = erased(whole.clone(), "/payload/name");
        for (index, log) in [(&redacted, &redacted), (&redacted, &whole), (&whole, &redacted)] {
            let fields = Fields::compare(index, Some(log), true);
            assert_eq!(others(&fields), [("/payload/name", FieldStatus::Redacted, Some("request 7"))]);
            assert!(fields.hold());
        }
        let alone = Fields::compare(&redacted, None, true);
        assert_eq!(others(&alone), [("/payload/name", FieldStatus::Redacted, Some("request 7"))]);
    }

    #[test]
    fn the_field_that_was_changed_added_or_taken_away_is_named() {
        let whole = entry(json!({"name": "Ada", "city": "Recife"}));
        let (missing, mismatch) = (FieldStatus::Missing, FieldStatus::Mismatch);
        for (payload, expected) in [
            (json!({"name": "Eve", "city": "Recife"}), vec![("/payload/name", mismatch, None)]),
            (json!({"city": "Recife"}), vec![("/payload/name", missing, None)]),
            (json!({"name": "Ada", "city": "Recife", "x": 1}), vec![("/payload/x", mismatch, None)]),
            // Looks like an erasure, and is none: nothing says who did it.
            (json!({"name": null, "city": "Recife"}), vec![("/payload/name", mismatch, None)]),
            (
                json!({}),
                vec![("/payload", mismatch, None), ("/payload/city", missing, None), ("/payload/name", missing, None)],
            ),
        ] {
            let changed = entry(payload);
            assert_eq!(others(&Fields::compare(&changed, Some(&whole), true)), expected);
            assert!(!Fields::compare(&changed, Some(&whole), true).hold());
            assert!(
                !Fields::compare(&whole, Some(&changed), true).hold(),
                "the log's copy is changed as well as the other"
            );
        }
        let mut moved = whole.clone();
        moved.event.order_id = "ord_2".parse().unwrap();
        assert_eq!(others(&Fields::compare(&moved, Some(&whole), true)), [("/order_id", mismatch, None)]);
        // A value put where another was erased.
        let mut put = erased(whole.clone(), "/payload/name");
        put.event.payload.insert("name".to_owned(), json!("Eve"));
        assert_eq!(others(&Fields::compare(&put, Some(&whole), true)), [("/payload/name", mismatch, None)]);
    }

    #[test]
    fn where_nothing_vouches_for_the_copies_every_field_is_suspect() {
        let whole = entry(json!({"name": "Ada"}));
        let fields = Fields::compare(&whole, Some(&whole), false);
        assert_eq!(fields.counts, FieldCounts { ok: 0, redacted: 0, missing: 0, mismatch: 8 });
        let gone = Fields::gone(&whole);
        assert_eq!(gone.counts, FieldCounts { ok: 0, redacted: 0, missing: 2, mismatch: 0 });
    }

    #[test]
    fn of_too_many_fields_those_that_matter_are_listed() {
        let many: Map<String, Value> = (0..60_000).map(|i| (format!("f{i}"), json!(1))).collect();
        let whole = entry(json!({}));
        let mut large = whole.clone();
        large.event.payload = many;
        let mut changed = large.clone();
        changed.event.payload.insert("zzz".to_owned(), json!(1));
        let fields = Fields::compare(&changed, Some(&large), true);
        assert_eq!(fields.listed[0].pointer, "/payload/zzz");
        assert_eq!(fields.listed.len() + fields.left_out, 60_008);
        assert!(fields.left_out > 0 && fields.counts.mismatch == 1);

        let key = "k".repeat(60_000);
        let inner: Map<String, Value> = (0..1000).map(|i| (i.to_string(), json!(1))).collect();
        large.event.payload = json!({ key: inner }).as_object().unwrap().clone();
        assert_eq!(
            Fields::compare(&large, Some(&large), true),
            Fields::default(),
            "60 MB of pointers are not compared"
        );
    }
}
