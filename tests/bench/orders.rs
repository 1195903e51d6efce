//! Read units of a page of orders, and what keeping the list of them costs.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use comfy_table::{Table, presets::ASCII_MARKDOWN};
use domain::{
    event::{self, Event, TenantSource},
    ids::TenantId,
    time::Timestamp,
};
use store::{
    Clock, Log, OrderIndex, Orders,
    log::{Submission, memory::MemoryTables},
    orders::{OrderFilter, OrderPosition},
    testing::{LocalDynamo, ORDERS},
};

use crate::units::{self, Units};

/// What a page has unless its client says otherwise.
const LIMIT: usize = 100;
/// How many orders each customer has.
const OF_CUSTOMER: usize = 20;
/// When the first order had its event, in milliseconds since 1970: 2025-01-01T00:00:00Z. Each has one a minute later.
const FIRST: i64 = 1_735_689_600_000;
const MINUTE: i64 = 60_000;

/// A page that somebody asks for.
struct Case {
    name: &'static str,
    filter: OrderFilter,
    after: Option<OrderPosition>,
}

pub(crate) async fn run() -> Result<()> {
    let dynamo = LocalDynamo::start().await;
    println!("\nA page of at most {LIMIT} orders, one event each, one a minute, {OF_CUSTOMER} of a customer:\n");
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN);
    table.set_header(["orders of the tenant", "page", "orders on it", "read units", "calls"]);
    for orders in [1_000, 100_000] {
        for (name, found, used) in listing(&dynamo, orders).await? {
            let numbers = [found as u64, used.read, used.calls].map(|number| number.to_string());
            table.add_row([orders.to_string(), name.to_owned()].into_iter().chain(numbers));
        }
    }
    println!("{table}");

    let sample = sample()?;
    println!("\nKeeping the list of orders, the {} events of localstack/sample:\n", sample.len());
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN);
    table.set_header(["events a run", "write units an event", "read units an event", "calls an event"]);
    for at_once in [1, 10, 100, sample.len()] {
        let used = following(&dynamo, &sample, at_once).await?;
        let each = |total: u64| format!("{:.2}", total as f64 / sample.len() as f64);
        table.add_row([at_once.to_string(), each(used.written), each(used.read), each(used.calls)]);
    }
    println!("{table}");
    Ok(())
}

/// Pages of a tenant with so many orders: how many are on each, and what it costs.
async fn listing(dynamo: &LocalDynamo, orders: usize) -> Result<Vec<(&'static str, usize, Units)>> {
    let tenant: TenantId = format!("bench-{orders}").parse().context("a tenant's name")?;
    fill(dynamo, &tenant, orders).await?;
    let list = Orders::new(dynamo.aws(), ORDERS);
    let all = OrderFilter::default();
    let first = list.list(&tenant, &all, None, LIMIT).await?;
    let from = |minute: usize| OrderFilter { from: Some(at(minute)), ..OrderFilter::default() };
    let customer = OrderFilter { customer_id: Some("cust_7".parse()?), ..OrderFilter::default() };
    let before = OrderFilter { to: Some(at(orders / 2)), ..customer.clone() };
    let cases = [
        Case { name: "the first", filter: all.clone(), after: None },
        Case { name: "the second", filter: all, after: first.next },
        // A minute after midnight, so that nearly all of the day matches.
        Case { name: "from the middle on", filter: from(orders / 2 / 1440 * 1440 + 1), after: None },
        Case { name: "from noon of a day on", filter: from(720), after: None },
        Case { name: "of a customer", filter: customer, after: None },
        Case { name: "of a customer, before an instant", filter: before, after: None },
    ];
    let mut rows = Vec::new();
    for Case { name, filter, after } in cases {
        let (page, used) = units::of(list.list(&tenant, &filter, after, LIMIT)).await;
        rows.push((name, page?.orders.len(), used));
    }
    Ok(rows)
}

