//! Runtimes: one where time is the machine's, and one where it is only what the protocol waits for.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use anyhow::Result;
use store::Clock;
use tokio::{runtime::Builder, time::Instant};

/// 2025-08-29T12:34:56Z in milliseconds since 1970.
const START: i64 = 1_756_470_896_000;

/// Time is the machine's.
pub(crate) fn real<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    Builder::new_multi_thread().enable_all().build()?.block_on(work)
}

/// Time stands still while anybody has something to do, and else jumps to when the next one wakes. So everything takes
/// exactly as long as its round trips and pauses, as on a machine of which every writer has one to itself; and with the
/// same seeds every run is the same.
pub(crate) fn virtually<T>(work: impl AsyncFnOnce(Clock) -> Result<T>) -> Result<T> {
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build()?;
    runtime.block_on(with_wall_clock(work))
}

/// The wall clock goes with the runtime's.
pub(crate) async fn with_wall_clock<T>(work: impl AsyncFnOnce(Clock) -> Result<T>) -> Result<T> {
    let millis = Arc::new(AtomicI64::new(START));
    let (started, shown) = (Instant::now(), Arc::clone(&millis));
    let ticking = tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_millis(1)).await;
            let passed = i64::try_from(started.elapsed().as_millis()).unwrap_or_default();
            shown.store(START + passed, Ordering::Relaxed);
        }
    });
    let done = work(Clock::Manual(millis)).await;
    ticking.abort();
    done
}
