//! Real orders where they lie beside the checkout, else the project's own sample: as-of at every instant, with and without
//! stored states, before and after corrections.

use std::{collections::BTreeMap, io::Read as _, path::Path};

use domain::{
    event::{self, Event, TenantSource},
    order::View,
    time::Timestamp,
};
use flate2::read::MultiGzDecoder;
use serde_json::json;

use super::{Question, Rules, World};

/// How many orders are tried: those with the most events.
const ORDERS: usize = 500;

fn orders() -> Vec<Vec<Event>> {
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
    let mut orders: BTreeMap<_, Vec<Event>> = BTreeMap::new();
    let mut seen = std::collections::HashSet::new();
    for line in text.lines() {
        let (_, event) = event::parse(line.as_bytes(), TenantSource::Token(&tenant)).unwrap();
        if seen.insert(event.event_id.clone()) {
            orders.entry(event.order_id.clone()).or_default().push(event);
        }
    }
    let mut orders: Vec<_> = orders.into_values().collect();
    orders.sort_by_key(|events| std::cmp::Reverse(events.len()));
    orders.truncate(ORDERS);
    orders
}

#[tokio::test]
async fn as_of_at_every_instant_is_the_fold_of_the_prefix() {
    let world = World::new().await;
    let payments = json!({"rule": "append", "at": "/payments"});
    world.rule("order.payment.succeeded", payments.clone()).await;
    let rules = Rules::from([("order.payment.succeeded".to_owned(), serde_json::from_value(payments).unwrap())]);
    let (mut asked, mut based) = (0, 0);
    for events in orders() {
        let order_id = events[0].order_id.clone();
        // Half of it, and its state stored; then the rest, and then what was wrong.
        let half = events.len().div_ceil(2);
        for part in [&events[..half], &events[half..]] {
            world.record(part.iter().cloned()).await;
            ask(&world, &events, &rules, &mut asked, &mut based).await;
            let last = events[half - 1].occurred_at;
            for view in [View::Corrected, View::Original] {
                let id = format!("{order_id}_{}_{view:?}", part.len() + asked);
                world.store(&order_id, &id, last, view).await;
            }
            ask(&world, &events, &rules, &mut asked, &mut based).await;
        }
        let wrong = &events[half / 2];
        let correction = Event {
            event_id: format!("{}_corrected", wrong.event_id).parse().unwrap(),
            event_type: "order.corrected".parse().unwrap(),
            correction_of: Some(wrong.event_id.clone()),
            payload: serde_json::from_value(json!({"corrected": {"by": "audit"}, "currency": null})).unwrap(),
            ..wrong.clone()
        };
        world.record([correction]).await;
        ask(&world, &events, &rules, &mut asked, &mut based).await;
        world.store(&order_id, &format!("{order_id}_after"), events[half - 1].occurred_at, View::Corrected).await;
        ask(&world, &events, &rules, &mut asked, &mut based).await;
    }
    assert!(asked > 10_000 && based * 10 > asked, "{asked} questions, of which {based} started from a stored state");
}

/// Just before, at and just after each event, and without an instant.
async fn ask(world: &World, events: &[Event], rules: &Rules, asked: &mut usize, based: &mut usize) {
    let order_id = &events[0].order_id;
    let all = world.all(order_id).await;
    let mut instants = vec![None];
    for event in events {
        let millis = event.occurred_at.as_millis();
        instants.extend([-1, 0, 1].map(|step| Some(Timestamp::clamped_from_millis(millis + step))));
    }
    instants.sort_unstable();
    instants.dedup();
    for at in instants {
        for view in [View::Corrected, View::Original] {
            let question = Question { at, view, ..Question::default() };
            *asked += 1;
            *based += usize::from(world.check(order_id, &all, question, rules).await);
        }
    }
}
