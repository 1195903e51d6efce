//! Which orders there are, when each had its last event, and whose they are.
//!
//! Table Orders is a projection of the logs: [`OrderIndex`] writes it, some seconds after the commits, and [`Orders`]
//! reads it. What it says is eventually consistent; the timelines are not.
//!
//! | `tenant` | `order_id` | |
//! | --- | --- | --- |
//! | a tenant | an order | what is known of the order |
//! | a tenant | `#position` | how far the tenant's log has been followed |
//!
//! | index | partition, sort key | is written when |
//! | --- | --- | --- |
//! | [`BY_DAY`] | `tenant`, `day_order`: `<UTC day of the last event>#<order>` | the day changes |
//! | [`BY_CUSTOMER`] | `customer`: `<tenant>#<customer>`, `order_id` | the customer changes |
//!
//! Both indexes hold nothing but keys, so that most events cost one write unit; a page of a list is then one query of
//! an index and one read of the items that it names, half a read unit each.
//!
//! `customer` is personal data, and nothing else here is. To erase it is to remove the attribute: the projection does not
//! read old events again, and a write of it that had read the item before is refused.

mod customer;
mod item;
mod list;
mod project;
mod summary;
mod table;
#[cfg(test)]
mod tests;

use domain::ids::TenantId;

pub use customer::{CustomerId, InvalidCustomer};
pub use list::{OrderFilter, OrderPage, OrderPosition};
pub use project::{Advanced, OrderIndex};
pub use summary::{Occurred, OrderSummary};

use crate::{
    aws::{Aws, ConfigError, required},
    error::StoreError,
};
use table::OrderTable;

/// The index that lists a tenant's orders by the day of their last event.
pub(crate) const BY_DAY: &str = "ByDay";
/// The index that lists a customer's orders.
pub(crate) const BY_CUSTOMER: &str = "ByCustomer";

/// The table, for whoever lists orders.
#[derive(Debug, Clone)]
pub struct Orders(OrderTable);

impl Orders {
    /// The table `ORDERS_TABLE`.
    ///
    /// # Errors
    /// [`ConfigError`] when the variable is missing.
    pub fn from_env(aws: &Aws) -> Result<Self, ConfigError> {
        Ok(Self::new(aws, required("ORDERS_TABLE")?))
    }

    #[must_use]
    pub fn new(aws: &Aws, table: impl Into<String>) -> Self {
        Self(OrderTable { dynamo: aws.dynamo().clone(), name: table.into() })
    }

    /// A page of the orders that match the filter: by the UTC day of their last event, those of one day by their ids;
    /// a customer's by their ids alone.
    ///
    /// It costs what it looks at: half a read unit for each order, and about one for the index. What a filter leaves
    /// out is looked at as well, up to a bound; then the page is short, and says where to go on.
    ///
    /// An order that gets an event meanwhile moves to the end of the list, so it may come twice; none is left out.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn list(
        &self,
        tenant: &TenantId,
        filter: &OrderFilter,
        after: Option<OrderPosition>,
        limit: usize,
    ) -> Result<OrderPage, StoreError> {
        list::page(&self.0, tenant, filter, after, limit).await
    }
}
