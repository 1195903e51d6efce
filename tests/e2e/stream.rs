//! Events as they are recorded, through the gateway: by long poll and as server-sent events.
//!
//! Where the gateway cannot stream, a stream is answered as a whole, as soon as there is something in it. What is tried
//! here holds either way.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Answer, Tenant, event};

/// Asks for server-sent events after an id.
async fn stream(tenant: &Tenant, query: &str, last_id: Option<&str>) -> Answer {
    let call = tenant.api.get(&format!("/events/stream?{query}")).token(&tenant.token(&["history_reader"]));
    let call = call.header("accept", "text/event-stream");
    let call = if let Some(id) = last_id { call.header("last-event-id", id) } else { call };
    let answer = call.send().await.expect(200);
    assert_eq!(answer.header("content-type"), "text/event-stream", "{}", answer.text);
    answer
}

/// The events of a stream, and its last id.
fn read(answer: &Answer) -> (Vec<Value>, String) {
    let (mut events, mut last_id) = (Vec::new(), String::new());
    for block in answer.text.split_terminator("\n\n") {
        for line in block.lines() {
            match line.split_once(':').unwrap() {
                ("id", id) => id.trim_start().clone_into(&mut last_id),
                ("data", data) => events.push(serde_json::from_str(data).unwrap()),
                ("event" | "retry" | "", _) => {}
                other => panic!("{} has a field {other:?}", answer.what),
            }
        }
    }
    (events, last_id)
}

fn ids(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["id"].as_str().unwrap()).collect()
}

async fn post(tenant: &Tenant, id: &str) {
    tenant.post("/events", &event(id, "ord_1")).await.expect(201);
}

#[tokio::test]
async fn a_long_poll_shows_what_is_there_and_waits_for_what_comes() {
    let tenant = Tenant::new("polling");
    let empty = tenant.get("/events/stream?wait=0").await.expect(200);
    assert_eq!(empty.json, serde_json::json!({"items": [], "next_after": 0}));
    for id in ["evt_1", "evt_2", "evt_3"] {
        post(&tenant, id).await;
    }
    let page = tenant.get("/events/stream?after=0&limit=2").await.expect(200);
    assert_eq!((ids(page.items()), &page.json["next_after"]), (vec!["evt_1", "evt_2"], &2.into()));
    let whole = tenant.get("/events/evt_1").await.expect(200).json;
    assert_eq!(page.items()[0], whole, "the same as by its id");
    let page = tenant.get("/events/stream?after=2&wait=0").await;
    assert_eq!((ids(page.items()), &page.json["next_after"]), (vec!["evt_3"], &3.into()));

    let started = Instant::now();
    let later = async {
        tokio::time::sleep(Duration::from_secs(3)).await;
        post(&tenant, "evt_4").await;
    };
    let (page, ()) = tokio::join!(tenant.get("/events/stream?wait=20"), later);
    assert_eq!((ids(page.items()), &page.json["next_after"]), (vec!["evt_4"], &4.into()));
    assert!(started.elapsed() < Duration::from_secs(20), "it does not wait to the end: {:?}", started.elapsed());
    let other = tenant.get("/events/stream?after=0&wait=0&type=order.cancelled").await;
    assert_eq!((ids(other.items()), &other.json["next_after"]), (vec![], &4.into()));
}

#[tokio::test]
async fn a_stream_is_resumed_without_loss_or_repeat_while_others_write() {
    const EVENTS: usize = 30;
    let tenant = Tenant::new("streaming");
    let write = async |writer: usize| {
        for n in 0..EVENTS / 3 {
            post(&tenant, &format!("evt_{writer}_{n}")).await;
        }
    };
    let follow = async {
        let (mut seen, mut last_id) = (Vec::new(), "0".to_owned());
        while seen.len() < EVENTS {
            let answer = stream(&tenant, "window=10", Some(&last_id)).await;
            let (events, last) = read(&answer);
            assert!(!events.is_empty(), "{} of {EVENTS} after {last_id}: {}", seen.len(), answer.text);
            seen.extend(events);
            last_id = last;
        }
        seen
    };
    let ((), (), (), seen) = tokio::join!(write(0), write(1), write(2), follow);
    let sequences: Vec<u64> = seen.iter().map(|event| event["sequence"].as_u64().unwrap()).collect();
    assert!(sequences.iter().copied().eq(1..=EVENTS as u64), "{sequences:?}");
    assert_eq!(seen, tenant.all("/events?limit=1000").await);

    let (from_now, last_id) = read(&stream(&tenant, "window=1", None).await);
    assert_eq!((from_now.len(), last_id), (0, EVENTS.to_string()), "its place is told before there is an event");
    let (rest, last_id) = read(&stream(&tenant, "after=0&window=1&source=warehouse", Some("28")).await);
    assert_eq!((rest.len(), last_id), (2, EVENTS.to_string()));
}

#[tokio::test]
async fn a_place_that_the_log_has_not_come_to_is_refused() {
    let tenant = Tenant::new("beyond");
    post(&tenant, "evt_1").await;
    tenant.get("/events/stream?after=2&wait=0").await.expect_problem(400, "invalid-parameter");
    let token = tenant.token(&["auditor"]);
    let call = |name, value| tenant.api.get("/events/stream?wait=0").token(&token).header(name, value).send();
    call("last-event-id", "2").await.expect_problem(400, "invalid-header");
    call("last-event-id", "x").await.expect_problem(400, "invalid-header");
    call("accept", "text/html").await.expect_problem(400, "invalid-header");
}
