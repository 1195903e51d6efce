//! Which log it is.

use std::{fmt, str::FromStr};

use domain::ids::TenantId;
use serde::{Deserialize, Serialize};

/// The longest origin, in bytes.
const MAX_LEN: usize = 255;

/// The name of one tenant's log, `<prefix>/<tenant>`: a C2SP log origin, which is a schema-less URL
/// (<https://c2sp.org/tlog-checkpoint>). It stands in every leaf and starts the chain, so that no leaf can be passed off
/// as another tenant's; it must never change.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Origin(String);

/// The text is no origin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an origin has 1 to {MAX_LEN} printable ASCII characters, no space, plus sign, quotation mark or backslash")]
pub struct InvalidOrigin;

impl Origin {
    /// `prefix` is the deployment's own part, such as `history.example.com`.
    #[must_use]
    pub fn new(prefix: &str, tenant: &TenantId) -> Self {
        Self(format!("{prefix}/{tenant}"))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name of the key that signs statements about ranges of the log. It is not the key that signs checkpoints,
    /// because the function that answers requests must not be able to sign those.
    #[must_use]
    pub fn range_key_name(&self) -> String {
        format!("{}/range", self.0)
    }
}

impl FromStr for Origin {
    type Err = InvalidOrigin;

    /// Takes what stands in JSON as it is, without an escape, and may be the name of a key.
    fn from_str(text: &str) -> Result<Self, InvalidOrigin> {
        let plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'+' | b'"' | b'\\');
        if (1..=MAX_LEN).contains(&text.len()) && text.bytes().all(plain) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidOrigin)
        }
    }
}

impl TryFrom<String> for Origin {
    type Error = InvalidOrigin;

    fn try_from(text: String) -> Result<Self, InvalidOrigin> {
        text.parse()
    }
}

impl From<Origin> for String {
    fn from(origin: Origin) -> Self {
        origin.0
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
