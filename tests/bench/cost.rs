//! What a million events of 1 KB cost at list prices, by the way they come in.
//!
//! The counts are those of the append path as it is now; prices change, see [`PRICES_OF`].

use std::time::Duration;

use anyhow::Result;
use comfy_table::{Table, presets::ASCII_MARKDOWN};

use crate::{
    append::{self, Row},
    ingest, posts,
    sample::Kind,
};

/// Where the prices below come from, and when they were looked up.
const PRICES_OF: &str = "us-east-1, first tier, without free tiers, looked up 2026-11-22";
/// USD a million write request units, on demand: <https://aws.amazon.com/dynamodb/pricing/on-demand/>.
const WRITE_UNITS: f64 = 0.625;
/// USD a million read request units, on demand, each a strong read of up to 4 KB.
const READ_UNITS: f64 = 0.125;
/// USD a million PUT requests of S3 Standard: 0.005 a thousand, <https://aws.amazon.com/s3/pricing/>.
const S3_PUTS: f64 = 5.0;
/// USD a million requests of Lambda: <https://aws.amazon.com/lambda/pricing/>.
const INVOCATIONS: f64 = 0.20;
/// USD a million GB-seconds of Lambda on arm64.
const GB_SECONDS: f64 = 13.3334;
/// USD a million requests of a REST API: <https://aws.amazon.com/api-gateway/pricing/>.
const API_REQUESTS: f64 = 3.50;
/// USD a million PUT payload units of a provisioned Kinesis stream, one for each record of up to 25 KB:
/// <https://aws.amazon.com/kinesis/data-streams/pricing/>. Its shards cost 0.015 USD an hour each beside that.
const KINESIS_RECORDS: f64 = 0.014;

/// The memory of the functions, in MB: the defaults of ApiMemory and WorkerMemory in template.yaml.
const API_MEMORY: u32 = 512;
const WORKER_MEMORY: u32 = 1024;
/// With so many MB a function has one whole processor:
/// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html>.
const WHOLE_PROCESSOR: u32 = 1769;
/// How long a call of a table or bucket takes.
const CALL: Duration = Duration::from_millis(6);

/// The counts of one way in.
#[derive(Debug)]
struct Path {
    name: &'static str,
    row: Row,
    memory: u32,
    /// What an event costs before it reaches the function, in USD a million.
    entry: f64,
    /// Time of one whole processor.
    cpu_an_event: Duration,
}

impl Path {
    /// GB-seconds an event.
    fn gb_seconds(&self) -> f64 {
        let waiting = CALL.as_secs_f64() * self.row.round_trips.unwrap_or_default() / self.row.batch as f64;
        let share = f64::from(self.memory.min(WHOLE_PROCESSOR)) / f64::from(WHOLE_PROCESSOR);
        (waiting + self.cpu_an_event.as_secs_f64() / share) * f64::from(self.memory) / 1024.0
    }

    /// What is used a million events, and at what price a million: DynamoDB twice, S3, Lambda, and the way in.
    fn parts(&self) -> [(f64, f64); 6] {
        [
            (self.row.written, WRITE_UNITS),
            (self.row.read, READ_UNITS),
            (self.row.staged, S3_PUTS),
            (1.0 / self.row.batch as f64, INVOCATIONS),
            (self.gb_seconds(), GB_SECONDS),
            (1.0, self.entry),
        ]
    }

    fn total(&self) -> f64 {
        self.parts().into_iter().map(|(used, price)| used * price).sum()
    }
}

pub(crate) fn run() -> Result<()> {
    let cpu_an_event = ingest::by_the_wall_clock(Duration::ZERO, 20, 1)?.cpu_an_event();
    let (_, cpu_a_post) = posts::measure()?;
    let kinesis = |name, row| Path { name, row, memory: WORKER_MEMORY, entry: KINESIS_RECORDS, cpu_an_event };
    let paths = [
        Path {
            name: "single POSTs",
            row: append::staging(Kind::Payment, 1, 200)?,
            memory: API_MEMORY,
            entry: API_REQUESTS,
            cpu_an_event: cpu_a_post,
        },
        kinesis("Kinesis, 100 a batch", append::staging(Kind::Payment, 100, 2_000)?),
        kinesis("Kinesis, 500 a batch, not staged", append::inline_alone(Kind::Payment, 500)?),
        kinesis("Kinesis, 500 a batch, staged", append::staging(Kind::Payment, 500, 2_000)?),
    ];
    println!("\nUSD a million events ({PRICES_OF}): each cell is what is used an event × the price of a million\n");
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN);
    table.set_header([
        "path",
        "write units",
        "read units",
        "S3 PUTs",
        "invocations",
        "GB-seconds",
        "API requests or Kinesis records",
        "total",
    ]);
    for path in &paths {
        let mut row = vec![path.name.to_owned()];
        row.extend(path.parts().map(|(used, price)| {
            if used == 0.0 { "0".to_owned() } else { format!("{} × {price} = {:.3}", short(used), used * price) }
        }));
        row.push(format!("{:.2}", path.total()));
        table.add_row(row);
    }
    println!("{table}");
    println!(
        "\nGB-seconds: ({} ms × round trips + CPU time ÷ the function's share of a processor) × memory. A POST takes",
        CALL.as_millis()
    );
    println!(
        "{} µs of CPU time in a function of {API_MEMORY} MB, an event of a batch {} µs in one of {WORKER_MEMORY} MB; \
         {WHOLE_PROCESSOR} MB have a whole processor.",
        cpu_a_post.as_micros(),
        cpu_an_event.as_micros()
    );
    Ok(())
}

/// With three digits that say something.
fn short(number: f64) -> String {
    let decimals = (2 - number.abs().log10().floor() as i32).clamp(0, 6);
    let text = format!("{number:.*}", decimals as usize);
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

    use super::*;

    #[test]
    fn a_total_is_the_sum_of_what_is_shown() {
        let row = append::staging(Kind::Payment, 100, 500).unwrap();
        let (written, read) = (row.written, row.read);
        let cpu_an_event = Duration::from_micros(100);
        let path = Path { name: "any", row, memory: WHOLE_PROCESSOR, entry: 0.014, cpu_an_event };
        // A hundredth of an invocation and of the commit's round trips.
        let seconds = 0.006 * path.row.round_trips.unwrap() / 100.0 + 0.0001;
        let lambda = 0.2 / 100.0 + seconds * 1769.0 / 1024.0 * 13.3334;
        assert!((path.total() - (written * 0.625 + read * 0.125 + lambda + 0.014)).abs() < 1e-9, "{}", path.total());
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!([4.0, 2.0041, 0.00002, 13.3334, 3.5].map(short), ["4", "2", "0.00002", "13.3", "3.5"]);
    }
}
