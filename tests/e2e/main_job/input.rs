//! The events of the main job: real ones where they lie beside the checkout, else the project's own sample.

use std::io::Read as _;
use std::path::Path;

use flate2::read::MultiGzDecoder;
use serde::Deserialize;

/// A file of events.
#[derive(Debug)]
pub(super) struct Input {
    pub(super) events: Vec<Event>,
}

/// One line of it.
#[derive(Debug)]
pub(super) struct Event {
    pub(super) id: String,
    pub(super) order_id: String,
    /// As it stands in the file, without a tenant.
    pub(super) json: String,
}

#[derive(Debug, Deserialize)]
struct Envelope {
    event_id: String,
    order_id: String,
}

impl Input {
    pub(super) fn read() -> Self {
        let project = Path::new("..");
        let real = project.join("../shared/data/orders.ndjson.gz");
        let text = if real.exists() {
            let mut text = String::new();
            MultiGzDecoder::new(std::fs::File::open(real).unwrap()).read_to_string(&mut text).unwrap();
            text
        } else {
            std::fs::read_to_string(project.join("localstack/sample/orders.ndjson")).unwrap()
        };
        let event = |line: &str| {
            let Envelope { event_id, order_id } = serde_json::from_str(line).unwrap();
            Event { id: event_id, order_id, json: line.to_owned() }
        };
        Self { events: text.lines().map(event).collect() }
    }

    pub(super) fn in_order(&self) -> Vec<&Event> {
        self.events.iter().collect()
    }
}

impl Event {
    /// The same for all events of an order.
    pub(super) fn partition(&self, partitions: usize) -> usize {
        self.order_id.bytes().fold(7, |hash: usize, byte| hash.wrapping_mul(31).wrapping_add(byte.into())) % partitions
    }

    /// With its tenant, as records need it; written in as text, so that nothing else changes.
    pub(super) fn of_tenant(&self, tenant: &str) -> String {
        self.json.replacen('{', &format!(r#"{{"tenant_id":"{tenant}","#), 1)
    }
}
