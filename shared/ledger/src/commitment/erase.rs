//! Erasing fields of an event: the values go, and everything that would help to guess them.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{
    fields::{FieldState, walk},
    opening::{Erased, Opening, Salt},
};

/// Why nothing was erased.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EraseError {
    /// The pointer names no value below `/payload` or `/metadata`.
    #[error("there is no value at {pointer:?}")]
    NothingThere { pointer: String },
    /// The stored event is damaged. Erasing would make that look like a redaction.
    #[error("the stored field {pointer:?} is not what was recorded")]
    Damaged { pointer: String },
}

/// Erases the values at `pointers` (RFC 6901, from `/payload` or `/metadata`) and returns the fields that went, those
/// below an object or array included. A field that was erased before stays as it is and is not returned.
///
/// Each erased value becomes `null`, so no other pointer moves, and only its digest and `by` (who asked, or which
/// request) are kept. The secret goes, because every salt follows from it, and with it whatever else was derived from
/// the whole event and is not kept here, such as a hash of its submitted form: the caller drops that.
/// [`content`](super::content) stays the same. An event without such a value is not touched.
///
/// # Errors
/// [`EraseError`], naming the first pointer that is wrong; then nothing was changed.
pub fn erase(
    payload: &mut Map<String, Value>,
    metadata: &mut Map<String, Value>,
    opening: &mut Opening,
    pointers: &[impl AsRef<str>],
    by: &str,
) -> Result<Vec<String>, EraseError> {
    let present = present(payload, metadata, opening)?;
    let mut gone: BTreeMap<&str, &Present> = BTreeMap::new();
    for pointer in pointers.iter().map(AsRef::as_ref) {
        let below = format!("{pointer}/");
        let range = present.range(below.clone()..).take_while(|(field, _)| field.starts_with(&below));
        let matching: Vec<_> = present.get_key_value(pointer).into_iter().chain(range).collect();
        // The empty pointer names the whole document: too much to lose by a slip.
        if matching.is_empty() || pointer.is_empty() {
            return Err(EraseError::NothingThere { pointer: pointer.to_owned() });
        }
        gone.extend(
            matching.into_iter().filter(|(_, field)| !field.erased).map(|(name, field)| (name.as_str(), field)),
        );
    }
    if gone.is_empty() {
        return Ok(Vec::new());
    }
    let gone: BTreeMap<String, Erased> = gone
        .into_iter()
        .map(|(pointer, field)| (pointer.to_owned(), Erased { by: by.to_owned(), digest: field.digest }))
        .collect();

    let (mut salts, mut erased) = match opening {
        Opening::Secret(secret) => {
            let generator = secret.salts();
            let salts: BTreeMap<String, Salt> =
                all_pointers(payload, metadata).into_iter().map(|p| (p.clone(), generator.of(&p))).collect();
            (salts, BTreeMap::new())
        }
        Opening::Fields { salts, erased } => (std::mem::take(salts), std::mem::take(erased)),
    };
    let names: Vec<String> = gone.keys().cloned().collect();
    for pointer in &names {
        salts.remove(pointer);
        set_null(payload, metadata, pointer);
    }
    erased.extend(gone);
    *opening = Opening::Fields { salts, erased };
    Ok(names)
}

struct Present {
    digest: crate::hash::Hash,
    erased: bool,
}

/// The fields that have a value or had one, by pointer. The empty object that stands for an empty payload or metadata is
/// none of them: there is nothing in it, and no `null` can take its place.
fn present(
    payload: &Map<String, Value>,
    metadata: &Map<String, Value>,
    opening: &Opening,
) -> Result<BTreeMap<String, Present>, EraseError> {
    let mut present = BTreeMap::new();
    for field in super::fields(opening, payload, metadata) {
        let (digest, erased) = match field.state {
            FieldState::Kept { digest } => (digest, false),
            FieldState::Erased { digest, .. } => (digest, true),
            FieldState::Mismatch | FieldState::Missing => return Err(EraseError::Damaged { pointer: field.pointer }),
        };
        if field.pointer != "/payload" && field.pointer != "/metadata" {
            present.insert(field.pointer, Present { digest, erased });
        }
    }
    Ok(present)
}

fn all_pointers(payload: &Map<String, Value>, metadata: &Map<String, Value>) -> Vec<String> {
    let mut pointers = Vec::new();
    walk(payload, metadata, &mut |pointer, _| pointers.push(pointer.to_owned()));
    pointers
}

fn set_null(payload: &mut Map<String, Value>, metadata: &mut Map<String, Value>, pointer: &str) {
    let (object, rest) = match pointer.strip_prefix("/payload") {
        Some(rest) => (payload, rest),
        None => (metadata, pointer.strip_prefix("/metadata").unwrap_or_default()),
    };
    let mut document = Value::Object(std::mem::take(object));
    if let Some(value) = document.pointer_mut(rest) {
        *value = Value::Null;
    }
    if let Value::Object(members) = document {
        *object = members;
    }
}
