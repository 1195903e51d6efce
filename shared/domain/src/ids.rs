//! Names of things. Each is checked once, on the way in, and cannot be wrong afterwards.

use std::{borrow::Borrow, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Why a name was refused. The name itself is not repeated: it may be anything at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidId {
    #[error("must not be empty")]
    Empty,
    #[error("must have at most {max} characters")]
    TooLong { max: usize },
    #[error("must {rule}")]
    Characters { rule: &'static str },
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $max:expr, $valid:expr, $rule:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(into = "String", try_from = "String")]
        pub struct $name(String);

        impl $name {
            /// The longest that is accepted, in bytes (all accepted characters are ASCII).
            pub const MAX_LEN: usize = $max;

            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let valid: fn(&[u8]) -> bool = $valid;
                match text.as_bytes() {
                    [] => Err(InvalidId::Empty),
                    long if long.len() > Self::MAX_LEN => Err(InvalidId::TooLong { max: Self::MAX_LEN }),
                    bytes if valid(bytes) => Ok(Self(text.to_owned())),
                    _ => Err(InvalidId::Characters { rule: $rule }),
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<Self, InvalidId> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

/// Letters, digits and the marks that need no escaping in a URL path. A space, a slash, a control character or a
/// look-alike from another script would make two ids that a person cannot tell apart, or a URL that proxies rewrite.
fn is_id(bytes: &[u8]) -> bool {
    bytes.iter().all(|c| c.is_ascii_alphanumeric() || b"._:@~+-".contains(c))
        // `.` and `..` are path segments that every URL parser removes.
        && !matches!(bytes, b"." | b"..")
}

const ID_RULE: &str = "consist of A-Z a-z 0-9 . _ : @ ~ + - (and not be . or ..)";

id!(
    /// Whose history it is. Part of every key, and of the log's origin.
    TenantId, 64,
    |b| b.iter().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || b"_-".contains(c)),
    "consist of a-z 0-9 _ -"
);
id!(
    /// The producer's own id of an event, unique in its tenant: the same id is the same event, for ever.
    EventId, 128, is_id, ID_RULE
);
id!(
    /// The order that an event is about.
    OrderId, 128, is_id, ID_RULE
);
id!(
    /// The service that says it.
    Source, 128, is_id, ID_RULE
);
id!(
    /// The version of the payload's schema, as its producer names it: `v1`, `2025-08`.
    SchemaVersion, 64, is_id, ID_RULE
);
id!(
    /// A stored state of an order, named by whoever stored it. Short enough to be part of an [`EventId`].
    SnapshotId, 96, is_id, ID_RULE
);
id!(
    /// A document that belongs to an event. We choose it. Short enough to be part of an [`EventId`].
    AttachmentId, 96, is_id, ID_RULE
);
id!(
    /// What happened, from the general to the special: `order.payment.succeeded`.
    EventType, 128, is_dotted,
    "be words of a-z 0-9 _ joined by dots, such as order.payment.succeeded"
);

/// The name of the anchor log. Its first character is in no tenant's name.
const ANCHOR: &str = "~anchor";

impl TenantId {
    /// The log that holds the checkpoints of all the others: a tenant of its own, whom no token, record or path can name.
    #[must_use]
    pub fn anchor() -> Self {
        Self(ANCHOR.to_owned())
    }

    #[must_use]
    pub fn is_anchor(&self) -> bool {
        self.0 == ANCHOR
    }

    /// Reads the tenant in a key of what we store: every name that can be parsed, and [`TenantId::anchor`]. Not for
    /// anything that a caller sends.
    ///
    /// # Errors
    /// [`InvalidId`]
    pub fn from_stored(text: &str) -> Result<Self, InvalidId> {
        if text == ANCHOR { Ok(Self::anchor()) } else { text.parse() }
    }
}

fn is_dotted(bytes: &[u8]) -> bool {
    bytes
        .split(|c| *c == b'.')
        .all(|word| !word.is_empty() && word.iter().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || *c == b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_what_producers_use() {
        assert!("evt_7033745709b7cf1b_00".parse::<EventId>().is_ok());
        assert!("018f3c9e-7b7a-7cc0-a5f1-3d0a4a3a7d1e".parse::<EventId>().is_ok());
        assert!("order-service".parse::<Source>().is_ok());
        assert!("order.payment.succeeded".parse::<EventType>().is_ok());
        assert!("acme-eu_1".parse::<TenantId>().is_ok());
    }

    #[test]
    fn refuses_what_people_or_proxies_misread() {
        for bad in ["a b", "a/b", "a\nb", "a\u{0}", "é", "a#b", "a%2Fb", "..", ".", "a\u{202e}b"] {
            assert!(matches!(bad.parse::<EventId>(), Err(InvalidId::Characters { .. })), "{bad:?}");
        }
        assert_eq!("".parse::<OrderId>(), Err(InvalidId::Empty));
        assert_eq!("x".repeat(129).parse::<OrderId>(), Err(InvalidId::TooLong { max: 128 }));
        for bad in ["Order.created", "order..created", ".order", "order.", "order.*", "order created"] {
            assert!(bad.parse::<EventType>().is_err(), "{bad:?}");
        }
        for bad in ["ACME", "a.b", "a#b", "~unknown", "~anchor"] {
            assert!(bad.parse::<TenantId>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn the_anchor_is_only_read_from_what_we_stored() {
        assert_eq!(TenantId::from_stored("~anchor"), Ok(TenantId::anchor()));
        assert_eq!(TenantId::from_stored("acme"), "acme".parse());
        assert!(TenantId::from_stored("~other").is_err());
        assert!(TenantId::try_from("~anchor".to_owned()).is_err());
        assert!(TenantId::anchor().is_anchor());
        assert!("anchor".parse::<TenantId>().is_ok_and(|tenant| !tenant.is_anchor()));
    }
}
