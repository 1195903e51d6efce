//! Whose order it is, as its producer says.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The producer's own id of a customer: 1 to [`CustomerId::MAX_CHARS`] characters, none of them a control character.
///
/// It is personal data. Its `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct CustomerId(String);

/// The text is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must have 1 to {max} characters, none of them a control character", max = CustomerId::MAX_CHARS)]
pub struct InvalidCustomer;

impl CustomerId {
    /// The longest that is accepted. With the tenant in front it must fit a partition key, which AWS bounds at 2048
    /// bytes.
    pub const MAX_CHARS: usize = 256;

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What an event says: member `customer_id` of its payload, or else `id` of its `customer`. A string, or a whole
    /// number, which is taken as its decimal digits; anything else says nothing.
    pub(super) fn of(payload: &Map<String, Value>) -> Option<Self> {
        let named = payload.get("customer_id");
        let nested = payload.get("customer").and_then(|customer| customer.get("id"));
        named.into_iter().chain(nested).find_map(|value| match value {
            Value::String(text) => text.parse().ok(),
            Value::Number(number) if number.is_i64() || number.is_u64() => number.to_string().parse().ok(),
            _ => None,
        })
    }
}

impl FromStr for CustomerId {
    type Err = InvalidCustomer;

    fn from_str(text: &str) -> Result<Self, InvalidCustomer> {
        let fits = (1..=Self::MAX_CHARS).contains(&text.chars().count()) && !text.chars().any(char::is_control);
        if fits { Ok(Self(text.to_owned())) } else { Err(InvalidCustomer) }
    }
}

impl TryFrom<String> for CustomerId {
    type Error = InvalidCustomer;

    fn try_from(text: String) -> Result<Self, InvalidCustomer> {
        text.parse()
    }
}

impl From<CustomerId> for String {
    fn from(id: CustomerId) -> Self {
        id.0
    }
}

impl fmt::Debug for CustomerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CustomerId")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(payload: &Value) -> Option<String> {
        payload.as_object().and_then(CustomerId::of).map(String::from)
    }

    #[test]
    fn a_customer_is_named_in_either_of_two_places() {
        for (payload, expected) in [
            (json!({"customer_id": "cust_1"}), Some("cust_1")),
            (json!({"customer": {"id": "a#b c/é"}}), Some("a#b c/é")),
            (json!({"customer_id": "one", "customer": {"id": "two"}}), Some("one")),
            (json!({"customer_id": null, "customer": {"id": "two"}}), Some("two")),
            (json!({"customer": {"id": 42}}), Some("42")),
            (json!({"customer_id": -7}), Some("-7")),
            (json!({"customer_id": 4.5}), None),
            (json!({"customer_id": ""}), None),
            (json!({"customer_id": "a\u{0}"}), None),
            (json!({"customer_id": "x".repeat(256)}), Some(&*"x".repeat(256))),
            (json!({"customer_id": "x".repeat(257)}), None),
            (json!({"customer": "cust_1"}), None),
            (json!({"customer": {"id": {"x": 1}}}), None),
            (json!({}), None),
        ] {
            assert_eq!(of(&payload).as_deref(), expected, "{payload}");
        }
    }
}
