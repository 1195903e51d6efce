//! Proofs of one event.

use base64::{Engine, engine::general_purpose::STANDARD};
use ledger::{commitment, entry::OpenedEntry};
use serde_json::{Value, json};
use verifier::{
    Failure, Fault, Keys, Report, Trouble,
    proof::verify,
    testing::{Signer, TestLog, flips},
};

use crate::support::broken;

fn check(log: &TestLog, proof: &str) -> Result<Report, Failure> {
    verify(proof.as_bytes(), None, &log.keys())
}

#[test]
fn every_event_of_logs_of_many_sizes_is_proven() {
    for size in [1, 2, 3, 7, 8, 33] {
        let log = TestLog::new("acme", size, size);
        for sequence in 1..=size {
            for content in [false, true] {
                let report = check(&log, &log.proof(sequence, size, content)).unwrap();
                let event = report.event.unwrap();
                assert_eq!((event.sequence, event.content_checked), (sequence, content));
                assert_eq!(event.leaf_hash, log.events[sequence as usize - 1].leaf_hash);
                let erased = content && sequence.is_multiple_of(5);
                assert_eq!(event.erased, if erased { vec!["/payload/customer/email"] } else { vec![] });
            }
        }
    }
}

#[test]
fn every_flipped_byte_is_found() {
    let log = TestLog::new("acme", 11, 1);
    for (sequence, content) in [(1, false), (7, false), (7, true), (11, true)] {
        let proof = log.proof(sequence, 11, content);
        for (position, changed) in flips(proof.as_bytes(), usize::MAX, 0) {
            let fault = broken(verify(&changed, None, &log.keys()));
            // Everything before the checkpoint is about the event; unless it cannot even be read, that is named.
            if let Some(found) = fault.sequence() {
                let index_line = proof.find("\nindex ").unwrap()..proof.find("\nindex ").unwrap() + 9;
                assert!(found == sequence || index_line.contains(&position), "{position}: {fault}");
            }
        }
    }
}

