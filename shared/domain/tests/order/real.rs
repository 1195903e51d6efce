//! Real orders where they lie beside the checkout, else the project's own sample: as-of at every instant.

use std::{collections::BTreeMap, io::Read as _, path::Path};

use domain::{
    event::{self, TenantSource},
    order::{AsOf, Corrections, Fold, FoldError, Recorded, Step, StoredState, View},
    time::Timestamp,
};
use flate2::read::MultiGzDecoder;
use serde_json::{Value, json};

use crate::{
    given::{Rules, at, corrections, feed, fold},
    naive,
};

/// How many orders are tried: those with the most events.
const ORDERS: usize = 500;

fn orders() -> Vec<Vec<Recorded>> {
    let project = Path::new("../..");
    let real = project.join("../shared/data/orders.ndjson.gz");
    let text = if real.exists() {
        let mut text = String::new();
        MultiGzDecoder::new(std::fs::File::open(real).unwrap()).read_to_string(&mut text).unwrap();
        text
    } else {
        std::fs::read_to_string(project.join("localstack/sample/orders.ndjson")).unwrap()
    };
    let tenant = "acme".parse().unwrap();
    let mut orders: BTreeMap<_, Vec<Recorded>> = BTreeMap::new();
    for (sequence, line) in (1_u64..).zip(text.lines()) {
        let (_, mut event) = event::parse(line.as_bytes(), TenantSource::Token(&tenant)).unwrap();
        event.event_id = format!("evt_{sequence}").parse().unwrap();
        // Long after the last of them happened.
        let received_at = at(4_000_000_000 + sequence);
        orders.entry(event.order_id.clone()).or_default().push(Recorded {
            sequence,
            received_at,
            event,
            redacted: Vec::new(),
        });
    }
    let mut orders: Vec<_> = orders.into_values().collect();
    orders.sort_by_key(|events| (std::cmp::Reverse(events.len()), events[0].sequence));
    orders.truncate(ORDERS);
    orders
}

fn rules() -> Rules {
    Rules::from([
        (
            "order.payment.succeeded".to_owned(),
            serde_json::from_value(json!({"rule": "append", "at": "/payments"})).unwrap(),
        ),
        ("order.shipped".to_owned(), serde_json::from_value(json!({"rule": "merge", "at": "/shipment"})).unwrap()),
        ("order.unavailable".to_owned(), serde_json::from_value(json!("ignore")).unwrap()),
    ])
}

/// The order with its customer's e-mail address erased, and corrected: each event's first field is another, its last
/// one is taken out, and then one correction turns out to be wrong and another comes too late for anybody to notice.
fn corrected(events: &[Recorded]) -> Vec<Recorded> {
    let mut all = events.to_vec();
    for event in &mut all {
        if let Some(email) = event.event.payload.get_mut("customer").and_then(|customer| customer.get_mut("email")) {
            *email = Value::Null;
            event.redacted.push("/customer/email".parse().unwrap());
        }
    }
    let mut sequence = 100_000;
    let mut correct = |all: &mut Vec<Recorded>, original: &Recorded, payload: Value| {
        sequence += 1;
        let mut correction = original.clone();
        correction.sequence = sequence;
        correction.received_at = at(4_000_000_000 + sequence);
        correction.redacted.clear();
        correction.event.event_id = format!("evt_{sequence}").parse().unwrap();
        correction.event.correction_of = Some(original.event.event_id.clone());
        correction.event.event_type = "order.corrected".parse().unwrap();
        correction.event.occurred_at = at(3_900_000_000 + sequence);
        correction.event.payload = payload.as_object().unwrap().clone();
        all.push(correction.clone());
        correction
    };
    for event in events {
        let names: Vec<_> = event.event.payload.keys().cloned().collect();
        let first = names.first().cloned().unwrap_or_default();
        let last = names.last().cloned().unwrap_or_default();
        let mut patch = json!({"corrected": {"by": "audit"}});
        patch[last] = Value::Null;
        patch[first] = json!({"as": "it was", "n": event.sequence});
        let correction = correct(&mut all, event, patch);
        let second = correct(&mut all, &correction, json!({"corrected": {"by": null, "again": true}}));
        correct(&mut all, &second, json!({"corrected": {"again": 2}}));
    }
    all
}

