//! What waiting costs, in units as DynamoDB counts them.

use http_api::testing::TestGate;
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};
use store::{Clock, Log};

use super::{acme, everything, submission};

/// Read units and calls since this was last asked.
fn taken(snapshotter: &Snapshotter) -> (u64, u64) {
    let counters = snapshotter.snapshot().into_vec();
    let of = |name: &str| {
        let counter = counters.iter().find(|(key, ..)| key.key().name() == name);
        counter.map_or(0, |(.., value)| if let DebugValue::Counter(count) = value { *count } else { 0 })
    };
    (of("ReadUnits"), of("DynamoDbCalls"))
}

#[tokio::test]
async fn a_look_at_a_log_without_news_costs_one_read_unit() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let _counting = metrics::set_default_local_recorder(&recorder);
    let gate = TestGate::start().await;
    let log = Log::for_tests(gate.dynamo().aws(), Clock::System);
    let submissions = (0..400).map(|n| submission(&format!("evt_{n}"), "order.created")).collect();
    log.append(&acme(), submissions).await.unwrap();
    taken(&snapshotter);

    let mut tail = log.tail_from_end(&acme(), everything()).await.unwrap();
    let (start, calls) = taken(&snapshotter);
    assert_eq!(calls, 1);
    assert!(start > 1, "the last segment is read as a whole: {start}");
    for _ in 0..5 {
        assert!(tail.read(usize::MAX, usize::MAX).await.unwrap().is_none());
        assert_eq!(taken(&snapshotter), (1, 1));
    }
    log.append(&acme(), vec![submission("one", "order.created")]).await.unwrap();
    taken(&snapshotter);
    assert_eq!(tail.read(usize::MAX, usize::MAX).await.unwrap().unwrap().events.len(), 1);
    assert_eq!(taken(&snapshotter), (1, 1), "what is new is read once, and nothing else with it");
}
