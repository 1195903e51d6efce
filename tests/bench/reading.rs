//! What a request to each GET endpoint costs, through its route, for a tenant with few orders and for one with many: what
//! is the same for both does not grow with the tenant.

mod routes;
mod tenant;

use anyhow::{Result, ensure};
use comfy_table::{Table, presets::ASCII_MARKDOWN};
use http_api::testing::get;

use self::{
    routes::{Case, cases},
    tenant::{EVENTS, Size, Tenant},
};
use crate::units::{self, Units};

/// What a page has unless its client says otherwise, and the most that it may have.
const LIMIT: usize = 100;
const MAX_LIMIT: usize = 1000;
/// How many events of other orders are recorded at once. They fit one commit of a log that stages nothing.
const AT_ONCE: usize = 400;

/// What one request has used, or several.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Row {
    name: String,
    units: Units,
    /// Reads of the bucket, or requests.
    others: usize,
}

pub(crate) async fn run() -> Result<()> {
    let few = read(1_000).await?;
    let many = read(100_000).await?;
    println!("\nA request to each GET endpoint, about an order with {EVENTS} events of about 500 bytes;");
    println!("two figures where the tenant's other orders, 1,000 or 100,000, make a difference:\n");
    println!("{}", table(["GET", "read units", "write units", "calls", "objects"], &few.rows, &many.rows));
    println!("\nAll pages of a list, one after the other:\n");
    println!("{}", table(["GET", "read units", "write units", "calls", "requests"], &few.walks, &many.walks));
    Ok(())
}

/// What was measured of one tenant.
struct Measured {
    rows: Vec<Row>,
    /// With the numbers of requests instead of those of objects.
    walks: Vec<Row>,
}

async fn read(orders: usize) -> Result<Measured> {
    let tenant = Tenant::fill(Size { orders, at_once: AT_ONCE }).await?;
    let rows = tenant.measure(LIMIT).await?;
    let mut walks = Vec::new();
    for query in [format!("limit={LIMIT}"), format!("limit={MAX_LIMIT}"), "type=order.unheard".to_owned()] {
        walks.push(tenant.walk(&query).await?);
    }
    Ok(Measured { rows, walks })
}

fn table(header: [&str; 5], few: &[Row], many: &[Row]) -> Table {
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN);
    table.set_header(header);
    for (few, many) in few.iter().zip(many) {
        let cells = few.numbers().into_iter().zip(many.numbers());
        let cells = cells.map(|(few, many)| if few == many { few.to_string() } else { format!("{few}; {many}") });
        table.add_row(std::iter::once(few.name.clone()).chain(cells));
    }
    table
}

impl Row {
    fn numbers(&self) -> [u64; 4] {
        [self.units.read, self.units.written, self.units.calls, self.others as u64]
    }
}

impl Tenant {
    /// A row for each case.
    async fn measure(&self, limit: usize) -> Result<Vec<Row>> {
        let mut rows = Vec::new();
        for case in cases(limit, self.events) {
            // What a function reads once and keeps: the key of its cursors, who signs.
            self.ask(&case).await?;
            let (one, other) = (self.counted(&case).await?, self.counted(&case).await?);
            // The rules by which states are folded are kept for five seconds, which may be over in one of two requests.
            rows.push(if other.units.read < one.units.read { other } else { one });
        }
        Ok(rows)
    }

    async fn counted(&self, case: &Case) -> Result<Row> {
        let _ = self.bucket.take_reads();
        let (answer, units) = units::of(self.ask(case)).await;
        answer?;
        Ok(Row { name: case.name(), units, others: self.bucket.take_reads() })
    }

    async fn ask(&self, case: &Case) -> Result<()> {
        let mut path = format!("/order-history/{}", case.route);
        for (name, value) in &self.named {
            path = path.replace(&format!("{{{name}}}"), value);
        }
        let answer = self.call(case.api, get(&format!("{path}?{}", case.query))).await?;
        ensure!(case.shows.is_in(&answer.json), "{} does not show {:?}: {}", case.name(), case.shows, answer.json);
        Ok(())
    }

