//! The loop that takes invocations, and what happens around each.

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};

use lambda_runtime::{Context, Error, LambdaEvent, service_fn};
use serde::{Deserialize, Serialize};
use tracing::{Instrument as _, Span};

use crate::STARTED;
use crate::emf::FlushOnDrop;

/// Takes invocations until Lambda stops the environment, and gives each to `handler`.
///
/// Every line that the handler logs carries `request_id` (Lambda's) and `trace_id` (X-Ray's header)
/// in its span. Metrics are written when the handler is done, before its answer is sent: afterwards
/// the environment may be frozen at any moment.
///
/// # Errors
/// An error of the handler is logged and makes the invocation fail; `run` goes on. `run` itself
/// returns an error only when the Lambda Runtime API cannot be used.
pub async fn run<Event, Answer, Handler, Answering>(handler: Handler) -> Result<(), Error>
where
    Event: for<'de> Deserialize<'de>,
    Answer: Serialize,
    Handler: Fn(LambdaEvent<Event>) -> Answering,
    Answering: Future<Output = Result<Answer, Error>>,
{
    crate::init();
    let first = AtomicBool::new(true);
    let service = service_fn(|event: LambdaEvent<Event>| {
        let (span, flush) = begin(&first, &event.context);
        let answering = handler(event);
        async move {
            let _flush = flush;
            answering.await
        }
        .instrument(span)
    });
    ready();
    lambda_runtime::Runtime::new(service).run().await
}

/// The span of an invocation, and what is dropped when it is done. `first`: whether there was none before.
pub(crate) fn begin(first: &AtomicBool, context: &Context) -> (Span, FlushOnDrop) {
    if first.swap(false, Ordering::Relaxed) {
        metrics::counter!("ColdStarts").increment(1);
    }
    // A span of level `error` is there at every LOG_LEVEL, and so is the request's id.
    let span = tracing::error_span!("invocation", request_id = context.request_id, trace_id = context.xray_trace_id);
    (span, FlushOnDrop)
}

/// Says how long the start took.
pub(crate) fn ready() {
    if let Some(started) = STARTED.get() {
        let init_ms = started.elapsed().as_secs_f64() * 1000.0;
        tracing::info!(init_ms, "ready");
    }
}

/// Starts `work` beside the first poll, so that connections and keys are there when the first
/// invocation wants them. It must be of no consequence whether the work succeeds, or ends at all.
pub fn warm(what: &'static str, work: impl Future<Output = ()> + Send + 'static) {
    drop(tokio::spawn(work.instrument(tracing::error_span!("warm", what))));
}
