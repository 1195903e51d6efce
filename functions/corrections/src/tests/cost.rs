//! What a correction costs beyond any other event, in the units that the database counts.

use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};

use super::*;

/// Read units, write units and calls since this was last asked.
fn used(counted: &Snapshotter) -> [u64; 3] {
    let mut used = [0; 3];
    for (key, _, _, value) in counted.snapshot().into_vec() {
        let place = ["ReadUnits", "WriteUnits", "DynamoDbCalls"].iter().position(|name| *name == key.key().name());
        if let (Some(place), DebugValue::Counter(count)) = (place, value) {
            used[place] += count;
        }
    }
    used
}

#[tokio::test]
async fn a_correction_costs_one_read_and_the_copy_among_what_is_linked() {
    let service = service().await;
    let recorder = DebuggingRecorder::new();
    let counted = recorder.snapshotter();
    // The test runs in one thread, and so does all that it counts.
    let _counting = metrics::set_default_local_recorder(&recorder);
    // The first correction finds no schema in the cache. Whoever commits looks for the index items of the commit before,
    // so both that are compared come after an event of two.
    service.record("acme", "evt_1").await;
    assert_eq!(service.correct(&correction("evt_2", "evt_1")).await.status, 201);
    service.record("acme", "evt_3").await;
    used(&counted);

    service.record("acme", "evt_4").await;
    let [reads, writes, calls] = used(&counted);
    assert!(reads > 0 && writes > 0 && calls > 0);
    assert_eq!(service.correct(&correction("evt_5", "evt_4")).await.status, 201);
    assert_eq!(used(&counted), [reads + 1, writes + 1, calls + 1]);
}
