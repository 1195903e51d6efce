//! The content commitment: `docs/LEDGER.md`, section 2.
//!
//! Every scalar and every empty container in `{payload, metadata}` is a *field*, named by its JSON Pointer. Each field
//! has a salt of its own, so a digest tells nothing about a value that is gone; the sorted digests are hashed into one
//! *content* hash, which the leaf holds.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};
use domain::json::{canonical_into, push_token};
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::Sha256;

use crate::hash::Hash;

/// Starts the input of every field digest.
pub const FIELD_TAG: &[u8] = b"oh:field:v1\0";
/// Starts the input of the content hash.
pub const CONTENT_TAG: &[u8] = b"oh:content:v1\0";
/// The length of a salt, in bytes.
pub const SALT_LEN: usize = 16;

/// 32 random bytes, one for each event, from which its salts come. It is stored with the event's body, and goes when a
/// field is erased.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Secret([u8; 32]);

/// The text is not 32 bytes in Base64.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an event's secret is 32 bytes in Base64 (RFC 4648 section 4)")]
pub struct InvalidSecret;

impl Secret {
    /// The bytes must come from a cryptographic generator.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The generator of the event's salts, keyed once an event: `HMAC-SHA256(secret, …)`.
    fn salts(&self) -> Hmac<Sha256> {
        // RFC 2104 section 2: a key is padded with zeros to the block of the hash.
        let mut key = hmac::digest::Key::<Hmac<Sha256>>::default();
        key[..self.0.len()].copy_from_slice(&self.0);
        Hmac::new(&key)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl From<Secret> for String {
    fn from(secret: Secret) -> Self {
        STANDARD.encode(secret.0)
    }
}

impl TryFrom<String> for Secret {
    type Error = InvalidSecret;

    fn try_from(text: String) -> Result<Self, InvalidSecret> {
        let bytes = STANDARD.decode(text).map_err(|_| InvalidSecret)?;
        bytes.try_into().map(Self).map_err(|_| InvalidSecret)
    }
}

/// The content hash of an event's payload and metadata.
#[must_use]
pub fn content(secret: &Secret, payload: &Map<String, Value>, metadata: &Map<String, Value>) -> Hash {
    let mut fields = Fields { salts: secret.salts(), digests: Vec::with_capacity(32), json: Vec::new() };
    let mut pointer = String::with_capacity(128);
    for (name, object) in [("metadata", metadata), ("payload", payload)] {
        pointer.clear();
        push_token(&mut pointer, name);
        fields.members(object, &mut pointer);
    }
    fields.digests.sort_unstable();

    let mut parts: Vec<&[u8]> = Vec::with_capacity(fields.digests.len() + 1);
    parts.push(CONTENT_TAG);
    parts.extend(fields.digests.iter().map(|digest| digest.0.as_slice()));
    Hash::of(&parts)
}

/// The digests found so far, and what is needed to make the next one without allocating.
struct Fields {
    salts: Hmac<Sha256>,
    digests: Vec<Hash>,
    json: Vec<u8>,
}

impl Fields {
    fn members(&mut self, object: &Map<String, Value>, pointer: &mut String) {
        if object.is_empty() {
            self.field(pointer, b"{}");
        }
        for (key, value) in object {
            let end = pointer.len();
            push_token(pointer, key);
            self.value(value, pointer);
            pointer.truncate(end);
        }
    }

    fn value(&mut self, value: &Value, pointer: &mut String) {
        match value {
            Value::Object(object) => self.members(object, pointer),
            Value::Array(items) if !items.is_empty() => {
                for (index, item) in items.iter().enumerate() {
                    let end = pointer.len();
                    push_token(pointer, &index.to_string());
                    self.value(item, pointer);
                    pointer.truncate(end);
                }
            }
            Value::Array(_) | Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                let mut json = std::mem::take(&mut self.json);
                json.clear();
                canonical_into(value, &mut json);
                self.field(pointer, &json);
                self.json = json;
            }
        }
    }

    /// `salt = HMAC-SHA256(secret, pointer)[..16]`, then
    /// `digest = SHA-256(tag ‖ salt ‖ u64be(len(pointer)) ‖ pointer ‖ JCS(value))`.
    fn field(&mut self, pointer: &str, json: &[u8]) {
        let mut hmac = self.salts.clone();
        hmac.update(pointer.as_bytes());
        let salt = hmac.finalize().into_bytes();
        let length = (pointer.len() as u64).to_be_bytes();
        self.digests.push(Hash::of(&[FIELD_TAG, &salt[..SALT_LEN], &length, pointer.as_bytes(), json]));
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    fn commit(payload: Value) -> Hash {
        content(&Secret::new([7; 32]), &object(payload), &Map::new())
    }

    #[test]
    fn every_field_counts_and_their_order_does_not() {
        let base = commit(json!({"a": 1, "b": [true, {}], "c": {"d": "x"}}));
        assert_eq!(base, commit(json!({"c": {"d": "x"}, "b": [true, {}], "a": 1.0})));
        for other in [
            json!({"a": 2, "b": [true, {}], "c": {"d": "x"}}),
            json!({"a": 1, "b": [true, []], "c": {"d": "x"}}),
            json!({"a": 1, "b": [{}, true], "c": {"d": "x"}}),
            json!({"a": "1", "b": [true, {}], "c": {"d": "x"}}),
            json!({"a": 1, "b": [true, {}], "c": {"d": "x", "e": null}}),
            json!({"a": 1, "b": [true, {}], "c/d": "x"}),
        ] {
            assert_ne!(base, commit(other.clone()), "{other}");
        }
    }

    #[test]
    fn another_secret_is_another_commitment() {
        let payload = object(json!({"a": 1}));
        let with = |byte| content(&Secret::new([byte; 32]), &payload, &Map::new());
        assert_ne!(with(1), with(2));
    }

    #[test]
    fn payload_and_metadata_do_not_stand_for_each_other() {
        let (a, none) = (object(json!({"a": 1})), Map::new());
        let secret = Secret::new([7; 32]);
        assert_ne!(content(&secret, &a, &none), content(&secret, &none, &a));
    }

    #[test]
    fn a_secret_reads_back_and_does_not_show_itself() {
        let secret = Secret::new([9; 32]);
        let text = String::from(secret.clone());
        assert_eq!(Secret::try_from(text.clone()).unwrap(), secret);
        assert!(!format!("{secret:?}").contains(&text));
        assert_eq!(Secret::try_from("AAAA".to_owned()), Err(InvalidSecret));
    }

    proptest! {
        #[test]
        fn one_changed_value_is_seen(key in "[a-z/~]{1,6}", a in any::<i32>(), b in any::<i32>()) {
            prop_assume!(a != b);
            prop_assert_ne!(commit(json!({key.clone(): a})), commit(json!({key: b})));
        }
    }
}
