//! Strict JSON: what is read is what the producer wrote, or it is refused.
//!
//! An audit trail must not guess. RFC 8259 leaves duplicate keys and the range of numbers to the reader; two readers
//! then see two documents under one hash. So, as I-JSON (RFC 7493) asks: keys are unique, and numbers stay within what a
//! double holds exactly. Depth is bounded so that no reader's stack is at risk.

use std::fmt;

use serde::{
    Serialize,
    de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Number, Value};

/// The deepest nesting that is accepted: the document itself is at depth 1.
pub const MAX_DEPTH: usize = 64;

/// The largest integer that every JSON reader holds exactly: 2^53 - 1 (RFC 7493 section 2.2).
pub const MAX_SAFE_INTEGER: u64 = (1 << 53) - 1;

/// Why a document was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// Nothing but white space.
    #[error("the document is empty")]
    Empty,
    /// Not JSON (RFC 8259). The place is given as line and column, both from 1; the text itself is never quoted.
    #[error("not valid JSON at line {line}, column {column}: {reason}")]
    Syntax { line: usize, column: usize, reason: &'static str },
    /// A key stands twice in one object. `pointer` names the key (RFC 6901).
    #[error("the key at {pointer:?} stands twice in its object")]
    DuplicateKey { pointer: String },
    /// A number that a double cannot hold exactly as an integer, or at all.
    #[error("the number at {pointer:?} is beyond 2^53 - 1; send it as a string")]
    NumberOutOfRange { pointer: String },
    /// Nested deeper than [`MAX_DEPTH`].
    #[error("the value at {pointer:?} is nested deeper than {MAX_DEPTH} levels")]
    TooDeep { pointer: String },
}

/// Reads one JSON document strictly.
///
/// # Errors
/// [`JsonError`], naming the first thing that is wrong.
pub fn parse(bytes: &[u8]) -> Result<Value, JsonError> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(JsonError::Empty);
    }
    let mut refusal = None;
    let mut path = Vec::new();
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    // Our own bound is tighter and names the place, so serde_json's must not speak first.
    let seed = Strict { path: &mut path, refusal: &mut refusal, depth: 1 };
    let value = seed.deserialize(&mut reader).and_then(|value| reader.end().map(|()| value));
    value.map_err(|error| refusal.unwrap_or_else(|| syntax(&error)))
}

/// RFC 8785 (JSON Canonicalization Scheme): the one byte form of a value, over which everything is hashed.
///
/// Total for what comes from [`parse`], which lets in nothing that JCS cannot write.
#[must_use]
pub fn canonical<T: Serialize>(value: &T) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    canonical_into(value, &mut out);
    out
}

/// [`canonical`], appended to `out`: the hot path reuses its buffer.
pub fn canonical_into<T: Serialize>(value: &T, out: &mut Vec<u8>) {
    // The only other errors are those of the writer, and a Vec has none.
    let written = serde_json_canonicalizer::to_writer(value, out);
    debug_assert!(written.is_ok(), "a parsed value always has a canonical form");
}

/// Appends one reference token to a JSON Pointer (RFC 6901 section 3: `~` is `~0`, `/` is `~1`).
pub fn push_token(pointer: &mut String, token: &str) {
    pointer.push('/');
    for c in token.chars() {
        match c {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            other => pointer.push(other),
        }
    }
}

fn syntax(error: &serde_json::Error) -> JsonError {
    let reason = if error.is_eof() { "it ends too early" } else { "unexpected text" };
    JsonError::Syntax { line: error.line(), column: error.column(), reason }
}

enum Step {
    Key(String),
    Index(usize),
}

fn pointer(path: &[Step]) -> String {
    let mut out = String::new();
    for step in path {
        match step {
            Step::Key(key) => push_token(&mut out, key),
            Step::Index(index) => push_token(&mut out, &index.to_string()),
        }
    }
    out
}

/// Reads a value and remembers where it is; a refusal is left in `refusal` and carried out by serde's own error.
struct Strict<'a> {
    path: &'a mut Vec<Step>,
    refusal: &'a mut Option<JsonError>,
    depth: usize,
}

