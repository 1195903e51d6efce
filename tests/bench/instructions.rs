//! Instructions an event, as valgrind counts them.
//!
//! Valgrind runs this very program once more, which then records events and nothing else, and once to make the same
//! events without recording them: the difference is what recording takes. The count hardly differs from run to run, and
//! not at all with what else the machine does. It is that of valgrind's processor, which has no instructions for SHA.

use std::{
    process::{Command, Stdio},
    sync::{Arc, atomic::AtomicI64},
};

use anyhow::{Context as _, Result, ensure};
use comfy_table::{Table, presets::ASCII_MARKDOWN};
use domain::event::{self, TenantSource};
use store::{
    Clock, Log,
    log::{Submission, memory::MemoryTables},
};
use tokio::runtime::Builder;

use crate::sample::Kind;

/// The first argument of the program that is counted; then come [`What`] and the events a commit.
pub(crate) const COUNTED: &str = "--counted";
const EVENTS: usize = 400;

/// What is done with events, so that it can be counted.
#[derive(Debug, Clone, Copy)]
enum What {
    /// They are made.
    Making,
    /// They are made, and read from their JSON.
    Reading,
    /// They are made, read and appended.
    Appending,
}

impl What {
    const ALL: [Self; 3] = [Self::Making, Self::Reading, Self::Appending];
}

/// What valgrind is to count.
pub(crate) fn counted(what: &str, batch: &str) -> Result<()> {
    let what = What::ALL.into_iter().find(|known| format!("{known:?}") == what).context("what is to be counted?")?;
    let batch: usize = batch.parse()?;
    let runtime = Builder::new_current_thread().enable_time().build()?;
    let clock = Clock::Manual(Arc::new(AtomicI64::new(1_756_470_896_000)));
    let log = Log::over(Arc::new(MemoryTables::default()), clock).seeded(1);
    let tenant = "bench".parse().context("a tenant's name")?;
    for start in (0..EVENTS).step_by(batch) {
        let made: Vec<_> = (start..start + batch)
            .map(|n| Kind::Payment.document("bench", &format!("evt_{n}"), n).to_string())
            .collect();
        if matches!(what, What::Making) {
            continue;
        }
        let submissions = made.iter().map(|text| {
            Ok(Submission { event: event::parse(text.as_bytes(), TenantSource::Envelope)?.1, schema: None })
        });
        let submissions = submissions.collect::<Result<Vec<_>>>()?;
        if matches!(what, What::Appending) {
            runtime.block_on(log.append(&tenant, submissions))?;
        }
    }
    Ok(())
}

pub(crate) fn run() -> Result<()> {
    println!("\nInstructions an event of 1 KB, over tables in memory, counted by valgrind:\n");
    let version = Command::new("valgrind").arg("--version").output();
    let Ok(version) = version else {
        println!("there is no valgrind here; see the CPU time of a Kinesis batch instead");
        return Ok(());
    };
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN);
    table.set_header(["events a commit", "to read its JSON", "to append it"]);
    for batch in [1, 100] {
        let [making, reading, appending] = What::ALL.map(|what| count(what, batch));
        let (making, reading, appending) = (making?, reading?, appending?);
        let each = |from: u64, to: u64| format!("{:.0}", to.saturating_sub(from) as f64 / EVENTS as f64);
        table.add_row([batch.to_string(), each(making, reading), each(reading, appending)]);
    }
    println!("{table}");
    println!("\n({})", String::from_utf8_lossy(&version.stdout).trim());
    Ok(())
}

/// Of the whole process.
fn count(what: What, batch: usize) -> Result<u64> {
    let mut command = Command::new("valgrind");
    command.args(["--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]);
    command.arg(std::env::current_exe()?).args([COUNTED, &format!("{what:?}"), &batch.to_string()]);
    let output = command.stdout(Stdio::null()).output().context("valgrind cannot be started")?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.success(), "valgrind stopped: {said}");
    // `==1234== I   refs:      1,234,567`
    let line = said.lines().find(|line| line.contains("refs:")).with_context(|| format!("no count in: {said}"))?;
    let digits: String = line.rsplit(':').next().unwrap_or_default().chars().filter(char::is_ascii_digit).collect();
    Ok(digits.parse()?)
}
