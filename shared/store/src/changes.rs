//! What the stream of the segments table says.

use std::collections::BTreeSet;

use domain::{ids::TenantId, json::MAX_SAFE_INTEGER};
use serde::Deserialize;

/// Sequence numbers stay below this (at a million events a second, for 142 years). Sort keys from here on are those of
/// items that are no segments, such as the watermark.
const END_OF_SEQUENCE: u64 = MAX_SAFE_INTEGER / 2 + 1;

/// A batch of changes to the segments table, as far as it matters here. Images are not read: the log itself is.
///
/// Format: <https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html>
#[derive(Debug, Clone, Deserialize)]
pub struct Changes {
    #[serde(rename = "Records")]
    records: Vec<Change>,
}

/// A change to one item.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Change {
    event_name: ChangeKind,
    dynamodb: ChangedItem,
}

/// What happened to the item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum ChangeKind {
    Insert,
    Modify,
    Remove,
}

/// Which item it is.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ChangedItem {
    keys: SegmentKey,
}

/// The table's key, in DynamoDB's JSON.
#[derive(Debug, Clone, Deserialize)]
struct SegmentKey {
    tenant: Text,
    first: Number,
}

#[derive(Debug, Clone, Deserialize)]
struct Text {
    #[serde(rename = "S")]
    value: String,
}

#[derive(Debug, Clone, Deserialize)]
struct Number {
    #[serde(rename = "N")]
    value: String,
}

impl Changes {
    /// The tenants whose logs have new segments.
    #[must_use]
    pub fn committers(&self) -> BTreeSet<TenantId> {
        let new = self.records.iter().filter(|change| change.event_name == ChangeKind::Insert);
        let keys = new.map(|change| &change.dynamodb.keys).filter(|key| key.is_segment());
        keys.filter_map(|key| {
            let tenant = TenantId::from_stored(&key.tenant.value);
            if tenant.is_err() {
                // Nothing of ours writes such a key, and no retry will make it one.
                tracing::error!("the segments table has an item under a key that names no tenant");
            }
            tenant.ok()
        })
        .collect()
    }
}

impl SegmentKey {
    fn is_segment(&self) -> bool {
        self.first.value.parse::<u64>().is_ok_and(|first| first < END_OF_SEQUENCE)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

    use serde_json::{Value, json};

    use super::*;

    fn changes(changes: &[(&str, &str, u64)]) -> Changes {
        let record = |(kind, tenant, first): &(&str, &str, u64)| {
            json!({
                "eventID": "c4ca4238a0b923820dcc509a6f75849b",
                "eventName": kind,
                "eventSource": "aws:dynamodb",
                "dynamodb": {
                    "Keys": {"tenant": {"S": tenant}, "first": {"N": first.to_string()}},
                    "NewImage": {"tenant": {"S": tenant}, "data": {"B": "KLUv/Q=="}},
                    "StreamViewType": "NEW_IMAGE"
                }
            })
        };
        serde_json::from_value(json!({"Records": changes.iter().map(record).collect::<Vec<Value>>()})).unwrap()
    }

    #[test]
    fn only_new_segments_count() {
        let changes = changes(&[
            ("INSERT", "acme", 1),
            ("INSERT", "acme", 3),
            ("INSERT", "~anchor", 7),
            ("INSERT", "zeta", 9_007_199_254_740_991),
            ("INSERT", "zeta", 1 << 52),
            ("MODIFY", "rival", 1),
            ("REMOVE", "rival", 1),
            ("INSERT", "Not A Tenant", 1),
        ]);
        assert_eq!(Vec::from_iter(changes.committers()), [TenantId::from_stored("acme").unwrap(), TenantId::anchor()]);
    }
}