impl Strict<'_> {
    fn refuse<E: de::Error>(self, error: impl FnOnce(String) -> JsonError) -> E {
        *self.refusal = Some(error(pointer(self.path)));
        E::custom("refused")
    }

    fn child(&mut self) -> Strict<'_> {
        Strict { path: self.path, refusal: self.refusal, depth: self.depth + 1 }
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, v: bool) -> Result<Value, E> {
        Ok(Value::Bool(v))
    }

    fn visit_str<E>(self, v: &str) -> Result<Value, E> {
        Ok(Value::String(v.to_owned()))
    }

    fn visit_string<E>(self, v: String) -> Result<Value, E> {
        Ok(Value::String(v))
    }

    fn visit_u64<E: de::Error>(self, v: u64) -> Result<Value, E> {
        if v > MAX_SAFE_INTEGER {
            return Err(self.refuse(|pointer| JsonError::NumberOutOfRange { pointer }));
        }
        Ok(Value::Number(v.into()))
    }

    fn visit_i64<E: de::Error>(self, v: i64) -> Result<Value, E> {
        if v.unsigned_abs() > MAX_SAFE_INTEGER {
            return Err(self.refuse(|pointer| JsonError::NumberOutOfRange { pointer }));
        }
        Ok(Value::Number(v.into()))
    }

    /// Past 2^53 a double has no fraction left, so whatever was written is no longer exact.
    fn visit_f64<E: de::Error>(self, v: f64) -> Result<Value, E> {
        match Number::from_f64(v) {
            #[expect(clippy::cast_precision_loss, reason = "2^53 - 1 is exact in a double")]
            Some(number) if v.abs() <= MAX_SAFE_INTEGER as f64 => Ok(Value::Number(number)),
            _ => Err(self.refuse(|pointer| JsonError::NumberOutOfRange { pointer })),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<Value, A::Error> {
        if self.depth > MAX_DEPTH {
            return Err(self.refuse(|pointer| JsonError::TooDeep { pointer }));
        }
        let mut items = Vec::new();
        self.path.push(Step::Index(0));
        while let Some(item) = seq.next_element_seed(self.child())? {
            items.push(item);
            self.path.pop();
            self.path.push(Step::Index(items.len()));
        }
        self.path.pop();
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Value, A::Error> {
        if self.depth > MAX_DEPTH {
            return Err(self.refuse(|pointer| JsonError::TooDeep { pointer }));
        }
        let mut object = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            self.path.push(Step::Key(key.clone()));
            if object.contains_key(&key) {
                return Err(self.refuse(|pointer| JsonError::DuplicateKey { pointer }));
            }
            let value = map.next_value_seed(self.child())?;
            self.path.pop();
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn what_is_read_is_what_was_written() {
        let text = br#" {"a":[1,-2.5,null,true],"b":{"":"\u00e9"}} "#;
        assert_eq!(parse(text).unwrap(), json!({"a": [1, -2.5, null, true], "b": {"": "é"}}));
    }

    #[test]
    fn each_refusal_names_its_place() {
        let at = |p: &str| p.to_owned();
        assert_eq!(parse(b" \n"), Err(JsonError::Empty));
        assert_eq!(parse(br#"{"a/b":{"c~d":1,"c~d":2}}"#), Err(JsonError::DuplicateKey { pointer: at("/a~1b/c~0d") }));
        for number in ["9007199254740992", "-9007199254740992", "18446744073709551616", "1e300", "9007199254740993.0"] {
            let text = format!(r#"{{"a":[0,{number}]}}"#);
            assert_eq!(parse(text.as_bytes()), Err(JsonError::NumberOutOfRange { pointer: at("/a/1") }), "{number}");
        }
        assert!(parse(b"9007199254740991").is_ok());
        assert!(matches!(parse(br#"{"a":}"#), Err(JsonError::Syntax { line: 1, column: 6, .. })));
        assert!(matches!(parse(br#"{"a":1} x"#), Err(JsonError::Syntax { .. })));
        assert!(matches!(parse(br#"["\ud800"]"#), Err(JsonError::Syntax { .. })));
        assert!(matches!(parse(b"[\"\xff\"]"), Err(JsonError::Syntax { .. })));
    }

    #[test]
    fn depth_64_is_the_last_one() {
        let nested = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        assert!(parse(nested(MAX_DEPTH).as_bytes()).is_ok());
        let error = parse(nested(MAX_DEPTH + 1).as_bytes());
        assert!(matches!(error, Err(JsonError::TooDeep { .. })), "{error:?}");
        assert!(parse(nested(100_000).as_bytes()).is_err(), "far too deep ends in an answer, not in a crash");
    }

    proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&bytes);
        }

        #[test]
        fn canonical_form_is_a_fixed_point(n in any::<i32>(), f in any::<f32>(), s in ".{0,20}", k in ".{0,8}") {
            let f = if f.is_finite() && f.abs() < 1e15 { f64::from(f) } else { 0.5 };
            let value = json!({k: [n, f, s], "z": null, "a": {}});
            let bytes = canonical(&value);
            prop_assert_eq!(canonical(&parse(&bytes).unwrap()), bytes);
        }
    }
}
