//! A tenant's log and its tree, and everything that can be done to them behind the service's back.

use std::path::{Path, PathBuf};
use std::time::Duration;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use ledger::note::{KeyType, Signature};
use ledger::tile::tiles_of_size;
use ledger::{Note, VerifierKey};
use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::bucket::Bucket;
use crate::support::{Item, Stack, Tables, Tenant, binary, event, eventually, number, side_by_side, text};

/// The stream's batches wait for five seconds, on a machine that does everything else as well.
const WITHIN: Duration = Duration::from_secs(240);
/// A segment can unpack to this many bytes at most.
const MAX_SEGMENT: usize = 16 << 20;
const AT_ONCE: usize = 8;

/// A tenant whose log has a tree.
#[derive(Debug)]
pub(super) struct Grown {
    pub(super) tenant: Tenant,
    pub(super) tables: Tables,
    pub(super) bucket: Bucket,
    /// For files of the programs.
    folder: TempDir,
}

/// What is published and kept of a tree: as long as this is the same, nothing was signed.
#[derive(Debug, PartialEq)]
pub(super) struct Signed {
    checkpoint: Vec<u8>,
    size: u64,
    root: Vec<u8>,
}

impl Grown {
    /// A tenant with this many events, `evt_1` and so on, each a segment of its own, all in the tree.
    pub(super) async fn new(theme: &str, events: u64) -> Self {
        let grown = Self::of(Tenant::new(theme)).await;
        for sequence in 1..=events {
            grown.post(&format!("evt_{sequence}")).await;
        }
        grown.reaches(events).await;
        grown
    }

