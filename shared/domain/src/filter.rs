//! Which events a reader asks for.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    event::Event,
    ids::{EventType, OrderId, Source},
    time::Timestamp,
};

/// One event type, or all below a stem: `order.payment.*` is every type that starts with `order.payment.`, at any
/// depth; `*` is every type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum TypePattern {
    Exactly(EventType),
    /// What comes before the `*`: empty, or ending in a dot.
    Below(String),
}

/// The text is neither an event type nor one with `.*` at its end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("write an event type such as order.shipped, or end it in .* for all below it")]
pub struct InvalidPattern;

impl FromStr for TypePattern {
    type Err = InvalidPattern;

    fn from_str(text: &str) -> Result<Self, InvalidPattern> {
        let parse = |t: &str| t.parse::<EventType>().map_err(|_| InvalidPattern);
        match text.strip_suffix('*') {
            None => parse(text).map(Self::Exactly),
            Some("") => Ok(Self::Below(String::new())),
            Some(stem) => {
                parse(stem.strip_suffix('.').ok_or(InvalidPattern)?)?;
                Ok(Self::Below(stem.to_owned()))
            }
        }
    }
}

impl TryFrom<String> for TypePattern {
    type Error = InvalidPattern;

    fn try_from(text: String) -> Result<Self, InvalidPattern> {
        text.parse()
    }
}

impl From<TypePattern> for String {
    fn from(pattern: TypePattern) -> Self {
        pattern.to_string()
    }
}

impl fmt::Display for TypePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exactly(event_type) => event_type.fmt(f),
            Self::Below(stem) => write!(f, "{stem}*"),
        }
    }
}

impl TypePattern {
    #[must_use]
    pub fn matches(&self, event_type: &EventType) -> bool {
        match self {
            Self::Exactly(exact) => exact == event_type,
            Self::Below(stem) => event_type.as_str().starts_with(stem),
        }
    }
}

/// Every condition that is given must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventFilter {
    pub order_id: Option<OrderId>,
    pub event_type: Option<TypePattern>,
    pub source: Option<Source>,
    /// Compared with `metadata.actor_id`.
    pub actor_id: Option<String>,
    /// At or after this `occurred_at`.
    pub from: Option<Timestamp>,
    /// Before this `occurred_at`: a half-open range, so that neighbouring ranges share no event.
    pub to: Option<Timestamp>,
}

impl EventFilter {
    #[must_use]
    pub fn matches(&self, event: &Event) -> bool {
        self.order_id.as_ref().is_none_or(|id| *id == event.order_id)
            && self.event_type.as_ref().is_none_or(|pattern| pattern.matches(&event.event_type))
            && self.source.as_ref().is_none_or(|source| *source == event.source)
            && self.actor_id.as_deref().is_none_or(|actor| event.actor_id() == Some(actor))
            && self.from.is_none_or(|from| from <= event.occurred_at)
            && self.to.is_none_or(|to| event.occurred_at < to)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

    use super::*;

    #[test]
    fn a_wildcard_stands_for_all_below() {
        let matches = |pattern: &str, event_type: &str| {
            pattern.parse::<TypePattern>().unwrap().matches(&event_type.parse().unwrap())
        };
        assert!(matches("order.payment.*", "order.payment.succeeded"));
        assert!(matches("order.payment.*", "order.payment.refund.failed"));
        assert!(!matches("order.payment.*", "order.payment"));
        assert!(!matches("order.payment.*", "order.payments.failed"));
        assert!(matches("*", "x"));
        assert!(matches("order.shipped", "order.shipped"));
        assert!(!matches("order.shipped", "order.shipped.late"));
        for text in ["order.payment.*", "*", "order.shipped"] {
            assert_eq!(text.parse::<TypePattern>().unwrap().to_string(), text);
        }
        for bad in ["", "order.*.created", "order*", ".*", "**", "Order.*", "order..*"] {
            assert_eq!(bad.parse::<TypePattern>(), Err(InvalidPattern), "{bad}");
        }
    }
}
