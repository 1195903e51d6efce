//! Listing orders: an index says which, their items say what.

use domain::{ids::TenantId, time::Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    CustomerId, OrderSummary,
    item::day,
    table::{Index, OrderTable},
};
use crate::error::StoreError;

/// How many orders a page looks at before it comes back short; more if it may hold more.
const LOOKS_AT: usize = 200;
/// How many it looks at, at least, when a filter has left some out; twice as many each time after that.
const AT_FIRST: usize = 8;

/// Sorts before everything that a sort key of ours begins with, and before every character of an order's id.
const FIRST: &str = "!";
/// Sorts after all of them.
const LAST: &str = "\u{7f}";

/// Which orders are asked for; every condition that is given must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OrderFilter {
    /// The last event occurred at this instant or later.
    pub from: Option<Timestamp>,
    /// The last event occurred before this instant.
    pub to: Option<Timestamp>,
    pub customer_id: Option<CustomerId>,
}

/// After which order a list goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OrderPosition(String);

/// A part of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderPage {
    pub orders: Vec<OrderSummary>,
    /// Where the next page goes on; none at the end.
    pub next: Option<OrderPosition>,
}

impl OrderFilter {
    /// Whether nothing can match.
    fn is_empty(&self) -> bool {
        self.from.is_some_and(|from| self.to.is_some_and(|to| from >= to))
    }

    fn matches(&self, order: &OrderSummary) -> bool {
        let Some(occurred) = &order.occurred else { return false };
        self.from.is_none_or(|from| from <= occurred.last_at)
            && self.to.is_none_or(|to| occurred.last_at < to)
            && (self.customer_id.is_none() || self.customer_id == order.customer_id)
    }

    /// The sort keys between which lies what can match, in the index that is read.
    fn bounds(&self) -> (String, String) {
        if self.customer_id.is_some() {
            return (FIRST.to_owned(), LAST.to_owned());
        }
        let low = self.from.map_or_else(|| FIRST.to_owned(), |from| format!("{}#", day(from)));
        let high = self.to.map_or_else(
            || LAST.to_owned(),
            |to| {
                let day = day(to);
                // Before midnight nothing of the day itself can match.
                let midnight = to.to_string() == format!("{day}T00:00:00Z");
                if midnight { format!("{day}#") } else { format!("{day}#{LAST}") }
            },
        );
        (low, high)
    }
}

pub(super) async fn page(
    table: &OrderTable,
    tenant: &TenantId,
    filter: &OrderFilter,
    mut after: Option<OrderPosition>,
    limit: usize,
) -> Result<OrderPage, StoreError> {
    if filter.is_empty() {
        return Ok(OrderPage { orders: vec![], next: None });
    }
    let index = filter.customer_id.as_ref().map_or(Index::ByDay, Index::ByCustomer);
    let (start, high) = filter.bounds();
    let most = limit.max(LOOKS_AT);
    let (mut orders, mut looked_at, mut at_least) = (Vec::new(), 0, 0);
    loop {
        let low = after.as_ref().map_or_else(|| start.clone(), |after| format!("{}{FIRST}", after.0));
        if low > high {
            return Ok(OrderPage { orders, next: None });
        }
        let at_once = at_least.max(limit - orders.len()).min(most - looked_at);
        at_least = AT_FIRST.max(at_least * 2);
        let (indexed, more) = table.query(tenant, index, &low, &high, at_once).await?;
        // The index may name an order twice, in its place before an event and in the one after.
        let ids = indexed.iter().map(|indexed| indexed.order_id.clone()).collect();
        let mut found = table.get_all(tenant, ids, false).await?;
        looked_at += indexed.len();
        let mut rest = indexed.len();
        for indexed in indexed {
            rest -= 1;
            after = Some(OrderPosition(indexed.sort_key().to_owned()));
            orders.extend(found.remove(&indexed.order_id).filter(|order| filter.matches(order)));
            if orders.len() == limit {
                let next = after.filter(|_| more || rest > 0);
                return Ok(OrderPage { orders, next });
            }
        }
        if !more || looked_at >= most {
            return Ok(OrderPage { orders, next: after.filter(|_| more) });
        }
    }
}
