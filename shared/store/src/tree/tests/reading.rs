//! Proofs out of the published tree.

use ledger::{
    range::RangeVerifier,
    tree::{verify_consistency, verify_inclusion},
};

use super::*;
use crate::conditional::Put;
use crate::tree::{Delivery, InlineLimits, Ranges, TreesError};

#[tokio::test]
async fn proofs_hold_for_every_event_and_every_pair_of_sizes() {
    let (world, acme) = (World::start().await, tenant("acme"));
    for count in [300, 220, 7] {
        world.append(&acme, count).await;
        world.integrate(&acme).await.unwrap();
    }
    world.append(&acme, 1).await;
    let entries = world.entries(&acme).await;
    let roots = roots(&entries);
    for sequence in (1..=527).step_by(13).chain([256, 257, 512, 513, 527]) {
        let proof = world.trees.inclusion(&acme, sequence).await.unwrap();
        let leaf = leaf_hash(&entries[usize::try_from(proof.index).unwrap()]);
        assert_eq!(proof.index, sequence - 1);
        verify_inclusion(leaf, proof.index, &proof.hashes, &proof.published.head()).unwrap();
    }
    for (from, to) in [(0, 1), (1, 1), (1, 2), (3, 300), (255, 257), (256, 512), (300, 527), (511, 513), (0, 527)] {
        let proof = world.trees.consistency(&acme, from, to).await.unwrap();
        let head = |size: u64| TreeHead { size, root: roots[usize::try_from(size).unwrap()] };
        assert_eq!((proof.from, proof.to), (head(from), head(to)));
        verify_consistency(&proof.from, &proof.to, &proof.hashes).unwrap();
    }
    for sequence in [0, 528, 529] {
        let not_there = world.trees.inclusion(&acme, sequence).await;
        assert_eq!(not_there, Err(TreesError::NotInTree { size: 527 }));
    }
    assert_eq!(world.trees.consistency(&acme, 1, 528).await, Err(TreesError::NotInTree { size: 527 }));
    assert_eq!(world.trees.inclusion(&tenant("zeta"), 1).await, Err(TreesError::NotInTree { size: 0 }));
}

#[tokio::test]
async fn a_changed_tile_never_becomes_a_proof() {
    let (world, acme) = (World::start().await, tenant("acme"));
    world.append(&acme, 300).await;
    world.integrate(&acme).await.unwrap();
    for key in ["acme/tile/0/000", "acme/tile/0/001.p/44", "acme/tile/1/000.p/1"] {
        let genuine = world.bucket.contents()[key].clone();
        let mut bent = genuine.to_vec();
        bent[7] ^= 1;
        world.bucket.overwrite(key, bent);
        let refused = world.trees.inclusion(&acme, 9).await;
        assert!(matches!(refused, Err(TreesError::Store(StoreError::Corrupt { .. }))), "{key} {refused:?}");
        world.bucket.delete(key);
        let refused = world.trees.inclusion(&acme, 9).await;
        assert!(matches!(refused, Err(TreesError::Store(StoreError::Corrupt { .. }))), "{key} {refused:?}");
        world.bucket.overwrite(key, genuine);
    }
    world.trees.inclusion(&acme, 9).await.unwrap();
}

#[tokio::test]
async fn one_event_of_a_million_is_proved_with_at_most_twelve_reads() {
    const MILLION: u64 = 1_000_000;
    let (world, acme) = (World::start().await, tenant("acme"));
    let mut builder = TileBuilder::new();
    let put = |files: Vec<(Tile, Vec<u8>)>| {
        for (tile, bytes) in files {
            world.bucket.overwrite(&crate::tree::tile_key(&acme, &tile), bytes);
        }
    };
    for number in 0..MILLION {
        put(builder.push(&number.to_be_bytes()).unwrap());
    }
    put(builder.partials());
    let empty = crate::tree::TreeState::empty(&world.trees.origin(&acme));
    let frontier = builder.frontier().unwrap();
    let state = crate::tree::TreeState::grown(frontier, Hash([0; 32]), Clock::System.now());
    assert_eq!(world.trees.table.commit(&acme, &empty, &state).await.unwrap(), Put::Done);
    assert!(world.integrator().publish(&acme, &[]).await.unwrap());

    let mut most = 0;
    for sequence in [1, 2, 255, 256, 257, 65_536, 65_537, 123_456, 999_999, MILLION] {
        let _before = world.bucket.take_reads();
        let proof = world.trees.inclusion(&acme, sequence).await.unwrap();
        most = most.max(world.bucket.take_reads());
        let leaf = leaf_hash(&(sequence - 1).to_be_bytes());
        verify_inclusion(leaf, sequence - 1, &proof.hashes, &proof.published.head()).unwrap();
    }
    // The checkpoint, the three tiles of the right edge, and two on the way to the event.
    assert_eq!(most, 6);
}

