//! Waiting before the next try.

use std::time::Duration;

use crate::error::StoreError;

const FIRST: Duration = Duration::from_millis(10);
const LONGEST: Duration = Duration::from_millis(500);
/// For what a batch call left undone: DynamoDB says so instead of failing when a table is throttled.
const MOST: u32 = 10;

/// A random time between nothing and a bound that doubles ("full jitter",
/// <https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>): racing writers must not meet again.
pub(crate) async fn pause(attempt: u32) {
    let bound = FIRST.saturating_mul(1 << attempt.min(6)).min(LONGEST);
    tokio::time::sleep(bound.mul_f64(random_fraction())).await;
}

fn random_fraction() -> f64 {
    let sixteen_bits = getrandom::u32().unwrap_or(u32::MAX / 2) >> 16;
    f64::from(sixteen_bits) / 65_536.0
}

/// Counts the tries of a batch call that comes back incomplete.
pub(crate) struct Backoff {
    operation: &'static str,
    attempt: u32,
}

impl Backoff {
    pub(crate) fn new(operation: &'static str) -> Self {
        Self { operation, attempt: 0 }
    }

    /// Waits before the next try.
    ///
    /// # Errors
    /// [`StoreError::Throttled`] when there were enough.
    pub(crate) async fn wait(&mut self) -> Result<(), StoreError> {
        self.attempt += 1;
        if self.attempt >= MOST {
            return Err(StoreError::Throttled { operation: self.operation });
        }
        pause(self.attempt).await;
        Ok(())
    }
}
