//! What is refused, and with which words.

use domain::order::{
    AsOf, Corrections, Fold, FoldError, FoldRule, InvalidCorrection, Origin, Recorded, Step, StoredState, Unusable,
    View, correction::check,
};
use serde_json::{Value, json};

use crate::given::{Rules, at, correction, corrections, feed, fold, recorded};

fn id(sequence: u64) -> domain::ids::EventId {
    format!("evt_{sequence}").parse().unwrap()
}

fn event(sequence: u64, second: u64) -> Recorded {
    recorded(sequence, second, "order.touched", json!({format!("by_{sequence}"): second}))
}

#[test]
fn a_correction_must_have_an_original_in_its_order() {
    let (original, right) = (event(1, 1), correction(2, 1, 2, json!({"a": 1})));
    let check_with = |correction: &Recorded, original: Option<&str>| {
        check(&correction.event, original.map(|order_id| order_id.parse().unwrap()).as_ref())
    };
    let order_id = right.event.order_id.to_string();
    assert_eq!(check_with(&right, Some(&order_id)), Ok(()));
    assert_eq!(check_with(&original, Some(&order_id)), Err(InvalidCorrection::NotACorrection));
    assert_eq!(check_with(&right, None), Err(InvalidCorrection::UnknownOriginal));
    assert_eq!(check_with(&right, Some("ord_other")), Err(InvalidCorrection::OtherOrder));
    let of_itself = correction(2, 2, 2, json!({}));
    assert_eq!(check_with(&of_itself, Some(&order_id)), Err(InvalidCorrection::Itself));
    let mut of_a_record = right;
    of_a_record.event.correction_of = Some("history:snapshot:s".parse().unwrap());
    assert_eq!(check_with(&of_a_record, Some(&order_id)), Err(InvalidCorrection::OfARecord));
}

#[test]
fn no_cycle_of_corrections_gets_in() {
    let add = |events: &[(u64, u64)]| {
        let mut corrections = Corrections::default();
        let mut add = |&(sequence, of)| corrections.add(correction(sequence, of, 1, json!({"a": sequence})));
        events.iter().try_for_each(&mut add)
    };
    let before = |sequence| Err(InvalidCorrection::BeforeOriginal { event_id: id(sequence) });
    assert_eq!(add(&[(2, 1), (3, 2), (4, 3), (5, 2)]), Ok(()));
    assert_eq!(add(&[(5, 2), (4, 3), (3, 2), (2, 1)]), Ok(()));
    assert_eq!(add(&[(2, 2)]), Err(InvalidCorrection::Itself));
    assert_eq!(add(&[(2, 3), (3, 2)]), before(3));
    assert_eq!(add(&[(3, 2), (2, 3)]), before(2));
    assert_eq!(add(&[(3, 2), (4, 3), (2, 4)]), before(2));
    assert_eq!(add(&[(2, 1), (2, 1)]), Err(InvalidCorrection::Twice { event_id: id(2) }));
    let mut corrections = Corrections::default();
    assert_eq!(corrections.add(event(1, 1)), Err(InvalidCorrection::NotACorrection));
    corrections.add(correction(2, 9, 1, json!({}))).unwrap();
    assert_eq!(corrections.effective(event(9, 1)).map(|_| ()), before(9));
}

#[test]
fn a_correction_counts_where_its_original_stands() {
    let mut original = recorded(1, 10, "order.created", json!({"email": null, "total": 5, "note": "x"}));
    original.redacted.push("/email".parse().unwrap());
    let history = [
        original,
        recorded(2, 20, "order.changed", json!({"total": 6})),
        correction(3, 1, 90, json!({"total": 7, "note": null, "currency": "EUR"})),
        correction(4, 3, 95, json!({"currency": "DKK"})),
        correction(5, 77, 96, json!({"of": "nothing"})),
    ];
    let state = |as_of| Value::Object(fold(&history, as_of, &Rules::new()).state);
    let at_ten = AsOf { at: Some(at(10)), ..AsOf::default() };
    assert_eq!(state(at_ten), json!({"email": null, "total": 7, "currency": "DKK"}));
    assert_eq!(state(AsOf::default()), json!({"email": null, "total": 6, "currency": "DKK"}));
    let known_at = |sequence: u64| Some(at(86_400 + sequence));
    assert_eq!(state(AsOf { known_at: known_at(3), ..at_ten }), json!({"email": null, "total": 7, "currency": "EUR"}));
    assert_eq!(state(AsOf { known_at: known_at(2), ..at_ten }), json!({"email": null, "total": 5, "note": "x"}));
    let original = AsOf { view: View::Original, ..AsOf::default() };
    assert_eq!(state(original), json!({"email": null, "total": 6, "note": "x"}));

    let folded = fold(&history, AsOf::default(), &Rules::new());
    assert_eq!(folded.redacted, ["/email".parse().unwrap()]);
    assert_eq!(folded.unmet, [id(77)], "its original is not in the order");
    let explained = folded.explained.unwrap();
    let by = |sequence, correction_of: Option<u64>| Origin::Event {
        event_id: id(sequence),
        sequence,
        correction_of: correction_of.map(id),
    };
    assert_eq!(explained["/currency"], by(4, Some(3)));
    assert_eq!((&explained["/total"], &explained["/email"]), (&by(2, None), &by(1, None)));
    let shown = serde_json::to_value(&explained["/currency"]).unwrap();
    assert_eq!(shown, json!({"event_id": "evt_4", "sequence": 4, "correction_of": "evt_3"}));
}

