//! The running API is what docs/openapi.json says: schemathesis sends what the document allows, and what it does not.
//!
//! No answer is a 5xx, has a status or a content type that the document does not name, or a body of another form; what the
//! document does not allow is refused; nothing is answered without the token.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use crate::support::{Stack, Tenant, event, eventually};

/// It takes a minute or two on the local stack.
const WITHIN: Duration = Duration::from_secs(600);

/// Events, and a checkpoint over them, under the ids that schemathesis.toml names.
async fn something_to_answer_with(tenant: &Tenant) {
    for (id, order) in [("evt_1", "ord_1"), ("evt_2", "ord_1"), ("evt_3", "ord_2")] {
        tenant.post("/events", &event(id, order)).await.expect(201);
    }
    eventually("a checkpoint covers the events", Duration::from_secs(240), || async {
        let status = tenant.get("/ledger/status").await.json;
        if status["checkpoint"]["size"] == 3 { Ok(()) } else { Err(status.to_string()) }
    })
    .await;
}

#[tokio::test]
async fn the_api_is_what_its_document_says() {
    if std::env::var_os("SCHEMATHESIS").is_some_and(|value| value == "no") {
        return;
    }
    let program: PathBuf = std::env::var_os("ORDER_HISTORY_SCHEMATHESIS").map(Into::into).expect(
        "ORDER_HISTORY_SCHEMATHESIS names no program: `cargo local test` installs it, SCHEMATHESIS=no does without",
    );
    let tenant = Tenant::new("document");
    something_to_answer_with(&tenant).await;
    let url = Stack::get().api_url.strip_suffix("/order-history").expect("the paths of the document begin with it");

    // Of what the generator keeps for its next run, nothing stays.
    let folder = tempfile::tempdir().unwrap();
    let mut schemathesis = Command::new(program);
    schemathesis
        .args(["--config-file", "e2e/document/schemathesis.toml", "run", "../docs/openapi.json", "--url", url])
        .arg("--no-color")
        .env("ORDER_HISTORY_TOKEN", tenant.token(&["admin"]))
        .env("HYPOTHESIS_STORAGE_DIRECTORY", folder.path())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let output = tokio::time::timeout(WITHIN, schemathesis.output()).await.expect("it ends");
    let output = output.expect("schemathesis runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    // A run that tries nothing finds nothing.
    let tried = said.lines().find_map(|line| line.trim().split_once(" generated, "));
    let tried: u32 = tried.unwrap_or_else(|| panic!("nothing was tried: {said}")).0.parse().unwrap();
    assert!(tried > 1_000, "too little was tried: {said}");
}
