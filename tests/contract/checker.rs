//! tests/python/check_ledger.py, which shares no code with the service, reads the golden vectors of docs/LEDGER.md as the
//! ledger crate does.

use std::process::Command;

#[test]
fn the_independent_checker_reads_the_golden_vectors_in_the_same_way() {
    let mut python = Command::new("python3");
    python
        .arg(crate::file("tests/python/check_ledger.py"))
        .arg("--vectors")
        .arg(crate::file("tests/vectors/ledger.json"));
    let output = python.output().unwrap_or_else(|error| panic!("python3 does not run: {error}"));
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&said));
}
