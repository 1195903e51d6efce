//! The fold as the words of its definition, with nothing clever in it: every answer is rebuilt from the whole prefix,
//! on plain JSON, with the pseudo-code of RFC 7396 section 2.
//!
//! What the fold carries along, the value carries here as well: every scalar is replaced by a text that names its event
//! (`@7:<json>`), and an erased one by `!7`. So nothing in here knows about origins, and they come out all the same.

use std::fmt;

use domain::order::{AsOf, Folded, Origin, Recorded, View};
use serde_json::{Map, Value};

use crate::given::Rules;

/// The state with marks in it.
pub(crate) fn fold(events: &[Recorded], as_of: AsOf, rules: &Rules) -> Value {
    let known: Vec<&Recorded> = events
        .iter()
        .filter(|event| as_of.known_at.is_none_or(|known_at| event.received_at <= known_at))
        .filter(|event| as_of.through.is_none_or(|through| event.sequence <= through))
        .collect();
    let mut counted: Vec<&&Recorded> = known
        .iter()
        .filter(|event| event.event.correction_of.is_none())
        .filter(|event| as_of.at.is_none_or(|at| event.event.occurred_at <= at))
        .collect();
    counted.sort_by_key(|event| (event.event.occurred_at, event.sequence));

    let mut state = Value::Object(Map::new());
    for event in counted {
        let payload = if as_of.view == View::Corrected { corrected(event, &known) } else { marked_payload(event) };
        let rule = rules.get(event.event.event_type.as_str()).map(|rule| serde_json::to_value(rule).unwrap());
        state = match rule.unwrap_or_else(|| "merge".into()) {
            Value::String(word) => match word.as_str() {
                "merge" => merge_patch(state, payload),
                "replace" => payload,
                _ => state,
            },
            rule => at_place(state, rule["rule"].as_str().unwrap(), rule["at"].as_str().unwrap(), payload),
        };
    }
    state
}

/// The rules that name a place; the tests' pointers need no unescaping.
fn at_place(state: Value, rule: &str, at: &str, payload: Value) -> Value {
    let there = match state.pointer(at) {
        Some(Value::Array(items)) if rule == "append" => items.clone(),
        _ => Vec::new(),
    };
    let mut patch = if rule == "merge" { payload.clone() } else { "there".into() };
    for step in at.split('/').skip(1).collect::<Vec<_>>().into_iter().rev() {
        patch = Value::Object(Map::from_iter([(step.to_owned(), patch)]));
    }
    let mut state = merge_patch(state, patch);
    if rule == "append" {
        *state.pointer_mut(at).unwrap() = Value::Array([there, vec![payload]].concat());
    }
    state
}

/// The payload of an event, patched by its corrections, each of which was patched by its own.
fn corrected(event: &Recorded, known: &[&Recorded]) -> Value {
    let mut own: Vec<_> =
        known.iter().filter(|other| other.event.correction_of.as_ref() == Some(&event.event.event_id)).collect();
    own.sort_by_key(|correction| correction.sequence);
    own.into_iter()
        .fold(marked_payload(event), |payload, correction| merge_patch(payload, corrected(correction, known)))
}

/// RFC 7396 section 2.
fn merge_patch(target: Value, patch: Value) -> Value {
    let Value::Object(patch) = patch else { return patch };
    let Value::Object(mut target) = (if target.is_object() { target } else { Value::Object(Map::new()) }) else {
        unreachable!("it was just made an object")
    };
    for (name, value) in patch {
        if value.is_null() {
            target.remove(&name);
        } else {
            let before = target.remove(&name).unwrap_or(Value::Null);
            target.insert(name, merge_patch(before, value));
        }
    }
    Value::Object(target)
}

fn marked_payload(event: &Recorded) -> Value {
    let mut payload = Value::Object(event.event.payload.clone());
    mark(&mut payload, event.sequence);
    for pointer in &event.redacted {
        if let Some(value) = payload.pointer_mut(&pointer.to_string()) {
            *value = format!("!{}", event.sequence).into();
        }
    }
    payload
}

fn mark(value: &mut Value, sequence: u64) {
    match value {
        Value::Null => {}
        Value::Array(items) => items.iter_mut().for_each(|item| mark(item, sequence)),
        Value::Object(members) => members.values_mut().for_each(|member| mark(member, sequence)),
        scalar => *scalar = format!("@{sequence}:{scalar}").into(),
    }
}

/// Takes the marks out: the state, the erased fields, and who set each scalar that is not null.
pub(crate) fn unmarked(mut marked: Value) -> (Value, Vec<String>, Vec<(String, u64)>) {
    let (mut redacted, mut set_by) = (Vec::new(), Vec::new());
    unmark(&mut marked, "", &mut redacted, &mut set_by);
    (marked, redacted, set_by)
}

fn unmark(value: &mut Value, at: &str, redacted: &mut Vec<String>, set_by: &mut Vec<(String, u64)>) {
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                unmark(item, &format!("{at}/{index}"), redacted, set_by);
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                unmark(member, &format!("{at}/{name}"), redacted, set_by);
            }
        }
        Value::String(mark) => {
            let (sequence, plain) = match mark.strip_prefix('!') {
                Some(sequence) => {
                    redacted.push(at.to_owned());
                    (sequence, Value::Null)
                }
                None => {
                    let (sequence, json) = mark.strip_prefix('@').unwrap().split_once(':').unwrap();
                    (sequence, serde_json::from_str(json).unwrap())
                }
            };
            set_by.push((at.to_owned(), sequence.parse().unwrap()));
            *value = plain;
        }
        Value::Null => {}
        Value::Bool(_) | Value::Number(_) => panic!("every scalar was marked"),
    }
}

/// Holds an answer against the naive one: state, erased fields, and origins. `stored` tells of which events a stored
/// state took the place.
pub(crate) fn assert_same(folded: &Folded, marked: Value, stored: impl Fn(u64) -> bool, context: &dyn fmt::Debug) {
    let (state, redacted, set_by) = unmarked(marked);
    assert_eq!(Value::Object(folded.state.clone()), state, "{context:?}");
    let pointers: Vec<_> = folded.redacted.iter().map(ToString::to_string).collect();
    assert_eq!(pointers, redacted, "{context:?}");
    let Some(explained) = &folded.explained else { return };
    for (pointer, sequence) in set_by {
        match &explained[&pointer] {
            Origin::Event { event_id, sequence: said, .. } => {
                assert_eq!(
                    (*said, event_id.as_str()),
                    (sequence, &*format!("evt_{sequence}")),
                    "{pointer} {context:?}"
                );
            }
            Origin::Snapshot { .. } => {
                assert!(stored(sequence), "{pointer} is explained by a stored state {context:?}")
            }
        }
    }
}
