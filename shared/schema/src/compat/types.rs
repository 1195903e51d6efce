//! The types of JSON values, as a set.

use std::ops::BitAnd;

use serde_json::Value;

/// A set of types. `number` is two of them: those with a fraction and those without, which are
/// what JSON Schema calls `integer` (1.0 is one).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Types(u8);

impl Types {
    pub(crate) const NONE: Self = Self(0);
    pub(crate) const NULL: Self = Self(1);
    pub(crate) const BOOLEAN: Self = Self(1 << 1);
    pub(crate) const INTEGER: Self = Self(1 << 2);
    pub(crate) const FRACTION: Self = Self(1 << 3);
    pub(crate) const NUMBER: Self = Self(1 << 2 | 1 << 3);
    pub(crate) const STRING: Self = Self(1 << 4);
    pub(crate) const ARRAY: Self = Self(1 << 5);
    pub(crate) const OBJECT: Self = Self(1 << 6);
    pub(crate) const ALL: Self = Self((1 << 7) - 1);

    /// What the keyword `type` allows: a name, or an array of names.
    pub(crate) fn of_keyword(value: &Value) -> Self {
        let named = |value: &Value| match value.as_str() {
            Some("null") => Self::NULL,
            Some("boolean") => Self::BOOLEAN,
            Some("integer") => Self::INTEGER,
            Some("number") => Self::NUMBER,
            Some("string") => Self::STRING,
            Some("array") => Self::ARRAY,
            Some("object") => Self::OBJECT,
            Some(_) | None => Self::NONE,
        };
        match value.as_array() {
            Some(names) => Self(names.iter().fold(0, |set, name| set | named(name).0)),
            None => named(value),
        }
    }

    pub(crate) fn within(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }

    pub(crate) fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Each type of the set by itself.
    pub(crate) fn each(self) -> impl Iterator<Item = Self> {
        (0..7).map(|bit| Self(1 << bit)).filter(move |one| self.meets(*one))
    }

    /// The names of the types that `other` lacks.
    pub(crate) fn beyond(self, other: Self) -> String {
        const NAMES: [&str; 7] = ["null", "boolean", "integer", "number", "string", "array", "object"];
        let missing = self.0 & !other.0;
        (0..7).filter(|bit| missing & (1 << bit) != 0).map(|bit| NAMES[bit]).collect::<Vec<_>>().join(", ")
    }
}

impl BitAnd for Types {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}
