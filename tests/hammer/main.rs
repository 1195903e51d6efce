//! `cargo run --example hammer`: load on a deployment, and afterwards its whole ledger held against what was acknowledged.
//!
//! Without options it hammers the developer's stack (`cargo local up --no-data`) for a minute. On AWS it is told where:
//!
//! ```text
//! ORDER_HISTORY_TOKEN=… cargo run --example hammer -- --api-url https://…/v1/order-history --tenant acme --tenant globex \
//!     --stream order-history-ingest --segments-table order-history-segments --region eu-central-1
//! ```
//!
//! It exits with 0 only if every event is where its receipt says, once, and nothing else is there.

#![expect(clippy::print_stdout, reason = "its result is what it is for")]

mod engine;
mod options;

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::Parser as _;

use self::engine::{Checked, Run};
use self::options::Options;

/// So many differences are printed; more are in the file.
const PRINTED: usize = 50;

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let options = Options::parse();
    let plan = options.plan()?;
    let target = options.target().await?;
    let folder = tempfile::tempdir().context("there is no room for the journal")?;
    println!("run {}, seed {}: {} tenants at {}", plan.run, plan.seed, plan.tenants.len(), target.api_url);

    let run = Run::prepare(&target, &plan, folder.path()).await?;
    run.hammer().await?;
    println!("\n{}", run.figures());
    let checked: Checked = run.check().await?;
    println!("checked                  {checked}");
    let differences = run.take_differences();
    drop(run);
    if differences.count == 0 {
        println!("\nThe ledger is exactly what was acknowledged.");
        return Ok(ExitCode::SUCCESS);
    }
    let folder = folder.keep();
    let file = folder.join("differences.txt");
    std::fs::write(&file, differences.listed.join("\n")).context("cannot write the differences")?;
    println!("\n{} DIFFERENCES in {} tenants; the first:", differences.count, differences.tenants.len());
    for difference in differences.listed.iter().take(PRINTED) {
        println!("  {difference}");
    }
    println!("the first {} of them are in {}, with the journal", differences.listed.len(), file.display());
    Ok(ExitCode::FAILURE)
}
