//! An order with 100,000 events. What is held of them is counted by the reading itself.

use domain::{
    filter::EventFilter,
    order::{Milestones, View},
};
use serde_json::json;

use super::{Question, World, at, event};
use crate::log::Order;

const EVENTS: usize = 100_000;
/// A small window, so that the order is many times as large.
const WINDOW: usize = 1024 * 1024;
/// More than one event of these takes in the window.
const ONE: usize = 1024;

/// Events of about half a kilobyte; `second` says when the event with a number occurred.
async fn world(second: impl Fn(usize) -> i64) -> World {
    let mut world = World::new().await;
    world.history = world.history.clone().with_window(WINDOW);
    for start in (0..EVENTS).step_by(500) {
        let touched = |number: usize| {
            let payload = json!({format!("field_{}", number % 10): number, "note": "n".repeat(250)});
            event("ord_1", &format!("evt_{number}"), second(number), "order.touched", payload)
        };
        world.record((start..start + 500).map(touched)).await;
    }
    world
}

#[tokio::test]
async fn an_order_recorded_nearly_in_order_is_read_once() {
    // Each thousand is recorded backwards, as by batches that overtake each other.
    let world = world(|number| (number / 1_000 * 1_000 + (999 - number % 1_000)) as i64).await;
    let order_id = "ord_1".parse().unwrap();
    let between = [Milestones { from: "order.touched".parse().unwrap(), to: "*".parse().unwrap() }];
    let (numbers, reading) = world.history.aggregate(&world.tenant, &order_id, &between).await.unwrap();
    assert_eq!((numbers.events, numbers.duration_millis), (EVENTS as u64, Some(99_999_000)));
    assert_eq!((reading.passes, reading.read), (1, EVENTS as u64));
    assert!(reading.held <= WINDOW + ONE, "{} bytes were held", reading.held);

    let told = world.history.as_of(&world.tenant, &order_id, Question::default()).await.unwrap().unwrap();
    assert_eq!((told.folded.events, told.reading.passes), (EVENTS as u64, 1));
    assert!(told.reading.held <= WINDOW + ONE, "{} bytes were held", told.reading.held);
    // The last of each field in the order of time, which is the first of its thousand in the order of the log.
    assert_eq!(told.folded.state["field_0"], json!(99_000));
    assert_eq!(told.folded.state["field_9"], json!(99_009));

    let (filter, mut after, mut seen) = (EventFilter::default(), None, 0);
    loop {
        let page = world.log.timeline(&world.tenant, &order_id, &filter, Order::Sequence, after, 1_000).await.unwrap();
        seen += page.events.len();
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, EVENTS);

    // A stored state late in the order leaves little to read.
    let captured_at = at(98_999);
    assert!(world.store(&order_id, "snap_1", captured_at, View::Corrected).await);
    let told = world.history.as_of(&world.tenant, &order_id, Question::default()).await.unwrap().unwrap();
    assert_eq!(told.base, Some("snap_1".parse().unwrap()));
    assert_eq!(told.folded.events, 1_000);
    assert!(told.reading.read <= 1_001, "{} events were read", told.reading.read);
    assert_eq!(told.folded.state["field_0"], json!(99_000));
}

#[tokio::test]
async fn an_order_recorded_backwards_is_read_in_passes() {
    let world = world(|number| (EVENTS - number) as i64).await;
    let order_id = "ord_1".parse().unwrap();
    let told = world.history.as_of(&world.tenant, &order_id, Question::default()).await.unwrap().unwrap();
    assert_eq!(told.folded.events, EVENTS as u64);
    assert_eq!(told.folded.state["field_9"], json!(9));
    assert!(told.reading.held <= WINDOW + ONE, "{} bytes were held", told.reading.held);
    // About half a kilobyte each: 50 windows, and the one that did not do.
    assert!((30..90).contains(&told.reading.passes), "{} passes", told.reading.passes);
}
