//! Comparing the numbers that schemas hold, exactly or not at all.

use std::cmp::Ordering;

use serde_json::Value;

/// Integers up to here are exact as `f64`.
const EXACT: i128 = 1 << 53;

fn integer(value: &Value) -> Option<i128> {
    value.as_i64().map(i128::from).or_else(|| value.as_u64().map(i128::from))
}

/// The order of two JSON numbers; `None` where it would need more precision than `f64` has.
pub(crate) fn compare(one: &Value, other: &Value) -> Option<Ordering> {
    let (a, b) = (integer(one), integer(other));
    if let (Some(a), Some(b)) = (a, b) {
        return Some(a.cmp(&b));
    }
    if [a, b].into_iter().flatten().any(|int| int.abs() > EXACT) {
        return None;
    }
    one.as_f64()?.partial_cmp(&other.as_f64()?)
}

/// Whether every multiple of `many` is a multiple of `few`; false where it is not certain.
pub(crate) fn divides(few: &Value, many: &Value) -> bool {
    match (integer(few), integer(many)) {
        (Some(few), Some(many)) if few != 0 => many % few == 0,
        _ => compare(few, many) == Some(Ordering::Equal),
    }
}

/// A length or count (`minLength`, `maxItems`, …), which may be written as 3 or 3.0.
pub(crate) fn count(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| {
        let float = value.as_f64()?;
        // The sign and the bound make the conversion exact.
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a whole number between 0 and 2^53"
        )]
        (float.fract() == 0.0 && (0.0..=9_007_199_254_740_992.0).contains(&float)).then_some(float as u64)
    })
}
