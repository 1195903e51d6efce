//! What opens a commitment: the secret, or what is left of it after an erasure.

use std::{collections::BTreeMap, fmt};

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::SALT_LEN;
use crate::hash::Hash;

/// How the content hash of an event can be computed again. It is stored beside the event, wherever its body is.
///
/// In JSON one member, which its owner flattens into the object around it:
/// - `"secret": "<Base64 of 32 bytes>"`, or, once a field was erased,
/// - `"opening": {"erased": {"<pointer>": {"by": …, "digest": …}}, "salts": {"<pointer>": "<Base64 of 16 bytes>"}}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Member", try_from = "Member")]
pub enum Opening {
    /// Nothing was erased: every salt comes from this.
    Secret(Secret),
    /// The secret is gone. What remains are the salts of the fields that were kept and the digests of those that were
    /// not; no pointer stands in both.
    Fields { salts: BTreeMap<String, Salt>, erased: BTreeMap<String, Erased> },
}

/// What is kept of an erased field. Its value in the document is `null`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Erased {
    /// Who erased it, or by which request; part of no hash.
    pub by: String,
    pub digest: Hash,
}

/// Why an opening was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidOpening {
    #[error("an event has either a secret or an opening")]
    NotOne,
    #[error("the field {pointer:?} is erased and yet has a salt")]
    SaltOfErased { pointer: String },
}

impl Opening {
    /// Whether nothing was erased. Only then may a hash of the submitted form be kept: it covers every field.
    #[must_use]
    pub fn is_secret(&self) -> bool {
        matches!(self, Self::Secret(_))
    }
}

impl From<Secret> for Opening {
    fn from(secret: Secret) -> Self {
        Self::Secret(secret)
    }
}

/// The two JSON forms.
#[derive(Serialize, Deserialize)]
struct Member {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    secret: Option<Secret>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    opening: Option<Remainder>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Remainder {
    erased: BTreeMap<String, Erased>,
    salts: BTreeMap<String, Salt>,
}

impl From<Opening> for Member {
    fn from(opening: Opening) -> Self {
        match opening {
            Opening::Secret(secret) => Self { secret: Some(secret), opening: None },
            Opening::Fields { salts, erased } => Self { secret: None, opening: Some(Remainder { erased, salts }) },
        }
    }
}

impl TryFrom<Member> for Opening {
    type Error = InvalidOpening;

    fn try_from(member: Member) -> Result<Self, InvalidOpening> {
        match member {
            Member { secret: Some(secret), opening: None } => Ok(Self::Secret(secret)),
            Member { secret: None, opening: Some(Remainder { erased, salts }) } => {
                match erased.keys().find(|pointer| salts.contains_key(*pointer)) {
                    Some(pointer) => Err(InvalidOpening::SaltOfErased { pointer: pointer.clone() }),
                    None => Ok(Self::Fields { salts, erased }),
                }
            }
            Member { .. } => Err(InvalidOpening::NotOne),
        }
    }
}

/// The text is not of that many bytes in Base64.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an event's secret is 32 bytes in Base64, a salt 16 (RFC 4648 section 4)")]
pub struct InvalidSecret;

/// Random bytes that must not be seen in a log line.
macro_rules! secret_bytes {
    ($(#[$doc:meta])* $name:ident, $len:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(into = "String", try_from = "String")]
        pub struct $name([u8; $len]);

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        }

        impl From<$name> for String {
            fn from(secret: $name) -> Self {
                STANDARD.encode(secret.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidSecret;

            fn try_from(text: String) -> Result<Self, InvalidSecret> {
                let bytes = STANDARD.decode(text).map_err(|_| InvalidSecret)?;
                bytes.try_into().map(Self).map_err(|_| InvalidSecret)
            }
        }
    };
}

secret_bytes!(
    /// 32 random bytes, one for each event, from which its salts come. It is stored with the event's body, and goes
    /// when a field is erased.
    Secret,
    32
);
secret_bytes!(
    /// The salt of one field.
    Salt,
    SALT_LEN
);

impl Secret {
    /// The bytes must come from a cryptographic generator.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The generator of the event's salts, keyed once an event.
    pub(super) fn salts(&self) -> Salts {
        // RFC 2104 section 2: a key is padded with zeros to the block of the hash.
        let mut key = hmac::digest::Key::<Hmac<Sha256>>::default();
        key[..self.0.len()].copy_from_slice(&self.0);
        Salts(Hmac::new(&key))
    }
}

impl Salt {
    pub(super) fn as_bytes(&self) -> &[u8; SALT_LEN] {
        &self.0
    }
}

/// `HMAC-SHA256(secret, …)`.
pub(super) struct Salts(Hmac<Sha256>);

impl Salts {
    /// `salt = HMAC-SHA256(secret, pointer)[..16]`
    pub(super) fn of(&self, pointer: &str) -> Salt {
        let mut hmac = self.0.clone();
        hmac.update(pointer.as_bytes());
        let mut salt = [0; SALT_LEN];
        salt.copy_from_slice(&hmac.finalize().into_bytes()[..SALT_LEN]);
        Salt(salt)
    }
}
