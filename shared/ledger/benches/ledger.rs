//! What the ledger costs on one core: `cargo bench --package order-history-ledger`.
//!
//! An event of 1 KB with 20 fields goes all the way: commitment, leaf, chain and tree. Beside it stands SHA-256 alone
//! over as many bytes as that hashes, which is the least that it can cost.

#![expect(clippy::unwrap_used, reason = "a benchmark may stop at the first surprise")]

use divan::{Bencher, black_box, counter::ItemsCount};
use domain::{
    event::{Event, TenantSource},
    json,
    time::Timestamp,
};
use ledger::{
    Chain, LeafEntry, Opening, Origin, Secret, commitment,
    range::RangeVerifier,
    tile::TileBuilder,
    tree::{Frontier, leaf_hash},
};
use sha2::{Digest, Sha256};

/// How many events one sample goes through: few enough that on a busy machine the fastest samples are undisturbed.
const EVENTS: u64 = 256;

fn main() {
    divan::main();
}

/// 20 fields, and 1 KB as JSON.
fn event() -> Event {
    let text = r#"{"event_id":"evt_7033745709b7cf1b_00","order_id":"ord_7033745709b7cf1b",
        "occurred_at":"2025-08-29T12:34:56.125Z","source":"order-service","type":"order.payment.succeeded",
        "schema_version":"v1","tenant_id":"acme",
        "payload":{"amount":5194,"currency":"GBP","provider":"stripe",
          "reference":"pay_01J6ZB4T9Q8W7E6R5T4Y3U2I1O","card":{"brand":"visa","last4":"4242","expires":"2027-11"},
          "billing":{"name":"Ada Lovelace","line1":"12 St James's Square","city":"London","postcode":"SW1Y 4JH",
            "country":"GB"},
          "items":[{"sku":"SKU-000123","quantity":2,"price":19.99},{"sku":"SKU-000456","quantity":1,"price":11.96}],
          "note":"Paid after the second reminder; the customer asked for an invoice in the company's name, and for the goods to be delivered to the back entrance between nine and eleven o'clock in the morning, since nobody is at the front desk earlier than that. The reminder was sent by post and by mail. Delivery was confirmed by telephone on the same day, and the invoice followed in a letter of its own, s"},
        "metadata":{"actor_id":"svc_payments"}}"#;
    domain::event::parse(text.as_bytes(), TenantSource::Envelope).unwrap().1
}

fn received_at() -> Timestamp {
    "2025-08-29T12:34:58.250Z".parse().unwrap()
}

fn origin() -> Origin {
    Origin::new("history.example.com", &"acme".parse().unwrap())
}

fn opening() -> Opening {
    Secret::new([7; 32]).into()
}

/// How many bytes are hashed for one event, without padding: in commitment, leaf, chain and tree.
fn hashed_bytes() -> usize {
    let event = event();
    let fields = commitment::fields(&opening(), &event.payload, &event.metadata);
    // HMAC hashes a block with its key, once for the inner and once for the outer hash of the whole event.
    let mut bytes = 2 * 64;
    for field in &fields {
        let pointer = field.pointer.as_str();
        let rest = pointer.strip_prefix("/payload").unwrap_or(pointer);
        let document = serde_json::to_value(if rest == pointer { &event.metadata } else { &event.payload }).unwrap();
        let rest = rest.strip_prefix("/metadata").unwrap_or(rest);
        let value = json::canonical(document.pointer(rest).unwrap()).len();
        let salt = pointer.len() + 32;
        let digest = commitment::FIELD_TAG.len() + commitment::SALT_LEN + 8 + pointer.len() + value;
        bytes += salt + digest;
    }
    let content = commitment::CONTENT_TAG.len() + 32 * fields.len();
    let leaf = 1 + LeafEntry::new(
        &event,
        commitment::content(&opening(), &event.payload, &event.metadata),
        &origin(),
        1,
        received_at(),
    )
    .to_bytes()
    .len();
    let chain = 12 + 8 + 64;
    let node = 65;
    bytes + content + leaf + chain + node
}

