//! Anchoring over an embedded DynamoDB and a bucket in memory, with witnesses on ports of their own.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod server;

use std::time::{Duration, SystemTime};

use domain::{
    event::{self, TenantSource},
    filter::EventFilter,
    ids::TenantId,
};
use ledger::{Checkpoint, Note, VerifierKey, note::KeyType, tree::TreeHead};
use store::{
    Clock, Integrator, Log, Signer, Trees,
    log::{LogPosition, Submission},
    testing::{LocalDynamo, MemoryBucket, MemoryKey},
};

use crate::{
    LedgerAnchor, Task,
    witness::{self, Client, WitnessConfigError},
};
use server::{Mood, Server};

struct World {
    _dynamo: LocalDynamo,
    bucket: MemoryBucket,
    log: Log,
    trees: Trees,
    key: MemoryKey,
}

fn tenant(name: &str) -> TenantId {
    name.parse().unwrap()
}

fn soon() -> SystemTime {
    SystemTime::now() + Duration::from_secs(120)
}

impl World {
    async fn start() -> Self {
        let dynamo = LocalDynamo::start().await;
        let bucket = MemoryBucket::default();
        let log = Log::for_tests(dynamo.aws(), Clock::System);
        let trees = Trees::for_tests(dynamo.aws(), &bucket);
        Self { bucket, log, trees, key: MemoryKey::new([1; 32]), _dynamo: dynamo }
    }

    fn integrator(&self) -> Integrator {
        let signers = vec![Signer::in_memory(self.key.clone())];
        Integrator::new(self.trees.clone(), self.log.clone(), signers, Clock::System)
    }

    fn anchor(&self, witnesses: &[&Server]) -> LedgerAnchor {
        let witnesses = witnesses.iter().map(|server| server.setting()).collect();
        LedgerAnchor::new(self.integrator(), witnesses, Client::new().unwrap(), Clock::System)
    }

    fn anchor_key(&self) -> VerifierKey {
        let origin = self.trees.origin(&TenantId::anchor());
        VerifierKey::new(origin.as_str(), KeyType::Ed25519, &self.key.public_key()).unwrap()
    }

    async fn append(&self, tenant: &TenantId, id: &str) {
        let text = format!(
            r#"{{"event_id":"{id}","order_id":"ord_1","occurred_at":"2025-08-29T12:00:00Z","source":"warehouse",
            "type":"order.shipped","schema_version":"v1","payload":{{}},"tenant_id":"any"}}"#
        );
        let event = event::parse(text.as_bytes(), TenantSource::Envelope).unwrap().1;
        self.log.append(tenant, vec![Submission { event, schema: None }]).await.unwrap();
    }

    /// The ids of the events in the anchor log.
    async fn anchored(&self) -> Vec<String> {
        let page = self.log.scan(&TenantId::anchor(), &EventFilter::default(), LogPosition::START, 100).await.unwrap();
        page.events.into_iter().map(|recorded| recorded.entry.event.event_id.to_string()).collect()
    }

    /// Lets the tenant's log grow by one event, and anchors it.
    async fn grow_and_anchor(&self, anchor: &LedgerAnchor, id: &str) {
        self.append(&tenant("acme"), id).await;
        self.integrator().integrate(&tenant("acme"), far()).await.unwrap();
        anchor.handle(Task::Anchor, soon()).await.unwrap();
    }
}

fn far() -> std::time::Instant {
    std::time::Instant::now() + Duration::from_secs(60)
}

#[tokio::test]
async fn trees_that_grew_are_anchored_once() {
    let world = World::start().await;
    let anchor = world.anchor(&[]);
    anchor.handle(Task::Anchor, soon()).await.unwrap();
    assert_eq!(world.bucket.contents().len(), 0, "nothing to anchor costs nothing");

    for name in ["acme", "zeta"] {
        world.append(&tenant(name), "evt_1").await;
        world.integrator().integrate(&tenant(name), far()).await.unwrap();
    }
    // Not integrated yet, but in the log: it is anchored with it.
    world.append(&tenant("zeta"), "evt_2").await;
    anchor.handle(Task::Anchor, soon()).await.unwrap();
    let mut anchored = world.anchored().await;
    anchored.sort();
    assert_eq!(anchored, ["acme@1", "zeta@2"]);
    anchor.handle(Task::Anchor, soon()).await.unwrap();
    assert_eq!(world.anchored().await.len(), 2);

    world.grow_and_anchor(&anchor, "evt_2").await;
    assert_eq!(world.anchored().await[2], "acme@2");
    let head = world.trees.checkpoint(&TenantId::anchor()).await.unwrap().unwrap().head();
    assert_eq!(head.size, 3);

    // What is anchored is the checkpoint itself.
    let recorded = world.log.event(&TenantId::anchor(), &"acme@2".parse().unwrap()).await.unwrap().unwrap();
    let event = recorded.entry.event;
    assert_eq!((event.order_id.as_str(), event.event_type.as_str()), ("acme", "ledger.checkpoint.anchored"));
    let note = Note::parse(event.payload["checkpoint"].as_str().unwrap().as_bytes()).unwrap();
    let origin = world.trees.origin(&tenant("acme"));
    let keys = [VerifierKey::new(origin.as_str(), KeyType::Ed25519, &world.key.public_key()).unwrap()];
    let (checkpoint, _) = Checkpoint::verify(&note, &keys).unwrap();
    assert_eq!(event.payload["size"], checkpoint.size);
    assert_eq!(event.payload["root"], checkpoint.root.to_string());
    assert_eq!(event.payload["origin"], origin.as_str());
}

