//! What Lambda hands over: a batch of Kinesis records.
//!
//! Format: <https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html>. These few fields instead of crate
//! `aws_lambda_events`, which reads an arrival time of 1.25 seconds as 1.025 (in version 1.2).

use std::fmt;

use base64::{Engine, prelude::BASE64_STANDARD};
use domain::time::Timestamp;
use serde::{
    Deserialize, Deserializer,
    de::{self, Visitor},
};

/// A batch of records of one shard, in their order.
#[derive(Debug, Deserialize)]
pub struct Batch {
    #[serde(rename = "Records")]
    pub(crate) records: Vec<Record>,
}

/// One record.
#[derive(Debug, Deserialize)]
pub(crate) struct Record {
    /// `shardId-000000000006:<sequence number>`.
    #[serde(rename = "eventID")]
    event_id: String,
    pub(crate) kinesis: Kinesis,
}

/// The record as Kinesis has it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Kinesis {
    /// Unique in its shard; up to 128 decimal digits.
    pub(crate) sequence_number: String,
    /// What the producer put; base64 in the batch.
    #[serde(deserialize_with = "base64")]
    pub(crate) data: Vec<u8>,
    /// Seconds since 1970-01-01T00:00:00Z, with milliseconds as a fraction.
    approximate_arrival_timestamp: f64,
}

impl Record {
    pub(crate) fn shard(&self) -> &str {
        self.event_id.split(':').next().unwrap_or_default()
    }

    pub(crate) fn arrived_at(&self) -> Timestamp {
        // A float's conversion to an integer saturates, and what is no number becomes 0.
        let millis = (self.kinesis.approximate_arrival_timestamp * 1000.0).round() as i64;
        Timestamp::clamped_from_millis(millis)
    }
}

/// Decodes straight from the batch's text, which may be megabytes, without a copy of it.
fn base64<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    struct Base64;

    impl Visitor<'_> for Base64 {
        type Value = Vec<u8>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("base64")
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<Vec<u8>, E> {
            BASE64_STANDARD.decode(text).map_err(|_| E::custom("the data of a record is not base64"))
        }
    }

    deserializer.deserialize_str(Base64)
}
