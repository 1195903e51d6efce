//! An order with 100,000 events. What a fold holds is all in its `Debug` text, whose length is counted here.

use domain::order::{AsOf, Corrections, Fold, FoldRule, Origin, Recorded, Step};
use serde_json::json;

use crate::given::{correction, recorded};

const EVENTS: u64 = 100_000;

/// Ten fields, of which each event sets two.
fn touched(sequence: u64) -> Recorded {
    let (field, value) = (format!("field_{}", sequence % 10), sequence);
    recorded(sequence, sequence / 3, "order.touched", json!({field: value, "last": {"seen": value}}))
}

fn held(fold: &Fold) -> usize {
    format!("{fold:?}").len()
}

#[test]
fn what_a_fold_holds_does_not_grow_with_the_order() {
    let mut fold = Fold::new(AsOf::default(), Corrections::default());
    let (mut given, mut after_a_hundred) = (0, 0);
    for sequence in 1..=EVENTS {
        assert_eq!(fold.apply(touched(sequence), &FoldRule::default()), Ok(Step::Folded));
        given += 1;
        if given == 100 {
            after_a_hundred = held(&fold);
        }
    }
    // The same fields, with longer numbers in them: a state whose size does not grow costs each event the same.
    assert!(held(&fold) < after_a_hundred * 3 / 2, "{} after {after_a_hundred}", held(&fold));
    let answer = fold.answer(true).unwrap();
    assert_eq!((answer.events, answer.state.len()), (EVENTS, 11));
    assert_eq!(answer.state["last"], json!({"seen": EVENTS}));
}

#[test]
fn corrections_are_held_until_their_event_has_come() {
    let mut corrections = Corrections::default();
    for sequence in (1..=EVENTS).step_by(100) {
        let patch = json!({"corrected": {"at": sequence}});
        corrections.add(correction(EVENTS + sequence, sequence, EVENTS + sequence, patch)).unwrap();
    }
    let mut fold = Fold::new(AsOf::default(), corrections);
    let with_all = held(&fold);
    for sequence in 1..=EVENTS {
        fold.apply(touched(sequence), &FoldRule::default()).unwrap();
    }
    assert!(held(&fold) < with_all / 5, "{} of {with_all}", held(&fold));
    let answer = fold.answer(true).unwrap();
    assert_eq!(answer.unmet, []);
    assert_eq!(answer.state["corrected"], json!({"at": EVENTS - 99}));
}

#[test]
fn a_chain_of_100_000_corrections_ends() {
    let mut corrections = Corrections::default();
    // Each corrects the one before it, down to event 1; they are handed over from the last to the first.
    for sequence in (2..=EVENTS).rev() {
        let field = format!("field_{}", sequence % 10);
        corrections.add(correction(sequence, sequence - 1, sequence, json!({field: sequence}))).unwrap();
    }
    let effective = corrections.effective(touched(1)).unwrap();
    assert_eq!(effective.payload["field_0"], json!(EVENTS));
    let by = Origin::Event {
        event_id: format!("evt_{EVENTS}").parse().unwrap(),
        sequence: EVENTS,
        correction_of: Some(format!("evt_{}", EVENTS - 1).parse().unwrap()),
    };
    assert_eq!(effective.explained["/field_0"], by);
    assert_eq!(effective.payload["last"], json!({"seen": 1}));
}

#[test]
fn as_many_corrections_of_one_event_apply_in_their_order() {
    let mut corrections = Corrections::default();
    for sequence in (2..=EVENTS).rev() {
        corrections.add(correction(sequence, 1, sequence, json!({"last": {"seen": sequence}}))).unwrap();
    }
    assert_eq!(corrections.effective(touched(1)).unwrap().payload["last"], json!({"seen": EVENTS}));
}

#[test]
fn an_appended_array_is_the_only_thing_that_grows() {
    let rule: FoldRule = serde_json::from_value(json!({"rule": "append", "at": "/log/all"})).unwrap();
    let mut fold = Fold::new(AsOf::default(), Corrections::default());
    for sequence in 1..=EVENTS {
        fold.apply(recorded(sequence, sequence, "order.noted", json!({"n": sequence})), &rule).unwrap();
    }
    let answer = fold.answer(false).unwrap();
    let all = answer.state["log"]["all"].as_array().unwrap();
    assert_eq!((all.len() as u64, &all[99_999]), (EVENTS, &json!({"n": EVENTS})));
}
