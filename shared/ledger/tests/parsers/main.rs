//! Every parser on damaged input, for a moment. `shared/ledger/fuzz` has the same targets for a fuzzer, and for hours.
//!
//! Random bytes hardly get past a first line. So what is thrown at a parser are the golden vectors, bent in a few places.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod targets;

use std::fs;

use proptest::{collection::vec, prelude::*, sample};

const VECTORS: &str = "../../tests/vectors";

/// One thing that can happen to bytes; places are taken modulo the length.
#[derive(Debug, Clone)]
enum Bend {
    Flip(usize, u8),
    Delete(usize, usize),
    Repeat(usize, usize),
    Insert(usize, &'static str),
    Cut(usize),
}

const TOKENS: &[&str] = &[
    "\n",
    "\n\n",
    " ",
    "\r",
    "\0",
    "+",
    "=",
    "0",
    "-1",
    "9007199254740992",
    "18446744073709551616",
    "\"",
    "}",
    "[",
    ",",
    "x",
    "/",
    ".p/1",
    "\u{2014} ",
    "\u{a0}",
    "null",
    "\\u0000",
    "1e400",
];

fn bend() -> impl Strategy<Value = Bend> {
    prop_oneof![
        (any::<usize>(), 0..8_u8).prop_map(|(place, bit)| Bend::Flip(place, bit)),
        (any::<usize>(), 1..40_usize).prop_map(|(place, length)| Bend::Delete(place, length)),
        (any::<usize>(), 1..40_usize).prop_map(|(place, length)| Bend::Repeat(place, length)),
        (any::<usize>(), sample::select(TOKENS)).prop_map(|(place, token)| Bend::Insert(place, token)),
        any::<usize>().prop_map(Bend::Cut),
    ]
}

fn apply(bytes: &mut Vec<u8>, bend: &Bend) {
    let length = bytes.len();
    let within = |place: &usize| place % length.max(1);
    match bend {
        Bend::Flip(place, bit) => {
            if let Some(byte) = bytes.get_mut(within(place)) {
                *byte ^= 1 << bit;
            }
        }
        Bend::Delete(place, count) => drop(bytes.drain(within(place)..(within(place) + count).min(length))),
        Bend::Repeat(place, count) => {
            let part = bytes[within(place)..(within(place) + count).min(length)].to_vec();
            bytes.splice(within(place)..within(place), part);
        }
        Bend::Insert(place, token) => drop(bytes.splice(within(place)..within(place), token.bytes())),
        Bend::Cut(place) => bytes.truncate(within(place)),
    }
}

fn bent(seeds: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    (sample::select(seeds), vec(bend(), 0..5)).prop_map(|(mut bytes, bends)| {
        bends.iter().for_each(|bend| apply(&mut bytes, bend));
        bytes
    })
}

fn files(names: &[&str]) -> Vec<Vec<u8>> {
    names.iter().map(|name| fs::read(format!("{VECTORS}/{name}")).unwrap()).collect()
}

fn texts(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

fn lines(name: &str) -> Vec<Vec<u8>> {
    files(&[name])[0].split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
}

/// The tests must not live on nothing but refusals.
#[test]
fn the_seeds_are_good_ones() {
    for seed in lines("proofs/range-3-7.ndjson").iter().skip(1).take(5) {
        assert!(ledger::LeafEntry::parse(seed).is_ok());
    }
    assert!(ledger::proof::TlogProof::parse(&files(&["proofs/event-4-content.tlog-proof"])[0]).is_ok());
}

proptest! {
    #[test]
    fn notes(bytes in bent(files(&["log/checkpoint", "checkpoints/260-two-keys", "checkpoints/260-witnessed"]))) {
        targets::note(&bytes);
    }

    #[test]
    fn verifier_keys(bytes in bent(texts(&[
        "history.example.com/acme+bddeaf4e+ASu8NyQWYNUrBKX+2mTLUgnXSkePgn3e7cug0sGMxaZ8",
        "witness.example.org/w1+1b579f22+BPYK8uJ0Ul6a/CRnHTMiQak69Bt2XmrPehTEF/H7XNef",
    ]))) {
        targets::vkey(&bytes);
    }

    #[test]
    fn tile_paths(bytes in bent(texts(&["tile/0/x001/x234/067", "tile/entries/000.p/255", "tile/6/000.p/1"]))) {
        targets::tile_path(&bytes);
    }

    #[test]
    fn bundles(bytes in bent(vec![b"\x03\0\x03one\0\0\0\x05three".to_vec(), b"\x00".to_vec()])) {
        targets::bundle(&bytes);
    }

    #[test]
    fn entries(bytes in bent([lines("proofs/range-3-7.ndjson"), lines("proofs/range-3-7-content.ndjson")].concat())) {
        targets::entry(&bytes);
    }

    #[test]
    fn proofs(bytes in bent(files(&["proofs/event-1.tlog-proof", "proofs/event-4-content.tlog-proof"]))) {
        targets::tlog_proof(&bytes);
    }

    #[test]
    fn ranges(bytes in bent(files(&["proofs/range-3-7.ndjson", "proofs/range-3-7-content.ndjson"]))) {
        targets::range(&bytes);
    }

    #[test]
    fn trees(numbers in [any::<u64>(), any::<u64>(), any::<u64>()], shift in 0..64_u32, hashes in vec(any::<u8>(), 0..300)) {
        let bytes: Vec<u8> = numbers.iter().flat_map(|number| (number >> shift).to_le_bytes()).chain(hashes).collect();
        targets::tree(&bytes);
    }
}