/// When an order has its event.
fn at(minute: usize) -> Timestamp {
    Timestamp::clamped_from_millis(FIRST + minute as i64 * MINUTE)
}

/// Gives a tenant so many orders, by the projection itself, from a log that costs nothing.
async fn fill(dynamo: &LocalDynamo, tenant: &TenantId, orders: usize) -> Result<()> {
    let log = Log::over(Arc::new(MemoryTables::default()), Clock::System);
    let customers = orders / OF_CUSTOMER;
    for start in (0..orders).step_by(500) {
        let submissions = (start..orders.min(start + 500)).map(|n| {
            let document = serde_json::json!({
                "tenant_id": "bench", "event_id": format!("evt_{n}"), "order_id": format!("ord_{:016x}", scattered(n)),
                "occurred_at": at(n), "source": "order-service", "type": "order.created", "schema_version": "v1",
                "payload": {"customer": {"id": format!("cust_{}", n % customers)}},
            });
            let (_, event) = event::parse(document.to_string().as_bytes(), TenantSource::Envelope)?;
            Ok(Submission { event, schema: None })
        });
        log.append(tenant, submissions.collect::<Result<_>>()?).await?;
    }
    let index = OrderIndex::new(Orders::new(dynamo.aws(), ORDERS), log);
    index.advance(tenant, in_ten_minutes()).await?;
    Ok(())
}

/// Another number for each number, in no order.
fn scattered(n: usize) -> u64 {
    (n as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// The events of the sample in localstack, in their order.
fn sample() -> Result<Vec<Event>> {
    // Cargo sets it when it runs us: a path of the build would outlive a checkout that is moved.
    let package = std::env::var_os("CARGO_MANIFEST_DIR").context("run this with `cargo run --example bench`")?;
    let text = std::fs::read_to_string(Path::new(&package).join("../localstack/sample/orders.ndjson"))?;
    let tenant: TenantId = "bench".parse().context("a tenant's name")?;
    text.lines().map(|line| Ok(event::parse(line.as_bytes(), TenantSource::Token(&tenant))?.1)).collect()
}

/// What it costs to follow a log that grows by so many events at once.
async fn following(dynamo: &LocalDynamo, events: &[Event], at_once: usize) -> Result<Units> {
    let tenant: TenantId = format!("sample-{at_once}").parse().context("a tenant's name")?;
    let log = Log::for_tests(dynamo.aws(), Clock::System);
    let index = OrderIndex::new(Orders::new(dynamo.aws(), ORDERS), log.clone());
    let mut total = Units::default();
    for events in events.chunks(at_once) {
        let submissions = events.iter().map(|event| Submission { event: event.clone(), schema: None });
        log.append(&tenant, submissions.collect()).await?;
        let (advanced, used) = units::of(index.advance(&tenant, in_ten_minutes())).await;
        advanced?;
        total.read += used.read;
        total.written += used.written;
        total.calls += used.calls;
    }
    Ok(total)
}

fn in_ten_minutes() -> Instant {
    Instant::now() + Duration::from_secs(600)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

    use super::*;

    #[tokio::test]
    async fn a_page_costs_the_same_however_many_orders_there_are() {
        let dynamo = LocalDynamo::start().await;
        let few = listing(&dynamo, 300).await.unwrap();
        let many = listing(&dynamo, 2_000).await.unwrap();
        // Half a unit an order, and the query of an index: a hundred keys are 10 KB.
        assert_eq!(few[0], ("the first", LIMIT, few[0].2));
        assert!((51..=53).contains(&few[0].2.read), "{few:?}");
        assert_eq!((few[0].2.read, few[0].2.calls), (many[0].2.read, many[0].2.calls));
        assert_eq!((few[1].2.read, few[1].2.calls), (many[1].2.read, many[1].2.calls));
        // No page looks at more than two hundred.
        assert!(many.iter().all(|(.., used)| used.read <= 110), "{many:?}");
    }
}
