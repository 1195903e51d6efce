//! What the calls cost, as DynamoDB itself counts it: metrics in production, the benchmark's figures at home.
//!
//! Counters: a histogram keeps a hundred values an invocation, and one batch of Kinesis records makes more calls.

use aws_sdk_dynamodb::types::ConsumedCapacity;
use metrics::counter;

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
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates; units are small")]
        // Only reads that need not be consistent have halves; of those there are few.
        counter!(name).increment(units.ceil() as u64);
        counter!("DynamoDbCalls").increment(1);
    }
}
