//! Verifier keys: `<name>+<hex of the key id>+<Base64 of type and public key>`.

use std::{fmt, str::FromStr};

use base64::{Engine, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signature as Ed25519Signature, VerifyingKey};
use serde::{Deserialize, Serialize};

use super::cosignature_message;
use crate::hash::Hash;

/// The longest name of a key, in bytes.
const MAX_NAME_LEN: usize = 512;

/// What a key signs, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyType {
    /// 0x01: Ed25519 over the text of a note.
    Ed25519,
    /// 0x04: Ed25519 over the text of a checkpoint and a time; what a witness makes.
    Cosignature,
}

impl KeyType {
    fn byte(self) -> u8 {
        match self {
            Self::Ed25519 => 0x01,
            Self::Cosignature => 0x04,
        }
    }
}

/// A public key with the name under which it signs.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct VerifierKey {
    name: String,
    key_type: KeyType,
    id: [u8; 4],
    key: VerifyingKey,
}

/// Why a verifier key was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error("a verifier key is <name>+<8 hexadecimal digits>+<Base64 of type and key>")]
    Format,
    #[error("a key's name has 1 to {MAX_NAME_LEN} bytes and no space, plus sign or control character")]
    Name,
    #[error("the type of the key is neither Ed25519 (1) nor an Ed25519 cosignature (4)")]
    Type,
    #[error("not an Ed25519 public key, or one with which anybody can sign")]
    Key,
    #[error("the id in the verifier key is not that of its name and key")]
    Id,
}

impl VerifierKey {
    /// # Errors
    /// [`KeyError::Name`] and [`KeyError::Key`].
    pub fn new(name: &str, key_type: KeyType, public_key: &[u8; 32]) -> Result<Self, KeyError> {
        if !is_name(name) {
            return Err(KeyError::Name);
        }
        let key = VerifyingKey::from_bytes(public_key).map_err(|_| KeyError::Key)?;
        // An encoding of a point that is not the one way to write it would be a second key id of the same key.
        if key.is_weak() || key.to_edwards().compress().to_bytes() != *public_key {
            return Err(KeyError::Key);
        }
        let hash = Hash::of(&[name.as_bytes(), b"\n", &[key_type.byte()], public_key]);
        let [a, b, c, d, ..] = hash.0;
        Ok(Self { name: name.to_owned(), key_type, id: [a, b, c, d], key })
    }

    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    #[must_use]
    pub fn key_type(&self) -> KeyType {
        self.key_type
    }

    /// `SHA-256(name ‖ "\n" ‖ type ‖ public key)[..4]`
    #[must_use]
    pub fn id(&self) -> [u8; 4] {
        self.id
    }

    #[must_use]
    pub fn public_key(&self) -> [u8; 32] {
        self.key.to_bytes()
    }

    /// Checks a signature by this key on the text of a note: `Some` with the time, if it has one, when it holds.
    pub(super) fn verify(&self, text: &str, signature: &[u8]) -> Option<Option<u64>> {
        match self.key_type {
            KeyType::Ed25519 => self.holds(text.as_bytes(), signature).then_some(None),
            KeyType::Cosignature => {
                let (timestamp, signature) = signature.split_first_chunk::<8>()?;
                let timestamp = u64::from_be_bytes(*timestamp);
                let in_range = i64::try_from(timestamp).is_ok();
                let message = cosignature_message(timestamp, text);
                (in_range && self.holds(message.as_bytes(), signature)).then_some(Some(timestamp))
            }
        }
    }

    fn holds(&self, message: &[u8], signature: &[u8]) -> bool {
        // Strict: RFC 8032 section 8.4 leaves room for two verifiers to disagree, which a proof must not.
        Ed25519Signature::from_slice(signature).is_ok_and(|s| self.key.verify_strict(message, &s).is_ok())
    }
}

impl FromStr for VerifierKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(base64)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(KeyError::Format);
        };
        let data = STANDARD.decode(base64).map_err(|_| KeyError::Format)?;
        let (key_type, public_key) = data.split_first().ok_or(KeyError::Format)?;
        let key_type = match key_type {
            0x01 => KeyType::Ed25519,
            0x04 => KeyType::Cosignature,
            _ => return Err(KeyError::Type),
        };
        let key = Self::new(name, key_type, public_key.try_into().map_err(|_| KeyError::Key)?)?;
        if hex::encode(key.id) == id { Ok(key) } else { Err(KeyError::Id) }
    }
}

impl TryFrom<String> for VerifierKey {
    type Error = KeyError;

    fn try_from(text: String) -> Result<Self, KeyError> {
        text.parse()
    }
}

impl From<VerifierKey> for String {
    fn from(key: VerifierKey) -> Self {
        key.to_string()
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let data = [&[self.key_type.byte()][..], self.key.as_bytes()].concat();
        write!(f, "{}+{}+{}", self.name, hex::encode(self.id), STANDARD.encode(data))
    }
}

impl fmt::Debug for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// <https://c2sp.org/signed-note>: not empty, no Unicode space, no plus sign; in a note nothing may be a control
/// character.
pub(super) fn is_name(name: &str) -> bool {
    (1..=MAX_NAME_LEN).contains(&name.len()) && !name.chars().any(|c| c.is_whitespace() || c.is_control() || c == '+')
}
