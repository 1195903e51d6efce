//! Running other programs.

use std::fs::{self, File};
use std::path::Path;
use std::process::{ExitStatus, Stdio};

use anyhow::{Context as _, Result, bail};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

use crate::ui;

/// How much of a log is shown when a program fails.
const SHOWN_LINES: usize = 30;

/// Runs a program whose output nobody needs unless it fails: it goes to `log`, and its end into the error.
pub(crate) async fn logged(command: &mut Command, log: &Path) -> Result<()> {
    let out = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
    let err = out.try_clone().context("cannot share the log")?;
    command.stdin(Stdio::null()).stdout(out).stderr(err);
    let status = status(command).await?;
    if status.success() {
        return Ok(());
    }
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let end = lines[lines.len().saturating_sub(SHOWN_LINES)..].join("\n");
    bail!("{} failed ({status}); all of its output is in {}\n{end}", name(command), log.display())
}

/// Runs a program that shows its output to the user itself.
pub(crate) async fn shown(command: &mut Command) -> Result<()> {
    let status = status(command).await?;
    if !status.success() {
        bail!("{} failed ({status})", name(command));
    }
    Ok(())
}

/// Runs a program for what it writes to standard output; its standard error is part of the error when it fails.
pub(crate) async fn output(command: &mut Command) -> Result<Vec<u8>> {
    let name = name(command);
    let output = command
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .with_context(|| format!("cannot start {name}"))?;
    if !output.status.success() {
        bail!("{name} failed ({}): {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(output.stdout)
}

/// Runs a program and says how it ended. It is stopped when we are.
pub(crate) async fn status(command: &mut Command) -> Result<ExitStatus> {
    let name = name(command);
    command.kill_on_drop(true).status().await.with_context(|| format!("cannot start {name}"))
}

/// Runs a program that shows its output to the user, and shows each line to `look` as well.
pub(crate) async fn watched(command: &mut Command, mut look: impl FnMut(&str)) -> Result<ExitStatus> {
    let name = name(command);
    let started = || format!("cannot start {name}");
    let mut child = command.kill_on_drop(true).stdout(Stdio::piped()).spawn().with_context(started)?;
    let output = child.stdout.take().with_context(started)?;
    let mut lines = BufReader::new(output).lines();
    while let Some(line) = lines.next_line().await.with_context(|| format!("cannot read what {name} says"))? {
        ui::line(&line);
        look(&line);
    }
    child.wait().await.with_context(|| format!("{name} was lost"))
}

/// The program and its first argument: enough to know what failed.
fn name(command: &Command) -> String {
    let command = command.as_std();
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    match command.get_args().next() {
        Some(argument) => format!("`{} {}`", program.to_string_lossy(), argument.to_string_lossy()),
        None => format!("`{}`", program.to_string_lossy()),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use tokio::process::Command;

    #[tokio::test]
    async fn a_failure_brings_the_end_of_the_log_along() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("log");
        let failed = super::logged(Command::new("sh").args(["-c", "seq 1 100; echo why >&2; exit 3"]), &log).await;
        let text = failed.unwrap_err().to_string();
        assert!(text.starts_with("`sh -c` failed (exit status: 3)") && text.ends_with("\n100\nwhy"), "{text}");
        assert!(!text.contains("\n50\n"), "{text}");
    }

    #[tokio::test]
    async fn a_program_that_is_not_there_is_named() {
        let failed = super::output(&mut Command::new("no-such-program")).await;
        assert_eq!(failed.unwrap_err().to_string(), "cannot start `no-such-program`");
    }
}
