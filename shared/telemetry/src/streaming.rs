//! Invocations whose answer goes out little by little.

use std::{
    fmt::Debug,
    future::Future,
    pin::Pin,
    sync::atomic::AtomicBool,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures::Stream;
use lambda_runtime::{Error, LambdaEvent, StreamResponse, service_fn};
use serde::Deserialize;
use tracing::{Instrument as _, Span};

use crate::{
    emf::FlushOnDrop,
    invocation::{begin, ready},
};

/// [`run`](crate::run) for a function that is invoked with `InvokeWithResponseStream`: metadata first, and then chunks as
/// they come.
///
/// What is logged while a chunk is made is in the invocation's span as well. Metrics are written when the last chunk is
/// out: only then may the environment be frozen.
///
/// A stream should end rather than fail: the runtime writes what a failure says among the chunks, where a client takes
/// it for a part of the answer.
///
/// # Errors
/// As [`run`](crate::run).
pub async fn run_streaming<Event, Chunks, Failure, Handler, Answering>(handler: Handler) -> Result<(), Error>
where
    Event: for<'de> Deserialize<'de>,
    Chunks: Stream<Item = Result<Bytes, Failure>> + Unpin + Send + 'static,
    Failure: Into<Error> + Send + Debug,
    Handler: Fn(LambdaEvent<Event>) -> Answering,
    Answering: Future<Output = Result<StreamResponse<Chunks>, Error>>,
{
    crate::init();
    let first = AtomicBool::new(true);
    let service = service_fn(|event: LambdaEvent<Event>| {
        let (span, flush) = begin(&first, &event.context);
        let answering = handler(event);
        let within = span.clone();
        async move {
            let StreamResponse { metadata_prelude, stream } = answering.await?;
            let stream = Watched { stream: Some(stream), span: within, flush: Some(flush) };
            Ok::<_, Error>(StreamResponse { metadata_prelude, stream })
        }
        .instrument(span)
    });
    ready();
    lambda_runtime::Runtime::new(service).run().await
}

/// The chunks of an answer, and what is to happen after the last one.
struct Watched<Chunks, Flush = FlushOnDrop> {
    /// Gone when it has ended. Dropped before `flush`, as it may record something yet.
    stream: Option<Chunks>,
    span: Span,
    flush: Option<Flush>,
}

impl<Chunks: Stream + Unpin, Flush: Unpin> Stream for Watched<Chunks, Flush> {
    type Item = Chunks::Item;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        let _entered = this.span.enter();
        let Some(stream) = &mut this.stream else { return Poll::Ready(None) };
        let polled = Pin::new(stream).poll_next(context);
        if let Poll::Ready(None) = polled {
            // Before the end is told, for after it the environment may be frozen.
            this.stream = None;
            this.flush = None;
        }
        polled
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

    use std::sync::{Arc, Mutex};

    use futures::{FutureExt as _, StreamExt as _, stream};

    use super::*;

    /// Says when it goes.
    struct Going(&'static str, Arc<Mutex<Vec<&'static str>>>);

    impl Drop for Going {
        fn drop(&mut self) {
            self.1.lock().unwrap().push(self.0);
        }
    }

    type Said = Arc<Mutex<Vec<&'static str>>>;

    fn watched() -> (Watched<impl Stream<Item = u8> + Unpin, Going>, Said) {
        let said = Said::default();
        let going = Going("stream", Arc::clone(&said));
        let stream = stream::iter([1, 2]).inspect(move |_| {
            let _ = &going;
        });
        let flush = Some(Going("flush", Arc::clone(&said)));
        (Watched { stream: Some(stream), span: Span::none(), flush }, said)
    }

    #[test]
    fn metrics_are_written_after_the_last_chunk_and_before_the_end_is_told() {
        let (mut watched, said) = watched();
        assert_eq!(watched.next().now_or_never().unwrap(), Some(1));
        assert_eq!(watched.next().now_or_never().unwrap(), Some(2));
        assert!(said.lock().unwrap().is_empty());
        assert_eq!(watched.next().now_or_never().unwrap(), None);
        assert_eq!(*said.lock().unwrap(), ["stream", "flush"]);
        assert_eq!(watched.next().now_or_never().unwrap(), None);
    }

    #[test]
    fn metrics_are_written_when_the_client_goes_away() {
        let (mut watched, said) = watched();
        assert_eq!(watched.next().now_or_never().unwrap(), Some(1));
        drop(watched);
        assert_eq!(*said.lock().unwrap(), ["stream", "flush"]);
    }
}
