//! What the calls cost, as DynamoDB itself counts it: metrics in production, the benchmark's figures at home.

use aws_sdk_dynamodb::types::ConsumedCapacity;
use metrics::histogram;

/// Read units of one call.
pub(crate) fn read(used: Option<&ConsumedCapacity>) {
    record("ReadUnits", used);
}

/// Write units of one call.
pub(crate) fn write(used: Option<&ConsumedCapacity>) {
    record("WriteUnits", used);
}

fn record(name: &'static str, used: Option<&ConsumedCapacity>) {
    if let Some(units) = used.and_then(ConsumedCapacity::capacity_units) {
        histogram!(name).record(units);
    }
}