    pub(super) async fn of(tenant: Tenant) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { tenant, tables: Tables::new().await, bucket: Bucket::new().await, folder }
    }

    pub(super) async fn post(&self, id: &str) {
        self.tenant.post("/events", &event(id, "ord_1")).await.expect(201);
    }

    /// Waits until the published checkpoint has this size.
    pub(super) async fn reaches(&self, size: u64) {
        eventually("the tree has all events", WITHIN, || async {
            let answer = self.tenant.get("/ledger/checkpoint").await;
            match answer.text.lines().nth(1) {
                Some(found) if answer.status == 200 && found == size.to_string() => Ok(()),
                _ => Err(format!("the checkpoint is {} {:?}", answer.status, answer.text)),
            }
        })
        .await;
    }

    /// The vkey of one kind: `checkpoint` or `range`.
    pub(super) async fn vkey(&self, kind: &str) -> String {
        if kind == "range" {
            // A key is listed once it has signed something.
            self.tenant.get("/ledger/proof?from=1&to=1").await.expect(200);
        }
        let keys = self.tenant.get("/ledger/keys").await.expect(200).json;
        let keys = keys["keys"].as_array().unwrap();
        let key = keys.iter().find(|key| key["kind"] == kind).unwrap_or_else(|| panic!("no {kind} key in {keys:?}"));
        key["vkey"].as_str().unwrap().to_owned()
    }

    /// Has the integrator look at this tenant, now.
    pub(super) async fn integrate(&self) {
        invoke("TreeIntegrator", &json!({"scope": "tenant", "tenant": self.tenant.name})).await;
    }

    /// The item with the tree's state.
    pub(super) async fn state(&self) -> Item {
        let trees = self.tables.query(Stack::get().output("TreesTableName"), "tenant", &self.tenant.name).await;
        trees.into_iter().find(|item| text(item, "name") == "tree").expect("the tree has a state")
    }

    pub(super) async fn signed(&self) -> Signed {
        let state = self.state().await;
        let checkpoint = self.bucket.get(&self.key("checkpoint")).await;
        Signed { checkpoint, size: number(&state, "size"), root: binary(&state, "root").to_vec() }
    }

    /// Stops the test if the integrator signs anything, or lets the tree grow: when it looks now, and after some more
    /// events.
    pub(super) async fn is_refused(&self) {
        let before = self.signed().await;
        self.integrate().await;
        assert_eq!(self.signed().await, before, "nothing is signed that does not extend what was signed");
        for id in ["evt_later_1", "evt_later_2", "evt_later_3"] {
            let answer = self.tenant.post("/events", &event(id, "ord_1")).await;
            self.integrate().await;
            assert_eq!(self.signed().await, before, "nothing is signed after {id} either ({})", answer.status);
        }
    }

    /// The key of one of the tenant's objects.
    pub(super) fn key(&self, path: &str) -> String {
        format!("{}/{path}", self.tenant.name)
    }

    /// Changes one byte of an object.
    pub(super) async fn flip(&self, path: &str, at: usize) {
        let key = self.key(path);
        let mut bytes = self.bucket.get(&key).await;
        bytes[at] ^= 1;
        self.bucket.put(&key, bytes).await;
    }

    /// A segment's item.
    pub(super) async fn segment(&self, first: u64) -> Item {
        let segments = self.tables.segments(&self.tenant.name).await;
        segments.into_iter().find(|item| number(item, "first") == first).expect("there is such a segment")
    }

    /// What `verify` says of an event: whether it is verified, and the names of the checks that do not hold.
    pub(super) async fn verify(&self, id: &str) -> (bool, Vec<String>, Value) {
        let said = self.tenant.get(&format!("/events/{id}/verify")).await.expect(200).json;
        let checks = said["checks"].as_array().unwrap().iter();
        let failed = checks.filter(|check| check["ok"] != true).map(|check| check["name"].as_str().unwrap().to_owned());
        (said["verified"].as_bool().unwrap(), failed.collect(), said)
    }

    /// The same while this is the published checkpoint. A run of the integrator that was still due puts its own there.
    pub(super) async fn verify_with(&self, checkpoint: &[u8], id: &str) -> (bool, Vec<String>, Value) {
        loop {
            self.bucket.put(&self.key("checkpoint"), checkpoint.to_vec()).await;
            let said = self.verify(id).await;
            if self.bucket.get(&self.key("checkpoint")).await == checkpoint {
                return said;
            }
        }
    }

    /// Stops the test unless `verify` finds that this check of the event does not hold.
    pub(super) async fn is_found_by_verify(&self, id: &str, check: &str) -> Value {
        let (verified, failed, said) = self.verify(id).await;
        assert!(!verified, "{id} is said to be verified: {said}");
        assert!(failed.iter().any(|name| name == check), "{check} is not among the checks that fail: {said}");
        said
    }

    /// A file for the programs.
    pub(super) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The segments, as the checker in tests/python reads them.
    pub(super) async fn segments_file(&self) -> String {
        let segments = self.tables.segments(&self.tenant.name).await;
        self.file("segments.ndjson", ndjson(segments.iter().map(segment_json)))
    }

    /// The log as a folder of tiles, out of the bucket.
    pub(super) async fn tiles_folder(&self) -> String {
        let checkpoint = self.bucket.get(&self.key("checkpoint")).await;
        let size = String::from_utf8_lossy(&checkpoint).lines().nth(1).unwrap().parse().unwrap();
        self.tiles_folder_of(size, &checkpoint).await
    }

    /// The same with any checkpoint and the tiles of a tree of this size.
    pub(super) async fn tiles_folder_of(&self, size: u64, checkpoint: &[u8]) -> String {
        self.file("tiles/checkpoint", checkpoint);
        for tile in tiles_of_size(size) {
            let path = tile.path();
            self.file(&format!("tiles/{path}"), self.bucket.get(&self.key(&path)).await);
        }
        self.path("tiles").to_str().unwrap().to_owned()
    }

    /// The same over the API, as a monitor gets it.
    pub(super) async fn fetched_folder(&self, size: u64) -> String {
        let checkpoint = self.tenant.get("/ledger/checkpoint").await.expect(200);
        assert_eq!(checkpoint.header("content-type"), "text/plain; charset=utf-8");
        self.file("fetched/checkpoint", &checkpoint.bytes);
        let tiles: Vec<String> = tiles_of_size(size).map(|tile| tile.path()).collect();
        side_by_side(AT_ONCE, tiles, |path| async move {
            let answer = self.tenant.get(&format!("/ledger/{path}")).await.expect(200);
            assert_eq!(answer.header("content-type"), "application/octet-stream");
            self.file(&format!("fetched/{path}"), &answer.bytes);
        })
        .await;
        self.path("fetched").to_str().unwrap().to_owned()
    }
}

