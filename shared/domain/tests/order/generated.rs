//! Histories that nobody would think of: ties, late events, chains of corrections, erased fields, every rule.

use domain::{
    json::canonical,
    order::{AsOf, Fold, FoldError, Pointer, Recorded, StoredState, Unusable, View, snapshot::Place},
};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::{
    given::{Rules, at, correction, corrections, feed, fold, recorded},
    naive,
};

const TYPES: [&str; 7] = ["merge", "replace", "ignore", "merge_at", "merge_deep", "append", "append_deep"];

fn rules() -> Rules {
    let rule = |value| serde_json::from_value(value).unwrap();
    Rules::from([
        ("replace".to_owned(), rule(json!("replace"))),
        ("ignore".to_owned(), rule(json!("ignore"))),
        ("merge_at".to_owned(), rule(json!({"rule": "merge", "at": "/a"}))),
        ("merge_deep".to_owned(), rule(json!({"rule": "merge", "at": "/b/c/a"}))),
        ("append".to_owned(), rule(json!({"rule": "append", "at": "/c"}))),
        ("append_deep".to_owned(), rule(json!({"rule": "append", "at": "/a/b"}))),
    ])
}

/// Few names, so that events meet in their fields.
fn payload() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![Just(Value::Null), Just(json!(true)), (0..3).prop_map(Value::from), Just(json!("x"))];
    let value = scalar.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::Array),
            prop::collection::btree_map("[abc]", inner, 0..3).prop_map(|m| Value::Object(Map::from_iter(m))),
        ]
    });
    prop::collection::btree_map("[abc]", value, 0..4).prop_map(|members| Value::Object(Map::from_iter(members)))
}

/// All pointers below a value.
fn pointers(value: &Value, at: &str, found: &mut Vec<Pointer>) {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(members) => members.iter().map(|(name, value)| (name.clone(), value)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(index, item)| (index.to_string(), item)).collect(),
        _ => Vec::new(),
    };
    for (name, child) in children {
        let at = format!("{at}/{name}");
        found.push(at.parse().unwrap());
        pointers(child, &at, found);
    }
}

/// The events of an order, in the order of the log. A third are corrections of one before them.
fn history() -> impl Strategy<Value = Vec<Recorded>> {
    let event = (0..12_u64, 0..TYPES.len(), payload(), any::<prop::sample::Index>(), 0..3_u8, any::<u32>());
    prop::collection::vec(event, 0..20).prop_map(|events| {
        let mut history: Vec<Recorded> = Vec::new();
        for (sequence, (second, event_type, payload, of, role, erased)) in (1_u64..).zip(events) {
            let mut all = Vec::new();
            pointers(&payload, "", &mut all);
            let mut event = if role == 0 && !history.is_empty() {
                let of = of.get(&history).sequence;
                correction(sequence, of, second, payload)
            } else {
                recorded(sequence, second, TYPES[event_type], payload)
            };
            // Several events of one commit have one receipt time.
            event.received_at = at(100 + sequence / 2);
            if erased % 3 == 0 {
                event.redacted = all
                    .into_iter()
                    .enumerate()
                    .filter(|(i, _)| erased >> (i % 30 + 2) & 1 == 1)
                    .map(|(_, p)| p)
                    .collect();
            }
            history.push(event);
        }
        history
    })
}

fn as_of() -> impl Strategy<Value = AsOf> {
    let view = prop_oneof![3 => Just(View::Corrected), 1 => Just(View::Original)];
    let (at_second, known, through) = (prop::option::of(0..13_u64), prop::option::of(100..111_u64), 0..21_u64);
    (at_second, known, prop::option::of(through), view).prop_map(|(at_second, known, through, view)| AsOf {
        at: at_second.map(at),
        known_at: known.map(at),
        through,
        view,
    })
}

/// The start of the chain that a correction belongs to.
fn corrected<'a>(history: &'a [Recorded], event: &'a Recorded) -> &'a Recorded {
    match &event.event.correction_of {
        None => event,
        Some(of) => corrected(history, history.iter().find(|other| other.event.event_id == *of).unwrap()),
    }
}

