//! What a tree does when nothing goes wrong.

use super::*;
use crate::tree::KeyRecord;

#[tokio::test]
async fn a_tree_grows_to_the_end_of_its_log_and_is_published() {
    let (world, acme) = (World::start().await, tenant("acme"));
    assert_eq!(world.integrate(&acme).await.unwrap().size, 0);
    assert!(world.bucket.contents().is_empty());

    let mut signed = Vec::new();
    // Over the ends of tiles, exactly to one, and by single events.
    for (count, size) in [(1, 1), (254, 255), (1, 256), (1, 257), (443, 700), (68, 768)] {
        world.append(&acme, count).await;
        let done = world.integrate(&acme).await.unwrap();
        assert_eq!((done.size, done.added, done.published, done.complete), (size, count, true, true));
        assert!(done.lag.is_some());
        assert_eq!(world.check_published(&acme).await.size, size);
        signed.push(size);
    }
    assert_eq!(world.check_signed(&acme).await, signed);

    let before = world.bucket.contents();
    let idle = world.integrate(&acme).await.unwrap();
    assert_eq!((idle.size, idle.added, idle.published, idle.lag), (768, 0, false, None));
    assert_eq!(world.bucket.contents(), before);
    assert_eq!(world.check_signed(&acme).await, signed);
}

#[tokio::test]
async fn a_long_log_is_integrated_in_portions_that_a_deadline_may_part() {
    let (world, acme) = (World::start().await, tenant("acme"));
    for _ in 0..4 {
        world.append(&acme, 300).await;
    }
    let (mut runs, mut size) = (0, 0);
    loop {
        let deadline = Instant::now() + Duration::from_millis(runs);
        let done = world.integrator().integrate(&acme, deadline).await.unwrap();
        assert!(done.size >= size);
        (runs, size) = (runs + 1, done.size);
        if done.complete {
            break;
        }
        assert_eq!(done.size % 300, 0);
    }
    assert!(runs > 1, "the first run had no time at all");
    assert_eq!(world.check_published(&acme).await.size, 1_200);
}

#[tokio::test]
async fn higher_tiles_that_did_not_change_are_not_written_again() {
    let (world, acme) = (World::start().await, tenant("acme"));
    world.append(&acme, 300).await;
    world.integrate(&acme).await.unwrap();
    world.append(&acme, 1).await;
    let before = world.bucket.contents();
    world.integrate(&acme).await.unwrap();
    let after = world.bucket.contents();
    let new: Vec<_> = after.keys().filter(|key| !before.contains_key(*key)).collect();
    assert_eq!(new, ["acme/tile/0/001.p/45", "acme/tile/entries/001.p/45"]);
}

#[tokio::test]
async fn two_integrators_race_and_what_they_sign_extends_itself() {
    for round in 0..6 {
        let (world, acme) = (World::start().await, tenant("acme"));
        let slow = |milliseconds| {
            let bucket = world.bucket.with_latency(Duration::from_millis(milliseconds));
            let trees = Trees::for_tests(world.dynamo.aws(), &bucket);
            world.integrator_with(&trees, world.key.clone())
        };
        let run = async |integrator: Integrator| {
            let mut seen = Vec::new();
            for _ in 0..6 {
                integrator.integrate(&acme, in_a_minute()).await.unwrap();
                seen.push(world.trees.checkpoint(&acme).await.unwrap().map_or(0, |published| published.head().size));
            }
            seen
        };
        let appends = async {
            for count in [1, 90, 170, 255, 1, 40] {
                world.append(&acme, count).await;
                tokio::time::sleep(Duration::from_millis(round)).await;
            }
        };
        let (one, other, ()) = futures::join!(run(slow(1 + round)), run(slow(3)), appends);
        assert!(one.is_sorted() && other.is_sorted(), "{one:?} {other:?}");

        assert_eq!(world.integrate(&acme).await.unwrap().size, 557);
        assert_eq!(world.check_published(&acme).await.size, 557);
        // Every signed text is a beginning of the one log, so each extends all the smaller ones.
        assert!(!world.check_signed(&acme).await.is_empty());
    }
}

#[tokio::test]
async fn a_new_key_signs_beside_the_old_one_and_is_listed() {
    let (world, acme) = (World::start().await, tenant("acme"));
    world.append(&acme, 3).await;
    world.integrate(&acme).await.unwrap();

    let new = MemoryKey::new([2; 32]);
    let signers = vec![Signer::in_memory(world.key.clone()), Signer::in_memory(new.clone())];
    let both = Integrator::new(world.trees.clone(), world.log.clone(), signers, Clock::System);
    // Nothing is new, but the new key has not signed yet.
    assert!(both.integrate(&acme, in_a_minute()).await.unwrap().published);
    assert!(!both.integrate(&acme, in_a_minute()).await.unwrap().published);

    let origin = world.trees.origin(&acme);
    let keys = [world.verifier_key(&acme), verifier_key(KeyKind::Checkpoint, &origin, new.public_key()).unwrap()];
    let note = Note::parse(&world.bucket.contents()["acme/checkpoint"]).unwrap();
    assert_eq!(note.verify(&keys).unwrap().len(), 2);
    let listed: Vec<_> =
        world.trees.keys(&acme).await.unwrap().into_iter().map(|KeyRecord { vkey, .. }| vkey).collect();
    assert_eq!(listed, keys.map(|key| key.to_string()));
    // One key signs for everybody, under each log's own name.
    assert_ne!(world.trees.keys(&tenant("zeta")).await.unwrap()[0].vkey, listed[0]);
}

#[tokio::test]
async fn trees_that_grew_are_open_until_they_are_anchored() {
    let (world, acme) = (World::start().await, tenant("acme"));
    for name in ["acme", "zeta"] {
        world.append(&tenant(name), 2).await;
        world.integrate(&tenant(name)).await.unwrap();
    }
    let anchor = TenantId::anchor();
    world.append(&anchor, 1).await;
    world.integrate(&anchor).await.unwrap();
    assert_eq!(world.check_published(&anchor).await.size, 1);
    let open = async || world.trees.open(None).await.unwrap().tenants;
    assert_eq!(open().await, [tenant("acme"), tenant("zeta")]);
    let mut all = world.trees.all(None).await.unwrap().tenants;
    all.sort();
    assert_eq!(all, [tenant("acme"), tenant("zeta"), anchor]);

    assert!(!world.trees.close(&acme, 1).await.unwrap());
    assert!(world.trees.close(&acme, 2).await.unwrap());
    assert_eq!(open().await, [tenant("zeta")]);
    world.append(&acme, 1).await;
    world.integrate(&acme).await.unwrap();
    assert_eq!(open().await, [tenant("acme"), tenant("zeta")]);
}