#[test]
fn every_flipped_byte_in_the_event_is_found_where_it_is() {
    let log = TestLog::new("acme", 11, 2);
    for sequence in [4, 5] {
        let proof = log.proof(sequence, 11, true);
        let (before, rest) = proof.split_once("extra ").unwrap();
        let (extra, after) = rest.split_once('\n').unwrap();
        let extra = STANDARD.decode(extra).unwrap();
        // Who erased a field is a remark that no hash covers (docs/LEDGER.md, section 2.1): the one exception.
        let by = String::from_utf8(extra.clone()).unwrap().find(r#""by":"req_1""#).map(|at| at + 6..at + 11);
        assert_eq!(by.is_some(), sequence == 5);
        for (position, changed) in flips(&extra, usize::MAX, 0) {
            let proof = format!("{before}extra {}\n{after}", STANDARD.encode(changed));
            if by.as_ref().is_some_and(|by| by.contains(&position)) {
                continue;
            }
            let fault = broken(check(&log, &proof));
            assert_eq!(fault.sequence(), Some(sequence), "{position}: {fault}");
        }
    }
}

#[test]
fn lines_that_are_dropped_swapped_or_doubled_are_found() {
    let log = TestLog::new("acme", 11, 3);
    let proof = log.proof(6, 11, true);
    let lines: Vec<&str> = proof.split_inclusive('\n').collect();
    for at in 0..lines.len() {
        let mut dropped = lines.clone();
        dropped.remove(at);
        broken(check(&log, &dropped.concat()));
        let mut doubled = lines.clone();
        doubled.insert(at, lines[at]);
        // The signature twice says nothing else; all other lines count.
        let same = at == lines.len() - 1;
        assert_eq!(check(&log, &doubled.concat()).is_ok(), same, "line {at}");
        for other in at + 1..lines.len() {
            let mut swapped = lines.clone();
            swapped.swap(at, other);
            if lines[at] == lines[other] {
                continue; // the empty lines
            }
            broken(check(&log, &swapped.concat()));
        }
    }
    for length in 0..proof.len() {
        broken(check(&log, &proof[..proof.floor_char_boundary(length)]));
    }
}

#[test]
fn a_proof_of_another_place_log_or_tree_is_refused() {
    let log = TestLog::new("acme", 11, 4);
    let other = TestLog::new("acme", 11, 5);
    let rival = TestLog::new("rival", 11, 4);
    // Another event's place.
    let moved = log.proof(6, 11, false).replace("index 5", "index 4");
    assert!(matches!(broken(check(&log, &moved)), Fault::OtherSequence { sequence: 5, found: 6 }));
    // An event of another history, or of another tenant, under the log's checkpoint.
    let forged = other.proof_under(6, 11, false, &log.checkpoint(11));
    assert!(matches!(broken(check(&log, &forged)), Fault::NotInTree { sequence: 6, .. }));
    let replayed = rival.proof_under(6, 11, false, &log.checkpoint(11));
    assert!(matches!(broken(check(&log, &replayed)), Fault::EntryOfOtherLog { sequence: 6, .. }));
    // Another tree of the same log, and of another tenant.
    let older = log.proof_under(6, 11, false, &log.checkpoint(10));
    assert!(matches!(broken(check(&log, &older)), Fault::NotInTree { sequence: 6, .. }));
    assert!(matches!(broken(check(&log, &rival.proof(6, 11, false))), Fault::NotSigned { .. }));
    // An event after the end.
    let beyond = log.proof_under(11, 11, false, &log.checkpoint(10));
    assert!(matches!(broken(check(&log, &beyond)), Fault::NotInTree { sequence: 11, .. }));
}

#[test]
fn only_the_keys_that_were_given_count() {
    let log = TestLog::new("acme", 5, 6);
    let stranger = Signer::log(log.origin.as_str(), 7);
    let witness = Signer::witness("witness.example.com/w", 3);
    let text = log.text(&log.head(5));
    let under = |checkpoint: &str| check(&log, &log.proof_under(2, 5, false, checkpoint));
    assert!(matches!(broken(under(&stranger.sign(&text))), Fault::NotSigned { .. }));
    assert!(matches!(broken(under(&log.range_signer.sign(&text))), Fault::NotSigned { .. }));
    // Both keys, as while a key is changed: who knows either accepts it.
    let both = stranger.sign_too(&log.checkpoint(5));
    under(&both).unwrap();
    let keys = Keys::new(vec![stranger.key()], vec![], vec![], 0).unwrap();
    verify(log.proof_under(2, 5, false, &both).as_bytes(), None, &keys).unwrap();
    // A wrong signature of a known key is worse than none, whatever else has signed.
    let forged = both.replace(&text, &log.text(&log.head(4)));
    assert!(matches!(broken(under(&forged)), Fault::WrongSignature { .. }));
    // Witnesses.
    let cosigned = witness.cosign(&log.checkpoint(5), 1_756_609_260);
    let proof = log.proof_under(2, 5, false, &cosigned);
    let other = Signer::witness("witness.example.com/v", 4);
    let with = |witnesses: &[&Signer], quorum, proof: &str| {
        let witnesses = witnesses.iter().map(|witness| witness.key()).collect();
        verify(proof.as_bytes(), None, &Keys::new(vec![log.signer.key()], vec![], witnesses, quorum).unwrap())
    };
    let report = with(&[&witness, &other], 1, &proof).unwrap();
    assert_eq!(report.cosigned_by[0].at.to_string(), "2025-08-31T03:01:00Z");
    assert!(matches!(broken(with(&[&witness, &other], 2, &proof)), Fault::TooFewWitnesses { found: 1, needed: 2, .. }));
    let namesake = Signer::witness("witness.example.com/w", 5);
    assert!(matches!(broken(with(&[&namesake], 1, &proof)), Fault::TooFewWitnesses { found: 0, .. }));
    // The same cosignature twice is one witness.
    let line = proof.lines().last().unwrap();
    let doubled = format!("{proof}{line}\n");
    assert!(matches!(broken(with(&[&witness, &other], 2, &doubled)), Fault::TooFewWitnesses { found: 1, .. }));
    // Each byte of the cosignature counts for who asks for the witness.
    let start = proof.rfind("\u{2014} witness").unwrap();
    for (position, changed) in flips(&proof.as_bytes()[start..], usize::MAX, 0) {
        let changed = [&proof.as_bytes()[..start], &changed[..]].concat();
        let keys = Keys::new(vec![log.signer.key()], vec![], vec![witness.key()], 1).unwrap();
        broken(verify(&changed, None, &keys));
        // A line of a key that is not known says nothing, and its bytes may be anything (C2SP signed-note).
        let known = check(&log, &String::from_utf8_lossy(&changed));
        if let Err(Failure::Broken(fault)) = known {
            assert!(matches!(fault, Fault::Malformed { .. }), "{position}: {fault}");
        }
    }
}

/// An event as the API shows it.
fn event(log: &TestLog, sequence: u64) -> Value {
    let recorded = &log.events[sequence as usize - 1];
    let mut event = serde_json::to_value(&recorded.event).unwrap();
    event["sequence"] = sequence.into();
    event["received_at"] = recorded.entry.received_at.to_string().into();
    event
}

#[test]
fn an_event_that_was_given_is_compared_field_by_field() {
    let log = TestLog::new("acme", 5, 7);
    let compare = |sequence, content, event: &Value| {
        verify(log.proof(sequence, 5, content).as_bytes(), Some(event.to_string().as_bytes()), &log.keys())
    };
    let good = event(&log, 2);
    assert!(compare(2, true, &good).unwrap().event.unwrap().content_checked);
    // Other spellings of the same.
    let mut same = good.clone();
    same["received_at"] = "2025-08-29T14:34:57+02:00".into();
    same["tenant_id"] = "acme".into();
    assert_eq!(compare(2, true, &same).unwrap().notes, ["not compared, because no entry has it: tenant_id"]);

    for (field, value) in [
        ("event_id", json!("evt_x")),
        ("id", json!("evt_x")),
        ("order_id", json!("ord_x")),
        ("source", json!("x")),
        ("type", json!("order.x")),
        ("schema_version", json!("v2")),
        ("correction_of", json!("evt_y")),
        ("occurred_at", json!("2020-01-01T00:00:00Z")),
        ("received_at", json!(1)),
        ("sequence", json!(3)),
    ] {
        let mut other = good.clone();
        other[field] = value;
        let fault = broken(compare(2, true, &other));
        assert_eq!(fault, Fault::OtherEvent { sequence: 2, field }, "{fault}");
    }
    for (pointer, value) in [
        ("/payload/total", json!(0)),
        ("/payload/customer/email", json!(null)),
        ("/payload/items/1/tags", json!({})),
        ("/metadata/actor_id", json!("svc_other")),
        ("/payload", json!({})),
        ("/metadata", json!({})),
    ] {
        let mut other = good.clone();
        *other.pointer_mut(pointer).unwrap() = value;
        let fault = broken(compare(2, true, &other));
        assert!(matches!(fault, Fault::OtherContent { sequence: 2, .. }), "{pointer}: {fault}");
    }
    assert!(matches!(compare(2, false, &good), Err(Failure::Unchecked(Trouble::NoOpening))));
    let mut secret = good.clone();
    secret
        .as_object_mut()
        .unwrap()
        .extend(serde_json::to_value(&log.events[1].opening).unwrap().as_object().unwrap().clone());
    assert!(compare(2, false, &secret).unwrap().event.unwrap().content_checked);
    // Without a payload there is only the envelope.
    let mut envelope = good.clone();
    envelope.as_object_mut().unwrap().remove("payload");
    let report = compare(2, false, &envelope).unwrap();
    assert!(!report.event.unwrap().content_checked);
    assert_eq!(report.notes.len(), 1);
}

#[test]
fn the_value_of_an_erased_field_is_told_to_be_unproven() {
    let log = TestLog::new("acme", 5, 8);
    let mut before = event(&log, 5);
    before["payload"]["customer"]["email"] = "as.it.was@example.com".into();
    let proof = log.proof(5, 5, true);
    let report = verify(proof.as_bytes(), Some(before.to_string().as_bytes()), &log.keys()).unwrap();
    assert_eq!(report.event.unwrap().erased, ["/payload/customer/email"]);
    before["payload"]["customer"]["name"] = "Somebody".into();
    let outcome = verify(proof.as_bytes(), Some(before.to_string().as_bytes()), &log.keys());
    assert!(matches!(broken(outcome), Fault::OtherContent { sequence: 5, .. }));
}

#[test]
fn each_field_can_be_erased_and_the_proof_still_holds() {
    let log = TestLog::new("acme", 5, 9);
    let recorded = &log.events[1];
    let fields = commitment::fields(&recorded.opening, &recorded.event.payload, &recorded.event.metadata);
    assert!(fields.len() >= 8);
    for field in fields {
        let mut log = log.clone();
        let recorded = &mut log.events[1];
        let (payload, metadata) = (&mut recorded.event.payload, &mut recorded.event.metadata);
        commitment::erase(payload, metadata, &mut recorded.opening, &[&field.pointer], "req_2").unwrap();
        let proof = log.proof(2, 5, true);
        let report = check(&log, &proof).unwrap();
        assert_eq!(report.event.unwrap().erased, std::slice::from_ref(&field.pointer));
        // Another value in its place is found.
        let opened = OpenedEntry {
            entry: recorded_entry(&log, 2),
            metadata: log.events[1].event.metadata.clone(),
            opening: log.events[1].opening.clone(),
            payload: log.events[1].event.payload.clone(),
        };
        let text = String::from_utf8(opened.to_bytes()).unwrap().replacen(":null", ":\"Forged\"", 1);
        let (head, rest) = proof.split_once("extra ").unwrap();
        let forged = format!("{head}extra {}\n{}", STANDARD.encode(&text), rest.split_once('\n').unwrap().1);
        assert!(matches!(broken(check(&log, &forged)), Fault::OtherContent { sequence: 2, .. }), "{}", field.pointer);
    }
}

fn recorded_entry(log: &TestLog, sequence: usize) -> ledger::LeafEntry {
    log.events[sequence - 1].entry.clone()
}
