//! The content commitment: `docs/LEDGER.md`, section 2.
//!
//! Every scalar and every empty container in `{payload, metadata}` is a *field*, named by its JSON Pointer. Each field
//! has a salt of its own, so a digest tells nothing about a value that is gone; the sorted digests are hashed into one
//! *content* hash, which the leaf holds.

mod erase;
mod fields;
mod opening;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value};

use crate::hash::Hash;

pub use erase::{EraseError, erase};
pub use fields::{Field, FieldState};
pub use opening::{Erased, InvalidOpening, InvalidSecret, Opening, Salt, Secret};

/// Starts the input of every field digest.
pub const FIELD_TAG: &[u8] = b"oh:field:v1\0";
/// Starts the input of the content hash.
pub const CONTENT_TAG: &[u8] = b"oh:content:v1\0";
/// The length of a salt, in bytes.
pub const SALT_LEN: usize = 16;

/// Stands for a field that the opening does not account for. It is no SHA-256 of anything known, so the content hash
/// fits no leaf: what is shown without a salt, or is gone without a digest, cannot pass for what was recorded.
const UNACCOUNTED: Hash = Hash([0; 32]);

/// The content hash of an event's payload and metadata. An erased field counts with the digest that was kept of it.
///
/// When the opening and the document do not fit each other, the hash is one that no event has; [`fields`] then tells
/// which field it is.
#[must_use]
pub fn content(opening: &Opening, payload: &Map<String, Value>, metadata: &Map<String, Value>) -> Hash {
    let mut digester = fields::Digester::new(opening);
    let mut digests = Vec::with_capacity(32);
    fields::walk(payload, metadata, &mut |pointer, value| {
        digests.push(digester.state(pointer, value).digest().unwrap_or(UNACCOUNTED));
    });
    if digester.named != digester.found {
        digests.push(UNACCOUNTED);
    }
    digests.sort_unstable();

    let mut parts: Vec<&[u8]> = Vec::with_capacity(digests.len() + 1);
    parts.push(CONTENT_TAG);
    parts.extend(digests.iter().map(|digest| digest.0.as_slice()));
    Hash::of(&parts)
}

/// Every field of an event and how it stands, in the order of the document, metadata first; at the end the fields that
/// only the opening still knows.
#[must_use]
pub fn fields(opening: &Opening, payload: &Map<String, Value>, metadata: &Map<String, Value>) -> Vec<Field> {
    let mut digester = fields::Digester::new(opening);
    let mut found = Vec::new();
    fields::walk(payload, metadata, &mut |pointer, value| {
        found.push(Field { pointer: pointer.to_owned(), state: digester.state(pointer, value) });
    });
    if digester.named != digester.found {
        fields::push_missing(opening, &mut found);
    }
    found
}
