//! Waiting for what happens behind a stream, and doing many things at once.

use std::time::{Duration, Instant};

use futures::{StreamExt as _, stream};

const POLL: Duration = Duration::from_millis(250);

/// Asks until there is an answer. An `Err` says how things stand, for the message of a test that waits in vain.
#[track_caller]
pub(crate) fn eventually<T, F: Future<Output = Result<T, String>>>(
    what: &str,
    within: Duration,
    mut ask: impl FnMut() -> F,
) -> impl Future<Output = T> {
    let place = std::panic::Location::caller();
    async move {
        let started = Instant::now();
        loop {
            match ask().await {
                Ok(answer) => return answer,
                Err(state) if started.elapsed() > within => {
                    panic!("{place}: waited {within:?} in vain until {what}; at last: {state}")
                }
                Err(_) => tokio::time::sleep(POLL).await,
            }
        }
    }
}

/// Does `work` for each item, `at_once` at a time. The answers come in the order of the items.
pub(crate) async fn side_by_side<I, T, F: Future<Output = T>>(
    at_once: usize,
    items: impl IntoIterator<Item = I>,
    work: impl FnMut(I) -> F,
) -> Vec<T> {
    stream::iter(items).map(work).buffered(at_once).collect().await
}
