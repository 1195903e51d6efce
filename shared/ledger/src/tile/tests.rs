//! Tiles of logs of many sizes, proofs out of them, and what is wrong with tiles that somebody changed.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::tree::{Frontier, TreeHead, leaf_hash, verify_consistency, verify_inclusion};

type Files = BTreeMap<Tile, Vec<u8>>;

fn entry(index: u64) -> Vec<u8> {
    format!("entry {index}").into_bytes()
}

/// The builder after `size` entries, with all that it yielded on the way and its partial tiles.
fn build(size: u64) -> (TileBuilder, Files) {
    let mut builder = TileBuilder::new();
    let mut files = Files::new();
    for index in 0..size {
        files.extend(builder.push(&entry(index)).unwrap());
    }
    files.extend(builder.partials());
    (builder, files)
}

fn frontier(size: u64) -> Frontier {
    let mut frontier = Frontier::new();
    (0..size).for_each(|index| frontier.push(leaf_hash(&entry(index))).unwrap());
    frontier
}

fn pick(files: &Files, tiles: Vec<Tile>) -> Files {
    tiles.into_iter().map(|tile| (tile, files.get(&tile).unwrap().clone())).collect()
}

fn paths(tiles: impl IntoIterator<Item = Tile>) -> Vec<String> {
    tiles.into_iter().map(|tile| tile.path()).collect()
}

#[test]
fn paths_are_those_of_the_specification() {
    let tile = |level, index, width| Tile::new(level, index, width).unwrap();
    for (tile, path) in [
        (tile(Level::Hashes(0), 1_234_067, 256), "tile/0/x001/x234/067"),
        (tile(Level::Hashes(2), 0, 1), "tile/2/000.p/1"),
        (tile(Level::Entries, 999, 255), "tile/entries/999.p/255"),
        (tile(Level::Entries, 1000, 256), "tile/entries/x001/000"),
        (tile(Level::Hashes(6), 0, 31), "tile/6/000.p/31"),
    ] {
        assert_eq!(tile.path(), path);
        assert_eq!(Tile::parse(path), Ok(tile));
    }
}

#[test]
fn a_path_has_one_form() {
    for wrong in [
        "",
        "tile",
        "tile/",
        "tile/0",
        "tile/0/",
        "/tile/0/000",
        "tile//000",
        "tile/0/000/",
        "tile/00/000",
        "tile/+0/000",
        "tile/0/0",
        "tile/0/0000",
        "tile/0/1000",
        "tile/0/+01",
        "tile/0/x000/000",
        "tile/0/x001",
        "tile/0/001/000",
        "tile/0/xx01/000",
        "tile/0/x001/x000",
        "tile/0/000.p",
        "tile/0/000.p/",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000.p/+1",
        "tile/0/000.p/1.p/1",
        "tile/7/000",
        "tile/63/000",
        "tile/6/000",
        "tile/0/../000",
        "tile/entries/00a",
        "tile/Entries/000",
        "tile/-1/000",
        "tile/0/x999/x999/x999/x999/x999/x999/999",
    ] {
        assert_eq!(Tile::parse(wrong), Err(TileError::Path), "{wrong:?}");
    }
}

#[test]
fn a_tree_of_70_000_has_the_tiles_that_the_specification_counts() {
    let all: Vec<_> = tiles_of_size(70_000).collect();
    let count = |level| {
        let (partial, full): (Vec<&Tile>, Vec<&Tile>) =
            all.iter().filter(|tile| tile.level() == level).partition(|t| t.is_partial());
        (full.len(), partial.iter().map(|tile| tile.width()).collect::<Vec<_>>())
    };
    assert_eq!(count(Level::Entries), (273, vec![112]));
    assert_eq!(count(Level::Hashes(0)), (273, vec![112]));
    assert_eq!(count(Level::Hashes(1)), (1, vec![17]));
    assert_eq!(count(Level::Hashes(2)), (0, vec![1]));
    assert_eq!(count(Level::Hashes(3)), (0, vec![]));
    assert_eq!(paths(tiles_of_size(256)), ["tile/entries/000", "tile/0/000", "tile/1/000.p/1"]);
    assert_eq!(tiles_of_size(0).count(), 0);
    assert_eq!(paths(right_edge(256)), ["tile/1/000.p/1"]);
}

#[test]
fn the_builder_yields_every_tile_once_and_the_right_tree() {
    for size in [0, 1, 2, 255, 256, 257, 511, 512, 65_535, 65_536, 65_537, 70_000] {
        let (builder, files) = build(size);
        let mut expected: Vec<_> = tiles_of_size(size).collect();
        expected.sort();
        assert_eq!(files.keys().copied().collect::<Vec<_>>(), expected, "{size}");
        assert_eq!(builder.frontier().unwrap(), frontier(size));
        assert_eq!(builder.head().unwrap(), frontier(size).head());
        for (tile, bytes) in files.iter().filter(|(tile, _)| tile.level() == Level::Entries) {
            let entries = bundle_entries(bytes, tile.width()).unwrap();
            for (index, found) in (tile.first_leaf()..).zip(entries) {
                assert_eq!(found, entry(index));
            }
        }
    }
}

