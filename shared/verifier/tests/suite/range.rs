//! Range bundles, one and several.

use ledger::range::{RangeFooter, line};
use verifier::{
    Failure, Fault, Noted, Report, Trouble,
    progress::Silent,
    range::Check,
    testing::{Signer, TestLog, flips},
};

use crate::support::broken;

/// What to hold bundles against.
#[derive(Default)]
struct Known<'a> {
    noted: &'a [Noted],
    since: Option<(String, Vec<u8>)>,
}

fn check_with<B: AsRef<[u8]>>(log: &TestLog, bundles: &[B], known: &Known<'_>) -> Result<Report, Failure> {
    let keys = log.keys();
    let mut check = Check::new(&keys, known.noted, known.since.as_ref())?;
    for (bundle, number) in bundles.iter().zip(1..) {
        check.bundle(&format!("bundle {number}"), bundle.as_ref(), &mut Silent)?;
    }
    check.end()
}

fn check<B: AsRef<[u8]>>(log: &TestLog, bundles: &[B]) -> Result<Report, Failure> {
    check_with(log, bundles, &Known::default())
}

#[test]
fn every_range_of_a_log_holds() {
    let log = TestLog::new("acme", 13, 1);
    for size in [12, 13] {
        for from in 1..=size {
            for to in from..=size {
                let report = check(&log, &[log.range(from, to, size, (from + to) % 2 == 0)]).unwrap();
                let start = (from > 1).then(|| Noted { sequence: from - 1, ledger_hash: log.ledger_hash(from - 1) });
                assert_eq!(report.starts_after, start);
                assert_eq!(report.ends_at, Some(Noted { sequence: to, ledger_hash: log.ledger_hash(to) }));
            }
        }
    }
    let log = TestLog::new("acme", 600, 2);
    for (from, to) in [(1, 600), (255, 258), (256, 512), (600, 600)] {
        let report = check(&log, &[log.range(from, to, 600, true)]).unwrap();
        assert_eq!((report.opened, report.checkpoint.size), (Some(to - from + 1), 600));
    }
}

