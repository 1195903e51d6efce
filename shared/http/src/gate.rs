//! What every API function's state has a part of: who may come in, which requests came in before, which cursors are
//! ours, and who has read what.

use std::sync::Arc;

use store::requests::Requests;
use store::{AccessLog, Aws, StoreError};
use tokio::sync::OnceCell;

use crate::auth::Verifier;
use crate::config::ConfigError;
use store::Clock;

/// The shared part of a function's state; cheap to clone.
///
/// A state gives it to the extractors with `#[derive(FromRef)]`:
///
/// ```
/// #[derive(Clone, axum::extract::FromRef)]
/// struct OrdersApi {
///     gate: http_api::Gate,
///     // … the parts of the store that the handlers use …
/// }
/// ```
#[derive(Debug, Clone)]
pub struct Gate(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    verifier: Verifier,
    requests: Requests,
    access: AccessLog,
    cursor_key: OnceCell<CursorKey>,
    clock: Clock,
}

/// The secret that makes a cursor ours.
#[derive(Clone, Copy)]
pub(crate) struct CursorKey(pub(crate) [u8; 32]);

impl std::fmt::Debug for CursorKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CursorKey")
    }
}

impl Gate {
    /// A gate as the environment describes it: [`Verifier::from_env`], [`Requests::from_env`] and
    /// [`AccessLog::from_env`]. The issuer's keys are fetched in the background, so nothing waits for them before the
    /// first request.
    ///
    /// # Errors
    /// [`ConfigError`] when a variable is missing or unusable.
    pub fn from_env(aws: &Aws) -> Result<Self, ConfigError> {
        let clock = Clock::System;
        let verifier = Verifier::from_env(clock.clone())?;
        let gate = Self::new(verifier, Requests::from_env(aws)?, AccessLog::from_env(aws)?, clock);
        let warmed = gate.clone();
        telemetry::warm("token keys", async move { warmed.verifier().warm().await });
        Ok(gate)
    }

    pub(crate) fn new(verifier: Verifier, requests: Requests, access: AccessLog, clock: Clock) -> Self {
        Self(Arc::new(Inner { verifier, requests, access, cursor_key: OnceCell::new(), clock }))
    }

    /// What time it is.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    pub(crate) fn verifier(&self) -> &Verifier {
        &self.0.verifier
    }

    pub(crate) fn requests(&self) -> &Requests {
        &self.0.requests
    }

    pub(crate) fn access(&self) -> &AccessLog {
        &self.0.access
    }

    /// The key for cursors; read from the table by whoever needs it first.
    pub(crate) async fn cursor_key(&self) -> Result<CursorKey, StoreError> {
        let read = || async { self.0.requests.cursor_key().await.map(CursorKey) };
        self.0.cursor_key.get_or_try_init(read).await.copied()
    }
}
