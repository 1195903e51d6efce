//! A window of a stream: from a client's coming to the end that was agreed on.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, stream};
use http_api::{PAGE_BYTES, Transfer, resources::Event};
use store::log::{Batch, Tail};
use tokio::time::{Instant, sleep_until};
use tracing::{Instrument as _, Span};

use crate::{pace::Pace, sse};

/// At the latest after this long, a client hears something.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// How much JSON is put into one chunk, unless it is a single event.
const CHUNK_BYTES: usize = 1024 * 1024;

/// What is sent in a window, chunk by chunk. It never fails: it ends, and the client comes back.
///
/// Where the gateway is buffered, the client hears nothing before the end. The window then ends as soon as there is
/// something to show, or is full.
pub(crate) fn chunks(
    tail: Tail,
    length: Duration,
    transfer: Transfer,
) -> impl Stream<Item = Result<Bytes, Infallible>> + Send + 'static {
    let window = Window::open(tail, length, transfer);
    stream::unfold(window, |mut window| {
        let span = window.span.clone();
        async move { window.chunk().await.map(|chunk| (Ok(chunk), window)) }.instrument(span)
    })
}

struct Window {
    tail: Tail,
    transfer: Transfer,
    pace: Pace,
    opened: Instant,
    ends: Instant,
    /// When the client heard something last.
    heard: Instant,
    /// The last id that the client knows; none before it was told any.
    told: Option<u64>,
    /// Events, and bytes of their JSON.
    sent: (u64, usize),
    over: bool,
    /// The request's.
    span: Span,
}

impl Window {
    fn open(tail: Tail, length: Duration, transfer: Transfer) -> Self {
        let now = Instant::now();
        Self {
            tail,
            transfer,
            pace: Pace::new(),
            opened: now,
            ends: now + length,
            heard: now,
            told: None,
            sent: (0, 0),
            over: false,
            span: Span::current(),
        }
    }

    /// The next chunk, when there is one; none at the end.
    async fn chunk(&mut self) -> Option<Bytes> {
        let chunk = if self.told.is_none() { Some(self.opening()) } else { self.following().await };
        if chunk.is_some() {
            self.heard = Instant::now();
        }
        chunk
    }

    fn opening(&mut self) -> Bytes {
        let position = self.tail.position();
        self.told = Some(position);
        sse::opening(position)
    }

    async fn following(&mut self) -> Option<Bytes> {
        while !self.over {
            let now = Instant::now();
            if now >= self.ends || (self.transfer == Transfer::Buffered && self.sent.1 >= PAGE_BYTES) {
                self.over = true;
            } else if now >= self.heard + KEEP_ALIVE {
                return Some(self.progress().unwrap_or_else(sse::keep_alive));
            } else {
                match self.tail.read(usize::MAX, self.room()).await {
                    Ok(Some(batch)) => {
                        self.pace.quicken();
                        if let Some(chunk) = self.show(batch) {
                            return Some(chunk);
                        }
                    }
                    Ok(None) if self.transfer == Transfer::Buffered && self.sent.0 > 0 => self.over = true,
                    Ok(None) => {
                        let next = Instant::now() + self.pace.pause();
                        sleep_until(next.min(self.ends).min(self.heard + KEEP_ALIVE)).await;
                    }
                    Err(error) => {
                        tracing::error!(%error, "a stream ends before its time");
                        self.over = true;
                    }
                }
            }
        }
        self.progress()
    }

    fn room(&self) -> usize {
        match self.transfer {
            Transfer::Streamed => CHUNK_BYTES,
            Transfer::Buffered => PAGE_BYTES - self.sent.1,
        }
    }

    /// The events of a batch, if it has any.
    fn show(&mut self, batch: Batch) -> Option<Bytes> {
        let Batch { events, bytes } = batch;
        let last = events.last()?.sequence;
        let events: Vec<_> = events.into_iter().map(Event::from).collect();
        match sse::events(&events) {
            Ok(chunk) => {
                self.sent = (self.sent.0 + events.len() as u64, self.sent.1 + bytes);
                self.told = Some(last);
                Some(chunk)
            }
            Err(error) => {
                tracing::error!(%error, "an event has no JSON form");
                // The position is behind these events: the client must not be told of it.
                self.told = Some(self.tail.position());
                self.over = true;
                None
            }
        }
    }

    /// How far the log was looked at, if the client does not know it.
    fn progress(&mut self) -> Option<Bytes> {
        let position = self.tail.position();
        (self.told != Some(position)).then(|| {
            self.told = Some(position);
            sse::progress(position)
        })
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        let (events, bytes) = self.sent;
        let seconds = self.opened.elapsed().as_secs_f64();
        metrics::counter!("EventsStreamed").increment(events);
        // A window that did not end by itself was left by its client.
        self.span.in_scope(|| tracing::info!(events, bytes, seconds, whole = self.over, "the window closed"));
    }
}