#[divan::bench]
fn commit_leaf_chain_tree(bencher: Bencher<'_, '_>) {
    let event = event();
    let json = serde_json::to_vec(&event).unwrap().len();
    let fields = commitment::fields(&opening(), &event.payload, &event.metadata).len();
    eprintln!("\nan event of {json} bytes and {fields} fields; {} bytes are hashed for it", hashed_bytes());
    let (opening, received_at) = (opening(), received_at());
    bencher.counter(ItemsCount::new(EVENTS)).bench_local(|| {
        let mut chain = Chain::new(origin());
        let mut tree = Frontier::new();
        for _ in 0..EVENTS {
            let sealed = chain.seal(black_box(&event), received_at, black_box(&opening));
            tree.push(sealed.leaf_hash).unwrap();
        }
        (chain.ledger_hash(), tree.root())
    });
}

/// The same bytes in as many pieces as there are hashes is what it would be at best; in one piece it is less still.
#[divan::bench]
fn plain_sha256_over_the_same_bytes(bencher: Bencher<'_, '_>) {
    let bytes = vec![0x5a; hashed_bytes()];
    bencher.counter(ItemsCount::new(EVENTS)).bench_local(|| {
        for _ in 0..EVENTS {
            black_box(Sha256::digest(black_box(&bytes)));
        }
    });
}

#[divan::bench]
fn commitment_alone(bencher: Bencher<'_, '_>) {
    let (event, opening) = (event(), opening());
    bencher.counter(ItemsCount::new(EVENTS)).bench_local(|| {
        for _ in 0..EVENTS {
            black_box(commitment::content(black_box(&opening), &event.payload, &event.metadata));
        }
    });
}

#[divan::bench]
fn leaf_alone(bencher: Bencher<'_, '_>) {
    let event = event();
    let content = commitment::content(&opening(), &event.payload, &event.metadata);
    let (origin, received_at) = (origin(), received_at());
    bencher.counter(ItemsCount::new(EVENTS)).bench_local(|| {
        for sequence in 1..=EVENTS {
            black_box(LeafEntry::new(black_box(&event), content, &origin, sequence, received_at).leaf_hash());
        }
    });
}

fn entry(sequence: u64) -> Vec<u8> {
    let event = event();
    let content = commitment::content(&opening(), &event.payload, &event.metadata);
    LeafEntry::new(&event, content, &origin(), sequence, received_at()).to_bytes()
}

#[divan::bench]
fn tiles(bencher: Bencher<'_, '_>) {
    let entry = entry(1);
    bencher.counter(ItemsCount::new(EVENTS)).bench_local(|| {
        let mut builder = TileBuilder::new();
        for _ in 0..EVENTS {
            black_box(builder.push(black_box(&entry)).unwrap());
        }
        builder.head()
    });
}

#[divan::bench]
fn read_and_check_entries(bencher: Bencher<'_, '_>) {
    let entry = entry(1);
    bencher.counter(ItemsCount::new(EVENTS)).bench_local(|| {
        for _ in 0..EVENTS {
            let read = LeafEntry::parse(black_box(&entry)).unwrap();
            black_box((leaf_hash(&entry), read.seq));
        }
    });
}

/// Entries with their events, through the verifier of range bundles: header and entries, without the footer.
#[divan::bench]
fn check_opened_entries_of_a_range(bencher: Bencher<'_, '_>) {
    use ledger::{Hash, OpenedEntry, TreeHead, range, tile::RangeProof};
    let event = event();
    let (origin, opening) = (origin(), opening());
    let mut chain = Chain::new(origin.clone());
    let mut lines = Vec::new();
    for sequence in 1..=EVENTS {
        let sealed = chain.seal(&event, received_at(), &opening);
        let entry = LeafEntry::new(&event, sealed.content, &origin, sequence, received_at());
        let (metadata, payload) = (event.metadata.clone(), event.payload.clone());
        lines.push(range::line(OpenedEntry { entry, metadata, opening: opening.clone(), payload }.to_bytes()));
    }
    let statement = range::Statement {
        origin: origin.clone(),
        from: 1,
        to: EVENTS,
        previous_ledger_hash: ledger::chain::genesis(&origin),
        ledger_hash: chain.ledger_hash(),
        head: TreeHead { size: EVENTS, root: Hash([0; 32]) },
    };
    let header = range::RangeHeader::new(&statement, RangeProof { left: Vec::new(), right: Vec::new() }).to_line();
    bencher.counter(ItemsCount::new(EVENTS)).bench_local(|| {
        let mut verifier = RangeVerifier::new(&[]);
        verifier.line(&header).unwrap();
        for line in &lines {
            black_box(verifier.line(line).unwrap());
        }
    });
}
