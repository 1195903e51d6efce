//! Logs of events that never happened.

use base64::{Engine, engine::general_purpose::STANDARD};
use domain::{event::Event, time::Timestamp};
use ledger::{
    Chain, Hash, LeafEntry, Opening, Origin, Secret, TreeHead, commitment,
    tile::{Tile, TileBuilder},
    tree::Frontier,
};
use serde_json::json;

use super::{InMemory, Random, Signer};
use crate::Keys;

/// The first event of every log was received then; each second one is received a second later than the one before.
const START_MILLIS: i64 = 1_756_470_896_000;
/// Each so manieth event has a field erased.
const ERASED: u64 = 5;

const TYPES: [&str; 4] = ["order.created", "order.paid", "order.shipped", "order.corrected"];

/// An event as a log has it, with what opens it.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// Erased fields are erased in it.
    pub event: Event,
    pub opening: Opening,
    pub entry: LeafEntry,
    pub leaf_hash: Hash,
    pub ledger_hash: Hash,
}

/// A log in memory, with the keys that sign it.
#[derive(Debug, Clone)]
pub struct TestLog {
    pub origin: Origin,
    pub events: Vec<Recorded>,
    /// Signs checkpoints.
    pub signer: Signer,
    /// Signs range statements.
    pub range_signer: Signer,
}

/// Makes the events of a log one after another; the same `seed`, the same events.
#[derive(Debug)]
pub struct Events {
    chain: Chain,
    random: Random,
}

impl Events {
    #[must_use]
    pub fn new(tenant: &str, seed: u64) -> Self {
        let origin = Origin::new("history.example.com", &tenant.parse().unwrap());
        Self { chain: Chain::new(origin), random: Random::new(seed) }
    }
}

impl Iterator for Events {
    type Item = Recorded;

    fn next(&mut self) -> Option<Recorded> {
        let sequence = self.chain.sequence() + 1;
        let received_at = Timestamp::clamped_from_millis(START_MILLIS + (sequence / 2).cast_signed() * 1000);
        let mut event = event(sequence, &mut self.random);
        let mut key = [0; 32];
        for part in key.as_chunks_mut::<8>().0 {
            *part = self.random.number().to_le_bytes();
        }
        let mut opening = Opening::Secret(Secret::new(key));
        let sealed = self.chain.seal(&event, received_at, &opening);
        let entry = LeafEntry::new(&event, sealed.content, self.chain.origin(), sequence, received_at);
        if sequence.is_multiple_of(ERASED) {
            let pointers = ["/payload/customer/email"];
            commitment::erase(&mut event.payload, &mut event.metadata, &mut opening, &pointers, "req_1").unwrap();
        }
        let (leaf_hash, ledger_hash) = (sealed.leaf_hash, sealed.ledger_hash);
        Some(Recorded { event, opening, entry, leaf_hash, ledger_hash })
    }
}

fn event(sequence: u64, random: &mut Random) -> Event {
    let number = random.number();
    let mut event = json!({
        "event_id": format!("evt_{sequence:08}"),
        "order_id": format!("ord_{:06}", number % 40_000),
        "occurred_at": Timestamp::clamped_from_millis(START_MILLIS - (number % 90_000).cast_signed()),
        "source": "order-service",
        "type": TYPES[(number % 4) as usize],
        "schema_version": "v1",
        "payload": {
            "customer": {"email": format!("{number:x}@example.com"), "name": "Zoë – 李"},
            "items": [{"sku": format!("sku-{}", number % 977), "quantity": number % 9 + 1}, {"sku": "gift", "tags": []}],
            "total": (number % 1_000_000) as f64 / 100.0,
        },
        "metadata": {"actor_id": "svc_order"},
    });
    if sequence > 1 && TYPES[(number % 4) as usize] == TYPES[3] {
        event["correction_of"] = format!("evt_{:08}", sequence - 1).into();
    }
    serde_json::from_value(event).unwrap()
}

impl TestLog {
    /// A log of `size` events.
    #[must_use]
    pub fn new(tenant: &str, size: u64, seed: u64) -> Self {
        let mut events = Events::new(tenant, seed);
        let origin = events.chain.origin().clone();
        let recorded = events.by_ref().take(size as usize).collect();
        let signer = Signer::log(origin.as_str(), 1);
        let range_signer = Signer::log(&format!("{origin}/range"), 2);
        Self { origin, events: recorded, signer, range_signer }
    }

    #[must_use]
    pub fn size(&self) -> u64 {
        self.events.len() as u64
    }

    /// The tree of the first `size` events.
    #[must_use]
    pub fn frontier(&self, size: u64) -> Frontier {
        let mut frontier = Frontier::new();
        for recorded in &self.events[..size as usize] {
            frontier.push(recorded.leaf_hash).unwrap();
        }
        frontier
    }

    /// The chain's hash after the first `sequence` events.
    #[must_use]
    pub fn ledger_hash(&self, sequence: u64) -> Hash {
        match sequence {
            0 => ledger::chain::genesis(&self.origin),
            _ => self.events[sequence as usize - 1].ledger_hash,
        }
    }

    /// The text of the checkpoint of a tree.
    #[must_use]
    pub fn text(&self, head: &TreeHead) -> String {
        checkpoint_text(self.origin.as_str(), head)
    }

    /// The signed checkpoint of the first `size` events.
    #[must_use]
    pub fn checkpoint(&self, size: u64) -> String {
        self.signer.sign(&self.text(&self.frontier(size).head()))
    }

    /// The bytes of the entries.
    #[must_use]
    pub fn entries(&self) -> Vec<Vec<u8>> {
        self.events.iter().map(|recorded| recorded.entry.to_bytes()).collect()
    }

    /// Every file of the log.
    #[must_use]
    pub fn files(&self) -> InMemory {
        let (mut files, head) = tiles(&self.entries());
        files.0.insert("checkpoint".to_owned(), self.signer.sign(&self.text(&head)).into_bytes());
        files
    }

    /// Another history of the same log: the events from `sequence` on are others, and the same keys have signed.
    #[must_use]
    pub fn rewritten_from(&self, sequence: u64, seed: u64) -> Self {
        let kept = sequence - 1;
        let chain = Chain::at(self.origin.clone(), kept, self.ledger_hash(kept));
        let rest = Events { chain, random: Random::new(seed) }.take((self.size() - kept) as usize);
        let events = self.events[..kept as usize].iter().cloned().chain(rest).collect();
        Self { events, ..self.clone() }
    }

    /// The keys to check it with.
    #[must_use]
    pub fn keys(&self) -> Keys {
        Keys::new(vec![self.signer.key()], vec![self.range_signer.key()], Vec::new(), 0).unwrap()
    }
}

/// The text of a checkpoint.
#[must_use]
pub fn checkpoint_text(origin: &str, head: &TreeHead) -> String {
    format!("{origin}\n{}\n{}\n", head.size, STANDARD.encode(head.root.0))
}

/// The tiles and bundles over entries, whatever they are, and the tree's head.
#[must_use]
pub fn tiles<B: AsRef<[u8]>>(entries: &[B]) -> (InMemory, TreeHead) {
    let mut builder = TileBuilder::new();
    let mut files: Vec<(Tile, Vec<u8>)> = Vec::new();
    for entry in entries {
        files.extend(builder.push(entry.as_ref()).unwrap());
    }
    files.extend(builder.partials());
    (InMemory(files.into_iter().map(|(tile, bytes)| (tile.path(), bytes)).collect()), builder.head().unwrap())
}
