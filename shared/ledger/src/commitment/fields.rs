//! The fields of a document and their digests.

use std::fmt::Write;

use domain::json::{canonical_into, push_token};
use serde_json::{Map, Value};

use super::{
    FIELD_TAG,
    opening::{Opening, Salt, Salts},
};
use crate::hash::Hash;

/// One field of an event and how it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// RFC 6901, such as `/payload/items/0/sku`.
    pub pointer: String,
    pub state: FieldState,
}

/// How a field stands to the opening.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldState {
    /// Its value is there, with the salt that its digest needs.
    Kept { digest: Hash },
    /// Its value was erased and its digest kept.
    Erased { digest: Hash, by: String },
    /// A value that was not recorded: nothing opens it, or it stands where one was erased.
    Mismatch,
    /// The opening names it, the document does not have it.
    Missing,
}

impl FieldState {
    /// The digest with which it counts, if it is accounted for.
    #[must_use]
    pub fn digest(&self) -> Option<Hash> {
        match self {
            Self::Kept { digest } | Self::Erased { digest, .. } => Some(*digest),
            Self::Mismatch | Self::Missing => None,
        }
    }
}

/// The value of a field.
#[derive(Clone, Copy)]
pub(super) enum FieldValue<'a> {
    /// A scalar or an empty array.
    Value(&'a Value),
    EmptyObject,
}

/// Calls `visit` with the pointer and the value of every field.
pub(super) fn walk(
    payload: &Map<String, Value>,
    metadata: &Map<String, Value>,
    visit: &mut impl FnMut(&str, FieldValue<'_>),
) {
    let mut pointer = String::with_capacity(128);
    for (name, object) in [("metadata", metadata), ("payload", payload)] {
        pointer.clear();
        push_token(&mut pointer, name);
        members(object, &mut pointer, visit);
    }
}

fn members(object: &Map<String, Value>, pointer: &mut String, visit: &mut impl FnMut(&str, FieldValue<'_>)) {
    if object.is_empty() {
        visit(pointer, FieldValue::EmptyObject);
    }
    for (key, value) in object {
        let end = pointer.len();
        push_token(pointer, key);
        self::value(value, pointer, visit);
        pointer.truncate(end);
    }
}

fn value(value: &Value, pointer: &mut String, visit: &mut impl FnMut(&str, FieldValue<'_>)) {
    match value {
        Value::Object(object) => members(object, pointer, visit),
        Value::Array(items) if !items.is_empty() => {
            for (index, item) in items.iter().enumerate() {
                let end = pointer.len();
                // Writing to a string does not fail.
                let _ = write!(pointer, "/{index}");
                self::value(item, pointer, visit);
                pointer.truncate(end);
            }
        }
        Value::Array(_) | Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            visit(pointer, FieldValue::Value(value));
        }
    }
}

/// Computes digests, and counts how many of the fields that the opening names were found.
pub(super) struct Digester<'a> {
    opening: &'a Opening,
    salts: Option<Salts>,
    /// Used again for each field.
    input: Vec<u8>,
    /// How many fields the opening names; none for a secret, which opens any field.
    pub(super) named: usize,
    pub(super) found: usize,
}

impl<'a> Digester<'a> {
    pub(super) fn new(opening: &'a Opening) -> Self {
        let (salts, named) = match opening {
            Opening::Secret(secret) => (Some(secret.salts()), 0),
            Opening::Fields { salts, erased } => (None, salts.len() + erased.len()),
        };
        Self { opening, salts, input: Vec::with_capacity(512), named, found: 0 }
    }

    pub(super) fn state(&mut self, pointer: &str, value: FieldValue<'_>) -> FieldState {
        if let Some(salts) = &self.salts {
            let salt = salts.of(pointer);
            return FieldState::Kept { digest: digest(&salt, pointer, value, &mut self.input) };
        }
        let Opening::Fields { salts, erased } = self.opening else { return FieldState::Mismatch };
        if let Some(erased) = erased.get(pointer) {
            self.found += 1;
            return match value {
                FieldValue::Value(Value::Null) => FieldState::Erased { digest: erased.digest, by: erased.by.clone() },
                _ => FieldState::Mismatch,
            };
        }
        match salts.get(pointer) {
            Some(salt) => {
                self.found += 1;
                FieldState::Kept { digest: digest(salt, pointer, value, &mut self.input) }
            }
            None => FieldState::Mismatch,
        }
    }
}

/// `digest = SHA-256(tag ‖ salt ‖ u64be(len(pointer)) ‖ pointer ‖ JCS(value))`; `input` is a buffer to use again. Hashing
/// it in one go is a good deal faster than in five.
fn digest(salt: &Salt, pointer: &str, value: FieldValue<'_>, input: &mut Vec<u8>) -> Hash {
    input.clear();
    input.extend_from_slice(FIELD_TAG);
    input.extend_from_slice(salt.as_bytes());
    input.extend_from_slice(&(pointer.len() as u64).to_be_bytes());
    input.extend_from_slice(pointer.as_bytes());
    match value {
        FieldValue::Value(value) => push_canonical(value, input),
        FieldValue::EmptyObject => input.extend_from_slice(b"{}"),
    }
    Hash::of(&[input])
}

/// [`canonical_into`], with a short way for the values that are in most fields.
fn push_canonical(value: &Value, out: &mut Vec<u8>) {
    match value {
        // RFC 8785 section 3.2.2.2: all but these stand for themselves.
        Value::String(text) if !text.bytes().any(|byte| byte < 0x20 || byte == b'"' || byte == b'\\') => {
            out.push(b'"');
            out.extend_from_slice(text.as_bytes());
            out.push(b'"');
        }
        other => canonical_into(other, out),
    }
}

/// Adds the fields that the opening names and the document does not have.
pub(super) fn push_missing(opening: &Opening, found: &mut Vec<Field>) {
    let Opening::Fields { salts, erased } = opening else { return };
    let there: std::collections::HashSet<_> = found.iter().map(|field| field.pointer.clone()).collect();
    for pointer in erased.keys().chain(salts.keys()).filter(|pointer| !there.contains(*pointer)) {
        found.push(Field { pointer: pointer.clone(), state: FieldState::Missing });
    }
}
