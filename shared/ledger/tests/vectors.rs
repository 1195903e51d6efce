//! The golden vectors of docs/LEDGER.md, section 14. Another program has written them, from that page alone.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::{collections::BTreeMap, fs, path::Path};

use domain::{event::Event, time::Timestamp};
use ledger::{
    Chain, Checkpoint, Hash, LeafEntry, Note, Opening, Origin, TreeHead, VerifierKey,
    commitment::{self, Secret},
    proof::TlogProof,
    range::{RangeError, RangeVerifier, VerifiedRange},
    tile::{Tile, TileBuilder, bundle_entries, tiles_of_size},
    tree::{self, Frontier, decompose, verify_consistency, verify_inclusion},
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value};

/// From the package, in which Cargo runs its tests.
fn file(name: &str) -> Vec<u8> {
    fs::read(Path::new("../../tests/vectors").join(name)).unwrap()
}

fn json<T: DeserializeOwned>(name: &str) -> T {
    serde_json::from_slice(&file(name)).unwrap()
}

fn keys(names: &[&str]) -> Vec<VerifierKey> {
    let all: Value = json("keys.json");
    names.iter().map(|name| all["keys"][name]["vkey"].as_str().unwrap().parse().unwrap()).collect()
}

fn origin() -> Origin {
    "history.example.com/acme".parse().unwrap()
}

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

#[derive(Deserialize)]
struct Notes {
    notes: Vec<NoteVector>,
}

#[derive(Deserialize)]
struct NoteVector {
    vkey: VerifierKey,
    note: String,
}

#[test]
fn published_notes_hold() {
    let Notes { notes } = json("notes.json");
    assert!(!notes.is_empty());
    for NoteVector { vkey, note } in notes {
        let read = Note::parse(note.as_bytes()).unwrap();
        assert_eq!(read.to_string(), note);
        assert!(read.verify(&[vkey]).is_ok());
    }
}

#[test]
fn checkpoints_are_signed_by_old_and_new_keys_and_by_witnesses() {
    let signers = |name: &str, trusted: &[&str]| {
        let (note, trusted) = (Note::parse(&file(name)).unwrap(), keys(trusted));
        assert_eq!(note.to_string().as_bytes(), file(name));
        Checkpoint::verify(&note, &trusted).map(|(checkpoint, verified)| (checkpoint.size, verified.len()))
    };
    assert_eq!(signers("checkpoints/5", &["checkpoint"]), Ok((5, 1)));
    assert_eq!(signers("checkpoints/7-fork", &["checkpoint"]), Ok((7, 1)));
    assert_eq!(signers("checkpoints/256", &["checkpoint_before"]), Ok((256, 1)));
    assert!(signers("checkpoints/256", &["checkpoint"]).is_err());
    assert_eq!(signers("checkpoints/260-two-keys", &["checkpoint", "checkpoint_before"]), Ok((260, 2)));
    assert_eq!(signers("checkpoints/260-two-keys", &["checkpoint_before", "stranger"]), Ok((260, 1)));
    assert_eq!(signers("checkpoints/260-witnessed", &["checkpoint", "witness"]), Ok((260, 2)));
    assert!(signers("checkpoints/260-witnessed", &["witness"]).is_err(), "a witness does not speak for the log");
}

#[test]
fn proofs_of_events_hold() {
    let trusted = keys(&["checkpoint", "range", "witness", "anchor"]);
    for sequence in [1, 4, 256, 260] {
        for (suffix, opened) in [("", false), ("-content", true)] {
            let bytes = file(&format!("proofs/event-{sequence}{suffix}.tlog-proof"));
            let proof = TlogProof::parse(&bytes).unwrap();
            assert_eq!(proof.to_string().as_bytes(), bytes);
            let event = proof.verify(&trusted).unwrap();
            assert_eq!((event.shown.entry().seq, event.checkpoint.size), (sequence, 260));
            assert_eq!(matches!(event.shown, ledger::entry::Shown::Opened(_)), opened);
            assert_eq!(Some(event.shown.to_bytes()), proof.extra);
        }
    }
    let anchored = TlogProof::parse(&file("anchor/acme-260.tlog-proof")).unwrap();
    assert_eq!(anchored.verify(&trusted).unwrap().verified.len(), 2, "the log and a witness");
}

