//! Write units and round trips of the append path.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use comfy_table::{Table, presets::ASCII_MARKDOWN};
use domain::{
    event::{self, Event, TenantSource},
    ids::TenantId,
};
use store::{Clock, Log, log::Submission, testing::LocalDynamo};

use crate::{slow_proxy, units};

/// How many events of 1 KB each row records.
const EVENTS: usize = 2_000;
/// How long an answer takes while round trips are counted.
const DELAY: Duration = Duration::from_millis(100);

pub(crate) async fn run() -> Result<()> {
    let dynamo = LocalDynamo::start().await;
    let log = Log::for_tests(dynamo.aws(), Clock::System);

    println!("\nAppending events of {} bytes with 20 fields, nobody else writing:\n", size(&event("x", 0)?)?);
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN);
    table.set_header(["events a commit", "write units an event", "read units an event", "calls an event", "budget"]);
    for batch in [1, 10, 100, 500] {
        let tenant: TenantId = format!("bench-{batch}").parse().context("a tenant's name")?;
        let events = if batch == 1 { EVENTS / 10 } else { EVENTS };
        units::take();
        for start in (0..events).step_by(batch) {
            let submissions = (start..start + batch)
                .map(|i| Ok(Submission { event: event(&format!("evt_{i}"), i)?, schema: None }))
                .collect::<Result<Vec<_>>>()?;
            log.append(&tenant, submissions).await?;
        }
        let used = units::take();
        let each = |total: u64| format!("{:.2}", total as f64 / events as f64);
        let budget = match batch {
            1 => "4.50",
            10 => "",
            _ => "2.40",
        };
        table.add_row([batch.to_string(), each(used.written), each(used.read), each(used.calls), budget.to_owned()]);
    }
    println!("{table}");

    let slow = slow_proxy::start(dynamo.address(), DELAY).await?;
    let log = Log::for_tests(&LocalDynamo::client_at(slow), Clock::System);
    println!("\nRound trips in sequence before a single event is acknowledged (budget: 4):\n");
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN);
    table.set_header(["case", "round trips"]);
    let tenant: TenantId = "bench-trips".parse().context("a tenant's name")?;
    for case in ["the first of a tenant", "the second", "the third", "a repeated one"] {
        let id = if case == "a repeated one" { "the third" } else { case }.replace(' ', "_");
        let submission = Submission { event: event(&id, 1)?, schema: None };
        // A connection of each kind is open already in a warm function.
        log.status(&tenant).await?;
        let started = Instant::now();
        log.append(&tenant, vec![submission]).await?;
        let trips = started.elapsed().as_secs_f64() / DELAY.as_secs_f64();
        table.add_row([case.to_owned(), format!("{trips:.1}")]);
    }
    println!("{table}");
    Ok(())
}

fn size(event: &Event) -> Result<usize> {
    Ok(serde_json::to_vec(event)?.len())
}

/// An event of 1 KB with 20 fields in payload and metadata, of which ids, names and amounts differ from event to event.
fn event(id: &str, seed: usize) -> Result<Event> {
    let mut state = seed as u64 + 1;
    let mut hex = |digits: usize| {
        let mut text = String::new();
        while text.len() < digits {
            // A linear congruential generator (Knuth): repeatable, and as hard to compress as ids are.
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            text.push_str(&format!("{:08x}", state >> 32));
        }
        text.truncate(digits);
        text
    };
    let document = serde_json::json!({
        "tenant_id": "bench", "event_id": id, "order_id": format!("ord_{}", hex(16)),
        "occurred_at": "2025-08-29T12:34:56Z", "source": "order-service", "type": "order.payment.succeeded",
        "schema_version": "v1",
        "payload": {
            "payment_id": format!("pay_{}", hex(24)), "amount": seed * 37 % 100_000, "currency": "GBP", "captured": true,
            "method": "credit_card", "installments": seed % 12 + 1, "gateway_reference": hex(32),
            "customer": {
                "id": format!("cust_{}", hex(24)), "email": format!("{}@example.com", hex(12)), "name": "Alex Example",
                "phone": "+44 20 7946 0958",
            },
            "billing_address": {
                "line": "221B Baker Street", "city": "London", "postcode": "NW1 6XE", "country": "GB",
            },
            "note": "Captured by the gateway on the first attempt; the risk check passed and the order may be released \
                     to the warehouse for picking and packing as soon as the stock is confirmed by the planner.",
            "device": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0 Safari",
        },
        "metadata": {
            "actor_id": "svc_payments", "correlation_id": format!("corr_{}", hex(16)), "trace": hex(32),
        },
    });
    let (_, event) = event::parse(document.to_string().as_bytes(), TenantSource::Envelope)?;
    Ok(event)
}
