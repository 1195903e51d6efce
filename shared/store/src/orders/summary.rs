//! What is known of an order, and how an event changes it. Pure.

use domain::{
    ids::{EventType, OrderId},
    record,
    time::Timestamp,
};

use super::CustomerId;
use crate::log::Entry;

/// What is known of an order without its events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderSummary {
    pub order_id: OrderId,
    /// How many events its timeline has, our own records included.
    pub events: u64,
    /// Of the last of these, in the log.
    pub last_sequence: u64,
    pub last_received_at: Timestamp,
    /// None while it has nothing but records of ours.
    pub occurred: Option<Occurred>,
    /// The one that was named last.
    pub customer_id: Option<CustomerId>,
}

/// When it happened, by its producers' clocks. Our own records do not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occurred {
    pub first_at: Timestamp,
    pub last_at: Timestamp,
    /// What happened at `last_at`; of several events, the last in the log.
    pub last_type: EventType,
}

/// What an event changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) sequence: u64,
    received_at: Timestamp,
    /// None for a record of ours.
    said: Option<Said>,
}

/// What a producer's event says.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Said {
    occurred_at: Timestamp,
    event_type: EventType,
    customer_id: Option<CustomerId>,
}

impl Change {
    pub(super) fn new(sequence: u64, received_at: Timestamp, entry: &Entry) -> Self {
        let event = &entry.event;
        let said = (!record::is_record(&event.event_type)).then(|| Said {
            occurred_at: event.occurred_at,
            event_type: event.event_type.clone(),
            customer_id: CustomerId::of(&event.payload),
        });
        Self { sequence, received_at, said }
    }
}

/// The order after those of the changes that it does not have yet; none when it has them all. `changes` are in the
/// order of the log, and leave out nothing between the summary and the last of them.
pub(super) fn fold(order_id: &OrderId, before: Option<&OrderSummary>, changes: &[Change]) -> Option<OrderSummary> {
    let known = before.map_or(0, |before| before.last_sequence);
    let new = changes.iter().filter(|change| change.sequence > known);
    let mut after = None;
    for change in new {
        let order = after.get_or_insert_with(|| before.cloned().unwrap_or_else(|| unheard_of(order_id, change)));
        order.add(change);
    }
    after
}

fn unheard_of(order_id: &OrderId, first: &Change) -> OrderSummary {
    OrderSummary {
        order_id: order_id.clone(),
        events: 0,
        last_sequence: 0,
        last_received_at: first.received_at,
        occurred: None,
        customer_id: None,
    }
}

impl OrderSummary {
    fn add(&mut self, change: &Change) {
        self.events += 1;
        self.last_sequence = change.sequence;
        self.last_received_at = change.received_at;
        let Some(Said { occurred_at, event_type, customer_id }) = &change.said else { return };
        let occurred = self.occurred.get_or_insert_with(|| Occurred {
            first_at: *occurred_at,
            last_at: *occurred_at,
            last_type: event_type.clone(),
        });
        occurred.first_at = occurred.first_at.min(*occurred_at);
        if *occurred_at >= occurred.last_at {
            occurred.last_at = *occurred_at;
            occurred.last_type = event_type.clone();
        }
        if let Some(customer_id) = customer_id {
            self.customer_id = Some(customer_id.clone());
        }
    }
}
