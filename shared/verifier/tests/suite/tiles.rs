//! Whole logs as tiles.

use ledger::tile::{Tile, push_bundle_entry};
use verifier::{
    Failure, Fault, Noted, Report,
    progress::Silent,
    source::{Folder, Source},
    testing::{InMemory, TestLog, checkpoint_text, flips, tiles},
    tiles::{Memory, verify},
};

use crate::support::broken;

fn check(log: &TestLog, files: &dyn Source) -> Result<Report, Failure> {
    verify(files, &log.keys(), &Memory::default(), &mut Silent)
}

/// The fault, and there must be one.
fn fault(log: &TestLog, files: &InMemory) -> Fault {
    broken(check(log, files))
}

/// The log with other entries than it signed.
fn with_entries(log: &TestLog, entries: &[Vec<u8>]) -> InMemory {
    let (files, _) = tiles(entries);
    files.with("checkpoint", log.checkpoint(log.size()))
}

/// The log's tiles with other bundles in between: what somebody does who knows nothing of hashes.
fn with_bundles(log: &TestLog, entries: &[Vec<u8>]) -> InMemory {
    let (mut files, _) = tiles(entries);
    let bundles = std::mem::take(&mut files.0).into_iter().filter(|(path, _)| path.starts_with("tile/entries/"));
    let mut files = log.files();
    files.0.retain(|path, _| !path.starts_with("tile/entries/"));
    files.0.extend(bundles);
    files
}

#[test]
fn logs_of_every_kind_of_size_are_whole() {
    for size in [0, 1, 2, 255, 256, 257, 511, 512, 513, 1000] {
        let log = TestLog::new("acme", size, size);
        let report = check(&log, &log.files()).unwrap();
        assert_eq!((report.checkpoint.size, report.checkpoint.root), (size, log.frontier(size).root()), "{size}");
        assert_eq!(report.ends_at, Some(Noted { sequence: size, ledger_hash: log.ledger_hash(size) }));
        assert_eq!(report.notes, Vec::<String>::new());
    }
}

#[test]
fn a_log_of_70000_is_whole_as_a_folder_and_one_byte_in_it_is_found() {
    let log = TestLog::new("acme", 70_000, 1);
    let files = log.files();
    let folder = tempfile::tempdir().unwrap();
    files.write(folder.path());
    let source = Folder::open(folder.path()).unwrap();
    let report = check(&log, &source).unwrap();
    assert_eq!(report.ends_at, Some(Noted { sequence: 70_000, ledger_hash: log.ledger_hash(70_000) }));

    for (path, sequence) in [
        ("tile/0/272", 69_633),
        ("tile/0/273.p/112", 69_889),
        ("tile/1/000", 1),
        ("tile/1/001.p/17", 65_537),
        ("tile/2/000.p/1", 1),
        ("tile/entries/200", 51_201),
        ("tile/entries/273.p/112", 69_889),
    ] {
        let mut bytes = files.0[path].clone();
        bytes[2] ^= 1;
        let fault = fault(&log, &files.with(path, bytes));
        assert_eq!(fault.sequence(), Some(sequence), "{path}: {fault}");
    }
}

#[test]
fn every_flipped_byte_of_a_small_log_is_found() {
    let log = TestLog::new("acme", 3, 1);
    let files = log.files();
    let mut tried = 0;
    for (path, bytes) in &files.0 {
        for (position, changed) in flips(bytes, usize::MAX, 0) {
            let fault = fault(&log, &files.with(path, changed));
            assert_eq!(fault.sequence(), first_broken(path, bytes, position, 1), "{path} at {position}: {fault}");
            tried += 1;
        }
    }
    assert_eq!(tried, files.0.values().map(Vec::len).sum::<usize>());
}

#[test]
fn flipped_bytes_of_a_larger_log_are_found() {
    let log = TestLog::new("acme", 600, 2);
    let files = log.files();
    for (path, bytes) in &files.0 {
        for (position, changed) in flips(bytes, 150, 3) {
            let fault = fault(&log, &files.with(path, changed));
            let first = Tile::parse(path).map_or(0, |tile| tile.first_leaf() + 1);
            assert_eq!(fault.sequence(), first_broken(path, bytes, position, first), "{path} at {position}: {fault}");
        }
    }
}

