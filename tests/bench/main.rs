//! `cargo run --example bench`: what the append path costs and how fast it is, and what the functions weigh.
//!
//! Counts before times: write and read units as the database itself counts them, round trips by a connection on which
//! each takes a known while or in a time that goes on only while all wait, instructions as valgrind counts them. Nothing
//! here fails; docs/BENCHMARKS.md holds the figures against the budgets. What does not depend on the machine is also a
//! test, shorter: `cargo test --workspace --example bench`.

#![expect(clippy::print_stdout, reason = "its tables are what it is for")]

mod append;
mod contention;
mod cost;
mod cpu;
mod functions;
mod ingest;
mod instructions;
mod orders;
mod plain;
mod posts;
mod reading;
mod sample;
#[path = "../service.rs"]
mod service;
mod slow_proxy;
mod time;
mod units;

use anyhow::Result;
use clap::{Parser, ValueEnum as _};

/// Benchmarks, a table each
#[derive(Debug, Parser)]
#[command(name = "bench")]
struct Options {
    /// Some of them; all, if none is named
    subjects: Vec<Subject>,
    /// Numbers of writers that contend, instead of the usual ones
    #[arg(long, value_delimiter = ',')]
    writers: Vec<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Subject {
    /// Write units and round trips of an event
    Append,
    /// Many writers on one tenant, beside the plain design
    Contention,
    /// Kinesis batches through the handler, and single POSTs through theirs
    Ingest,
    /// Instructions an event, if valgrind is there
    Instructions,
    /// USD a million events
    Cost,
    /// Read units of a page of orders, and what keeping the list of them costs
    Orders,
    /// What a request to each GET endpoint costs
    Reading,
    /// Packages and start-up of the functions that were built last
    Functions,
}

impl Subject {
    fn run(self, options: &Options) -> Result<()> {
        match self {
            Self::Append => append::run(),
            Self::Contention => contention::run(&options.writers),
            Self::Ingest => ingest::run().and_then(|()| posts::run()),
            Self::Instructions => instructions::run(),
            Self::Cost => cost::run(),
            Self::Orders => time::real(orders::run()),
            Self::Reading => time::real(reading::run()),
            Self::Functions => time::real(functions::run()),
        }
    }
}

fn main() -> Result<()> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    if let [first, what, batch] = &arguments[..]
        && first == instructions::COUNTED
    {
        return instructions::counted(what, batch);
    }
    let options = Options::parse();
    let chosen = &options.subjects;
    let all = Subject::value_variants().iter().filter(|subject| chosen.is_empty() || chosen.contains(subject));
    all.copied().try_for_each(|subject| subject.run(&options))
}
