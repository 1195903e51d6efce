//! Events and names for tests.

use serde_json::{Value, json};

/// A name that has not been used before.
pub(crate) fn random_name(prefix: &str) -> String {
    let mut suffix = [0; 6];
    getrandom::fill(&mut suffix).unwrap();
    format!("{prefix}-{}", hex::encode(suffix))
}

/// A good event, without a tenant.
pub(crate) fn event(id: &str, order_id: &str) -> Value {
    json!({
        "event_id": id, "order_id": order_id, "occurred_at": "2025-08-29T12:34:56Z", "source": "warehouse",
        "type": "order.shipped", "schema_version": "v1",
        "payload": {"carrier": "DHL", "parcels": [{"weight_g": 1250}]},
        "metadata": {"actor_id": "svc_warehouse", "correlation_id": "corr_1"}
    })
}

/// Puts things into another order, the same for the same seed.
#[derive(Debug)]
pub(crate) struct Shuffle(pub(crate) u64);

impl Shuffle {
    /// Fisher and Yates.
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = usize::try_from(self.next() % (last as u64 + 1)).unwrap();
            items.swap(last, other);
        }
    }

    /// SplitMix64.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}