    /// All pages of `GET /events`.
    async fn walk(&self, query: &str) -> Result<Row> {
        let pages = async {
            let (mut pages, mut cursor) = (0, String::new());
            loop {
                let uri = format!("/order-history/events?{query}{cursor}");
                let page = self.call("events-api", get(&uri)).await?;
                pages += 1;
                match page.json["next_cursor"].as_str() {
                    Some(next) => cursor = format!("&cursor={next}"),
                    None => return anyhow::Ok(pages),
                }
            }
        };
        let (pages, units) = units::of(pages).await;
        Ok(Row { name: format!("`events?{query}`"), units, others: pages? })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::{routes::LEFT_OUT, *};

    /// A page of the list of all events.
    const PAGE: usize = 10;
    /// Beside 20 orders: read units, write units, calls, objects. Each event is a segment of its own here, and a list of
    /// all events reads 16 at once.
    const BUDGETS: [(&str, [u64; 4]); 36] = [
        ("`events/{event_id}`", [2, 1, 3, 0]),
        ("`events/{event_id}/corrections`", [2, 1, 3, 0]),
        ("`events/{event_id}/attachments`", [2, 1, 3, 0]),
        ("`events/{event_id}/proof`", [2, 1, 3, 2]),
        ("`events/{event_id}/verify`", [7, 1, 8, 2]),
        ("`corrections/{correction_id}`", [2, 1, 3, 0]),
        ("`attachments/{attachment_id}`", [3, 1, 4, 0]),
        ("`events`, of the order", [2, 1, 2, 0]),
        ("`events`, of the order with attachments", [3, 1, 3, 0]),
        ("`events`, the first page", [3, 1, 3, 0]),
        // Each of the ten events is of another order, whose attachments are a query.
        ("`events`, a page that finds none with attachments", [13, 1, 13, 0]),
        (NONE_OF_A_TYPE, [8, 1, 5, 0]),
        ("`events/stream`, nothing new, no wait", [2, 1, 3, 0]),
        ("`events/stream`, from the beginning", [4, 1, 3, 0]),
        ("`orders/{order_id}/timeline`", [2, 1, 2, 0]),
        ("`orders/{order_id}/timeline`, by `occurred_at`", [2, 1, 2, 0]),
        ("`orders/{order_id}/timeline`, with attachments and corrections", [3, 1, 3, 0]),
        ("`orders/{order_id}/timeline/aggregate`", [2, 1, 2, 0]),
        ("`orders/{order_id}/events/{type}`", [2, 1, 2, 0]),
        ("`orders/{order_id}/snapshot`, from the first event", [3, 1, 3, 0]),
        ("`orders/{order_id}/snapshot`, from a snapshot two events before its end", [2, 1, 3, 1]),
        ("`orders/{order_id}/snapshot`, with who set each field", [3, 1, 3, 0]),
        ("`orders/{order_id}/snapshots`", [1, 1, 2, 0]),
        ("`snapshots/{snapshot_id}`", [3, 1, 4, 1]),
        ("`ledger/status`", [1, 0, 1, 1]),
        ("`ledger/checkpoint`", [0, 0, 0, 1]),
        ("`ledger/keys`", [2, 0, 2, 0]),
        ("`ledger/tile/{path}`", [0, 1, 1, 1]),
        ("`ledger/consistency`, over the order's events", [0, 0, 0, 3]),
        ("`ledger/proof`, of the order's events", [2, 1, 3, 3]),
        ("`ledger/proof`, of the order's events, with content", [5, 1, 5, 2]),
        ("`ledger/anchors`", [1, 0, 1, 3]),
        ("`orders`, the first page", [6, 1, 3, 0]),
        ("`schemas`", [1, 0, 1, 0]),
        ("`schemas/{type}/{version}`", [1, 0, 1, 0]),
        ("`diagnostics`", [1, 1, 2, 0]),
    ];
    const NONE_OF_A_TYPE: &str = "`events`, a page that finds none of a type";
    /// Those that go up the tree: it has another level for 256 times as many events, and each is an object.
    const PROOFS: [&str; 5] = [
        "`events/{event_id}/proof`",
        "`events/{event_id}/verify`",
        "`ledger/consistency`, over the order's events",
        "`ledger/proof`, of the order's events",
        "`ledger/proof`, of the order's events, with content",
    ];

    async fn rows(orders: usize) -> Vec<Row> {
        let tenant = Tenant::fill(Size { orders, at_once: 1 }).await.unwrap();
        tenant.measure(PAGE).await.unwrap()
    }

    #[tokio::test]
    async fn what_a_get_costs_does_not_grow_with_the_tenant() {
        let few = rows(20).await;
        let measured: Vec<_> = few.iter().map(|row| (row.name.as_str(), row.numbers())).collect();
        assert_eq!(measured, BUDGETS);
        for (few, many) in few.iter().zip(rows(400).await) {
            let mut expected = few.numbers();
            match few.name.as_str() {
                name if PROOFS.contains(&name) => expected[3] += 1,
                NONE_OF_A_TYPE => {
                    // It looks through the log, up to ten thousand events a page: all 414, in one query of a segment and others
                    // of 16, the last of which finds fewer; and its record. No segment here takes a unit by itself.
                    expected[2] = 1 + 413 / 16 + 1 + 1;
                    assert!(many.units.read <= 414, "{many:?}");
                    expected[0] = many.units.read;
                }
                _ => {}
            }
            assert_eq!((&few.name, many.numbers()), (&many.name, expected));
        }
    }

    #[test]
    fn every_get_of_the_api_is_measured() {
        let document = std::fs::read_to_string("../docs/openapi.json").unwrap();
        let document: Value = serde_json::from_str(&document).unwrap();
        let paths = document["paths"].as_object().unwrap().iter().filter(|(_, path)| path["get"].is_object());
        let documented: BTreeSet<_> = paths.map(|(path, _)| path.strip_prefix("/order-history/").unwrap()).collect();
        let measured = cases(PAGE, 34).into_iter().map(|case| case.route);
        assert_eq!(documented, measured.chain([LEFT_OUT]).collect());
    }
}