#[tokio::test]
async fn a_crash_after_the_append_anchors_nothing_twice() {
    let world = World::start().await;
    let anchor = world.anchor(&[]);
    let acme = tenant("acme");
    world.append(&acme, "evt_1").await;
    world.integrator().integrate(&acme, far()).await.unwrap();
    anchor.handle(Task::Anchor, soon()).await.unwrap();
    // As if the crash had come before the tree was taken off the list: it is opened again at the same size.
    world.append(&acme, "evt_2").await;
    world.integrator().integrate(&acme, far()).await.unwrap();
    let published = world.trees.checkpoint(&acme).await.unwrap().unwrap();
    let event = crate::anchoring::event(&acme, &published, Clock::System.now()).unwrap();
    world.log.append(&TenantId::anchor(), vec![Submission { event, schema: None }]).await.unwrap();
    anchor.handle(Task::Anchor, soon()).await.unwrap();
    assert_eq!(world.anchored().await, ["acme@1", "acme@2"]);
    assert!(world.trees.open(None).await.unwrap().tenants.is_empty());
}

#[tokio::test]
async fn witnesses_follow_the_anchor_log() {
    let world = World::start().await;
    let one = Server::start("witness.example/one", world.anchor_key()).await;
    let other = Server::start("witness.example/other", world.anchor_key()).await;
    let anchor = world.anchor(&[&one, &other]);
    for (id, size) in [("evt_1", 1), ("evt_2", 2), ("evt_3", 3)] {
        world.grow_and_anchor(&anchor, id).await;
        assert_eq!((one.seen(), other.seen()), (Some(size), Some(size)));
        let note = world.trees.witnessed(size).await.unwrap().unwrap();
        let keys = [world.anchor_key(), one.key(), other.key()];
        assert_eq!(note.verify(&keys).unwrap().len(), 3);
        assert_eq!(Checkpoint::parse(note.text()).unwrap().size, size);
    }
    // They have seen everything, and are not asked again.
    assert_eq!(one.take_answers(), [200, 200, 200]);
    anchor.handle(Task::Witness, soon()).await.unwrap();
    assert!(one.take_answers().is_empty());
}

#[tokio::test]
async fn a_witness_that_is_down_is_retried_and_stops_nothing() {
    let world = World::start().await;
    let server = Server::start("witness.example/one", world.anchor_key()).await;
    let anchor = world.anchor(&[&server]);
    server.behave(Mood::Down);
    world.grow_and_anchor(&anchor, "evt_1").await;
    world.grow_and_anchor(&anchor, "evt_2").await;
    assert_eq!(world.anchored().await.len(), 2);
    assert_eq!(world.trees.witnessed(2).await.unwrap(), None);

    server.behave(Mood::Proper);
    anchor.handle(Task::Witness, soon()).await.unwrap();
    assert_eq!(server.seen(), Some(2));
    assert!(world.trees.witnessed(2).await.unwrap().is_some());
}

#[tokio::test]
async fn a_lost_answer_is_found_out_by_the_conflict() {
    let world = World::start().await;
    let server = Server::start("witness.example/one", world.anchor_key()).await;
    let anchor = world.anchor(&[&server]);
    world.grow_and_anchor(&anchor, "evt_1").await;
    server.behave(Mood::Forgetful);
    world.grow_and_anchor(&anchor, "evt_2").await;
    assert_eq!((server.seen(), world.trees.witnessed(2).await.unwrap()), (Some(2), None));
    server.take_answers();

    server.behave(Mood::Proper);
    anchor.handle(Task::Witness, soon()).await.unwrap();
    assert_eq!(server.take_answers(), [409, 200]);
    assert!(world.trees.witnessed(2).await.unwrap().is_some());
    assert_eq!(world.trees.witness("witness.example/one").await.unwrap().unwrap().size, 2);
}

