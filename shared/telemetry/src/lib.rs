//! What every function shares, whether it speaks HTTP or not: JSON logs, metrics, and the loop that
//! takes invocations.
//!
//! - **Logs** are one JSON object a line on stderr, with the invocation's `request_id` in `span`.
//!   `LOG_LEVEL` (`error`, `warn`, `info`, `debug`, `trace`; default `info`) sets the level of our own
//!   crates. Libraries never say more than warnings: below that they write requests and answers into
//!   the log, and so payloads.
//! - **Metrics** are recorded with the macros of the `metrics` crate, names in CamelCase as in
//!   CloudWatch, and written to stdout in CloudWatch's embedded metric format after each invocation, in
//!   namespace `METRICS_NAMESPACE` (default `OrderHistory`) with dimension `Function`. A label is one
//!   more dimension, and each of its values is billed as a metric of its own. A histogram keeps 100
//!   values an invocation, the format's limit: for many records, record a sum.
//!
//! A function that is not called over HTTP is started with [`run`]:
//!
//! ```no_run
//! # async fn handle(_: telemetry::LambdaEvent<serde_json::Value>) -> Result<(), telemetry::Error> { Ok(()) }
//! # async fn main_of_a_function() -> Result<(), telemetry::Error> {
//! telemetry::init();
//! // … read the configuration, build the clients …
//! telemetry::run(handle).await
//! # }
//! ```
//!
//! [`run_streaming`] is the same for one whose answer goes out little by little.

mod emf;
mod invocation;
mod logs;
mod streaming;

pub use invocation::{run, warm};
pub use lambda_runtime::{Context, Error, LambdaEvent, MetadataPrelude, StreamResponse};
pub use streaming::run_streaming;

use std::sync::OnceLock;
use std::time::Instant;

/// When [`init`] was first called: the start of the process, for all we can tell.
static STARTED: OnceLock<Instant> = OnceLock::new();

/// Switches logs and metrics on. Call it first in `main`, so that a bad configuration is logged as
/// everything else is; a second call does nothing.
pub fn init() {
    STARTED.get_or_init(|| {
        logs::init();
        emf::init();
        Instant::now()
    });
}