#[tokio::test]
async fn range_bundles_verify_with_and_without_content() {
    let (world, acme) = (World::start().await, tenant("acme"));
    for count in [300, 1, 220] {
        world.append(&acme, count).await;
    }
    world.integrate(&acme).await.unwrap();
    let range_key = MemoryKey::new([3; 32]);
    let exports = MemoryBucket::default();
    let signer = Signer::in_memory(range_key.clone());
    let ranges = Ranges::for_tests(world.trees.clone(), world.log.clone(), signer, &exports);
    let origin = world.trees.origin(&acme);
    let keys = [world.verifier_key(&acme), verifier_key(KeyKind::Range, &origin, range_key.public_key()).unwrap()];

    for (from, to) in [(1, 521), (1, 1), (521, 521), (256, 257), (2, 300), (300, 302), (257, 512)] {
        for content in [false, true] {
            let bundle = ranges.bundle(&acme, from, to, content).await.unwrap();
            assert_eq!(bundle.events(), to - from + 1);
            let blocks: Vec<_> = bundle.blocks().try_collect().await.unwrap();
            let mut verifier = RangeVerifier::new(&keys);
            for line in blocks.concat().split_inclusive(|byte| *byte == b'\n') {
                verifier.line(line).unwrap();
            }
            let verified = verifier.finish().unwrap();
            assert_eq!((verified.from, verified.to, verified.opened), (from, to, content));
        }
    }
    let kinds: Vec<_> = world.trees.keys(&acme).await.unwrap().into_iter().map(|key| key.kind).collect();
    assert_eq!(kinds, [KeyKind::Checkpoint, KeyKind::Range]);

    let small = InlineLimits { events: 100, bytes: 1 << 20 };
    let inline = ranges.deliver(ranges.bundle(&acme, 1, 100, true).await.unwrap(), small).await.unwrap();
    let Delivery::Inline(inline) = inline else { panic!("{inline:?}") };
    for limits in [InlineLimits { events: 99, ..small }, InlineLimits { bytes: 500, ..small }] {
        let bundle = ranges.bundle(&acme, 1, 100, true).await.unwrap();
        let Delivery::Link { url, .. } = ranges.deliver(bundle, limits).await.unwrap() else { panic!("inline") };
        let key = url.strip_prefix("memory:").unwrap();
        assert!(key.starts_with("proofs/acme/1-100-"));
        assert_eq!(exports.contents()[key], inline);
    }
}

#[tokio::test]
async fn a_range_of_changed_events_gets_no_statement() {
    let (world, acme) = (World::start().await, tenant("acme"));
    world.append(&acme, 3).await;
    world.integrate(&acme).await.unwrap();
    super::tampering::rewrite_segment(&world, &acme, 1, super::tampering::other_carrier).await;
    let range_key = MemoryKey::new([3; 32]);
    let signer = Signer::in_memory(range_key.clone());
    let ranges = Ranges::for_tests(world.trees.clone(), world.log.clone(), signer, &world.bucket);
    let outcome = match ranges.bundle(&acme, 1, 3, true).await {
        Ok(bundle) => bundle.blocks().try_collect::<Vec<_>>().await.map(drop),
        Err(TreesError::Store(error)) => Err(error),
        Err(other) => panic!("{other}"),
    };
    assert!(matches!(outcome, Err(StoreError::Corrupt { .. })), "{outcome:?}");
    assert!(range_key.signed().is_empty());
}