/// What must happen when a fold starts from the stored state, said over the whole history.
fn must_refuse(history: &[Recorded], as_of: AsOf, stored: &StoredState) -> bool {
    let header = &stored.header;
    header.usable(&as_of).is_err()
        || history.iter().filter(|event| as_of.knows(event.sequence, event.received_at)).any(|event| {
            let root = corrected(history, event);
            match event.event.correction_of {
                None => header.place(event.position()) == Place::Late,
                Some(_) => {
                    as_of.view == View::Corrected
                        && event.sequence > header.position.sequence
                        && header.place(root.position()) != Place::After
                }
            }
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, ..ProptestConfig::default() })]

    #[test]
    fn the_fold_is_the_naive_one(history in history(), as_of in as_of()) {
        let folded = fold(&history, as_of, &rules());
        naive::assert_same(&folded, naive::fold(&history, as_of, &rules()), |_| false, &(as_of, &history));
    }

    #[test]
    fn one_fold_answers_after_each_of_its_events(history in history(), as_of in as_of()) {
        let mut fold = Fold::new(as_of, corrections(&history));
        let mut events: Vec<_> = history.iter().collect();
        events.sort_by_key(|event| event.position());
        for (index, event) in events.iter().enumerate() {
            feed(&mut fold, [*event], &rules()).unwrap();
            // At a tie, only the last event of an instant ends it.
            if events.get(index + 1).is_none_or(|next| next.event.occurred_at > event.event.occurred_at) {
                let instant = as_of.at.map_or(event.event.occurred_at, |at| at.min(event.event.occurred_at));
                let so_far = AsOf { at: Some(instant), ..as_of };
                let answer = fold.answer(true).unwrap();
                naive::assert_same(&answer, naive::fold(&history, so_far, &rules()), |_| false, &(so_far, &history));
            }
        }
    }

    #[test]
    fn a_stored_state_gives_the_same_answer_or_none(
        history in history(),
        stored_as_of in as_of(),
        through in 0..21_u64,
        as_of in as_of(),
        locate in any::<bool>(),
        only_what_follows in any::<bool>(),
    ) {
        let knew_less = AsOf { known_at: Some(at(105)), through: Some(through), ..stored_as_of };
        prop_assert_eq!(fold(&history, knew_less, &rules()).into_stored("snap".to_owned(), knew_less.view), None);
        let stored_as_of = AsOf { known_at: None, through: Some(through), ..stored_as_of };
        let folded = fold(&history, stored_as_of, &rules());
        let Some(stored) = folded.into_stored("snap".to_owned(), stored_as_of.view) else { return Ok(()) };
        let mut corrections = corrections(&history);
        if locate {
            for event in &history {
                corrections.locate(event.event.event_id.clone(), event.position());
            }
        }
        let header = stored.header.clone();
        let refused = must_refuse(&history, as_of, &stored);
        let is_later = |event: &Recorded| event.sequence > header.position.sequence;
        let corrected_since = history.iter().any(|event| event.event.correction_of.is_some() && is_later(event));
        // A reader who knows that nothing came late reads only what follows the state.
        let place = |event: &Recorded| header.place(event.position());
        let all = !only_what_follows || history.iter().any(|event| place(event) == Place::Late);
        let read = history.iter().filter(|event| all || place(event) == Place::After);
        let answer = Fold::resume(as_of, corrections, stored).map_err(FoldError::from).and_then(|mut fold| {
            feed(&mut fold, read, &rules())?;
            Ok(fold.answer(true)?)
        });
        match answer {
            Ok(folded) => {
                prop_assert!(!refused, "{header:?} is wrong for {as_of:?}: {history:?}");
                let inside = |sequence: u64| {
                    let event = history.iter().find(|event| event.sequence == sequence).unwrap();
                    header.place(corrected(&history, event).position()) == Place::Inside
                };
                let naive = naive::fold(&history, as_of, &rules());
                naive::assert_same(&folded, naive, inside, &(&header, as_of, &history));
            }
            Err(FoldError::Unusable(Unusable::CorrectedSince { .. })) if !locate => {
                prop_assert!(refused || corrected_since);
            }
            Err(FoldError::Unusable(_)) => prop_assert!(refused, "{header:?} would do for {as_of:?}: {history:?}"),
            Err(other) => prop_assert!(false, "{other}"),
        }
    }

    #[test]
    fn how_events_arrived_does_not_show(
        events in prop::collection::vec((0..TYPES.len(), payload()), 0..12),
        order in prop::collection::vec(any::<u32>(), 12),
    ) {
        // Each event has an instant of its own; they arrive in any order.
        let recorded_in = |arrival: &[usize]| -> Vec<Recorded> {
            let event = |(sequence, &index): (u64, &usize)| {
                let (event_type, payload) = &events[index];
                recorded(sequence, index as u64, TYPES[*event_type], payload.clone())
            };
            (1_u64..).zip(arrival).map(event).collect()
        };
        let in_time: Vec<usize> = (0..events.len()).collect();
        let mut shuffled = in_time.clone();
        shuffled.sort_by_key(|index| order[*index]);
        let bytes = |arrival: &[usize]| canonical(&fold(&recorded_in(arrival), AsOf::default(), &rules()).state);
        prop_assert_eq!(bytes(&in_time), bytes(&shuffled));
    }
}
