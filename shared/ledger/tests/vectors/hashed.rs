//! What is hashed: openings, leaves, chain, tree and tiles.

use std::collections::BTreeMap;

use domain::{event::Event, time::Timestamp};
use ledger::{
    Chain, Checkpoint, Hash, LeafEntry, Note, Opening, Origin, TreeHead,
    commitment::{self, Secret},
    tile::{Tile, TileBuilder, bundle_entries, tiles_of_size},
    tree::{self, Frontier, decompose, verify_consistency, verify_inclusion},
};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{file, json, keys, origin};

#[derive(Deserialize)]
struct Head {
    size: u64,
    root: Hash,
    ledger_hash: Hash,
}

#[derive(Deserialize)]
struct TreeVectors {
    leaf_hashes: Vec<Hash>,
    heads: Vec<Head>,
    inclusion: Vec<Inclusion>,
    consistency: Vec<Consistency>,
    decompose: Vec<Decompose>,
}

#[derive(Deserialize)]
struct Inclusion {
    index: u64,
    size: u64,
    hashes: Vec<Hash>,
}

#[derive(Deserialize)]
struct Consistency {
    from: u64,
    to: u64,
    hashes: Vec<Hash>,
}

#[derive(Deserialize)]
struct Decompose {
    begin: u64,
    end: u64,
    subtrees: Vec<Subtree>,
}

#[derive(Deserialize)]
struct Subtree {
    level: u8,
    first: u64,
}

#[test]
fn the_tree_is_that_of_the_vectors() {
    let vectors: TreeVectors = json("tree.json");
    let mut frontier = Frontier::new();
    let mut heads = BTreeMap::from([(0, frontier.head())]);
    for leaf in &vectors.leaf_hashes {
        frontier.push(*leaf).unwrap();
        heads.insert(frontier.size(), frontier.head());
    }
    for Head { size, root, .. } in &vectors.heads {
        assert_eq!(heads[size], TreeHead { size: *size, root: *root });
    }
    for Inclusion { index, size, hashes } in &vectors.inclusion {
        let leaf = vectors.leaf_hashes[usize::try_from(*index).unwrap()];
        assert_eq!(verify_inclusion(leaf, *index, hashes, &heads[size]), Ok(()), "{index} of {size}");
    }
    for Consistency { from, to, hashes } in &vectors.consistency {
        assert_eq!(verify_consistency(&heads[from], &heads[to], hashes), Ok(()), "{from} to {to}");
    }
    for Decompose { begin, end, subtrees } in &vectors.decompose {
        let found: Vec<_> = decompose(*begin, *end).iter().map(|n| (n.level, n.index << n.level)).collect();
        let expected: Vec<_> = subtrees.iter().map(|subtree| (subtree.level, subtree.first)).collect();
        assert_eq!(found, expected, "{begin} to {end}");
    }
}

#[derive(Deserialize)]
struct Segment {
    first: u64,
    origin: Origin,
    received_at: Timestamp,
    prev_hash: Hash,
    end_hash: Hash,
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    event: Event,
    #[serde(flatten)]
    opening: Opening,
}

#[test]
fn the_segments_become_the_tiles() {
    let vectors: TreeVectors = json("tree.json");
    let hashes: BTreeMap<_, _> = vectors.heads.iter().map(|head| (head.size, head.ledger_hash)).collect();
    let mut chain = Chain::new(origin());
    let mut builder = TileBuilder::new();
    let mut files = Vec::new();
    for line in String::from_utf8(file("segments.ndjson")).unwrap().lines() {
        let segment: Segment = serde_json::from_str(line).unwrap();
        assert_eq!((segment.first, &segment.origin), (chain.sequence() + 1, chain.origin()));
        assert_eq!(segment.prev_hash, chain.ledger_hash());
        for Entry { event, opening } in &segment.entries {
            let content = commitment::content(opening, &event.payload, &event.metadata);
            let entry = LeafEntry::new(event, content, &origin(), chain.sequence() + 1, segment.received_at);
            let sealed = chain.seal(event, segment.received_at, opening);
            assert_eq!(sealed.leaf_hash, tree::leaf_hash(&entry.to_bytes()));
            if let Some(expected) = hashes.get(&sealed.sequence) {
                assert_eq!(sealed.ledger_hash, *expected);
            }
            files.extend(builder.push(&entry.to_bytes()).unwrap());
        }
        assert_eq!(segment.end_hash, chain.ledger_hash());
    }
    files.extend(builder.partials());

    let (checkpoint, _) =
        Checkpoint::verify(&Note::parse(&file("log/checkpoint")).unwrap(), &keys(&["checkpoint"])).unwrap();
    assert_eq!((&checkpoint.origin, checkpoint.head()), (&origin(), builder.head().unwrap()));
    assert_eq!(files.len(), tiles_of_size(checkpoint.size).count());
    for (tile, bytes) in files {
        assert_eq!(bytes, file(&format!("log/{tile}")), "{tile}");
        assert_eq!(Tile::parse(&tile.path()), Ok(tile));
    }
    for tile in tiles_of_size(checkpoint.size).filter(|tile| tile.path().contains("entries")) {
        for (sequence, entry) in
            (tile.first_leaf() + 1..).zip(bundle_entries(&file(&format!("log/{tile}")), tile.width()).unwrap())
        {
            assert_eq!(LeafEntry::parse(entry).unwrap().seq, sequence);
        }
    }
}

#[derive(Deserialize)]
struct Openings {
    openings: Vec<Opened>,
}

#[derive(Deserialize)]
struct Opened {
    payload: Map<String, Value>,
    metadata: Map<String, Value>,
    secret: Secret,
    content: Hash,
    digests: BTreeMap<String, Hash>,
    erasures: Vec<Erasure>,
}

#[derive(Deserialize)]
struct Erasure {
    pointers: Vec<String>,
    by: String,
    after: After,
}

#[derive(Debug, PartialEq, Deserialize)]
struct After {
    payload: Map<String, Value>,
    metadata: Map<String, Value>,
    #[serde(flatten)]
    opening: Opening,
}

#[test]
fn erasing_gives_what_the_vectors_have() {
    let Openings { openings } = json("openings.json");
    assert!(!openings.is_empty());
    for vector in openings {
        let Opened { payload, metadata, secret, content, digests, erasures } = vector;
        let mut state = After { payload, metadata, opening: secret.into() };
        for erasure in std::iter::once(None).chain(erasures.into_iter().map(Some)) {
            if let Some(Erasure { pointers, by, after }) = erasure {
                let After { payload, metadata, opening } = &mut state;
                commitment::erase(payload, metadata, opening, &pointers, &by).unwrap();
                assert_eq!(state, after);
            }
            let After { payload, metadata, opening } = &state;
            assert_eq!(commitment::content(opening, payload, metadata), content);
            let fields = commitment::fields(opening, payload, metadata);
            let found: BTreeMap<_, _> = fields.into_iter().map(|f| (f.pointer, f.state.digest().unwrap())).collect();
            assert_eq!(found, digests);
        }
    }
}
