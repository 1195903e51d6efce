//! Sets of few values: there the validator itself is asked.

use std::collections::HashMap;

use jsonschema::Validator;
use serde_json::{Map, Value, json};

use super::{
    narrow::Narrow,
    node::{Node, Part},
    types::Types,
};
use crate::compile;

/// Compiled subschemas and patterns, kept for one comparison.
#[derive(Default)]
pub(crate) struct Oracle {
    schemas: HashMap<usize, Option<Validator>>,
    patterns: HashMap<String, Option<Validator>>,
}

impl Oracle {
    /// Whether a value fits the schema at a place; `None` if that cannot be said.
    pub(crate) fn fits(&mut self, node: &Node<'_>, value: &Value) -> Option<bool> {
        if let Value::Bool(always) = node.value {
            return Some(*always);
        }
        self.schemas
            .entry(node.key())
            .or_insert_with(|| compile::build(&standalone(node)).ok())
            .as_ref()
            .map(|validator| validator.is_valid(value))
    }

    /// Whether a pattern is found in a property's name; `None` if that cannot be said.
    pub(crate) fn matches(&mut self, pattern: &str, name: &str) -> Option<bool> {
        if !self.patterns.contains_key(pattern) {
            let validator = compile::build(&json!({ "pattern": pattern })).ok();
            self.patterns.insert(pattern.to_owned(), validator);
        }
        let validator = self.patterns.get(pattern)?.as_ref()?;
        Some(validator.is_valid(&json!(name)))
    }
}

/// A document that says what the schema at a place says: the whole document is embedded under a
/// name of its own, so that its references still mean the same.
fn standalone(node: &Node<'_>) -> Value {
    let mut document: Map<String, Value> = node.schema.document().as_object().cloned().unwrap_or_default();
    document.insert("$id".to_owned(), json!("urn:order-history:document"));
    let reference = format!("urn:order-history:document#{}", percent_encoded(&node.at));
    json!({ "$ref": reference, "$defs": { "document": document } })
}

fn percent_encoded(pointer: &str) -> String {
    let mut encoded = String::with_capacity(pointer.len());
    for byte in pointer.bytes() {
        if byte == b'/' || byte == b'~' || byte.is_ascii_alphanumeric() {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// All the values of a set, and perhaps more, if they can be listed: it has an `enum` or `const`,
/// or only null and booleans.
pub(crate) fn candidates(narrow: &Narrow<'_>) -> Option<Vec<Value>> {
    let listed = |part: &Part<'_>| {
        part.get("const").map(|value| vec![value.clone()]).or_else(|| part.get("enum")?.as_array().cloned())
    };
    if let Some(values) = narrow.parts.iter().find_map(listed) {
        return Some(values);
    }
    let mut values = Vec::new();
    for one in narrow.types.each() {
        match one {
            Types::NULL => values.push(Value::Null),
            Types::BOOLEAN => values.extend([json!(false), json!(true)]),
            _ => return None,
        }
    }
    Some(values)
}
