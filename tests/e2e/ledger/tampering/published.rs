//! In the bucket: tiles, entry bundles, checkpoints.

use super::super::programs::{folder_url, fsck, python, verifier};
use super::super::tree::{Grown, signed_by_a_stranger};
use crate::support::{Stack, s};

/// The programs find it in the folder of tiles, and say at which sequence.
async fn is_found_in_tiles(grown: &Grown, sequence: u64, size: u64) {
    let (key, folder) = (grown.vkey("checkpoint").await, grown.tiles_folder().await);
    let words = format!("sequence {sequence}");
    python(&["tiles", &folder, "--key", &key]).await.finds(&words);
    verifier(&["tiles", &folder, "--key", &key]).await.finds(&words);
    let verdict = fsck(&folder_url(folder.as_ref()), &key, size).await;
    assert!(verdict.is_none_or(|verdict| verdict.is_err()), "fsck accepts the log");
}

#[tokio::test]
async fn a_byte_of_a_tile_is_found_and_nothing_is_signed_on_it() {
    let grown = Grown::new("tile", 5).await;
    grown.flip("tile/0/000.p/5", 2 * 32 + 5).await;
    grown.is_found_by_verify("evt_3", "tree").await;
    is_found_in_tiles(&grown, 3, 5).await;
    grown.is_refused().await;
    let proof = grown.tenant.get("/events/evt_2/proof").await;
    assert_eq!(proof.status, 500, "no proof is made of a tile that is not the one in the tree: {}", proof.text);
}

#[tokio::test]
async fn a_byte_of_an_entry_bundle_is_found_and_nothing_is_signed_on_it() {
    let grown = Grown::new("bundle", 5).await;
    grown.flip("tile/entries/000.p/5", 40).await;
    is_found_in_tiles(&grown, 1, 5).await;
    grown.is_refused().await;
}

#[tokio::test]
async fn a_bundle_of_another_tenant_is_found_and_nothing_is_signed_on_it() {
    let (grown, rival) = (Grown::new("replayed-tile", 3).await, Grown::new("rival-tile", 3).await);
    for path in ["tile/0/000.p/3", "tile/entries/000.p/3"] {
        let other = rival.bucket.get(&rival.key(path)).await;
        grown.bucket.put(&grown.key(path), other).await;
    }
    grown.is_found_by_verify("evt_1", "tree").await;
    is_found_in_tiles(&grown, 1, 3).await;
    grown.is_refused().await;
}

#[tokio::test]
async fn a_tile_that_is_gone_is_found_and_nothing_is_signed_without_it() {
    let grown = Grown::new("gone", 3).await;
    let folder = grown.tiles_folder().await;
    grown.bucket.delete(&grown.key("tile/0/000.p/3")).await;
    grown.is_found_by_verify("evt_1", "tree").await;
    std::fs::remove_file(grown.path("tiles/tile/0/000.p/3")).unwrap();
    let key = grown.vkey("checkpoint").await;
    python(&["tiles", &folder, "--key", &key]).await.finds("sequence 1: ");
    verifier(&["tiles", &folder, "--key", &key]).await.finds("sequence 1");
    grown.is_refused().await;
}

#[tokio::test]
async fn an_older_checkpoint_that_is_put_back_is_found() {
    let grown = Grown::new("rolled-back", 3).await;
    let old = grown.bucket.get(&grown.key("checkpoint")).await;
    for id in ["evt_4", "evt_5"] {
        grown.post(id).await;
    }
    grown.reaches(5).await;
    let known = grown.file("known-checkpoint", grown.bucket.get(&grown.key("checkpoint")).await);
    // As if it were long ago: right after a commit, the checkpoint may still be on its way.
    let mut state = grown.state().await;
    state.insert("updated_at".to_owned(), s("2025-08-29T12:34:56Z"));
    grown.tables.put(Stack::get().output("TreesTableName"), state).await;
    for id in ["evt_1", "evt_5"] {
        let (verified, failed, said) = grown.verify_with(&old, id).await;
        assert!(!verified && failed == ["tree"], "{id}: {said}");
    }
    let key = grown.vkey("checkpoint").await;
    grown.file("back/checkpoint", &old);
    let entries = String::from_utf8_lossy(&old).lines().nth(1).unwrap().to_owned();
    assert_eq!(entries, "3");
    for path in ["tile/0/000.p/3", "tile/entries/000.p/3"] {
        grown.file(&format!("back/{path}"), grown.bucket.get(&grown.key(path)).await);
    }
    let folder = grown.path("back");
    let folder = folder.to_str().unwrap();
    python(&["tiles", folder, "--key", &key]).await.holds();
    python(&["tiles", folder, "--key", &key, "--since", &known]).await.finds("a checkpoint of");
    verifier(&["tiles", folder, "--key", &key, "--since", &known]).await.finds("rolled back");

    // The state says what was signed: the next run publishes it again, and never anything that does not extend it.
    grown.integrate().await;
    grown.reaches(5).await;
    assert!(grown.verify("evt_5").await.0);
}

#[tokio::test]
async fn a_byte_of_a_checkpoint_is_found() {
    let grown = Grown::new("checkpoint", 2).await;
    let genuine = grown.bucket.get(&grown.key("checkpoint")).await;
    let key = grown.vkey("checkpoint").await;
    let blank = genuine.windows(2).position(|pair| pair == b"\n\n").unwrap();
    // In the origin, in the size, in the root, in the signature.
    for at in [0, blank - 46, blank - 20, genuine.len() - 20] {
        let mut changed = genuine.clone();
        changed[at] ^= 1;
        let (verified, failed, said) = grown.verify_with(&changed, "evt_1").await;
        assert!(!verified && failed == ["tree"], "byte {at}: {said}");
        let folder = grown.tiles_folder_of(2, &changed).await;
        python(&["tiles", &folder, "--key", &key]).await.refuses();
        verifier(&["tiles", &folder, "--key", &key]).await.refuses();
    }
}

#[tokio::test]
async fn a_checkpoint_that_another_key_signed_is_found() {
    let grown = Grown::new("other-key", 2).await;
    let genuine = String::from_utf8(grown.bucket.get(&grown.key("checkpoint")).await).unwrap();
    let (forged, vkey) = signed_by_a_stranger(&genuine);
    let (verified, failed, said) = grown.verify_with(forged.as_bytes(), "evt_1").await;
    assert!(!verified && failed == ["tree"], "{said}");
    let (key, folder) = (grown.vkey("checkpoint").await, grown.tiles_folder_of(2, forged.as_bytes()).await);
    python(&["tiles", &folder, "--key", &vkey]).await.holds();
    python(&["tiles", &folder, "--key", &key]).await.finds("signed by none of the keys");
    verifier(&["tiles", &folder, "--key", &key]).await.finds("signed by none of the keys");
}
