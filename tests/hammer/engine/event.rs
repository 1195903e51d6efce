//! The events that are sent. Everything in one follows from its tenant and number, so that nothing of it is kept: the
//! check makes it anew and compares.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::dice::scramble;

/// So many events in a row belong to a block of orders.
const BLOCK: u64 = 40;
/// The orders of a block.
const ORDERS: u64 = 8;
/// One of so many events belongs to the one order of its tenant that never ends.
const ENDLESS: u64 = 50;

const STEPS: [&str; 6] =
    ["order.created", "order.paid", "order.picked", "order.shipped", "order.delivered", "order.returned"];

/// What all events of a run have in common.
#[derive(Debug, Clone)]
pub(crate) struct Maker {
    /// Part of every id, so that runs on the same tenants do not meet.
    pub(crate) run: String,
    /// How long the filling of a payload is, in characters.
    pub(crate) payload: usize,
}

/// An event as `POST /events` and the stream take it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Sent {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tenant_id: Option<String>,
    pub(crate) event_id: String,
    pub(crate) order_id: String,
    /// In the one form in which the API gives it back.
    pub(crate) occurred_at: String,
    pub(crate) source: &'static str,
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    pub(crate) schema_version: &'static str,
    pub(crate) payload: Value,
    pub(crate) metadata: Map<String, Value>,
}

impl Maker {
    pub(crate) fn id(&self, number: u64) -> String {
        format!("h-{}-{number}", self.run)
    }

    /// The number in an id of this run.
    pub(crate) fn number(&self, id: &str) -> Option<u64> {
        let digits = id.strip_prefix("h-")?.strip_prefix(self.run.as_str())?.strip_prefix('-')?;
        let number = digits.parse().ok()?;
        (self.id(number) == id).then_some(number)
    }

    /// The order that is there in each tenant and goes on all the time.
    pub(crate) fn endless_order(&self) -> String {
        format!("o-{}-endless", self.run)
    }

    fn order_of(&self, number: u64) -> String {
        let chance = scramble(number);
        if chance.is_multiple_of(ENDLESS) {
            return self.endless_order();
        }
        format!("o-{}-{}-{}", self.run, Self::block_of(number), (chance >> 32) % ORDERS)
    }

    /// Events of one order, but for the endless one, are in one block.
    pub(crate) fn block_of(number: u64) -> u64 {
        number / BLOCK
    }

    /// How many orders a block has.
    pub(crate) const ORDERS_A_BLOCK: u64 = ORDERS;

    /// The event; another `variant` is another content under the same id.
    pub(crate) fn event(&self, number: u64, variant: u8) -> Sent {
        let chance = scramble(number ^ 0x5eed);
        let filling = "Ünïcode and plain text, \"quoted\", 100 % ".chars().cycle();
        let filling: String = filling.skip((chance % 40) as usize).take(self.payload).collect();
        Sent {
            tenant_id: None,
            event_id: self.id(number),
            order_id: self.order_of(number),
            occurred_at: format!("2025-08-29T12:{:02}:{:02}Z", number / 60 % 60, number % 60),
            source: "hammer",
            kind: STEPS[(chance >> 8) as usize % STEPS.len()],
            schema_version: "v1",
            payload: json!({
                "number": number, "variant": variant, "amount": (chance >> 16) as u32 as f64 / 100.0,
                "items": [{"sku": format!("sku-{}", chance >> 48), "quantity": chance % 9 + 1, "gift": chance & 1 == 0}],
                "note": filling, "nothing": null, "empty": {},
            }),
            metadata: Map::from_iter([("actor_id".to_owned(), json!(format!("svc_{}", chance % 5)))]),
        }
    }
}
