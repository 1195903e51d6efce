//! The golden vectors of docs/LEDGER.md section 14, held against the code.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use domain::{event::Event, time::Timestamp};
use serde::{Deserialize, Serialize};

use crate::{Chain, Hash, LeafEntry, Origin, Secret, chain::genesis, commitment};

// From the package, in which Cargo runs its tests: a path of the build would outlive a checkout that is moved.
const FILE: &str = "../../tests/vectors/ledger.json";

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Vectors {
    logs: Vec<Log>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Log {
    origin: Origin,
    genesis: Hash,
    events: Vec<Vector>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Vector {
    event: Event,
    #[serde(with = "hex::serde")]
    secret: [u8; 32],
    received_at: Timestamp,
    content: Hash,
    entry: String,
    leaf_hash: Hash,
    ledger_hash: Hash,
}

/// Computes every hash in the vectors anew from events, secrets and instants.
fn computed(vectors: &Vectors) -> Vectors {
    let logs = vectors.logs.iter().map(|log| {
        let mut chain = Chain::new(log.origin.clone());
        let events = log.events.iter().map(|vector| {
            let Vector { event, secret, received_at, .. } = vector;
            let opening = Secret::new(*secret).into();
            let sealed = chain.seal(event, *received_at, &opening);
            let content = commitment::content(&opening, &event.payload, &event.metadata);
            let entry = LeafEntry::new(event, content, &log.origin, sealed.sequence, *received_at);
            assert_eq!((sealed.content, sealed.leaf_hash), (content, entry.leaf_hash()));
            Vector {
                event: event.clone(),
                secret: *secret,
                received_at: *received_at,
                content,
                entry: String::from_utf8(entry.to_bytes()).unwrap(),
                leaf_hash: sealed.leaf_hash,
                ledger_hash: sealed.ledger_hash,
            }
        });
        Log { origin: log.origin.clone(), genesis: genesis(&log.origin), events: events.collect() }
    });
    Vectors { logs: logs.collect() }
}

#[test]
fn the_golden_vectors_hold() {
    let vectors: Vectors = serde_json::from_str(&std::fs::read_to_string(FILE).unwrap()).unwrap();
    let found = computed(&vectors);
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(FILE, serde_json::to_string_pretty(&found).unwrap() + "\n").unwrap();
    } else {
        assert_eq!(vectors, found, "a format that was published never changes");
    }
}
