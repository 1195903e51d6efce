//! What can be said on the command line.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use aws_config::{BehaviorVersion, Region};
use clap::Parser;

use crate::engine::{Plan, Target, Tokens};

/// Load on a deployment of Order History, and the proof that its ledger is exactly what was acknowledged
///
/// Clients over HTTP and producers on Kinesis send events of many tenants: new ones, exact repeats, contradictions, and
/// events that nobody waits for. Afterwards the whole log of every tenant is read back: each acknowledged event must be
/// there once, as it was sent, at the sequence and with the hashes of its receipt, after all that was acknowledged before
/// it was sent; nothing else may be there; the chain must follow; timelines must show the same. With the table at hand,
/// each log is also recomputed from it by tests/python/check_ledger.py.
///
/// Each event takes 88 bytes of a temporary file, and none of memory.
#[derive(Debug, Parser)]
#[command(name = "hammer", max_term_width = 100)]
pub(crate) struct Options {
    /// The stack.json of a local stack
    #[arg(long, env = "ORDER_HISTORY_STACK", default_value = ".local/dev/stack.json")]
    stack: PathBuf,
    /// Another deployment: the base address of its API; a token for it must be in ORDER_HISTORY_TOKEN
    #[arg(long, requires_all = ["tenant", "token"])]
    api_url: Option<String>,
    /// A token of roles producer and history_reader for all the tenants
    #[arg(long, env = "ORDER_HISTORY_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// With --api-url: the ingest stream; without it, nothing goes over Kinesis
    #[arg(long)]
    stream: Option<String>,
    /// With --api-url: the table Segments; without it, the log is checked through the API alone
    #[arg(long)]
    segments_table: Option<String>,
    /// With --segments-table: the bucket that holds the data of large segments
    #[arg(long)]
    data_bucket: Option<String>,
    /// With --api-url: the region; otherwise that of the environment
    #[arg(long)]
    region: Option<String>,
    /// With --api-url: where Kinesis, DynamoDB and S3 are, if not at AWS
    #[arg(long)]
    endpoint_url: Option<String>,

    /// A tenant; can be given several times, the one with the most load first [default: new ones]
    #[arg(long)]
    tenant: Vec<String>,
    /// How many new tenants, on a local stack
    #[arg(long, default_value_t = 20)]
    tenants: usize,
    /// How unequal tenants are: the one at rank k gets a load in proportion to 1/k^ZIPF
    #[arg(long, default_value_t = 1.0)]
    zipf: f64,
    /// How long: a number with s, m or h
    #[arg(long, default_value = "60s", value_parser = duration)]
    duration: Duration,
    /// Stop earlier, at so many new events
    #[arg(long)]
    events: Option<u64>,
    /// Clients over HTTP, each with one request at a time
    #[arg(long, default_value_t = 16)]
    clients: usize,
    /// Producers on Kinesis, each with one record at a time
    #[arg(long, default_value_t = 4)]
    producers: u8,
    /// Most events of a record
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=1000))]
    batch: u64,
    /// Producers wait while so many events on the stream are not in the ledger
    #[arg(long, default_value_t = 2000)]
    backlog: u64,
    /// Percentage of exact repeats
    #[arg(long, default_value_t = 10)]
    repeats: u64,
    /// Percentage of contradictions of what is recorded
    #[arg(long, default_value_t = 3)]
    conflicts: u64,
    /// Percentage of events that are sent with two contents at once
    #[arg(long, default_value_t = 2)]
    races: u64,
    /// Percentage of requests that are given up after some milliseconds, and made again at once
    #[arg(long, default_value_t = 2)]
    impatient: u64,
    /// Characters of text in each payload
    #[arg(long, default_value_t = 400, value_parser = clap::value_parser!(u64).range(0..=100_000))]
    payload: u64,
    /// Kill -9 a function process of the local stack about so often: a number with ms or s [default: never]
    #[arg(long, value_parser = duration, num_args = 0..=1, default_missing_value = "500ms")]
    kill: Option<Duration>,
    /// Timelines to compare with the log, over all tenants
    #[arg(long, default_value_t = 500)]
    orders: u64,
    /// How long an event is sent again without an answer
    #[arg(long, default_value = "2m", value_parser = duration)]
    give_up: Duration,
    /// How long the stream may stand still at the end
    #[arg(long, default_value = "3m", value_parser = duration)]
    settle: Duration,
    /// Make the same choices as another run [default: by chance]
    #[arg(long)]
    seed: Option<u64>,
}

impl Options {
    pub(crate) fn plan(&self) -> Result<Plan> {
        ensure!(self.repeats + self.conflicts + self.races <= 100, "the percentages are more than 100");
        let mut chance = [0; 12];
        getrandom::fill(&mut chance).context("there is no chance on this machine")?;
        let (name, seed) = chance.split_at(4);
        let run = hex::encode(name);
        // Numbers that are easy to type again.
        let seed = seed.iter().fold(0, |seed, byte| (seed << 8 | u64::from(*byte)) % 1_000_000_000);
        let tenants = if self.tenant.is_empty() {
            (1..=self.tenants).map(|rank| format!("hammer-{run}-{rank}")).collect()
        } else {
            self.tenant.clone()
        };
        ensure!(!tenants.is_empty(), "there must be a tenant");
        Ok(Plan {
            run,
            seed: self.seed.unwrap_or(seed),
            tenants,
            exponent: self.zipf,
            duration: self.duration,
            events: self.events.unwrap_or(u64::MAX),
            clients: self.clients,
            lanes: self.producers,
            batch: self.batch,
            backlog: self.backlog,
            repeats: self.repeats,
            conflicts: self.conflicts,
            races: self.races,
            impatient: self.impatient,
            payload: usize::try_from(self.payload)?,
            give_up: self.give_up,
            settle: self.settle,
            kill_every: self.kill,
            orders: self.orders,
            show: true,
        })
    }

    pub(crate) async fn target(&self) -> Result<Target> {
        let Some(api_url) = &self.api_url else { return Target::of_stack(&self.stack).await };
        let mut loader = aws_config::defaults(BehaviorVersion::latest());
        if let Some(region) = &self.region {
            loader = loader.region(Region::new(region.clone()));
        }
        if let Some(endpoint_url) = &self.endpoint_url {
            loader = loader.endpoint_url(endpoint_url);
        }
        let token = self.token.clone().context("there must be a token in ORDER_HISTORY_TOKEN")?;
        Ok(Target {
            api_url: api_url.trim_end_matches('/').to_owned(),
            stream: self.stream.clone(),
            segments: self.segments_table.clone(),
            bucket: self.data_bucket.clone(),
            aws: loader.load().await,
            tokens: Tokens::Given(token),
            state: None,
        })
    }
}

fn duration(text: &str) -> Result<Duration> {
    let bad = || format!("{text} is not a duration such as 500ms, 90s, 15m or 2h");
    let digits = text.find(|character: char| !character.is_ascii_digit()).with_context(bad)?;
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().with_context(bad)?;
    let millis = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60 * 1000,
        "h" => 60 * 60 * 1000,
        _ => anyhow::bail!(bad()),
    };
    number.checked_mul(millis).map(Duration::from_millis).with_context(bad)
}
