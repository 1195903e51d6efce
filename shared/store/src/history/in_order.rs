//! An order's events in the order of their fold, with bounded memory.
//!
//! The index has them in the order in which they were recorded, which is nearly the order in which they happened. So
//! they are held back in a *window*: while it has room, nothing is handed on, and an order that fits is sorted in it.
//! When it is full, the earliest event is handed on for each that comes. Only when an event turns up that happened before
//! one that was handed on already was the window too small; then the reading starts again, and goes through the
//! whole order as often as is needed, each time taking the next events that fill the window.

use std::{collections::BTreeMap, pin::pin};

use domain::{
    event::Event,
    ids::{OrderId, TenantId},
    order::{Pointer, Position, Recorded},
    time::Timestamp,
};
use futures::TryStreamExt;

use crate::{
    error::StoreError,
    log::{Listing, Log, RecordedEvent},
};

/// How many bytes of JSON are held at once. Beside them stands one page of what the database answers.
pub(super) const WINDOW: usize = 32 * 1024 * 1024;
/// What an event takes in the window apart from its JSON, about.
const OVERHEAD: usize = 128;

/// Who follows an order's events.
pub(super) trait Follower: Send {
    type Error: From<StoreError> + Send;

    /// Looks at an event as it is read, in the sequence of the log and once in every pass, and says what becomes of it.
    fn look(&mut self, event: RecordedEvent) -> Result<Look, Self::Error>;

    /// Takes the next event in the order of the fold, of those that were to be kept.
    fn take(&mut self, event: Recorded) -> Result<(), Self::Error>;
}

/// What becomes of an event that was read.
#[derive(Debug)]
pub(super) enum Look {
    /// It is handed on in its turn.
    Keep(Box<Recorded>),
    Skip,
    /// Neither it nor anything that was recorded after it matters.
    End,
}

/// What is read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    /// Events after this sequence number,
    pub(super) after: u64,
    /// up to this one.
    pub(super) through: Option<u64>,
    /// Bytes of JSON to hold.
    pub(super) window: usize,
}

/// How the reading went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reading {
    /// The last event that mattered, by its sequence; 0 when there was none.
    pub through: u64,
    /// How many events were looked at, each time that they were.
    pub read: u64,
    /// How often the order was gone through.
    pub passes: u32,
    /// The most bytes that the window held.
    pub held: usize,
}

/// Lets a follower see the events. It is made anew when the reading has to start again.
pub(super) async fn follow<F: Follower>(
    log: &Log,
    tenant: &TenantId,
    order_id: &OrderId,
    span: Span,
    make: impl Fn() -> F,
) -> Result<(F, Reading), F::Error> {
    let mut reading = Reading::default();
    let mut follower = make();
    if in_one_pass(log, tenant, order_id, span, &mut follower, &mut reading).await? {
        return Ok((follower, reading));
    }
    let mut follower = make();
    let mut span = span;
    let mut done = None;
    loop {
        let pass = Window::after(done, span.window);
        let (window, end) = in_passes(log, tenant, order_id, span, &mut follower, pass, &mut reading).await?;
        // What is recorded from now on is no part of this reading.
        span.through.get_or_insert(end);
        let more = window.more;
        for (position, held) in window.events {
            done = Some(position);
            follower.take(held.open(position)?)?;
        }
        if !more {
            return Ok((follower, reading));
        }
    }
}

/// False when an event came too late for the window.
async fn in_one_pass<F: Follower>(
    log: &Log,
    tenant: &TenantId,
    order_id: &OrderId,
    span: Span,
    follower: &mut F,
    reading: &mut Reading,
) -> Result<bool, F::Error> {
    reading.passes += 1;
    let mut window = Window::after(None, span.window);
    let mut events = pin!(log.listed(tenant, order_id, Listing::Timeline, span.after));
    while let Some(event) = events.try_next().await? {
        let sequence = event.sequence;
        reading.read += 1;
        if span.through.is_some_and(|through| sequence > through) {
            break;
        }
        match follower.look(event)? {
            Look::End => break,
            Look::Skip => {}
            Look::Keep(event) => {
                if window.done.is_some_and(|done| event.position() <= done) {
                    return Ok(false);
                }
                window.add(*event)?;
                reading.held = reading.held.max(window.bytes);
                while let Some((position, held)) = window.first_too_many() {
                    follower.take(held.open(position)?)?;
                }
            }
        }
        reading.through = sequence;
    }
    for (position, held) in window.events {
        follower.take(held.open(position)?)?;
    }
    Ok(true)
}

/// The next events that fill the window, and the last sequence that was read.
async fn in_passes<F: Follower>(
    log: &Log,
    tenant: &TenantId,
    order_id: &OrderId,
    span: Span,
    follower: &mut F,
    mut window: Window,
    reading: &mut Reading,
) -> Result<(Window, u64), F::Error> {
    reading.passes += 1;
    let mut end = span.after;
    let mut events = pin!(log.listed(tenant, order_id, Listing::Timeline, span.after));
    while let Some(event) = events.try_next().await? {
        let sequence = event.sequence;
        reading.read += 1;
        if span.through.is_some_and(|through| sequence > through) {
            break;
        }
        end = sequence;
        match follower.look(event)? {
            Look::End => break,
            Look::Skip => {}
            Look::Keep(event) => {
                if window.done.is_none_or(|done| event.position() > done) {
                    window.add(*event)?;
                    reading.held = reading.held.max(window.bytes);
                    window.forget_the_last();
                }
            }
        }
        reading.through = reading.through.max(sequence);
    }
    Ok((window, end))
}

/// Events by their place in the fold.
struct Window {
    events: BTreeMap<Position, Held>,
    bytes: usize,
    room: usize,
    /// What was handed on already: everything up to this.
    done: Option<Position>,
    /// Something did not fit.
    more: bool,
}

/// An event in the window.
struct Held {
    received_at: Timestamp,
    redacted: Vec<Pointer>,
    /// As JSON, which is compact and has a length.
    event: Vec<u8>,
}

impl Held {
    fn open(self, position: Position) -> Result<Recorded, StoreError> {
        let event: Event = serde_json::from_slice(&self.event).map_err(StoreError::corrupt)?;
        Ok(Recorded { sequence: position.sequence, received_at: self.received_at, event, redacted: self.redacted })
    }
}

impl Window {
    fn after(done: Option<Position>, room: usize) -> Self {
        Self { events: BTreeMap::new(), bytes: 0, room, done, more: false }
    }

    fn add(&mut self, recorded: Recorded) -> Result<(), StoreError> {
        let position = recorded.position();
        let event = serde_json::to_vec(&recorded.event).map_err(StoreError::corrupt)?;
        self.bytes += event.len() + OVERHEAD;
        let held = Held { received_at: recorded.received_at, redacted: recorded.redacted, event };
        self.events.insert(position, held);
        Ok(())
    }

    /// The window always holds one, however large.
    fn is_over(&self) -> bool {
        self.bytes > self.room && self.events.len() > 1
    }

    fn first_too_many(&mut self) -> Option<(Position, Held)> {
        let (position, held) = self.is_over().then(|| self.events.pop_first()).flatten()?;
        self.bytes -= held.event.len() + OVERHEAD;
        self.done = Some(position);
        Some((position, held))
    }

    fn forget_the_last(&mut self) {
        while self.is_over() {
            let Some((_, held)) = self.events.pop_last() else { return };
            self.bytes -= held.event.len() + OVERHEAD;
            self.more = true;
        }
    }
}
