//! Consistency proofs.

use verifier::{
    Failure, Fault, Report, Trouble,
    consistency::{extends, verify},
    proof,
    testing::{Signer, TestLog, flips},
};

use crate::support::broken;

fn note(log: &TestLog, size: u64) -> (String, Vec<u8>) {
    (format!("of size {size}"), log.checkpoint(size).into_bytes())
}

fn check(log: &TestLog, proof: &str, known: &[u64]) -> Result<Report, Failure> {
    let known: Vec<_> = known.iter().map(|size| note(log, *size)).collect();
    verify(proof.as_bytes(), &known, &log.keys())
}

#[test]
fn every_pair_of_sizes_is_consistent() {
    let log = TestLog::new("acme", 17, 1);
    for to in 0..=17 {
        for from in 0..=to {
            check(&log, &log.consistency(from, to), &[from, to]).unwrap();
        }
    }
    // What the newest checkpoint says needs no other, and the tree of size 0 none at all.
    check(&log, &log.consistency(0, 17), &[]).unwrap();
    let report = check(&log, &log.consistency(9, 17), &[9]).unwrap();
    assert_eq!((report.extends[0].size, report.checkpoint.size), (9, 17));
}

#[test]
fn a_root_that_nobody_signed_proves_nothing() {
    let log = TestLog::new("acme", 17, 2);
    let missing = |outcome| matches!(outcome, Err(Failure::Unchecked(Trouble::NoCheckpointOf { size: 9 })));
    assert!(missing(check(&log, &log.consistency(9, 17), &[])));
    let fault = broken(check(&log, &log.consistency(9, 17), &[8]));
    assert_eq!(fault, Fault::HeadNotSigned { size: 9 });
    // A fork that is consistent in itself.
    let fork = TestLog::new("acme", 17, 3);
    let forged = fork.consistency(9, 17).replace(
        &serde_json::to_string(&fork.checkpoint(17)).unwrap(),
        &serde_json::to_string(&log.checkpoint(17)).unwrap(),
    );
    let fault = broken(check(&log, &forged, &[9]));
    assert!(matches!(fault, Fault::Forked { size: 9, .. }), "{fault}");
    // And with its own checkpoint, against one of the true log: both are signed, and one is a lie.
    let fault = broken(check(&log, &fork.consistency(9, 17), &[9]));
    assert!(matches!(fault, Fault::Forked { size: 9, .. }), "{fault}");
}

#[test]
fn every_flipped_byte_is_found() {
    let log = TestLog::new("acme", 17, 4);
    for (from, to) in [(9, 17), (8, 12), (17, 17)] {
        let proof = log.consistency(from, to);
        let known = [note(&log, from), note(&log, to)];
        for (position, changed) in flips(proof.as_bytes(), usize::MAX, 0) {
            let outcome = verify(&changed, &known, &log.keys());
            assert!(matches!(outcome, Err(Failure::Broken(_))), "{position}");
        }
    }
}

#[test]
fn hashes_that_are_dropped_swapped_or_added_are_found() {
    let log = TestLog::new("acme", 17, 5);
    let proof: serde_json::Value = serde_json::from_str(&log.consistency(9, 17)).unwrap();
    let count = proof["hashes"].as_array().unwrap().len();
    assert!(count >= 4);
    for at in 0..count {
        for other in 0..count {
            let mut changed = proof.clone();
            let hashes = changed["hashes"].as_array_mut().unwrap();
            match other.cmp(&at) {
                std::cmp::Ordering::Less => hashes.swap(at, other),
                std::cmp::Ordering::Equal => drop(hashes.remove(at)),
                std::cmp::Ordering::Greater => hashes.insert(at, hashes[other].clone()),
            }
            let fault = broken(check(&log, &changed.to_string(), &[9]));
            assert!(matches!(fault, Fault::Inconsistent { from: 9, to: 17, .. }), "{fault}");
        }
    }
}

#[test]
fn a_proof_of_an_event_can_be_held_against_an_older_checkpoint() {
    let log = TestLog::new("acme", 17, 6);
    let fork = TestLog::new("acme", 17, 7);
    let keys = log.keys();
    let report = |log: &TestLog, size| proof::verify(log.proof(3, size, false).as_bytes(), None, &keys).unwrap();
    let proof = log.consistency(9, 17);
    let ok = extends(report(&log, 17), &note(&log, 9), Some(proof.as_bytes()), &keys).unwrap();
    assert_eq!(ok.extends[0].size, 9);
    // The same size needs no proof, and nor does the empty log.
    extends(report(&log, 17), &note(&log, 17), None, &keys).unwrap();
    extends(report(&log, 17), &note(&log, 0), None, &keys).unwrap();

    let outcome = extends(report(&log, 17), &note(&log, 9), None, &keys);
    assert!(matches!(outcome, Err(Failure::Unchecked(Trouble::NoConsistency { from: 9, to: 17 }))));
    let fault = broken(extends(report(&log, 9), &note(&log, 17), Some(proof.as_bytes()), &keys));
    assert_eq!(fault, Fault::RolledBack { was: 17, size: 9 });
    for size in [9, 17] {
        let fault = broken(extends(report(&log, 17), &note(&fork, size), Some(proof.as_bytes()), &keys));
        assert!(matches!(fault, Fault::Forked { .. }), "{fault}");
    }
    // The proof of other sizes, or of another log, does not do.
    let other = log.consistency(8, 17);
    let fault = broken(extends(report(&log, 17), &note(&log, 9), Some(other.as_bytes()), &keys));
    assert_eq!(fault, Fault::HeadNotSigned { size: 8 });
    let rival = TestLog::new("rival", 17, 6);
    let fault = broken(extends(report(&log, 17), &note(&log, 9), Some(rival.consistency(9, 17).as_bytes()), &keys));
    assert!(matches!(fault, Fault::OtherLog { .. }), "{fault}");
    let stranger = Signer::log(log.origin.as_str(), 8).sign(&log.text(&log.head(9))).into_bytes();
    let fault = broken(extends(report(&log, 17), &("s".to_owned(), stranger), Some(proof.as_bytes()), &keys));
    assert!(matches!(fault, Fault::NotSigned { .. }), "{fault}");
}