#[test]
fn events_come_in_their_order_and_corrections_are_known_before() {
    let mut fold = Fold::new(AsOf::default(), Corrections::default());
    let merge = FoldRule::default();
    assert_eq!(fold.apply(event(2, 5), &merge), Ok(Step::Folded));
    for wrong in [event(2, 5), event(1, 5), event(3, 4)] {
        let error = FoldError::OutOfOrder { event_id: wrong.event.event_id.clone() };
        assert_eq!(fold.clone().apply(wrong, &merge), Err(error));
    }
    let unknown = correction(3, 2, 5, json!({}));
    assert_eq!(fold.apply(unknown, &merge), Err(FoldError::UnknownCorrection { event_id: id(3) }));
    let mut original = Fold::new(AsOf { view: View::Original, ..AsOf::default() }, Corrections::default());
    assert_eq!(original.apply(correction(3, 2, 5, json!({})), &merge), Ok(Step::Skipped));
}

/// The state after events 1 and 2, when the log ended at 3.
fn stored() -> StoredState {
    let as_of = AsOf { at: Some(at(20)), through: Some(3), ..AsOf::default() };
    let history = [event(1, 10), event(2, 20), event(3, 30)];
    fold(&history, as_of, &Rules::new()).into_stored("snap_1".to_owned(), View::Corrected).unwrap()
}

fn resumed(events: &[Recorded], locate: Option<&Recorded>) -> Result<Value, FoldError> {
    let mut corrections = corrections(events);
    if let Some(original) = locate {
        corrections.locate(original.event.event_id.clone(), original.position());
    }
    let mut fold = Fold::resume(AsOf::default(), corrections, stored())?;
    feed(&mut fold, events, &Rules::new())?;
    let folded = fold.answer(true)?;
    assert_eq!(folded.explained.unwrap()["/by_1"], Origin::Snapshot { snapshot_id: "snap_1".to_owned() });
    Ok(Value::Object(folded.state))
}

#[test]
fn a_stored_state_says_when_it_will_not_do() {
    let both = json!({"by_1": 10, "by_2": 20, "by_3": 30});
    assert_eq!(resumed(&[event(3, 30)], None).unwrap(), both);
    assert_eq!(resumed(&[event(1, 10), event(2, 20), event(3, 30)], None).unwrap(), both, "what it holds is skipped");
    let tie = json!({"by_1": 10, "by_2": 20, "by_4": 20});
    assert_eq!(resumed(&[event(4, 20)], None).unwrap(), tie, "in its instant, but recorded later");

    let late = Err(FoldError::Unusable(Unusable::LateEvent { event_id: id(4) }));
    assert_eq!(resumed(&[event(4, 19)], None), late);

    let since = Err(FoldError::Unusable(Unusable::CorrectedSince { event_id: id(2) }));
    let correction_of_2 = correction(4, 2, 40, json!({"by_2": 21}));
    assert_eq!(resumed(&[event(2, 20), correction_of_2.clone()], None), since, "it comes by");
    assert_eq!(resumed(std::slice::from_ref(&correction_of_2), None), since, "it does not come by");
    assert_eq!(resumed(&[correction_of_2], Some(&event(2, 20))), since, "its place is known");

    let correction_of_3 = correction(4, 3, 40, json!({"by_3": 31}));
    let corrected = json!({"by_1": 10, "by_2": 20, "by_3": 31});
    assert_eq!(resumed(&[event(3, 30), correction_of_3], None).unwrap(), corrected);
}
