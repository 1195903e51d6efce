//! Rules for `type`, numbers and strings.

use std::cmp::Ordering;

use serde_json::Value;

use super::{
    narrow::Narrow,
    node::Part,
    number::{self, compare},
    prove::{Proof, Prover, fail},
    types::Types,
};
use crate::pointer::quoted;

impl<'a> Prover<'a> {
    /// One keyword of the wider schema; those of objects, arrays and logic are other rules'.
    pub(crate) fn scalar(&mut self, keyword: &str, wide: &Part<'a>, narrow: &Narrow<'a>) -> Proof {
        let Some(value) = wide.get(keyword) else {
            return Ok(());
        };
        let about = match keyword {
            "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" | "multipleOf" => Types::NUMBER,
            "minLength" | "maxLength" | "pattern" | "format" => Types::STRING,
            "type" | "enum" | "const" => Types::ALL,
            _ => return Ok(()),
        };
        if !narrow.types.meets(about) {
            return Ok(());
        }
        let follows = match keyword {
            "type" => narrow.types.within(Types::of_keyword(value)),
            // That the narrower values can be listed has been tried before.
            "enum" | "const" => false,
            "minimum" => lower(narrow, value, true),
            "exclusiveMinimum" => lower(narrow, value, false),
            "maximum" => upper(narrow, value, true),
            "exclusiveMaximum" => upper(narrow, value, false),
            "multipleOf" => multiple(narrow, value),
            "minLength" => number::count(value).is_some_and(|n| narrow.greatest(keyword) >= n),
            "maxLength" => number::count(value).is_some_and(|n| narrow.least(keyword).is_some_and(|least| least <= n)),
            // `pattern` and `format`: what they mean is not looked into.
            _ => narrow.all(keyword).any(|other| other == value),
        };
        if follows {
            return Ok(());
        }
        let other = self.other;
        let detail = match keyword {
            "type" => {
                let more = narrow.types.beyond(Types::of_keyword(value));
                format!("{other} allows more types: {more}")
            }
            _ => format!("{other} allows more than {}", quoted(value, 100)),
        };
        fail(wide.pointer(keyword), detail)
    }
}

/// Whether no value of the set is below `bound`, or equal to it if that is not allowed.
fn lower(narrow: &Narrow<'_>, bound: &Value, equal_allowed: bool) -> bool {
    let above = |value: &Value, strict: bool| match compare(value, bound) {
        Some(Ordering::Greater) => true,
        Some(Ordering::Equal) => equal_allowed || strict,
        Some(Ordering::Less) | None => false,
    };
    narrow.all("minimum").any(|value| above(value, false))
        || narrow.all("exclusiveMinimum").any(|value| above(value, true))
}

/// Whether no value of the set is above `bound`, or equal to it if that is not allowed.
fn upper(narrow: &Narrow<'_>, bound: &Value, equal_allowed: bool) -> bool {
    let below = |value: &Value, strict: bool| match compare(value, bound) {
        Some(Ordering::Less) => true,
        Some(Ordering::Equal) => equal_allowed || strict,
        Some(Ordering::Greater) | None => false,
    };
    narrow.all("maximum").any(|value| below(value, false))
        || narrow.all("exclusiveMaximum").any(|value| below(value, true))
}

fn multiple(narrow: &Narrow<'_>, of: &Value) -> bool {
    let whole = !narrow.types.meets(Types::FRACTION);
    (whole && of.as_u64() == Some(1)) || narrow.all("multipleOf").any(|other| number::divides(of, other))
}
