//! What the tests start from.

use std::collections::BTreeMap;

use domain::{
    event::Event,
    order::{AsOf, Corrections, Fold, FoldError, FoldRule, Folded, Recorded, Step},
    time::Timestamp,
};
use serde_json::{Map, Value};

/// What the events of a type do, by type; a type that is not there merges.
pub(crate) type Rules = BTreeMap<String, FoldRule>;

/// The instant `second` seconds after 1970 began.
pub(crate) fn at(second: u64) -> Timestamp {
    Timestamp::clamped_from_millis(1_000 * i64::try_from(second).unwrap())
}

/// An event of the one order, recorded a day after it happened (and `sequence` seconds).
pub(crate) fn recorded(sequence: u64, second: u64, event_type: &str, payload: Value) -> Recorded {
    let Value::Object(payload) = payload else { panic!("a payload is an object") };
    let event = Event {
        event_id: format!("evt_{sequence}").parse().unwrap(),
        order_id: "ord_1".parse().unwrap(),
        occurred_at: at(second),
        source: "shop".parse().unwrap(),
        event_type: event_type.parse().unwrap(),
        schema_version: "v1".parse().unwrap(),
        correction_of: None,
        payload,
        metadata: Map::new(),
    };
    Recorded { sequence, received_at: at(86_400 + sequence), event, redacted: Vec::new() }
}

/// [`recorded`], as a correction of the event with the sequence `of`.
pub(crate) fn correction(sequence: u64, of: u64, second: u64, payload: Value) -> Recorded {
    let mut correction = recorded(sequence, second, "order.corrected", payload);
    correction.event.correction_of = Some(format!("evt_{of}").parse().unwrap());
    correction
}

pub(crate) fn corrections(events: &[Recorded]) -> Corrections {
    let mut corrections = Corrections::default();
    for event in events.iter().filter(|event| event.event.correction_of.is_some()) {
        corrections.add(event.clone()).unwrap();
    }
    corrections
}

/// Gives the fold its events in their order, until it says that the rest is past the instant.
pub(crate) fn feed<'a>(
    fold: &mut Fold,
    events: impl IntoIterator<Item = &'a Recorded>,
    rules: &Rules,
) -> Result<(), FoldError> {
    let mut events: Vec<_> = events.into_iter().collect();
    events.sort_by_key(|event| event.position());
    let merge = FoldRule::default();
    for event in events {
        let rule = rules.get(event.event.event_type.as_str()).unwrap_or(&merge);
        if fold.apply(event.clone(), rule)? == Step::Past {
            break;
        }
    }
    Ok(())
}

/// The whole fold, explained.
pub(crate) fn fold(events: &[Recorded], as_of: AsOf, rules: &Rules) -> Folded {
    let mut fold = Fold::new(as_of, corrections(events));
    feed(&mut fold, events, rules).unwrap();
    fold.answer(true).unwrap()
}
