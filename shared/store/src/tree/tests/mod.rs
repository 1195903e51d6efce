//! Trees over an embedded DynamoDB and a bucket in memory.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod faults;
mod growing;
mod reading;
mod tampering;

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use bytes::Bytes;
use domain::{
    event::{Event, TenantSource},
    ids::TenantId,
};
use futures::TryStreamExt;
use ledger::{
    Checkpoint, Hash, Note, VerifierKey,
    tile::{Tile, TileBuilder, tiles_of_size},
    tree::{Frontier, TreeHead, leaf_hash},
};

use super::{Integrated, Integrator, KeyKind, Trees, verifier_key};
use crate::{
    Clock, Log, Signer, StoreError,
    log::Submission,
    testing::{Faults, LocalDynamo, MemoryBucket, MemoryKey},
};

/// Everything that is stored, and the key.
struct World {
    dynamo: LocalDynamo,
    bucket: MemoryBucket,
    key: MemoryKey,
    log: Log,
    trees: Trees,
    appended: AtomicU64,
}

fn tenant(name: &str) -> TenantId {
    name.parse().unwrap()
}

fn event(id: &str) -> Event {
    let text = format!(
        r#"{{"event_id":"{id}","order_id":"ord_1","occurred_at":"2025-08-29T12:00:00Z","source":"warehouse",
        "type":"order.shipped","schema_version":"v1","payload":{{"carrier":"DHL"}},"tenant_id":"any"}}"#
    );
    domain::event::parse(text.as_bytes(), TenantSource::Envelope).unwrap().1
}

fn in_a_minute() -> Instant {
    Instant::now() + Duration::from_secs(60)
}

impl World {
    async fn start() -> Self {
        let dynamo = LocalDynamo::start().await;
        let bucket = MemoryBucket::default();
        let log = Log::for_tests(dynamo.aws(), Clock::System);
        let trees = Trees::for_tests(dynamo.aws(), &bucket);
        Self { bucket, key: MemoryKey::new([1; 32]), log, trees, dynamo, appended: AtomicU64::new(1) }
    }

    /// An integrator of its own, as another process has one.
    fn integrator(&self) -> Integrator {
        self.integrator_with(&self.trees, self.key.clone())
    }

    fn integrator_with(&self, trees: &Trees, key: MemoryKey) -> Integrator {
        Integrator::new(trees.clone(), self.log.clone(), vec![Signer::in_memory(key)], Clock::System)
    }

    /// A process whose calls fail by a plan.
    fn faulty(&self, faults: &Faults) -> Integrator {
        self.integrator_with(&self.trees.with_faults(faults), self.key.with_faults(faults))
    }

    /// Appends events in one commit; no two have the same id.
    async fn append(&self, tenant: &TenantId, count: u64) {
        let from = self.appended.fetch_add(count, Ordering::Relaxed);
        let events = (from..from + count).map(|n| Submission { event: event(&format!("evt_{n}")), schema: None });
        self.log.append(tenant, events.collect()).await.unwrap();
    }

    async fn integrate(&self, tenant: &TenantId) -> Result<Integrated, StoreError> {
        self.integrator().integrate(tenant, in_a_minute()).await
    }

    /// The leaf entries, from the log alone.
    async fn entries(&self, tenant: &TenantId) -> Vec<Vec<u8>> {
        let segments: Vec<_> = self.log.segments(tenant, 1, u64::MAX).try_collect().await.unwrap();
        let leaf = |segment: &crate::log::Segment| {
            let mut chain = ledger::Chain::at(segment.origin.clone(), segment.first - 1, segment.previous);
            let leaves = segment.entries.iter().map(|entry| {
                let sealed = chain.seal(&entry.event, segment.received_at, &entry.opening);
                let origin = segment.origin.clone();
                ledger::LeafEntry::new(&entry.event, sealed.content, &origin, sealed.sequence, segment.received_at)
                    .to_bytes()
            });
            leaves.collect::<Vec<_>>()
        };
        segments.iter().flat_map(leaf).collect()
    }

    fn verifier_key(&self, tenant: &TenantId) -> VerifierKey {
        verifier_key(KeyKind::Checkpoint, &self.trees.origin(tenant), self.key.public_key()).unwrap()
    }

    /// The published tree, with its signature and every tile checked against the log.
    async fn check_published(&self, tenant: &TenantId) -> TreeHead {
        let entries = self.entries(tenant).await;
        let contents = self.bucket.contents();
        let note = Note::parse(&contents[&format!("{tenant}/checkpoint")]).unwrap();
        let keys = [self.verifier_key(tenant)];
        let (checkpoint, _) = Checkpoint::verify(&note, &keys).unwrap();
        assert_eq!(checkpoint.origin, self.trees.origin(tenant));

        let size = checkpoint.size;
        let expected = files(&entries[..usize::try_from(size).unwrap()]);
        assert_eq!(checkpoint.head(), expected.1, "the root of {size}");
        for (tile, bytes) in expected.0 {
            assert_eq!(contents.get(&format!("{tenant}/{}", tile.path())), Some(&bytes), "{}", tile.path());
        }
        checkpoint.head()
    }

    /// What was signed, and that all of it is of trees that are beginnings of the log.
    async fn check_signed(&self, tenant: &TenantId) -> Vec<u64> {
        let roots = roots(&self.entries(tenant).await);
        let origin = self.trees.origin(tenant);
        let texts = self.key.signed().into_iter().map(|text| String::from_utf8(text).unwrap());
        let checkpoints = texts.map(|text| Checkpoint::parse(&text).unwrap());
        let own = checkpoints.filter(|checkpoint| checkpoint.origin == origin);
        own.map(|checkpoint| {
            assert_eq!(roots.get(usize::try_from(checkpoint.size).unwrap()), Some(&checkpoint.root));
            checkpoint.size
        })
        .collect()
    }
}

/// Every file of a tree, and its head, built at once.
fn files(entries: &[Vec<u8>]) -> (BTreeMap<Tile, Bytes>, TreeHead) {
    let mut builder = TileBuilder::new();
    let mut files = BTreeMap::new();
    for entry in entries {
        files.extend(builder.push(entry).unwrap());
    }
    files.extend(builder.partials());
    assert_eq!(files.len(), tiles_of_size(entries.len() as u64).count());
    (files.into_iter().map(|(tile, bytes)| (tile, Bytes::from(bytes))).collect(), builder.head().unwrap())
}

/// The roots of the trees of 0, 1, 2, … entries.
fn roots(entries: &[Vec<u8>]) -> Vec<Hash> {
    let mut frontier = Frontier::new();
    let mut roots = vec![frontier.root()];
    for entry in entries {
        frontier.push(leaf_hash(entry)).unwrap();
        roots.push(frontier.root());
    }
    roots
}