/// A segment as the checker in tests/python reads it.
pub(crate) fn segment_json(item: &Item) -> Value {
    let lines = unpacked(item);
    let lines = lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let entries: Vec<Value> = lines.map(|line| serde_json::from_slice(line).unwrap()).collect();
    assert_eq!(entries.len() as u64, number(item, "count"));
    json!({
        "first": number(item, "first"), "count": number(item, "count"),
        "prev_hash": hex::encode(binary(item, "prev_hash")), "end_hash": hex::encode(binary(item, "end_hash")),
        "received_at": text(item, "received_at"), "origin": text(item, "origin"), "entries": entries,
    })
}

pub(super) fn unpacked(segment: &Item) -> Vec<u8> {
    zstd::bulk::decompress(binary(segment, "data"), MAX_SEGMENT).unwrap()
}

/// One JSON value a line.
pub(crate) fn ndjson<T: std::fmt::Display>(lines: impl IntoIterator<Item = T>) -> String {
    lines.into_iter().map(|line| format!("{line}\n")).collect()
}

/// A checkpoint with the same text, signed by a key that nobody knows, and that key.
pub(super) fn signed_by_a_stranger(note: &str) -> (String, String) {
    let (text, _) = note.split_once("\n\n").unwrap();
    let text = format!("{text}\n");
    let stranger = Ed25519KeyPair::generate().unwrap();
    let public: [u8; 32] = stranger.public_key().as_ref().try_into().unwrap();
    let key = VerifierKey::new(text.lines().next().unwrap(), KeyType::Ed25519, &public).unwrap();
    let signature: [u8; 64] = stranger.sign(text.as_bytes()).as_ref().try_into().unwrap();
    let note = Note::new(text, vec![Signature::ed25519(&key, &signature)]).unwrap();
    (note.to_string(), key.to_string())
}

/// Anchors every tree that has grown. Beside this test, others damage logs, at which the function may fail: it goes on
/// with the rest.
pub(crate) async fn anchor() {
    let _ = try_invoke("LedgerAnchor", &json!({"task": "anchor"})).await;
}

/// Invokes a function, and waits until it has ended without an error.
async fn invoke(function: &str, event: &Value) {
    if let Err(said) = try_invoke(function, event).await {
        panic!("{function} fails with {event}: {said}");
    }
}

/// Invokes a function, and waits until it has ended. An `Err` has what it says.
async fn try_invoke(function: &str, event: &Value) -> Result<(), String> {
    let stack = Stack::get();
    let name = stack.functions.get(function).unwrap_or_else(|| panic!("the template has no function {function}"));
    let url = format!("{}/2015-03-31/functions/{name}/invocations", stack.endpoint_url);
    let client = reqwest::Client::builder().no_proxy().timeout(WITHIN).build().unwrap();
    // The emulator routes by the credential's scope and lets the owner's key in without looking at the signature.
    let scope = format!("Credential=test/20250829/{}/lambda/aws4_request", stack.region);
    let request = client.request(Method::POST, url).body(event.to_string());
    let request = request.header("authorization", format!("AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=0"));
    let answer = request.send().await.unwrap();
    let failed = answer.headers().contains_key("x-amz-function-error");
    let (status, said) = (answer.status(), answer.text().await.unwrap());
    assert!(status.is_success(), "{function} is not invoked: {status} {said}");
    if failed { Err(said) } else { Ok(()) }
}

/// The file at `path` below a folder, with one byte changed.
pub(super) fn flip_file(folder: &str, path: &str, at: usize) {
    let path = Path::new(folder).join(path);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[at] ^= 1;
    std::fs::write(path, bytes).unwrap();
}
