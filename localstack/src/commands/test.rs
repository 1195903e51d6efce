use std::env;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::Args;
use tokio::process::Command;
use tokio::signal::unix::{SignalKind, signal};

use super::{down, up};
use crate::cloud::Cloud;
use crate::deploy::Sam;
use crate::dynamodb_local::{self, DynamoDbLocal};
use crate::emulator;
use crate::fsck;
use crate::functions;
use crate::process;
use crate::project::{Project, State};
use crate::python::{Environment, Tools};
use crate::stack::Stack;
use crate::ui;

/// The stack of the tests, beside that of the developer.
const STACK: &str = "test";

/// Check everything: format, lints, licences, template, then all tests, end to end on a stack of their own
///
/// Formatting, clippy, cargo-deny (where it is installed), `sam validate --lint` and cfn-lint come first. Then a stack
/// is brought up on a free port, with every role enforced, `cargo test` runs the whole workspace against it, and the
/// stack is taken down again, whatever happens.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Run the tests only
    #[arg(long)]
    no_checks: bool,
    /// Run no end-to-end tests, and so need no stack
    #[arg(long)]
    no_stack: bool,
    /// Passed on to `cargo test`
    #[arg(last = true)]
    cargo_test: Vec<String>,
}

impl Options {
    pub(crate) async fn run(self, project: &Project) -> Result<ExitCode> {
        let state = project.state(STACK);
        // A run that was killed may have left something.
        if state.dir().exists() {
            down::take_down(project, &state).await?;
        }
        let outcome = tokio::select! {
            outcome = self.check_and_test(project, &state) => outcome,
            interrupted = interrupted() => interrupted.and_then(|()| anyhow::bail!("interrupted")),
        };
        if state.dir().exists() {
            // Without a word, or the last words would not be those of the tests.
            down::take_down(project, &state).await.context("the stack of the tests could not be taken down")?;
        }
        Ok(if outcome? { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    /// Goes through all of it even when something fails, so that one run shows everything; then says so.
    async fn check_and_test(&self, project: &Project, state: &State) -> Result<bool> {
        let mut failed = Vec::new();
        if !self.no_checks {
            state.create()?;
            let sam = Sam::of(project, state).await?;
            for (name, mut check) in checks(project, &sam) {
                ui::note(format_args!("… {name}"));
                match process::shown(&mut check).await {
                    Ok(()) => ui::note(format_args!("✓ {name}")),
                    Err(error) => {
                        ui::note(format_args!("✗ {name}: {error}"));
                        failed.push(name);
                    }
                }
            }
        }

        let mut test = functions::cargo(project);
        test.args(["test", "--workspace", "--no-fail-fast"]);
        // It ends with the tests.
        let mut _dynamodb_local = None;
        if !self.no_stack {
            up::bring_up(project, state, emulator::free_port()?).await?;
            test.args(["--features", "order-history-tests/e2e"]).env("ORDER_HISTORY_STACK", Stack::file(state));
            failed.extend(checkers(project, &mut test).await);
            failed.extend(schemathesis(project, &mut test).await);
            match dynamodb_local(project, state, &mut test).await {
                Ok(started) => _dynamodb_local = started,
                Err(error) => {
                    // The tests over it fail as well, and say that it is missing.
                    ui::note(format_args!("✗ DynamoDB Local (DYNAMODB_LOCAL=no leaves it out): {error:#}"));
                    failed.push("DynamoDB Local");
                }
            }
        }
        test.args(&self.cargo_test);
        if !failed.is_empty() {
            ui::note(format_args!("✗ so far these have failed: {}; the tests follow", failed.join(", ")));
        }
        ui::note("… cargo test");
        let mut tally = Tally::default();
        let status = process::watched(&mut test, |line| tally.look(line)).await?;
        // Nothing is printed after this.
        ui::line(format_args!("\n{} passed, {} failed", tally.passed, tally.failed));
        Ok(status.success() && failed.is_empty())
    }
}

/// Tells the tests where the programs are that check our ledger without us. Returns what could not be had.
async fn checkers(project: &Project, test: &mut Command) -> Option<&'static str> {
    // The emulator's Python has `cryptography`, with which the checker in tests/python is quick.
    match Environment::of(project, Tools::Emulator).await {
        Ok(python) => drop(test.env("ORDER_HISTORY_CHECKER_PYTHON", python.bin().join("python"))),
        Err(error) => ui::note(format_args!("- the checker in tests/python runs without cryptography: {error:#}")),
    }
    if !fsck::is_wanted() {
        ui::note("- Tessera's fsck: left out, as TESSERA_FSCK=no says");
        return None;
    }
    match fsck::program(project).await {
        Ok(program) => {
            test.env("ORDER_HISTORY_FSCK", program);
            None
        }
        Err(error) => {
            // The tests that need it fail as well, and say that it is missing.
            ui::note(format_args!("✗ Tessera's fsck (TESSERA_FSCK=no leaves it out): {error:#}"));
            Some("Tessera's fsck")
        }
    }
}

/// Tells the tests where the program is that holds the API against its document. Returns what could not be had.
async fn schemathesis(project: &Project, test: &mut Command) -> Option<&'static str> {
    if env::var_os("SCHEMATHESIS").is_some_and(|value| value == "no") {
        ui::note("- schemathesis: left out, as SCHEMATHESIS=no says");
        return None;
    }
    match Environment::of(project, Tools::Schemathesis).await {
        Ok(python) => {
            test.env("ORDER_HISTORY_SCHEMATHESIS", python.bin().join("schemathesis"));
            None
        }
        Err(error) => {
            // The test that needs it fails as well, and says that it is missing.
            ui::note(format_args!("✗ schemathesis (SCHEMATHESIS=no leaves it out): {error:#}"));
            Some("schemathesis")
        }
    }
}

/// Starts DynamoDB Local, unless it is not wanted, and tells the tests where it is.
async fn dynamodb_local(project: &Project, state: &State, test: &mut Command) -> Result<Option<DynamoDbLocal>> {
    if !dynamodb_local::is_wanted() {
        ui::note("- DynamoDB Local: left out, as DYNAMODB_LOCAL=no says");
        return Ok(None);
    }
    let started = DynamoDbLocal::start(project, state).await?;
    test.env("ORDER_HISTORY_DYNAMODB_LOCAL", started.endpoint());
    Ok(Some(started))
}

/// The sum of the summaries that `cargo test` prints, one for each of its programs.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    passed: u64,
    failed: u64,
}

