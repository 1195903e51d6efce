//! What an event of a type does to the state of its order.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    Pointer,
    explain::Origin,
    merge_patch::merge,
    node::{Kind, Members, Node},
    pointer::InvalidPointer,
};

/// The most steps in a rule's `at`. With a payload as deep as [`json::MAX_DEPTH`](crate::json::MAX_DEPTH) allows, a
/// state has at most 80 levels, and so stays within the 128 that serde_json reads.
pub const MAX_STEPS: usize = 16;

/// What an event of a type does to the state, registered with the type's schema.
///
/// In JSON: `"merge"`, `"replace"`, `"ignore"`, `{"rule": "merge", "at": "/payment"}` or
/// `{"rule": "append", "at": "/payments"}`. Each step of `at` names a member of an object, also where it looks like an
/// array's index. What is missing on the way is made; what stands there and is no object gives way to one, as in a
/// Merge Patch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Value", try_from = "Value")]
pub enum FoldRule {
    /// The payload is a JSON Merge Patch (RFC 7396) for what is at the pointer; the root is the whole state.
    Merge { at: Pointer },
    /// The payload becomes the state, with its nulls.
    Replace,
    /// The state stays as it is.
    Ignore,
    /// The payload becomes the last item of the array at the pointer; anything else there gives way to an array.
    Append { at: Pointer },
}

/// Why a rule was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRule {
    #[error("write merge, replace, ignore, or an object with rule and at")]
    Form,
    #[error("a rule has the members rule and at, and no other")]
    Members,
    #[error("only merge and append take at")]
    Word,
    #[error("at: {0}")]
    Pointer(#[from] InvalidPointer),
    #[error("append needs a place below the state, such as /payments")]
    AppendToState,
    #[error("at has at most {MAX_STEPS} steps")]
    TooDeep,
}

impl Default for FoldRule {
    fn default() -> Self {
        Self::Merge { at: Pointer::ROOT }
    }
}

impl FoldRule {
    /// Folds a payload into the state.
    pub(super) fn apply(&self, state: &mut Members, payload: Members, origin: &Arc<Origin>) {
        match self {
            Self::Ignore => {}
            Self::Replace => *state = payload,
            Self::Merge { at } => {
                // The payload at a pointer is the same as the payload wrapped in an object for each step.
                let wrap = |inner: Members, name: &String| {
                    let node = Node { kind: Kind::Object(inner), origin: Arc::clone(origin) };
                    Members::from([(name.clone(), node)])
                };
                merge(state, at.tokens().iter().rev().fold(payload, wrap));
            }
            Self::Append { at } => {
                append(state, at.tokens(), Node { kind: Kind::Object(payload), origin: Arc::clone(origin) });
            }
        }
    }
}

fn append(state: &mut Members, at: &[String], item: Node) {
    let Some((name, rest)) = at.split_first() else { return };
    // What holds the item is not empty, so its own origin never counts.
    let origin = Arc::clone(&item.origin);
    let kind = match (state.remove(name).map(|node| node.kind), rest) {
        (Some(Kind::Array(mut items)), []) => {
            items.push(item);
            Kind::Array(items)
        }
        (_, []) => Kind::Array(vec![item]),
        (there, rest) => {
            let mut members = if let Some(Kind::Object(members)) = there { members } else { Members::new() };
            append(&mut members, rest, item);
            Kind::Object(members)
        }
    };
    state.insert(name.clone(), Node { kind, origin });
}

impl TryFrom<Value> for FoldRule {
    type Error = InvalidRule;

    fn try_from(value: Value) -> Result<Self, InvalidRule> {
        match value {
            Value::String(word) => match word.as_str() {
                "merge" => Ok(Self::default()),
                "replace" => Ok(Self::Replace),
                "ignore" => Ok(Self::Ignore),
                _ => Err(InvalidRule::Form),
            },
            Value::Object(mut members) => {
                let (Some(Value::String(rule)), Some(Value::String(at)), true) =
                    (members.remove("rule"), members.remove("at"), members.is_empty())
                else {
                    return Err(InvalidRule::Members);
                };
                let at: Pointer = at.parse()?;
                match rule.as_str() {
                    "merge" | "append" if at.tokens().len() > MAX_STEPS => Err(InvalidRule::TooDeep),
                    "append" if at == Pointer::ROOT => Err(InvalidRule::AppendToState),
                    "merge" => Ok(Self::Merge { at }),
                    "append" => Ok(Self::Append { at }),
                    _ => Err(InvalidRule::Word),
                }
            }
            _ => Err(InvalidRule::Form),
        }
    }
}