#[test]
fn every_flipped_byte_is_found() {
    let log = TestLog::new("acme", 13, 3);
    for (from, to, content) in [(3, 6, false), (3, 6, true), (1, 2, false), (13, 13, true)] {
        let lines = log.range_lines(from, to, 13, content);
        let bundle = lines.concat();
        // Who erased a field is a remark that no hash covers (docs/LEDGER.md, section 2.1): the one exception.
        let by = bundle.windows(12).position(|window| window == br#""by":"req_1""#).map(|at| at + 6..at + 11);
        assert_eq!(by.is_some(), content && from == 3);
        for (position, changed) in flips(&bundle, usize::MAX, 0) {
            if by.as_ref().is_some_and(|by| by.contains(&position)) {
                continue;
            }
            let fault = broken(check(&log, &[changed]));
            let (mut number, mut end) = (0, lines[0].len());
            while position >= end {
                number += 1;
                end += lines[number].len();
            }
            let entry = (1..lines.len() - 1).contains(&number).then(|| from + number as u64 - 1);
            match fault.sequence() {
                // With a later time in an entry, it is the next one that seems to have come too early.
                Some(sequence) if fault == (Fault::TimeGoesBack { sequence }) => {
                    assert!(entry.is_some_and(|entry| (entry..=entry + 1).contains(&sequence)), "{position}: {fault}");
                }
                // A line feed that is gone makes one line of two, and then the first is wrong.
                Some(sequence) if number > 0 => assert_eq!(Some(sequence), entry, "{position}: {fault}"),
                // With another first line the first entry does not fit it, and with another end one is missing.
                Some(sequence) => assert!(sequence == from || sequence == to + 1, "{position}: {fault}"),
                // With both ends of the chain alone it cannot be told which entry is another one.
                None => assert!(entry.is_none() || matches!(fault, Fault::OtherChain { .. }), "{position}: {fault}"),
            }
        }
    }
}

#[test]
fn the_content_of_an_entry_is_found_where_it_is() {
    let log = TestLog::new("acme", 13, 4);
    let lines = log.range_lines(1, 13, 13, true);
    for sequence in 1..=13 {
        let text = String::from_utf8(lines[sequence].clone()).unwrap();
        for (old, new) in [("@example.com", "@example.net"), ("sku-", "sku_"), ("svc_order", "svc_other"), ("Zo", "Za")]
        {
            let changed = text.replacen(old, new, 1);
            if changed == text {
                assert_eq!((sequence % 5, old), (0, "@example.com"), "erased, and nothing else");
                continue;
            }
            let mut lines = lines.clone();
            lines[sequence] = changed.into_bytes();
            let fault = broken(check(&log, &[lines.concat()]));
            assert!(matches!(fault, Fault::OtherContent { .. }), "{fault}");
            assert_eq!(fault.sequence(), Some(sequence as u64));
        }
    }
}

#[test]
fn lines_that_are_dropped_swapped_doubled_or_cut_off_are_found() {
    let log = TestLog::new("acme", 13, 5);
    let lines = log.range_lines(3, 8, 13, true);
    let last = lines.len() - 1;
    for at in 0..=last {
        let entry = (1..last).contains(&at).then(|| at as u64 + 2);
        let mut dropped = lines.clone();
        dropped.remove(at);
        let fault = broken(check(&log, &[dropped.concat()]));
        if let Some(sequence) = entry {
            assert_eq!(fault.sequence(), Some(sequence), "{fault}");
        }
        let mut doubled = lines.clone();
        doubled.insert(at, lines[at].clone());
        let fault = broken(check(&log, &[doubled.concat()]));
        if let Some(sequence) = entry.filter(|sequence| *sequence < 8) {
            assert_eq!(fault.sequence(), Some(sequence + 1), "{fault}");
        }
        for other in at + 1..=last {
            let mut swapped = lines.clone();
            swapped.swap(at, other);
            let fault = broken(check(&log, &[swapped.concat()]));
            if let Some(sequence) = entry {
                assert_eq!(fault.sequence(), Some(sequence), "{at} and {other}: {fault}");
            }
        }
        let fault = broken(check(&log, &[lines[..at].concat()]));
        if at > 0 && at < last {
            assert_eq!(fault.sequence(), Some(at as u64 + 2), "{fault}");
        }
        let inside = lines[..at].concat().len() + lines[at].len() / 2;
        broken(check(&log, &[&lines.concat()[..inside]]));
    }
    broken(check(&log, &[[lines.concat(), b"\n".to_vec()].concat()]));
    broken(check(&log, &[Vec::new()]));
}

#[test]
fn entries_of_other_logs_and_changed_entries_are_found() {
    let log = TestLog::new("acme", 13, 6);
    let rival = TestLog::new("rival", 13, 6);
    let fork = TestLog::new("acme", 13, 7);
    let mut lines = log.range_lines(3, 8, 13, true);
    lines[4] = rival.range_lines(3, 8, 13, true)[4].clone();
    let fault = broken(check(&log, &[lines.concat()]));
    assert!(matches!(fault, Fault::EntryOfOtherLog { sequence: 6, .. }), "{fault}");
    let mut lines = log.range_lines(3, 8, 13, false);
    lines[4] = fork.range_lines(3, 8, 13, false)[4].clone();
    // It is an entry like any other, and only the chain tells.
    let fault = broken(check(&log, &[lines.concat()]));
    assert!(matches!(fault, Fault::OtherChain { from: 3, to: 8, .. }), "{fault}");
    // Whoever makes the chain anew has the tree against them, and then the signatures.
    let lines = fork.range_lines(3, 8, 13, false);
    let mut forged = lines.clone();
    *forged.last_mut().unwrap() = log.range_lines(3, 8, 13, false).pop().unwrap();
    let fault = broken(check(&log, &[forged.concat()]));
    assert!(matches!(fault, Fault::OtherTree { from: 3, to: 8, size: 13, .. }), "{fault}");
    // Whole bundles of others.
    assert!(matches!(broken(check(&log, &[rival.range(3, 8, 13, false)])), Fault::NotSigned { .. }));
}

#[test]
fn both_signatures_count() {
    let log = TestLog::new("acme", 13, 8);
    let lines = log.range_lines(3, 8, 13, false);
    let with = |checkpoint: String, statement: String| {
        let mut lines = lines.clone();
        *lines.last_mut().unwrap() = RangeFooter { checkpoint, statement }.to_line();
        check(&log, &[lines.concat()])
    };
    let (checkpoint, statement) = (log.checkpoint(13), log.statement(3, 8, 13));
    with(checkpoint.clone(), log.range_signer.sign(&statement.text())).unwrap();

    let name = log.origin.range_key_name();
    for signer in [Signer::log(&name, 9), log.signer.clone(), Signer::log("history.example.com/rival/range", 2)] {
        let fault = broken(with(checkpoint.clone(), signer.sign(&statement.text())));
        assert!(matches!(fault, Fault::NotSigned { ref what } if what.contains("statement")), "{fault}");
    }
    let stranger = Signer::log(log.origin.as_str(), 9).sign(&log.text(&log.head(13)));
    let fault = broken(with(stranger, log.range_signer.sign(&statement.text())));
    assert!(matches!(fault, Fault::NotSigned { ref what } if what.contains("checkpoint")), "{fault}");
    // Statements of other ranges, however genuine.
    for (from, to, size) in [(2, 8, 13), (3, 7, 13), (3, 8, 12)] {
        let fault = broken(with(checkpoint.clone(), log.range_signer.sign(&log.statement(from, to, size).text())));
        assert!(matches!(fault, Fault::Malformed { .. }), "{fault}");
    }
    // A checkpoint that ends before the range does.
    let fault = broken(with(log.checkpoint(7), log.range_signer.sign(&statement.text())));
    assert!(matches!(fault, Fault::Malformed { .. }), "{fault}");
}

#[test]
fn bundles_that_follow_on_each_other_are_one_range() {
    let log = TestLog::new("acme", 40, 9);
    // Each is as it was fetched, from an ever larger tree.
    let bundles = [log.range(1, 10, 12, true), log.range(11, 11, 20, false), log.range(12, 40, 40, false)];
    let report = check(&log, &bundles).unwrap();
    assert_eq!(report.ends_at, Some(Noted { sequence: 40, ledger_hash: log.ledger_hash(40) }));
    assert_eq!(report.starts_after, None);
    assert_eq!((report.checkpoint.size, report.opened), (40, Some(10)));
    // The entries have shown that each checkpoint extends the one before.
    assert_eq!(report.extends.iter().map(|head| head.size).collect::<Vec<_>>(), [12, 20]);

    let fault = broken(check(&log, &[&bundles[0], &bundles[2]]));
    assert!(matches!(fault, Fault::NotNext { sequence: 11, from: 12, last: 10, .. }), "{fault}");
    let fault = broken(check(&log, &[&bundles[0], &bundles[0]]));
    assert!(matches!(fault, Fault::NotNext { sequence: 1, from: 1, last: 10, .. }), "{fault}");
    let rival = TestLog::new("rival", 40, 9);
    assert!(matches!(
        broken(check(&log, &[bundles[0].clone(), rival.range(11, 12, 40, false)])),
        Fault::OtherLog { .. }
    ));
}

#[test]
fn bundles_of_two_histories_do_not_join() {
    let log = TestLog::new("acme", 40, 10);
    let fork = TestLog::new("acme", 40, 11);
    let fault = broken(check(&log, &[log.range(1, 10, 20, false), fork.range(11, 30, 40, false)]));
    assert!(matches!(fault, Fault::DoesNotJoin { sequence: 11, last: 10, .. }), "{fault}");
    // The same first ten entries; what comes then differs, and both were signed.
    let (mut left, mut right) = (log.clone(), log.clone());
    left.events.truncate(20);
    right = right.rewritten_from(15, 12);
    let of = |log: &TestLog, from, to, size| log.range(from, to, size, false);
    let fault = broken(check(&log, &[of(&left, 1, 10, 20), of(&right, 11, 20, 20)]));
    assert!(matches!(fault, Fault::Forked { size: 20, .. }), "{fault}");
    let fault = broken(check(&log, &[of(&left, 1, 10, 20), of(&right, 11, 25, 40)]));
    assert!(matches!(fault, Fault::Forked { size: 20, .. }), "{fault}");
    // What the entries do not reach is not claimed.
    let report = check(&log, &[of(&left, 1, 10, 20), of(&right, 11, 14, 40)]).unwrap();
    assert_eq!(report.notes, ["whether the checkpoints of size 20 and 40 fit each other was not compared"]);
}

#[test]
fn an_older_checkpoint_and_noted_hashes_are_compared_on_the_way() {
    let log = TestLog::new("acme", 40, 13);
    let fork = TestLog::new("acme", 40, 14);
    let bundles = [log.range(5, 30, 40, false)];
    let since = |log: &TestLog, size| Some(("old".to_owned(), log.checkpoint(size).into_bytes()));
    for size in [4, 5, 17, 30] {
        let report = check_with(&log, &bundles, &Known { since: since(&log, size), ..Known::default() }).unwrap();
        assert_eq!(report.extends.iter().map(|head| head.size).collect::<Vec<_>>(), [size]);
        let fault = broken(check_with(&log, &bundles, &Known { since: since(&fork, size), ..Known::default() }));
        assert!(matches!(fault, Fault::Forked { .. }), "{fault}");
    }
    let noted = |sequence| Noted { sequence, ledger_hash: log.ledger_hash(sequence) };
    check_with(&log, &bundles, &Known { noted: &[noted(30), noted(4), noted(9)], since: None }).unwrap();
    for sequence in [4, 5, 30] {
        let wrong = [Noted { sequence, ledger_hash: log.ledger_hash(1) }];
        let fault = broken(check_with(&log, &bundles, &Known { noted: &wrong, since: None }));
        assert_eq!(fault.sequence(), Some(sequence));
    }
    for sequence in [3, 31] {
        let outcome = check_with(&log, &bundles, &Known { noted: &[noted(sequence)], since: None });
        assert!(matches!(outcome, Err(Failure::Unchecked(Trouble::NotShown { .. }))));
    }
}

#[test]
fn a_line_without_end_does_not_fill_the_memory() {
    let log = TestLog::new("acme", 3, 15);
    let mut bundle = log.range_lines(1, 3, 3, false);
    bundle[1] = line(vec![b'x'; 40 << 20]);
    let fault = broken(check(&log, &[bundle.concat()]));
    assert!(matches!(fault, Fault::Malformed { .. } | Fault::NotAnEntry { .. }), "{fault}");
}
