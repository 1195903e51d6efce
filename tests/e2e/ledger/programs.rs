//! The programs that check a ledger without us: the checker in tests/python, `order-history-verify`, and the `fsck` of
//! transparency-dev/tessera.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

/// The programs take seconds. Tessera's `fsck` can wait for ever where it should fail.
const WITHIN: Duration = Duration::from_secs(120);

/// What a program says.
#[derive(Debug)]
pub(crate) struct Verdict {
    pub(crate) code: Option<i32>,
    /// Standard output, then standard error.
    pub(crate) said: String,
}

impl Verdict {
    /// Stops the test unless all is well. Returns what was said.
    #[track_caller]
    pub(crate) fn holds(self) -> String {
        assert_eq!(self.code, Some(0), "{}", self.said);
        self.said
    }

    /// Stops the test if it is accepted, whatever is said of it.
    #[track_caller]
    pub(crate) fn refuses(self) {
        assert_eq!(self.code, Some(1), "{}", self.said);
    }

    /// Stops the test unless something was found that is wrong, in these words.
    #[track_caller]
    pub(crate) fn finds(self, words: &str) {
        assert_eq!(self.code, Some(1), "nothing is found, though it should be {words:?}: {}", self.said);
        assert!(self.said.contains(words), "it is not {words:?} that is found: {}", self.said);
    }
}

/// tests/python/check_ledger.py, which was written from docs/LEDGER.md alone.
pub(crate) async fn python(arguments: &[&str]) -> Verdict {
    let python = std::env::var_os("ORDER_HISTORY_CHECKER_PYTHON").unwrap_or_else(|| "python3".into());
    let mut command = Command::new(python);
    command.arg("python/check_ledger.py").args(arguments).env("PYTHONDONTWRITEBYTECODE", "1");
    run(command).await.expect("the checker ends")
}

/// `order-history-verify`, as Cargo has built it beside these tests.
pub(crate) async fn verifier(arguments: &[&str]) -> Verdict {
    let tests = std::env::current_exe().unwrap();
    let program = tests.ancestors().nth(2).unwrap().join("order-history-verify");
    assert!(program.exists(), "{} is not there: run the tests of the whole workspace", program.display());
    let mut command = Command::new(program);
    command.args(arguments);
    run(command).await.expect("the verifier ends")
}

/// What Tessera's `fsck` makes of the log at a URL: `Ok` if it finds it whole. `None` when `TESSERA_FSCK=no` leaves it out.
pub(crate) async fn fsck(url: &str, vkey: &str, size: u64) -> Option<Result<(), String>> {
    if std::env::var_os("TESSERA_FSCK").is_some_and(|value| value == "no") {
        return None;
    }
    let program: PathBuf = std::env::var_os("ORDER_HISTORY_FSCK").map(OsString::into).expect(
        "ORDER_HISTORY_FSCK does not name Tessera's fsck: `cargo local test` builds it, TESSERA_FSCK=no does without",
    );
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("vkey");
    std::fs::write(&key, vkey).unwrap();
    let mut command = Command::new(program);
    command
        .args(["--N=8", "--ui=false"])
        .arg(format!("--storage_url={url}"))
        .arg(format!("--public_key={}", key.display()));
    // Its exit code is 0 whatever it finds.
    let whole = format!("Successfully fsck'd log with size {size} ");
    Some(match run(command).await {
        Some(verdict) if verdict.code == Some(0) && verdict.said.contains(&whole) => Ok(()),
        // It prints whole tiles.
        Some(verdict) => Err(verdict.said.chars().take(2_000).collect()),
        None => Err(format!("it has not ended after {WITHIN:?}")),
    })
}

/// The address of a folder, for `fsck`.
pub(super) fn folder_url(folder: &Path) -> String {
    format!("file://{}/", folder.display())
}

/// `None` when it does not end.
async fn run(mut command: Command) -> Option<Verdict> {
    command.stdin(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(WITHIN, command.output()).await.ok()?;
    let output = output.unwrap_or_else(|error| panic!("{command:?} does not run: {error}"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Some(Verdict { code: output.status.code(), said: text(&output.stdout) + &text(&output.stderr) })
}
