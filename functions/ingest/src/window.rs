//! What is held at one time.

use std::collections::BTreeMap;

use domain::ids::TenantId;
use store::failures::Failure;

use crate::reading::{Arrival, Part};

/// How much JSON is held at once, in bytes. What is made of it, parsed and packed, takes several times as much again.
const MAX_BYTES: usize = 8 * 1024 * 1024;
/// What a part weighs besides its bytes.
const OVERHEAD: usize = 1024;

/// Parts of a batch, the events by tenant and in their order.
#[derive(Debug, Default)]
pub(crate) struct Window {
    pub(crate) tenants: BTreeMap<TenantId, Vec<Arrival>>,
    pub(crate) failures: Vec<Failure>,
    bytes: usize,
}

impl Window {
    pub(crate) fn add(&mut self, part: Part) {
        match part {
            Part::Event(tenant, arrival) => {
                self.bytes += OVERHEAD + arrival.json.len();
                self.tenants.entry(tenant).or_default().push(arrival);
            }
            Part::Refused(failure) => {
                self.bytes += OVERHEAD + failure.kept_bytes();
                self.failures.push(failure);
            }
        }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.bytes >= MAX_BYTES
    }
}