/// The sequence that a byte of a file is about.
fn first_broken(path: &str, bytes: &[u8], position: usize, first: u64) -> Option<u64> {
    let tile = Tile::parse(path).ok()?;
    Some(match tile.level() {
        ledger::tile::Level::Hashes(level) => first + (position / 32) as u64 * 256_u64.pow(level.into()),
        ledger::tile::Level::Entries => {
            let (mut sequence, mut start) = (first, 0);
            loop {
                start += 2 + usize::from(u16::from_be_bytes([bytes[start], bytes[start + 1]]));
                if position < start {
                    break sequence;
                }
                sequence += 1;
            }
        }
    })
}

#[test]
fn entries_that_are_dropped_swapped_inserted_or_doubled_are_found_where_they_are() {
    let log = TestLog::new("acme", 300, 3);
    type Edit = fn(&mut Vec<Vec<u8>>);
    let edits: [(&str, Edit, u64); 5] = [
        ("dropped", |entries| drop(entries.remove(99)), 100),
        ("swapped", |entries| entries.swap(99, 270), 100),
        ("inserted", |entries| entries.insert(99, br#"{"v":1}"#.to_vec()), 100),
        ("doubled", |entries| entries.insert(100, entries[99].clone()), 101),
        ("emptied", |entries| entries[99].clear(), 100),
    ];
    for (what, edit, sequence) in edits {
        let mut entries = log.entries();
        edit(&mut entries);
        for (how, files) in [("bundles", with_bundles(&log, &entries)), ("all tiles", with_entries(&log, &entries))] {
            let fault = fault(&log, &files);
            // Whoever makes all tiles anew still cannot make an entry say another sequence, or sign the root.
            assert_eq!(fault.sequence(), Some(sequence), "{what}, {how}: {fault}");
        }
    }
}

#[test]
fn a_changed_entry_under_new_tiles_does_not_have_the_signed_root() {
    let log = TestLog::new("acme", 300, 3);
    let mut entries = log.entries();
    let mut entry = log.events[99].entry.clone();
    entry.order_id = "ord_other".parse().unwrap();
    entries[99] = entry.to_bytes();
    assert_eq!(
        fault(&log, &with_bundles(&log, &entries)).to_string(),
        "the entry at sequence 100 does not hash to its leaf in tile/0/000"
    );
    let files = with_entries(&log, &entries);
    assert!(matches!(fault(&log, &files), Fault::OtherRoot { size: 300, .. }));
    // With what was noted down before, the place is found all the same.
    let noted = |sequence| Noted { sequence, ledger_hash: log.ledger_hash(sequence) };
    let memory = Memory { noted: vec![noted(150), noted(99), noted(100)], ..Memory::default() };
    let fault = broken(verify(&files, &log.keys(), &memory, &mut Silent));
    assert!(matches!(fault, Fault::NotAsNoted { sequence: 100, .. }), "{fault}");
    // And with the tile above, if that is left as it was.
    let files = files.with("tile/1/000.p/1", log.files().0["tile/1/000.p/1"].clone());
    assert!(matches!(self::fault(&log, &files), Fault::OtherNode { sequence: 1, last: 256, .. }));
}

#[test]
fn what_is_cut_off_is_missed() {
    let log = TestLog::new("acme", 600, 4);
    let files = log.files();
    for (path, sequence) in [
        ("tile/entries/000", 1),
        ("tile/entries/001", 257),
        ("tile/entries/002.p/88", 513),
        ("tile/0/000", 1),
        ("tile/0/002.p/88", 513),
        ("tile/1/000.p/2", 1),
    ] {
        let fault = fault(&log, &files.without(path));
        assert!(matches!(fault, Fault::MissingFile { .. }), "{fault}");
        assert_eq!(fault.sequence(), Some(sequence), "{path}: {fault}");
    }
    // The last entry goes, and its hash with it.
    let (shorter, _) = tiles(&log.entries()[..599]);
    let fault = fault(&log, &shorter.with("checkpoint", log.checkpoint(600)));
    assert_eq!(fault.sequence(), Some(513), "{fault}");
    // Within a file.
    for (path, bytes) in &files.0 {
        for length in [0, 1, bytes.len() / 2, bytes.len() - 1] {
            let fault = self::fault(&log, &files.with(path, &bytes[..length]));
            assert_eq!(fault.sequence().is_some(), path != "checkpoint", "{path}, {length}: {fault}");
        }
        let mut longer = bytes.clone();
        longer.push(b'\n');
        let fault = self::fault(&log, &files.with(path, longer));
        assert_eq!(fault.sequence().is_some(), path != "checkpoint", "{path}: {fault}");
    }
}

#[test]
fn entries_of_other_logs_are_found() {
    let log = TestLog::new("acme", 300, 5);
    let mut entries = log.entries();
    entries[199] = TestLog::new("rival", 200, 5).events[199].entry.to_bytes();
    let sequence = Some(200);
    assert_eq!(fault(&log, &with_bundles(&log, &entries)).sequence(), sequence);
    let fault = fault(&log, &with_entries(&log, &entries));
    assert!(matches!(fault, Fault::EntryOfOtherLog { .. }), "{fault}");
    assert_eq!(fault.sequence(), sequence);
    // A whole other log.
    let rival = TestLog::new("rival", 300, 5);
    assert!(matches!(self::fault(&log, &rival.files()), Fault::NotSigned { .. }));
}

#[test]
fn an_entry_has_one_form_its_place_and_time_goes_on() {
    let log = TestLog::new("acme", 300, 6);
    let signed = |entries: &[Vec<u8>]| {
        // Even if the log itself signs it.
        let (files, head) = tiles(entries);
        files.with("checkpoint", log.signer.sign(&log.text(&head)))
    };
    let text = |index: usize| String::from_utf8(log.entries()[index].clone()).unwrap();
    for (index, entry) in [
        (256, text(256).replace("\"seq\":257", "\"seq\": 257")),
        (256, text(256).replace(",\"v\":1", ",\"v\":2")),
        (256, text(256).replace(",\"v\":1", "")),
        (256, text(256).replace("\"v\":1", "\"v\":1,\"w\":1")),
        (299, text(299).replace("\"seq\":300", "\"seq\":299")),
        (256, text(256).replace("Z\",\"schema", ".0Z\",\"schema")),
        (256, text(255).replace("\"seq\":256", "\"seq\":257").replace("2025-", "2024-")),
        (10, text(10).replace("2025-", "2024-")),
    ] {
        let mut entries = log.entries();
        assert_ne!(entries[index], entry.as_bytes());
        entries[index] = entry.clone().into_bytes();
        let fault = fault(&log, &signed(&entries));
        assert_eq!(fault.sequence(), Some(index as u64 + 1), "{entry}: {fault}");
    }
}

#[test]
fn a_full_tile_may_stand_for_a_partial_one() {
    let log = TestLog::new("acme", 600, 7);
    let files = log.files();
    // The checkpoint was read before the log grew, and the partial tiles of its size are gone.
    let older = files.with("checkpoint", log.checkpoint(300));
    let mut expected = older.clone();
    let (partial, _) = tiles(&log.entries()[..300]);
    expected.0.insert("tile/1/000.p/1".to_owned(), partial.0["tile/1/000.p/1"].clone());
    let report = check(&log, &expected).unwrap();
    assert_eq!(report.checkpoint.size, 300);
    assert_eq!(report.notes, ["there are entries after sequence 300, which no checkpoint covers yet"]);
    // But not a partial one for another.
    assert!(matches!(fault(&log, &older), Fault::MissingFile { .. }));
}

#[test]
fn a_log_that_went_back_or_another_way_is_found_with_an_older_checkpoint() {
    let log = TestLog::new("acme", 600, 8);
    let fork = TestLog::new("acme", 700, 9);
    let since = |notes: &[(&TestLog, u64)]| Memory {
        checkpoints: notes.iter().map(|(log, size)| (format!("c{size}"), log.checkpoint(*size).into_bytes())).collect(),
        ..Memory::default()
    };
    let check = |files: &InMemory, memory: &Memory| verify(files, &log.keys(), memory, &mut Silent);

    let sizes = [0, 1, 255, 256, 257, 512, 513, 599, 600];
    let report = check(&log.files(), &since(&sizes.map(|size| (&log, size)))).unwrap();
    assert_eq!(report.extends.iter().map(|head| head.size).collect::<Vec<_>>(), sizes);

    let fault = broken(check(&TestLog::new("acme", 400, 8).files(), &since(&[(&log, 600)])));
    assert_eq!(fault, Fault::RolledBack { was: 600, size: 400 });
    for size in [1, 256, 300, 512, 600] {
        let fault = broken(check(&fork.files(), &since(&[(&log, size)])));
        assert!(matches!(fault, Fault::Forked { size: found, .. } if found == size), "{size}: {fault}");
    }
    // Its own key must have signed the older one, too.
    let rival = TestLog::new("rival", 600, 8);
    assert!(matches!(broken(check(&log.files(), &since(&[(&rival, 5)]))), Fault::NotSigned { .. }));
}

#[test]
fn a_noted_ledger_hash_must_be_the_one_there() {
    let log = TestLog::new("acme", 300, 10);
    let check =
        |noted: Vec<Noted>| verify(&log.files(), &log.keys(), &Memory { noted, ..Memory::default() }, &mut Silent);
    let noted = |sequence| Noted { sequence, ledger_hash: log.ledger_hash(sequence) };
    check(vec![noted(300), noted(0), noted(1), noted(256), noted(1)]).unwrap();
    for sequence in [0, 1, 256, 257, 300] {
        let wrong = Noted { ledger_hash: log.ledger_hash((sequence + 1) % 301), ..noted(sequence) };
        assert_eq!(broken(check(vec![noted(sequence), wrong])).sequence(), Some(sequence));
    }
    let beyond = Noted { sequence: 301, ..noted(300) };
    assert!(matches!(broken(check(vec![beyond])), Fault::EndsBeforeNoted { sequence: 301, .. }));
}

#[test]
fn a_checkpoint_counts_only_under_the_right_key() {
    let log = TestLog::new("acme", 3, 11);
    let files = log.files();
    let text = log.text(&log.frontier(3).head());
    let sign = |signer: &verifier::testing::Signer| files.with("checkpoint", signer.sign(&text));
    use verifier::testing::Signer;
    // The right name with another key, the range key, another log's key, and a witness alone.
    for signer in [Signer::log(log.origin.as_str(), 9), log.range_signer.clone(), Signer::log("other.example/acme", 1)]
    {
        assert!(matches!(fault(&log, &sign(&signer)), Fault::NotSigned { .. }));
    }
    let witness = Signer::witness("witness.example.com", 1);
    let alone = files.with("checkpoint", {
        let note = witness.cosign(&log.checkpoint(3), 1_700_000_000);
        let (head, lines) = note.split_once("\n\n").unwrap();
        format!("{head}\n\n{}\n", lines.lines().nth(1).unwrap())
    });
    let keys = verifier::Keys::new(vec![log.signer.key()], vec![], vec![witness.key()], 1).unwrap();
    let outcome = verify(&alone, &keys, &Memory::default(), &mut Silent);
    assert!(matches!(broken(outcome), Fault::NotSigned { .. }));
    // An empty log has one root.
    let empty = ledger::TreeHead { size: 0, root: log.frontier(3).root() };
    let files = files.with("checkpoint", log.signer.sign(&checkpoint_text(log.origin.as_str(), &empty)));
    assert!(matches!(fault(&log, &files), Fault::Malformed { .. }));
}

#[test]
fn a_bundle_with_a_length_that_lies_is_found() {
    let log = TestLog::new("acme", 3, 12);
    let entries = log.entries();
    let mut bundle = Vec::new();
    for entry in [&entries[0], &entries[1]] {
        push_bundle_entry(&mut bundle, entry).unwrap();
    }
    bundle.extend_from_slice(&[0xff, 0xff]);
    bundle.extend_from_slice(&entries[2]);
    let fault = fault(&log, &log.files().with("tile/entries/000.p/3", bundle));
    assert!(matches!(fault, Fault::BundleEnds { sequence: 3, .. }), "{fault}");
}

#[test]
fn an_event_id_stands_in_the_log_once() {
    let log = TestLog::new("acme", 600, 13);
    let mut entries = log.entries();
    let mut entry = log.events[599].entry.clone();
    entry.event_id = log.events[5].entry.event_id.clone();
    entries[599] = entry.to_bytes();
    let (files, head) = tiles(&entries);
    let files = files.with("checkpoint", log.signer.sign(&log.text(&head)));
    let check = |files: &InMemory, unique_ids| {
        verify(files, &log.keys(), &Memory { unique_ids, ..Memory::default() }, &mut Silent)
    };
    check(&files, false).unwrap();
    assert_eq!(broken(check(&files, true)), Fault::SameEvent { sequence: 600 });
    check(&log.files(), true).unwrap();
}
