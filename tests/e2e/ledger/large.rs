//! A log of 70,000 entries, with tiles of three levels, built by the ledger crate alone.

use std::fs;
use std::path::Path;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use domain::ids::TenantId;
use ledger::note::{KeyType, Signature};
use ledger::tile::{Tile, TileBuilder};
use ledger::{Checkpoint, Hash, Note, Origin, VerifierKey};

use super::programs::{folder_url, fsck, python, verifier};
use super::tree::flip_file;

/// 273 full tiles and a partial one at level 0, a full and a partial one at level 1, a partial one at level 2.
const SIZE: u64 = 70_000;

#[tokio::test]
async fn other_programs_accept_a_log_of_70_000_entries_and_no_altered_one() {
    let folder = tempfile::tempdir().unwrap();
    let key = build(folder.path());
    let path = folder.path().to_str().unwrap();
    let url = folder_url(folder.path());
    assert!(folder.path().join("tile/2/000.p/1").exists());

    python(&["tiles", path, "--key", &key]).await.holds();
    verifier(&["tiles", path, "--key", &key]).await.holds();
    let verdict = fsck(&url, &key, SIZE).await;
    assert!(verdict.is_none_or(|verdict| verdict == Ok(())), "fsck does not accept the log");

    // At level 1, each hash stands for 256 entries.
    for (tile, at, sequence) in [
        ("tile/1/001.p/17", 3 * 32, 65_536 + 3 * 256 + 1),
        ("tile/0/200", 0, 200 * 256 + 1),
        ("tile/entries/100", 40, 25_601),
    ] {
        flip_file(path, tile, at);
        python(&["tiles", path, "--key", &key]).await.finds(&format!("sequence {sequence}"));
        verifier(&["tiles", path, "--key", &key]).await.finds(&format!("sequence {sequence}"));
        let verdict = fsck(&url, &key, SIZE).await;
        assert!(verdict.is_none_or(|verdict| verdict.is_err()), "fsck accepts {tile} with another byte");
        flip_file(path, tile, at);
    }
}

/// Writes the log, and returns the key that has signed its checkpoint.
fn build(folder: &Path) -> String {
    let tenant: TenantId = "large".parse().unwrap();
    let origin = Origin::new("history.example.com", &tenant);
    let mut builder = TileBuilder::new();
    for sequence in 1..=SIZE {
        let filled = builder.push(entry(&origin, sequence).as_bytes()).unwrap();
        filled.iter().for_each(|tile| write(folder, tile));
    }
    builder.partials().iter().for_each(|tile| write(folder, tile));

    let pair = Ed25519KeyPair::generate().unwrap();
    let public: [u8; 32] = pair.public_key().as_ref().try_into().unwrap();
    let key = VerifierKey::new(origin.as_str(), KeyType::Ed25519, &public).unwrap();
    let head = builder.head().unwrap();
    let text = Checkpoint { origin, size: head.size, root: head.root }.text();
    let signature: [u8; 64] = pair.sign(text.as_bytes()).as_ref().try_into().unwrap();
    let note = Note::new(&text, vec![Signature::ed25519(&key, &signature)]).unwrap();
    fs::write(folder.join("checkpoint"), note.to_string()).unwrap();
    key.to_string()
}

/// A leaf entry whose content nobody has.
fn entry(origin: &Origin, sequence: u64) -> String {
    let content = Hash([u8::try_from(sequence % 256).unwrap(); 32]);
    format!(
        r#"{{"content":"{content}","event_id":"evt_{sequence}","occurred_at":"2025-08-29T12:34:56Z","order_id":"ord_1","#
    ) + &format!(
        r#""origin":"{origin}","received_at":"2025-08-29T12:34:58Z","schema_version":"v1","seq":{sequence},"source":"shop","#
    ) + r#""type":"order.changed","v":1}"#
}

fn write(folder: &Path, (tile, bytes): &(Tile, Vec<u8>)) {
    let file = folder.join(tile.path());
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, bytes).unwrap();
}
