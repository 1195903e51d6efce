//! Capacity units, from the metrics that the store records of every call's `ConsumedCapacity`.

use std::sync::OnceLock;

use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};

static RECORDER: OnceLock<Snapshotter> = OnceLock::new();

/// Units since the last call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Units {
    pub(crate) read: u64,
    pub(crate) written: u64,
    pub(crate) calls: u64,
}

/// Only one counts at a time: there is one recorder in a process.
static COUNTING: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// What some work has used. Whoever counts like this at the same time waits; what others use meanwhile counts, too.
pub(crate) async fn of<T>(work: impl Future<Output = T>) -> (T, Units) {
    let _counting = COUNTING.lock().await;
    take();
    let done = work.await;
    (done, take())
}

/// Takes what was counted since it was last taken.
pub(crate) fn take() -> Units {
    let snapshotter = RECORDER.get_or_init(|| {
        let recorder = DebuggingRecorder::new();
        let snapshotter = recorder.snapshotter();
        // Only the first recorder of a process counts, and this is it.
        let _ = recorder.install();
        snapshotter
    });
    let mut units = Units::default();
    for (key, _, _, value) in snapshotter.snapshot().into_vec() {
        let DebugValue::Counter(count) = value else { continue };
        match key.key().name() {
            "ReadUnits" => units.read += count,
            "WriteUnits" => units.written += count,
            "DynamoDbCalls" => units.calls += count,
            _ => {}
        }
    }
    units
}
