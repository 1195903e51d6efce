//! What is signed and handed out: notes, checkpoints, proofs and ranges, and what must be refused of them.

use std::{collections::BTreeMap, path::Path};

use ledger::{
    Checkpoint, Note, VerifierKey,
    proof::TlogProof,
    range::{RangeError, RangeVerifier, VerifiedRange},
};
use serde::Deserialize;

use super::{file, json, keys, origin};

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
