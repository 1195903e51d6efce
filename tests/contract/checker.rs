//! tests/python/check_ledger.py, which shares no code with the service, reads the golden vectors of docs/LEDGER.md as the
//! ledger crate does, refuses those that must be refused, and finds every changed byte.

use std::process::Command;

#[test]
fn the_independent_checker_reads_the_golden_vectors_in_the_same_way() {
    // `cargo local test` names a Python that has `cryptography`; without it the checker does the same, slowly.
    let python = std::env::var_os("ORDER_HISTORY_CHECKER_PYTHON").unwrap_or_else(|| "python3".into());
    let mut python = Command::new(python);
    python.arg(crate::file("tests/python/check_ledger.py")).arg("vectors").arg(crate::file("tests/vectors"));
    let output = python.env("PYTHONDONTWRITEBYTECODE", "1").output();
    let output = output.unwrap_or_else(|error| panic!("python3 does not run: {error}"));
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&said));
}