fn check_range<'a>(bundle: &[u8], trusted: &'a [VerifierKey]) -> Result<VerifiedRange<'a>, RangeError> {
    let mut verifier = RangeVerifier::new(trusted);
    for line in bundle.split_inclusive(|byte| *byte == b'\n') {
        verifier.line(line)?;
    }
    verifier.finish()
}

#[test]
fn ranges_hold() {
    let trusted = keys(&["checkpoint", "range"]);
    for (from, to) in [(1, 1), (1, 260), (3, 7), (255, 258), (260, 260)] {
        for suffix in ["", "-content"] {
            let name = format!("proofs/range-{from}-{to}{suffix}.ndjson");
            if !Path::new("../../tests/vectors").join(&name).exists() {
                continue;
            }
            let range = check_range(&file(&name), &trusted).unwrap();
            assert_eq!((range.from, range.to, range.opened), (from, to, !suffix.is_empty()), "{name}");
            assert_eq!(range.origin, origin());
        }
    }
}

#[test]
fn any_changed_byte_of_a_range_or_a_proof_is_seen() {
    let trusted = keys(&["checkpoint", "range"]);
    for name in ["proofs/range-3-7-content.ndjson", "proofs/range-255-258.ndjson"] {
        let good = file(name);
        // Who erased a field is a remark, and part of no hash (section 2.1).
        let remark = match good.windows(5).position(|bytes| bytes == b"dsr_7") {
            Some(begin) => begin..begin + 5,
            None => 0..0,
        };
        for place in 0..good.len() {
            let mut bent = good.clone();
            bent[place] ^= 1;
            assert_eq!(check_range(&bent, &trusted).is_ok(), remark.contains(&place), "{name}, byte {place}");
        }
        for length in 0..good.len() {
            assert!(check_range(&good[..length], &trusted).is_err(), "{name}, cut off at {length}");
        }
    }
    let good = file("proofs/event-4.tlog-proof");
    for place in 0..good.len() {
        let mut bent = good.clone();
        bent[place] ^= 1;
        let verdict = TlogProof::parse(&bent).map(|proof| proof.verify(&trusted).is_ok());
        assert_ne!(verdict, Ok(true), "byte {place}");
    }
}

#[derive(Deserialize)]
struct Refused {
    refused: Vec<RefusedVector>,
}

#[derive(Deserialize)]
struct RefusedVector {
    kind: String,
    why: String,
    text: String,
}

#[test]
fn what_must_be_refused_is_refused() {
    let trusted = keys(&["checkpoint", "range"]);
    let Refused { refused } = json("refused.json");
    let mut seen = BTreeMap::new();
    for RefusedVector { kind, why, text } in refused {
        let accepted = match kind.as_str() {
            "vkey" => text.parse::<VerifierKey>().is_ok(),
            "checkpoint" => Note::parse(text.as_bytes())
                .is_ok_and(|note| Checkpoint::verify(&note, &trusted).is_ok_and(|(c, _)| c.origin == origin())),
            "proof" => TlogProof::parse(text.as_bytes()).is_ok_and(|proof| proof.verify(&trusted).is_ok()),
            "range" => check_range(text.as_bytes(), &trusted).is_ok(),
            // The program order-history-verify reads these.
            "consistency" => false,
            other => panic!("{other}"),
        };
        assert!(!accepted, "{kind}: {why}");
        *seen.entry(kind).or_insert(0) += 1;
    }
    assert!(["vkey", "checkpoint", "proof", "range"].iter().all(|kind| seen[*kind] >= 7), "{seen:?}");
}
