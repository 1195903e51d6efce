//! Calls that fail when a test says so.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use aws_sdk_dynamodb::{
    config::{
        ConfigBag, Intercept, RuntimeComponents,
        interceptors::{AfterDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef},
    },
    error::BoxError,
};

use crate::error::StoreError;

/// When a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// It does not take effect.
    Before,
    /// It takes effect, and its answer is lost.
    After,
}

/// A plan that all ports of one process share: their calls are counted, and one of them fails. From then on all do, as
/// nothing that a process would have called is called after its crash. Clones are the same plan.
#[derive(Debug, Clone, Default)]
pub struct Faults(Arc<Plan>);

#[derive(Debug, Default)]
struct Plan {
    calls: AtomicU64,
    /// The number of the call that fails first, from 1.
    failing: Mutex<Option<(u64, Moment)>>,
}

/// A call that was made to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a fault of the test's plan")]
pub struct Injected;

impl From<Injected> for StoreError {
    fn from(_: Injected) -> Self {
        Self::Unavailable { operation: "a faulty call", code: "injected".to_owned() }
    }
}

impl Faults {
    /// The process crashes around its call of this number, from 1.
    #[must_use]
    pub fn crash(call: u64, moment: Moment) -> Self {
        let plan = Plan { calls: AtomicU64::new(0), failing: Mutex::new(Some((call, moment))) };
        Self(Arc::new(plan))
    }

    /// How many calls there were.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.0.calls.load(Ordering::SeqCst)
    }

    /// A port is about to make a call. What comes back is given to [`Faults::after`].
    ///
    /// # Errors
    /// When the call is not to be made.
    pub(crate) fn before(&self) -> Result<u64, Injected> {
        let call = self.0.calls.fetch_add(1, Ordering::SeqCst) + 1;
        match self.failing() {
            Some((failing, _)) if call > failing => Err(Injected),
            Some((failing, Moment::Before)) if call == failing => Err(Injected),
            _ => Ok(call),
        }
    }

    /// The call has taken effect.
    ///
    /// # Errors
    /// When its answer is lost.
    pub(crate) fn after(&self, call: u64) -> Result<(), Injected> {
        match self.failing() {
            Some((failing, _)) if call >= failing => Err(Injected),
            _ => Ok(()),
        }
    }

    fn failing(&self) -> Option<(u64, Moment)> {
        *self.0.failing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The calls of an SDK client, by the same plan.
impl Intercept for Faults {
    fn name(&self) -> &'static str {
        "Faults"
    }

    fn read_before_transmit(
        &self,
        _context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        Ok(self.before().map(drop)?)
    }

    fn read_after_deserialization(
        &self,
        _context: &AfterDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        // Calls of one client are made one after another, so the last counted is the one that is answered.
        Ok(self.after(self.calls())?)
    }
}