impl Tally {
    /// `test result: ok. 7 passed; 0 failed; 0 ignored; …`
    fn look(&mut self, line: &str) {
        let Some(result) = line.strip_prefix("test result: ") else { return };
        let counts = result.split_once(". ").map_or("", |(_, counts)| counts);
        for count in counts.split("; ") {
            match count.split_once(' ').map(|(number, what)| (number.parse::<u64>(), what)) {
                Some((Ok(number), "passed")) => self.passed += number,
                Some((Ok(number), "failed")) => self.failed += number,
                _ => {}
            }
        }
    }
}

/// What is checked before anything runs.
fn checks(project: &Project, sam: &Sam) -> Vec<(&'static str, Command)> {
    let mut fmt = functions::cargo(project);
    fmt.args(["fmt", "--all", "--check"]);
    let mut clippy = functions::cargo(project);
    clippy.args(["clippy", "--workspace", "--all-targets", "--keep-going", "--features", "order-history-tests/e2e"]);
    clippy.args(["--", "--deny", "warnings"]);
    // `sam validate` asks nobody anything, but wants to know a region.
    let nowhere = Cloud::emulator(0);
    let mut validate = sam.command(&nowhere, &["validate", "--lint", "--template-file"]);
    validate.arg(project.template());
    let mut lint = sam.companion("cfn-lint");
    lint.arg(project.template());
    let mut all =
        vec![("cargo fmt", fmt), ("cargo clippy", clippy), ("sam validate --lint", validate), ("cfn-lint", lint)];
    match cargo_deny(project) {
        Some(program) => {
            let mut deny = Command::new(program);
            deny.current_dir(project.root()).args(["--config", ".ci/deny.toml", "check", "--hide-inclusion-graph"]);
            // Not advisories: those need a database of today from the network, and fail a build that was good yesterday.
            deny.args(["bans", "licenses", "sources"]);
            all.insert(2, ("cargo deny", deny));
        }
        None => ui::note("- cargo deny: not installed, left out (`cargo install --locked cargo-deny` installs it)"),
    }
    all
}

/// cargo-deny, if it is installed: on the path, or by `.ci/run` in the cache.
fn cargo_deny(project: &Project) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut places: Vec<PathBuf> = env::split_paths(&path).collect();
    places.push(project.cache().join("bin"));
    places.into_iter().map(|place| place.join("cargo-deny")).find(|program| Path::exists(program))
}

/// Waits until somebody wants us to end.
async fn interrupted() -> Result<()> {
    let mut terminated = signal(SignalKind::terminate()).context("cannot listen for signals")?;
    let mut hung_up = signal(SignalKind::hangup()).context("cannot listen for signals")?;
    tokio::select! {
        pressed = tokio::signal::ctrl_c() => pressed.context("cannot listen for Ctrl-C")?,
        _ = terminated.recv() => {}
        _ = hung_up.recv() => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::Tally;

    #[test]
    fn the_summaries_of_cargo_test_are_added_up() {
        let mut tally = Tally::default();
        for line in [
            "running 9 tests",
            "test result: ok. 7 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.06s",
            "test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.06s",
        ] {
            tally.look(line);
        }
        assert_eq!(tally, Tally { passed: 8, failed: 2 });
    }
}