#[tokio::test]
async fn what_is_no_cosignature_is_not_kept() {
    let world = World::start().await;
    let server = Server::start("witness.example/one", world.anchor_key()).await;
    let anchor = world.anchor(&[&server]);
    for (mood, id) in [
        (Mood::Foreign, "evt_1"),
        (Mood::Wrong, "evt_2"),
        (Mood::Moved, "evt_3"),
        (Mood::Endless, "evt_4"),
        (Mood::Ahead, "evt_5"),
    ] {
        server.behave(mood);
        world.grow_and_anchor(&anchor, id).await;
        assert!(!world.bucket.contents().keys().any(|key| key.contains("witnessed")), "{mood:?}");
        assert_eq!(world.trees.witness("witness.example/one").await.unwrap(), None, "{mood:?}");
    }
    server.behave(Mood::Proper);
    anchor.handle(Task::Witness, soon()).await.unwrap();
    assert!(world.trees.witnessed(5).await.unwrap().is_some());
}

#[tokio::test]
async fn a_witness_that_saw_another_tree_refuses() {
    let world = World::start().await;
    let server = Server::start("witness.example/one", world.anchor_key()).await;
    let anchor = world.anchor(&[&server]);
    world.grow_and_anchor(&anchor, "evt_1").await;
    server.believe(TreeHead { size: 1, root: ledger::Hash([7; 32]) });
    world.grow_and_anchor(&anchor, "evt_2").await;
    assert_eq!(server.take_answers(), [200, 422]);
    assert_eq!(world.trees.witnessed(2).await.unwrap(), None);
}

#[tokio::test]
async fn followed_says_how_far_a_witness_is_behind() {
    let world = World::start().await;
    let server = Server::start("witness.example/one", world.anchor_key()).await;
    let anchor = world.anchor(&[&server]);
    world.grow_and_anchor(&anchor, "evt_1").await;
    server.behave(Mood::Down);
    for id in ["evt_2", "evt_3"] {
        world.grow_and_anchor(&anchor, id).await;
    }
    let published = world.trees.checkpoint(&TenantId::anchor()).await.unwrap().unwrap();
    let client = Client::new().unwrap();
    let now = Clock::System.now();
    let followed = witness::follow(&world.trees, &client, &server.setting(), &published, now).await;
    assert_eq!(followed.behind, 2);
    assert!(followed.failed.is_some());
}

#[test]
fn witnesses_are_reached_over_https_alone() {
    let key = VerifierKey::new("w.example/1", KeyType::Cosignature, &MemoryKey::new([5; 32]).public_key()).unwrap();
    let log_key = VerifierKey::new("w.example/1", KeyType::Ed25519, &MemoryKey::new([5; 32]).public_key()).unwrap();
    let list =
        |url: &str, vkey: &VerifierKey, name: &str| format!(r#"{{"name":"{name}","url":"{url}","vkey":"{vkey}"}}"#);
    let one = |url: &str, local| witness::parse(&format!("[{}]", list(url, &key, "w.example/1")), local);
    assert!(one("https://w.example/prefix", false).is_ok());
    assert!(one("http://127.0.0.1:8080", true).is_ok());
    for (url, local) in [
        ("http://w.example", false),
        ("http://w.example", true),
        ("http://127.0.0.1:8080", false),
        ("http://127.0.0.1.example", true),
        ("https://user@w.example", false),
        ("https://w.example/?a=b", false),
        ("file:///etc/passwd", true),
        ("w.example", false),
    ] {
        assert!(matches!(one(url, local), Err(WitnessConfigError::Url { .. })), "{url}");
    }
    let https = "https://w.example";
    let parse = |list: String| witness::parse(&list, false);
    assert!(parse("[]".to_owned()).unwrap().is_empty());
    assert!(matches!(parse("{}".to_owned()), Err(WitnessConfigError::Json(_))));
    let wrong_type = parse(format!("[{}]", list(https, &log_key, "w.example/1")));
    assert!(matches!(wrong_type, Err(WitnessConfigError::Key { .. })));
    let wrong_name = parse(format!("[{}]", list(https, &key, "w.example/2")));
    assert!(matches!(wrong_name, Err(WitnessConfigError::Key { .. })));
    let same = list(https, &key, "w.example/1");
    assert!(matches!(parse(format!("[{same},{same}]")), Err(WitnessConfigError::Twice { .. })));
}
