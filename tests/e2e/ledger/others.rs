//! Other people's programs over the tiles of everything that was recorded.

use super::programs::{folder_url, fsck, python, verifier};
use super::tree::{Grown, flip_file};
use crate::support::Tenant;

/// The log with these events as a tree: fetched like a monitor would, checked by three programs, and no longer accepted
/// by any of them when one byte of it is another.
pub(crate) async fn accept(tenant: &Tenant, size: u64, ledger_hash: &str) {
    let grown = Grown::of(tenant.clone()).await;
    grown.reaches(size).await;
    let key = grown.vkey("checkpoint").await;
    let folder = grown.fetched_folder(size).await;
    let segments = grown.segments_file().await;

    let said = python(&["tiles", &folder, "--key", &key]).await.holds();
    assert!(said.starts_with(&format!("{size} entries verify; ")) && said.contains(ledger_hash), "{said}");
    python(&[&segments, "--tiles", &folder, "--key", &key]).await.holds();
    verifier(&["tiles", &folder, "--key", &key, "--ledger-hash", &format!("{size}:{ledger_hash}")]).await.holds();
    // Over the folder, and not over the API: it names no type that it accepts, and then MiniStack hands out Base64.
    let verdict = fsck(&folder_url(folder.as_ref()), &key, size).await;
    assert!(verdict.is_none_or(|verdict| verdict == Ok(())), "fsck does not accept the log");

    // In the last full tile, or the only one.
    let last = (size / 256).saturating_sub(1);
    let full = ledger::tile::Tile::holding(ledger::tile::Level::Entries, last * 256, size).unwrap();
    flip_file(&folder, &full.path(), 40);
    let sequence = format!("sequence {}", last * 256 + 1);
    python(&["tiles", &folder, "--key", &key]).await.finds(&sequence);
    verifier(&["tiles", &folder, "--key", &key]).await.finds(&sequence);
    let verdict = fsck(&folder_url(folder.as_ref()), &key, size).await;
    assert!(verdict.is_none_or(|verdict| verdict.is_err()), "fsck accepts an entry with another byte");
}
