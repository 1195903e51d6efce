//! JSON in which every value knows where it comes from, and an erased one is not a `null`.
//!
//! Origin and erasure travel with the value through every patch, so nothing has to be found again by its pointer.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Map, Value};

use super::{
    Pointer, Recorded,
    explain::{Explanation, Origin},
};
use crate::json::push_token;

/// The members of an object, by name: the order in which they are written, too.
pub(super) type Members = BTreeMap<String, Node>;

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub(super) kind: Kind,
    /// Shared by all that one event says. A container's own counts only while the container is empty.
    pub(super) origin: Arc<Origin>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    /// `null`, a boolean, a number or a string.
    Scalar(Value),
    /// It had a value that was erased. In a patch it sets the field to this, where `null` would remove the field.
    Redacted,
    Array(Vec<Node>),
    Object(Members),
}

/// A document, with its erased fields told from its nulls.
pub(super) fn document(fields: Map<String, Value>, redacted: &[Pointer], origin: &Arc<Origin>) -> Members {
    let mut members = members(fields, origin);
    for pointer in redacted {
        redact(&mut members, pointer);
    }
    members
}

/// The payload of an event.
pub(super) fn payload(recorded: Recorded) -> Members {
    let Recorded { sequence, event, redacted, .. } = recorded;
    let origin = Origin::Event { event_id: event.event_id, sequence, correction_of: event.correction_of };
    document(event.payload, &redacted, &Arc::new(origin))
}

fn members(fields: Map<String, Value>, origin: &Arc<Origin>) -> Members {
    fields.into_iter().map(|(name, value)| (name, node(value, origin))).collect()
}

fn node(value: Value, origin: &Arc<Origin>) -> Node {
    let kind = match value {
        Value::Object(fields) => Kind::Object(members(fields, origin)),
        Value::Array(items) => Kind::Array(items.into_iter().map(|item| node(item, origin)).collect()),
        scalar @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => Kind::Scalar(scalar),
    };
    Node { kind, origin: Arc::clone(origin) }
}

fn redact(members: &mut Members, pointer: &Pointer) {
    let mut tokens = pointer.tokens().iter();
    let mut found = tokens.next().and_then(|name| members.get_mut(name));
    for token in tokens {
        found = found.and_then(|node| match &mut node.kind {
            Kind::Object(members) => members.get_mut(token),
            Kind::Array(items) => index(token).and_then(|index| items.get_mut(index)),
            Kind::Scalar(_) | Kind::Redacted => None,
        });
    }
    if let Some(node) = found {
        node.kind = Kind::Redacted;
    }
}

/// RFC 6901 section 4: digits without a leading zero.
fn index(token: &str) -> Option<usize> {
    let canonical = token == "0" || token.starts_with(|c: char| ('1'..='9').contains(&c));
    if canonical { token.parse().ok() } else { None }
}

/// The document as it is shown: what was erased is `null`.
pub(super) fn shown(members: &Members) -> Map<String, Value> {
    members.iter().map(|(name, node)| (name.clone(), node.shown())).collect()
}

/// The pointers of the erased fields, in the order of the document.
pub(super) fn redacted(members: &Members) -> Vec<Pointer> {
    let mut found = Vec::new();
    walk(members, &mut Vec::new(), &mut |path, node| {
        if node.kind == Kind::Redacted {
            found.push(Pointer::from_tokens(path));
        }
    });
    found
}

/// Who set each field.
pub(super) fn explained(members: &Members) -> Explanation {
    let mut found = Explanation::new();
    walk(members, &mut Vec::new(), &mut |path, node| {
        let mut pointer = String::new();
        for token in path {
            push_token(&mut pointer, token);
        }
        found.insert(pointer, (*node.origin).clone());
    });
    found
}

/// Visits every field: scalars, erased values and empty containers.
fn walk(members: &Members, path: &mut Vec<String>, visit: &mut impl FnMut(&[String], &Node)) {
    for (name, node) in members {
        path.push(name.clone());
        walk_node(node, path, visit);
        path.pop();
    }
}

fn walk_node(node: &Node, path: &mut Vec<String>, visit: &mut impl FnMut(&[String], &Node)) {
    match &node.kind {
        Kind::Object(members) if !members.is_empty() => walk(members, path, visit),
        Kind::Array(items) if !items.is_empty() => {
            for (index, item) in items.iter().enumerate() {
                path.push(index.to_string());
                walk_node(item, path, visit);
                path.pop();
            }
        }
        Kind::Scalar(_) | Kind::Redacted | Kind::Array(_) | Kind::Object(_) => visit(path, node),
    }
}

impl Node {
    fn shown(&self) -> Value {
        match &self.kind {
            Kind::Scalar(value) => value.clone(),
            Kind::Redacted => Value::Null,
            Kind::Array(items) => Value::Array(items.iter().map(Self::shown).collect()),
            Kind::Object(members) => Value::Object(shown(members)),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

    use super::*;
    use serde_json::json;

    fn read(value: Value, redacted: &[&str]) -> Members {
        let Value::Object(fields) = value else { panic!("an object, please") };
        let origin = Arc::new(Origin::Snapshot { snapshot_id: "s".to_owned() });
        let redacted: Vec<_> = redacted.iter().map(|text| text.parse().unwrap()).collect();
        document(fields, &redacted, &origin)
    }

    fn pointers(members: &Members) -> Vec<String> {
        redacted(members).iter().map(Pointer::to_string).collect()
    }

    #[test]
    fn what_was_erased_is_shown_as_null_and_listed() {
        let value = json!({"a": null, "b": [{"c~d": null}, null], "e": {"f": 1}});
        let members = read(value.clone(), &["/b/0/c~0d", "/b/1", "/b/2", "/b/01", "/b/-", "/a/x", "/none", ""]);
        assert_eq!(Value::Object(shown(&members)), value);
        assert_eq!(pointers(&members), ["/b/0/c~0d", "/b/1"]);
    }

    #[test]
    fn a_value_that_should_be_gone_is_not_shown() {
        let members = read(json!({"a": {"email": "x"}, "b": "y"}), &["/a", "/b"]);
        assert_eq!(Value::Object(shown(&members)), json!({"a": null, "b": null}));
        assert_eq!(pointers(&members), ["/a", "/b"]);
    }

    #[test]
    fn every_field_is_explained() {
        let members = read(json!({"a": [], "b": {}, "c": [[1], {"d/e": null}]}), &[]);
        assert_eq!(explained(&members).into_keys().collect::<Vec<_>>(), ["/a", "/b", "/c/0/0", "/c/1/d~1e"]);
    }
}
