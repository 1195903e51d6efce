//! The golden vectors of docs/LEDGER.md section 14, which another program has written.

use std::{collections::BTreeMap, fs, path::PathBuf};

use ledger::note::VerifierKey;
use serde::Deserialize;
use verifier::{
    Failure, Keys, Report, consistency,
    progress::Silent,
    proof,
    range::Check,
    source::Folder,
    tiles::{self, Memory},
};

const VECTORS: &str = "../../tests/vectors";

#[derive(Deserialize)]
struct KeyFile {
    keys: BTreeMap<String, Key>,
}

#[derive(Deserialize)]
struct Key {
    vkey: VerifierKey,
}

#[derive(Deserialize)]
struct Refused {
    refused: Vec<Document>,
}

#[derive(Deserialize)]
struct Document {
    kind: String,
    why: String,
    text: String,
}

fn read(path: &str) -> Vec<u8> {
    fs::read(PathBuf::from(VECTORS).join(path)).unwrap()
}

fn files(folder: &str, ending: &str) -> Vec<String> {
    let files = fs::read_dir(PathBuf::from(VECTORS).join(folder)).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let found: Vec<_> = names.filter(|name| name.ends_with(ending)).map(|name| format!("{folder}/{name}")).collect();
    assert!(found.len() > 3, "the vectors have more {ending} than that");
    found
}

fn vkey(name: &str) -> VerifierKey {
    let file: KeyFile = serde_json::from_slice(&read("keys.json")).unwrap();
    file.keys[name].vkey.clone()
}

fn keys() -> Keys {
    Keys::new(vec![vkey("checkpoint")], vec![vkey("range")], vec![], 0).unwrap()
}

fn range(bundle: &[u8]) -> Result<Report, Failure> {
    let keys = keys();
    let mut check = Check::new(&keys, &[], None)?;
    check.bundle("the bundle", bundle, &mut Silent)?;
    check.end()
}

#[test]
fn what_is_right_holds() {
    let log = Folder::open(&PathBuf::from(VECTORS).join("log")).unwrap();
    let older = |size: &str| (size.to_owned(), read(&format!("checkpoints/{size}")));
    let memory = Memory { checkpoints: vec![older("5")], ..Memory::default() };
    let report = tiles::verify(&log, &keys(), &memory, &mut Silent).unwrap();
    assert_eq!(report.checkpoint.size, 260);

    for file in files("proofs", ".tlog-proof") {
        let report = proof::verify(&read(&file), None, &keys()).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert_eq!(report.event.unwrap().content_checked, file.contains("content"), "{file}");
    }
    for file in files("proofs", ".ndjson") {
        let report = range(&read(&file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert_eq!(report.opened.is_some(), file.contains("content"), "{file}");
    }
    let both = Keys::new(vec![vkey("checkpoint"), vkey("checkpoint_before")], vec![], vec![], 0).unwrap();
    for file in files("proofs", ".json") {
        consistency::verify(&read(&file), &[older("5"), older("256")], &both)
            .unwrap_or_else(|error| panic!("{file}: {error}"));
    }
    let keys = Keys::new(vec![vkey("anchor")], vec![], vec![vkey("witness")], 1).unwrap();
    let report = proof::verify(&read("anchor/acme-260.tlog-proof"), None, &keys).unwrap();
    assert_eq!(report.cosigned_by.len(), 1);
}

#[test]
fn a_fork_is_found() {
    let log = Folder::open(&PathBuf::from(VECTORS).join("log")).unwrap();
    let fork = ("fork".to_owned(), read("checkpoints/7-fork"));
    let memory = Memory { checkpoints: vec![fork], ..Memory::default() };
    let outcome = tiles::verify(&log, &keys(), &memory, &mut Silent);
    assert!(matches!(outcome, Err(Failure::Broken(verifier::Fault::Forked { size: 7, .. }))));
}

#[test]
fn what_is_to_be_refused_is_refused() {
    let file: Refused = serde_json::from_slice(&read("refused.json")).unwrap();
    assert!(file.refused.len() > 50);
    for Document { kind, why, text } in file.refused {
        let known = [("5".to_owned(), read("checkpoints/5"))];
        let refused = match kind.as_str() {
            "vkey" => text.parse::<VerifierKey>().is_err(),
            "checkpoint" => keys().checkpoint("it", text.as_bytes()).is_err(),
            "proof" => matches!(proof::verify(text.as_bytes(), None, &keys()), Err(Failure::Broken(_))),
            "range" => matches!(range(text.as_bytes()), Err(Failure::Broken(_))),
            "consistency" => {
                matches!(consistency::verify(text.as_bytes(), &known, &keys()), Err(Failure::Broken(_)))
            }
            other => panic!("a kind that is not known: {other}"),
        };
        assert!(refused, "{kind}: {why}");
    }
}
