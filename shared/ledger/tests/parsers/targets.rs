//! What must hold for any bytes whatever. Ordinary tests and the fuzzer (`shared/ledger/fuzz`) call the same functions.
//!
//! No parser panics, and what it takes has one form: written again, it is the bytes that were read.

use ledger::{
    Checkpoint, LeafEntry, Note, TreeHead, VerifierKey,
    entry::Shown,
    proof::TlogProof,
    range::RangeVerifier,
    tile::{Tile, bundle_entries, push_bundle_entry},
    tree::{Frontier, decompose, empty_root, verify_consistency, verify_inclusion},
};

/// The public keys of tests/vectors/keys.json.
const KEYS: [&str; 3] = [
    "history.example.com/acme+bddeaf4e+ASu8NyQWYNUrBKX+2mTLUgnXSkePgn3e7cug0sGMxaZ8",
    "history.example.com/acme/range+904cbb14+Ae7wt6izKYvwcQZ787yc3rsOlfQvm95fr1r8md6+9qZb",
    "witness.example.org/w1+1b579f22+BPYK8uJ0Ul6a/CRnHTMiQak69Bt2XmrPehTEF/H7XNef",
];

fn keys() -> Vec<VerifierKey> {
    KEYS.iter().filter_map(|key| key.parse().ok()).collect()
}

pub(crate) fn note(bytes: &[u8]) {
    if let Ok(note) = Note::parse(bytes) {
        assert_eq!(note.to_string().as_bytes(), bytes);
        assert_eq!(Note::new(note.text(), note.signatures().to_vec()).as_ref(), Ok(&note));
        let _ = note.verify(&keys());
        let _ = Checkpoint::verify(&note, &keys());
    }
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Ok(checkpoint) = Checkpoint::parse(text)
    {
        assert_eq!(checkpoint.text(), text);
    }
}

pub(crate) fn vkey(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Ok(key) = text.parse::<VerifierKey>()
    {
        assert_eq!(key.to_string(), text);
    }
}

pub(crate) fn tile_path(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Ok(tile) = Tile::parse(text)
    {
        assert_eq!(tile.path(), text);
        assert_eq!(Tile::new(tile.level(), tile.index(), tile.width()), Ok(tile));
    }
}

/// The first byte says how many entries there are to be.
pub(crate) fn bundle(bytes: &[u8]) {
    if let Some((width, bundle)) = bytes.split_first()
        && let Ok(entries) = bundle_entries(bundle, (*width).into())
    {
        let mut written = Vec::new();
        for entry in &entries {
            push_bundle_entry(&mut written, entry).unwrap();
        }
        assert_eq!(written, bundle);
    }
}

pub(crate) fn entry(bytes: &[u8]) {
    if let Ok(entry) = LeafEntry::parse(bytes) {
        assert_eq!(entry.to_bytes(), bytes);
    }
    if let Ok(shown) = Shown::parse(bytes) {
        assert_eq!(shown.to_bytes(), bytes);
        let _ = shown.check();
    }
}

pub(crate) fn tlog_proof(bytes: &[u8]) {
    if let Ok(proof) = TlogProof::parse(bytes) {
        assert_eq!(proof.to_string().as_bytes(), bytes);
        let _ = proof.verify(&keys());
        if let Some(extra) = proof.extra {
            entry(&extra);
        }
    }
}

pub(crate) fn range(bytes: &[u8]) {
    let keys = keys();
    let mut verifier = RangeVerifier::new(&keys);
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        if verifier.line(line).is_err() {
            assert!(verifier.finish().is_err(), "what was refused stays refused");
            return;
        }
    }
    let _ = verifier.finish();
}

/// Three numbers, then hashes.
pub(crate) fn tree(bytes: &[u8]) {
    let Some((numbers, rest)) = bytes.split_first_chunk::<24>() else { return };
    let numbers = numbers.as_chunks::<8>().0;
    let [a, b, c] = [0, 1, 2].map(|place| u64::from_le_bytes(numbers[place]));
    let hashes: Vec<_> = rest.as_chunks::<32>().0.iter().copied().map(ledger::Hash).collect();
    let head = |size| TreeHead { size, root: hashes.first().copied().unwrap_or_else(empty_root) };
    let _ = verify_inclusion(head(0).root, a, &hashes, &head(b));
    let _ = verify_consistency(&head(a), &head(b), &hashes);
    assert!(decompose(a, b).len() <= 128);
    if let Ok(mut frontier) = Frontier::from_bytes(a, rest) {
        assert_eq!(frontier.to_bytes(), rest);
        let level = c.to_le_bytes()[0];
        let _ = frontier.push_subtree(level, head(0).root);
        assert_eq!(frontier.hashes().len(), frontier.size().count_ones() as usize);
    }
}