#[test]
fn resuming_goes_on_where_it_stopped_and_checks_what_it_is_given() {
    for size in [0, 1, 255, 256, 300, 65_536, 66_000] {
        let (_, files) = build(size);
        let given = pick(&files, TileBuilder::needed(size));
        let mut resumed = TileBuilder::resume(&frontier(size), &given).unwrap();
        let mut more = given.clone();
        for index in size..size + 600 {
            more.extend(resumed.push(&entry(index)).unwrap());
        }
        more.extend(resumed.partials());
        let (_, whole) = build(size + 600);
        assert!(more.iter().all(|(tile, bytes)| whole.get(tile).or(files.get(tile)) == Some(bytes)));
        assert_eq!(resumed.head().unwrap(), frontier(size + 600).head());

        for &tile in given.keys() {
            let mut absent = given.clone();
            absent.remove(&tile);
            assert_eq!(TileBuilder::resume(&frontier(size), &absent).unwrap_err(), TileError::Absent { tile });
            for place in [0, given[&tile].len() - 1] {
                let mut bent = given.clone();
                bent.get_mut(&tile).unwrap()[place] ^= 1;
                let error = TileBuilder::resume(&frontier(size), &bent).unwrap_err();
                let found = match error {
                    TileError::Mismatch { tile } | TileError::Bundle { tile, .. } | TileError::Entry { tile, .. } => {
                        tile
                    }
                    other => panic!("{other}"),
                };
                assert_eq!(found, tile);
            }
        }
    }
}

#[test]
fn one_of_a_million_events_is_proved_with_five_tiles() {
    assert_eq!(
        paths(inclusion_tiles(123_456, 1_000_000)),
        ["tile/0/482", "tile/0/x003/906.p/64", "tile/1/001", "tile/1/015.p/66", "tile/2/000.p/15"]
    );
    assert!((0..1_000_000).step_by(997).all(|index| inclusion_tiles(index, 1_000_000).len() <= 5));
}

#[test]
fn a_changed_tile_never_gives_a_proof() {
    let size = 66_000;
    let (builder, files) = build(size);
    let head = builder.head().unwrap();
    let given = pick(&files, inclusion_tiles(300, size));
    assert!(inclusion_proof(300, &head, &given).is_ok());
    for &tile in given.keys() {
        for place in (0..given[&tile].len()).step_by(31) {
            let mut bent = given.clone();
            bent.get_mut(&tile).unwrap()[place] ^= 1;
            let error = inclusion_proof(300, &head, &bent).unwrap_err();
            match error {
                TileError::Mismatch { tile: found } => assert!(!found.is_partial() && found <= tile),
                TileError::Root { .. } => assert!(tile.is_partial()),
                other => panic!("{other}"),
            }
        }
        let mut absent = given.clone();
        absent.remove(&tile);
        assert_eq!(inclusion_proof(300, &head, &absent), Err(TileError::Absent { tile }));
        let mut short = given.clone();
        short.get_mut(&tile).unwrap().pop();
        assert!(matches!(inclusion_proof(300, &head, &short), Err(TileError::Length { .. })));
    }
    let other = TreeHead { size: size - 1, ..head };
    assert!(matches!(inclusion_proof(300, &other, &given), Err(TileError::NotOfTree { .. })));
    assert_eq!(inclusion_proof(size, &head, &given), Err(TileError::NoSuchLeaf { index: size, size }));
}

#[test]
fn a_bundle_is_read_to_its_last_byte_and_no_further() {
    let mut bundle = Vec::new();
    for entry in [&b"one"[..], b"", b"three"] {
        push_bundle_entry(&mut bundle, entry).unwrap();
    }
    assert_eq!(bundle_entries(&bundle, 3).unwrap(), [&b"one"[..], b"", b"three"]);
    assert_eq!(bundle_entries(&bundle, 4), Err(BundleError::Truncated { index: 3 }));
    assert_eq!(bundle_entries(&bundle, 2), Err(BundleError::Rest { bytes: 7 }));
    assert_eq!(bundle_entries(&bundle[..bundle.len() - 1], 3), Err(BundleError::Truncated { index: 2 }));
    assert_eq!(push_bundle_entry(&mut bundle, &[0; 65_536]), Err(BundleError::TooLong { bytes: 65_536 }));
    push_bundle_entry(&mut bundle, &[0; 65_535]).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn proofs_out_of_tiles_hold(size in 1_u64..5000, a in any::<u64>(), b in any::<u64>()) {
        let (builder, files) = build(size);
        let head = builder.head().unwrap();

        let index = a % size;
        let proof = inclusion_proof(index, &head, &pick(&files, inclusion_tiles(index, size))).unwrap();
        prop_assert_eq!(verify_inclusion(leaf_hash(&entry(index)), index, &proof, &head), Ok(()));

        let from = b % (size + 1);
        let (older, proof) = consistency_proof(from, &head, &pick(&files, consistency_tiles(from, size))).unwrap();
        prop_assert_eq!(older, frontier(from).head());
        prop_assert_eq!(verify_consistency(&older, &head, &proof), Ok(()));

        let (begin, end) = (index.min(from), (index.max(from) + 1).min(size));
        let proof = range_proof(begin, end, &head, &pick(&files, range_tiles(begin, end, size))).unwrap();
        let mut tree = Frontier::from_hashes(begin, proof.left).unwrap();
        for index in begin..end {
            tree.push(leaf_hash(&entry(index))).unwrap();
        }
        let nodes = crate::tree::decompose(end, size);
        prop_assert_eq!(nodes.len(), proof.right.len());
        for (node, hash) in nodes.iter().zip(proof.right) {
            tree.push_subtree(node.level, hash).unwrap();
        }
        prop_assert_eq!(tree.head(), head);
    }
}
