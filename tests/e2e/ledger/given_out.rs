//! What the API gives out is accepted by programs that share no code with it, and by none of them with another byte.

use ledger::VerifierKey;
use serde_json::Value;

use super::programs::{python, verifier};
use super::tree::{Grown, anchor};
use crate::support::event;

/// Places in a file at which a byte is changed, as parts of its length.
const PLACES: [(usize, usize); 5] = [(0, 1), (1, 5), (2, 5), (3, 5), (4, 5)];

#[tokio::test]
async fn proofs_and_ranges_stand_without_us() {
    let grown = Grown::new("given-out", 3).await;
    let old = grown.file("old-checkpoint", grown.tenant.get("/ledger/checkpoint").await.expect(200).bytes);
    for sequence in 4..=9 {
        grown.post(&format!("evt_{sequence}")).await;
    }
    grown.reaches(9).await;
    let (key, range_key) = (grown.vkey("checkpoint").await, grown.vkey("range").await);

    for (name, query) in [("proof", ""), ("opened", "?content=true")] {
        let path = format!("/events/evt_4/proof{query}");
        let file = stands(&grown, "proof", &format!("{name}.tlog-proof"), &path, &["--key", &key]).await;
        let own = grown.file("event.json", event("evt_4", "ord_1").to_string());
        let other = grown.file("other.json", event("evt_4", "ord_2").to_string());
        if !query.is_empty() {
            verifier(&["proof", &file, "--key", &key, "--event", &own]).await.holds();
        }
        verifier(&["proof", &file, "--key", &key, "--event", &other]).await.refuses();
        verifier(&["proof", &file, "--key", &range_key]).await.refuses();
        python(&["proof", &file, "--key", &range_key]).await.refuses();
    }

    let ledger_hash = grown.tenant.get("/events/evt_5").await.expect(200).json;
    let noted = format!("5:{}", ledger_hash["integrity"]["ledger_hash"].as_str().unwrap());
    let keys = ["--key", &key, "--range-key", &range_key];
    for (name, query) in [("all", "from=1&to=9"), ("some", "from=3&to=7"), ("opened", "from=3&to=7&content=true")] {
        let path = format!("/ledger/proof?{query}");
        let file = stands(&grown, "range", &format!("{name}.ndjson"), &path, &keys).await;
        let noting = [&["range", &file][..], &keys, &["--ledger-hash", &noted]].concat();
        python(&noting).await.holds();
        verifier(&noting).await.holds();
        let other = format!("5:{}", "0".repeat(64));
        let wrong = [&["range", &file][..], &keys, &["--ledger-hash", &other]].concat();
        python(&wrong).await.finds("sequence 5");
        verifier(&wrong).await.finds("sequence 5");
        python(&["range", &file, "--key", &key, "--range-key", &key]).await.refuses();
        verifier(&["range", &file, "--key", &key, "--range-key", &key]).await.refuses();
    }

    let since = ["--key", &key, "--since", &old];
    stands(&grown, "consistency", "consistency.json", "/ledger/consistency?from=3&to=9", &since).await;
}

/// Gets a file, and has it checked as it is, and with other bytes. Returns its path.
async fn stands(grown: &Grown, command: &str, name: &str, path: &str, options: &[&str]) -> String {
    let answer = grown.tenant.get(path).await.expect(200);
    let file = grown.file(name, &answer.bytes);
    let arguments = [&[command, &file][..], options].concat();
    python(&arguments).await.holds();
    verifier(&arguments).await.holds();
    for (part, parts) in PLACES {
        let mut bytes = answer.bytes.clone();
        let at = bytes.len() * part / parts;
        bytes[at] ^= 1;
        let bent = grown.file(&format!("bent-{name}"), bytes);
        let arguments = [&[command, &bent][..], options].concat();
        python(&arguments).await.refuses();
        verifier(&arguments).await.refuses();
    }
    file
}

/// The keys are those with which everything is signed, under the names that the specification gives them.
#[tokio::test]
async fn the_keys_have_the_names_of_the_log() {
    let grown = Grown::new("keys", 1).await;
    let entry = grown.tenant.get("/events/evt_1/proof").await.expect(200).text;
    let origin = entry.split("\n\n").nth(1).unwrap().lines().next().unwrap().to_owned();
    assert!(origin.ends_with(&format!("/{}", grown.tenant.name)), "{origin}");
    let keys = [grown.vkey("checkpoint").await, grown.vkey("range").await];
    let said = python(&["keys", &keys[0], &keys[1]]).await.holds();
    assert_eq!(said, format!("{origin}\n{origin}/range\n"));
    let listed = grown.tenant.get("/ledger/keys").await.expect(200).json;
    for key in listed["keys"].as_array().unwrap() {
        assert!(key["first_used_at"].as_str().is_some_and(|at| at.ends_with('Z')), "{key}");
    }
    let status: Value = grown.tenant.get("/ledger/status").await.expect(200).json;
    assert_eq!((&status["checkpoint"]["size"], &status["checkpoint"]["behind"]), (&1.into(), &0.into()), "{status}");
}

#[tokio::test]
async fn an_anchored_checkpoint_stands_without_us() {
    let grown = Grown::new("anchored", 3).await;
    let key = grown.vkey("checkpoint").await;
    anchor().await;
    let anchors = grown.tenant.all("/ledger/anchors").await;
    let [anchored] = &anchors[..] else { panic!("there is not one anchor but {anchors:?}") };
    assert_eq!(anchored["size"], 3);
    assert_eq!(anchored["checkpoint"].as_str().unwrap(), grown.tenant.get("/ledger/checkpoint").await.expect(200).text);

    // The same key under the anchor log's name, as docs/LEDGER.md has it.
    let own: VerifierKey = key.parse().unwrap();
    let (prefix, _) = own.name().rsplit_once('/').unwrap();
    let of_anchor =
        VerifierKey::new(&format!("{prefix}/~anchor"), own.key_type(), &own.public_key()).unwrap().to_string();
    let listed = grown.tenant.get("/ledger/keys").await.expect(200).json;
    assert_eq!(listed["anchor"]["keys"][0]["vkey"], of_anchor, "{listed}");
    let proof = anchored["anchor"]["proof"].as_str().expect("the anchor log's tree has it");
    let file = grown.file("anchor.tlog-proof", proof);
    python(&["anchor", &file, "--key", &key, "--anchor-key", &of_anchor]).await.holds();
    verifier(&["proof", &file, "--key", &of_anchor]).await.holds();
    python(&["anchor", &file, "--key", &of_anchor, "--anchor-key", &of_anchor]).await.refuses();
    python(&["anchor", &file, "--key", &key, "--anchor-key", &key]).await.refuses();

    // Nothing of it has changed, so nothing is anchored again.
    anchor().await;
    assert_eq!(grown.tenant.all("/ledger/anchors").await.len(), 1);
}
