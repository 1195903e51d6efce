//! The main job on real input: through the stream in every form of record, into one log without a gap, out again as
//! timelines; checked by a program that shares no code with the service.

mod audit;
mod input;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use serde_json::Value;

use self::input::Input;
use crate::support::{Form, Shuffle, Stream, Tenant, eventually, side_by_side};

/// Ingest has this long for all of it, on a machine that does everything else as well.
const WITHIN: Duration = Duration::from_secs(420);
const AT_ONCE: usize = 12;

/// What an auditor keeps of an event: sequence, leaf hash, chain hash.
type Receipt = (u64, String, String);

#[tokio::test]
async fn every_event_is_recorded_once_and_comes_back_in_its_timeline() {
    let input = Input::read();
    let tenant = Tenant::new("main-job");
    let stream = Stream::new().await;

    input.send(&stream, &tenant.name, &input.in_order()).await;
    let total = input.events.len() as u64;
    eventually("ingest has taken in all events", WITHIN, || async {
        let (length, _) = tenant.head().await;
        if length >= total { Ok(()) } else { Err(format!("{length} of {total} events are in the log")) }
    })
    .await;
    let (length, head) = tenant.head().await;
    assert_eq!(length, total, "every event once");

    let first = receipts(&tenant).await;
    let sequences: BTreeSet<u64> = first.values().map(|(sequence, ..)| *sequence).collect();
    assert!(sequences.into_iter().eq(1..=total), "the sequences run from 1 to {total} without a gap");
    assert_eq!(first.keys().collect::<BTreeSet<_>>(), input.events.iter().map(|event| &event.id).collect());
    assert!(
        first.values().any(|(sequence, _, hash)| *sequence == total && *hash == head),
        "the last event is the head"
    );

    timelines_are_complete(&input, &tenant).await;
    audit::check(&tenant, &first).await;
    sending_it_again_adds_nothing(&input, &tenant, &stream, &first).await;
}

/// Every order has all of its events, in the order in which its producer sent them, and nothing else.
async fn timelines_are_complete(input: &Input, tenant: &Tenant) {
    let mut orders: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for event in &input.events {
        orders.entry(&event.order_id).or_default().push(&event.id);
    }
    side_by_side(AT_ONCE, orders, |(order_id, expected)| async move {
        let timeline = tenant.get(&format!("/orders/{order_id}/timeline?limit=1000")).await;
        let ids: Vec<&str> = timeline.items().iter().map(|event| event["id"].as_str().unwrap()).collect();
        assert_eq!(ids, expected, "the timeline of {order_id}");
    })
    .await;
}

async fn sending_it_again_adds_nothing(
    input: &Input,
    tenant: &Tenant,
    stream: &Stream,
    first: &BTreeMap<String, Receipt>,
) {
    let mut shuffled = input.in_order();
    Shuffle(20_251_121).shuffle(&mut shuffled);
    let keys = input.send(stream, &tenant.name, &shuffled).await;
    let marks = stream.settle(tenant, &keys).await;

    let mut second = receipts(tenant).await;
    for mark in &marks {
        assert!(second.remove(mark).is_some());
    }
    assert_eq!(&second, first, "each event has the place and the hashes that it had");
    assert_eq!(tenant.head().await.0, (first.len() + marks.len()) as u64, "nothing is added but the marks");

    let sample = shuffled.into_iter().take(60);
    side_by_side(AT_ONCE, sample, |event| async move {
        let receipt = tenant.post_text("/events", event.json.clone()).await.expect(200).json;
        assert_eq!(as_receipt(&receipt, &receipt), first[&event.id], "the receipt of {}", event.id);
    })
    .await;
}

/// All events of the tenant, from the list of events.
async fn receipts(tenant: &Tenant) -> BTreeMap<String, Receipt> {
    let events = tenant.all("/events?limit=1000").await;
    let count = events.len();
    let receipts: BTreeMap<_, _> = events
        .iter()
        .map(|event| (event["id"].as_str().unwrap().to_owned(), as_receipt(event, &event["integrity"])))
        .collect();
    assert_eq!(receipts.len(), count, "no event is listed twice");
    receipts
}

fn as_receipt(event: &Value, hashes: &Value) -> Receipt {
    let hash = |name: &str| hashes[name].as_str().unwrap().to_owned();
    (event["sequence"].as_u64().unwrap(), hash("sha256"), hash("ledger_hash"))
}

/// The forms of records, with how many events each gets.
const FORMS: [(Form, usize); 7] = [
    (Form::Ndjson, 1),
    (Form::Array, 50),
    (Form::Ndjson, 100),
    (Form::GzipNdjson, 150),
    (Form::ZstdNdjson, 150),
    (Form::Aggregated, 60),
    (Form::AggregatedMix, 120),
];

impl Input {
    /// Puts events on the stream in a mix of all forms, those of one order in their order. Returns the partition keys.
    async fn send(&self, stream: &Stream, tenant: &str, events: &[&input::Event]) -> Vec<String> {
        // Events of an order go under one key, and no call has two records of one key.
        let keys: Vec<String> = (0..8).map(|key| format!("{tenant}-{key}")).collect();
        let mut partitions: HashMap<usize, Vec<&input::Event>> = HashMap::new();
        for event in events {
            partitions.entry(event.partition(keys.len())).or_default().push(event);
        }
        let mut forms = FORMS.iter().cycle();
        let mut queues: Vec<(String, Vec<Vec<u8>>)> = Vec::new();
        for (partition, events) in partitions {
            let events: Vec<String> = events.iter().map(|event| event.of_tenant(tenant)).collect();
            let (mut records, mut rest) = (Vec::new(), &events[..]);
            while !rest.is_empty() {
                let (form, count) = forms.next().unwrap();
                let (chunk, others) = rest.split_at((*count).min(rest.len()));
                records.push(form.record(&chunk.iter().map(String::as_str).collect::<Vec<_>>()));
                rest = others;
            }
            records.reverse();
            queues.push((keys[partition].clone(), records));
        }
        loop {
            let round: Vec<(String, Vec<u8>)> =
                queues.iter_mut().filter_map(|(key, records)| Some((key.clone(), records.pop()?))).collect();
            if round.is_empty() {
                return keys;
            }
            stream.put(&round).await;
        }
    }
}
