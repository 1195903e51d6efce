//! `cargo run --example bench`: what the append path costs, and what the functions weigh.
//!
//! Counts, not times: write and read units as the database itself counts them, round trips by a connection on which
//! each takes a known while. Nothing here fails; docs/BENCHMARKS.md holds the figures against the budgets.

#![expect(clippy::print_stdout, reason = "its tables are what it is for")]

mod append;
mod functions;
mod slow_proxy;
mod units;

use anyhow::Result;

#[tokio::main]
async fn main() -> Result<()> {
    append::run().await?;
    functions::run().await
}
