//! Capacity units, from the metrics that the store records of every call's `ConsumedCapacity`.

use std::sync::OnceLock;

use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};
use tokio::runtime::{Handle, RuntimeFlavor};

static RECORDER: OnceLock<Snapshotter> = OnceLock::new();

/// What some work has used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Units {
    pub(crate) read: u64,
    pub(crate) written: u64,
    pub(crate) calls: u64,
}

/// Only one counts at a time: there is one recorder in a process.
static COUNTING: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// What some work has used, with all that it starts. On a runtime of one thread nothing else is counted, so that tests
/// may count beside each other. On several threads what others use meanwhile counts, too, and whoever counts like this
/// at the same time waits.
pub(crate) async fn of<T>(work: impl Future<Output = T>) -> (T, Units) {
    if Handle::current().runtime_flavor() == RuntimeFlavor::CurrentThread {
        let recorder = DebuggingRecorder::new();
        let counting = metrics::set_default_local_recorder(&recorder);
        let done = work.await;
        drop(counting);
        return (done, counted(&recorder.snapshotter()));
    }
    let _counting = COUNTING.lock().await;
    let recorder = RECORDER.get_or_init(|| {
        let recorder = DebuggingRecorder::new();
        let snapshotter = recorder.snapshotter();
        // Only the first recorder of a process counts, and this is it.
        let _ = recorder.install();
        snapshotter
    });
    counted(recorder);
    let done = work.await;
    (done, counted(recorder))
}

/// What was counted since this was last asked.
fn counted(recorder: &Snapshotter) -> Units {
    let mut units = Units::default();
    for (key, _, _, value) in recorder.snapshot().into_vec() {
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