/// Just before, at and just after each event, when each correction happened, and the ends of time.
fn instants(events: &[Recorded]) -> Vec<Option<Timestamp>> {
    let mut instants = vec![None, Some(at(0))];
    for event in events {
        let millis = event.event.occurred_at.as_millis();
        let steps: &[i64] = if event.event.correction_of.is_none() { &[-1, 0, 1] } else { &[0] };
        instants.extend(steps.iter().map(|step| Some(Timestamp::clamped_from_millis(millis + step))));
    }
    instants.sort_unstable();
    instants.dedup();
    instants
}

/// What is asked of an order at an instant: as it is known now, in both views, and, if it was corrected, as it was
/// known before its corrections and before nearly everything.
fn questions(events: &[Recorded], at: Option<Timestamp>) -> Vec<AsOf> {
    let corrected = AsOf { at, ..AsOf::default() };
    let received_at = |corrections: bool| {
        events.iter().filter(move |e| corrections || e.event.correction_of.is_none()).map(|event| event.received_at)
    };
    let mut questions = vec![corrected];
    if received_at(false).max() < received_at(true).max() {
        questions.push(AsOf { view: View::Original, ..corrected });
        questions.push(AsOf { known_at: received_at(false).max(), ..corrected });
        questions.push(AsOf { known_at: received_at(true).min(), ..corrected });
    }
    questions
}

#[test]
fn as_of_at_every_instant_is_the_fold_of_the_prefix() {
    let (rules, mut asked) = (rules(), 0);
    for order in orders() {
        for events in [corrected(&order), order] {
            for instant in instants(&events) {
                for as_of in questions(&events, instant) {
                    let folded = fold(&events, as_of, &rules);
                    naive::assert_same(&folded, naive::fold(&events, as_of, &rules), |_| false, &as_of);
                    asked += 1;
                }
            }
        }
    }
    assert!(asked > 10_000, "only {asked} questions were asked");
}

#[test]
fn a_stored_state_changes_nothing() {
    let (rules, mut used, mut refused) = (rules(), 0, 0);
    for order in orders() {
        let events = corrected(&order);
        let log_ends = [order.iter().map(|e| e.sequence).max(), events.iter().map(|e| e.sequence).max()];
        let stored: Vec<_> = log_ends.iter().flat_map(|end| stored_states(&events, *end, &rules)).collect();
        for as_of in instants(&order).into_iter().flat_map(|instant| questions(&events, instant)) {
            let naive = naive::fold(&events, as_of, &rules);
            for stored in &stored {
                match resumed(&events, as_of, stored, &rules) {
                    Ok(folded) => {
                        used += 1;
                        naive::assert_same(&folded, naive.clone(), |_| true, &as_of);
                    }
                    Err(FoldError::Unusable(_)) => refused += 1,
                    Err(other) => panic!("{other}"),
                }
            }
        }
    }
    assert!(used > 1_000 && refused > 1_000, "used {used} times, refused {refused} times");
}

/// A state of each view after each event, as it was when the log ended at `end`.
fn stored_states(events: &[Recorded], end: Option<u64>, rules: &Rules) -> Vec<StoredState> {
    let at_event = |event: &Recorded| {
        [View::Corrected, View::Original].map(|view| {
            let as_of = AsOf { at: Some(event.event.occurred_at), known_at: None, through: end, view };
            fold(events, as_of, rules).into_stored("snap".to_owned(), view).unwrap()
        })
    };
    events.iter().filter(|event| event.event.correction_of.is_none()).flat_map(at_event).collect()
}

/// As the store does it: the corrections, each with the place of its original, and the events after the state.
fn resumed(
    events: &[Recorded],
    as_of: AsOf,
    stored: &StoredState,
    rules: &Rules,
) -> Result<domain::order::Folded, FoldError> {
    // It lists the headers before it reads a state.
    stored.header.usable(&as_of)?;
    let mut corrections = corrections(events);
    for event in events {
        corrections.locate(event.event.event_id.clone(), event.position());
    }
    let after = stored.header.position;
    let mut fold = Fold::resume(as_of, corrections, stored.clone())?;
    feed(&mut fold, events.iter().filter(|event| event.position() > after), rules)?;
    Ok(fold.answer(true)?)
}

#[test]
fn reading_stops_at_the_instant() {
    for events in orders() {
        let mut fold = Fold::new(AsOf { at: Some(at(0)), ..AsOf::default() }, Corrections::default());
        let first = events.iter().min_by_key(|event| event.position()).unwrap();
        assert_eq!(fold.apply(first.clone(), &Default::default()), Ok(Step::Past));
        assert_eq!(fold.answer(true).unwrap().events, 0);
    }
}