impl From<FoldRule> for Value {
    fn from(rule: FoldRule) -> Self {
        let at = |rule: &str, at: Pointer| {
            let members = [("rule", rule.to_owned()), ("at", at.to_string())];
            Self::Object(Map::from_iter(members.map(|(name, text)| (name.to_owned(), Self::String(text)))))
        };
        match rule {
            FoldRule::Merge { at: pointer } if pointer == Pointer::ROOT => Self::from("merge"),
            FoldRule::Replace => Self::from("replace"),
            FoldRule::Ignore => Self::from("ignore"),
            FoldRule::Merge { at: pointer } => at("merge", pointer),
            FoldRule::Append { at: pointer } => at("append", pointer),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

    use super::*;
    use crate::order::node::{document, shown};
    use serde_json::json;

    fn fold(rule: Value, state: Value, payload: Value) -> Value {
        let origin = Arc::new(Origin::Snapshot { snapshot_id: "s".to_owned() });
        let read = |value: Value| document(value.as_object().unwrap().clone(), &[], &origin);
        let mut state = read(state);
        let rule: FoldRule = serde_json::from_value(rule).unwrap();
        rule.apply(&mut state, read(payload), &origin);
        Value::Object(shown(&state))
    }

    #[test]
    fn each_rule_does_its_own() {
        let state = json!({"a": 1, "b": {"c": [1], "x": 1}});
        let payload = json!({"a": null, "d": {"e": null}});
        let result = |rule| fold(rule, state.clone(), payload.clone());
        assert_eq!(result(json!("merge")), json!({"b": {"c": [1], "x": 1}, "d": {}}));
        assert_eq!(result(json!({"rule": "merge", "at": ""})), result(json!("merge")));
        assert_eq!(result(json!("replace")), payload);
        assert_eq!(result(json!("ignore")), state);
        let at = |rule: &str, at: &str| result(json!({"rule": rule, "at": at}));
        assert_eq!(at("merge", "/b"), json!({"a": 1, "b": {"c": [1], "x": 1, "d": {}}}));
        assert_eq!(at("merge", "/a/0"), json!({"a": {"0": {"d": {}}}, "b": {"c": [1], "x": 1}}));
        assert_eq!(at("append", "/b/c"), json!({"a": 1, "b": {"c": [1, payload], "x": 1}}));
        assert_eq!(at("append", "/b/x"), json!({"a": 1, "b": {"c": [1], "x": [payload]}}));
        assert_eq!(at("append", "/n/m"), json!({"a": 1, "b": {"c": [1], "x": 1}, "n": {"m": [payload]}}));
    }

    #[test]
    fn a_rule_reads_back_or_says_what_is_wrong() {
        for good in [
            json!("merge"),
            json!("replace"),
            json!("ignore"),
            json!({"rule": "merge", "at": "/a~1b"}),
            json!({"rule": "append", "at": "/a/b"}),
        ] {
            let rule: FoldRule = serde_json::from_value(good.clone()).unwrap();
            assert_eq!(serde_json::to_value(rule).unwrap(), good);
        }
        let deep = "/a".repeat(MAX_STEPS + 1);
        for (bad, error) in [
            (json!("append"), InvalidRule::Form),
            (json!("Merge"), InvalidRule::Form),
            (json!(null), InvalidRule::Form),
            (json!({}), InvalidRule::Members),
            (json!({"rule": "merge"}), InvalidRule::Members),
            (json!({"rule": "merge", "at": 1}), InvalidRule::Members),
            (json!({"rule": "merge", "at": "/a", "of": 1}), InvalidRule::Members),
            (json!({"rule": "replace", "at": "/a"}), InvalidRule::Word),
            (json!({"rule": "append", "at": ""}), InvalidRule::AppendToState),
            (json!({"rule": "append", "at": "a"}), InvalidRule::Pointer(InvalidPointer)),
            (json!({"rule": "merge", "at": deep}), InvalidRule::TooDeep),
        ] {
            assert_eq!(FoldRule::try_from(bad.clone()), Err(error), "{bad}");
        }
    }
}
