//! The aggregated records of the Kinesis Producer Library.
//!
//! The format is AWS's `aggregation-format.md` in awslabs/amazon-kinesis-producer: four magic bytes, a
//! protobuf `AggregatedRecord`, and the MD5 digest of that message.

use bytes::Bytes;
use md5::{Digest, Md5};
use prost::Message;

use super::Fault;

/// What an aggregated record starts with.
pub(super) const MAGIC: &[u8] = &[0xf3, 0x89, 0x9a, 0xc2];
/// The length of the MD5 digest at the end.
pub(super) const DIGEST: usize = 16;

/// The protobuf message between magic and digest. Partition keys and explicit hash keys (fields 1 and 2)
/// decided the shard and mean nothing any more; prost skips fields that are not named.
#[derive(Clone, PartialEq, Message)]
pub(super) struct AggregatedRecord {
    /// The user records, in the order in which the producer put them.
    #[prost(message, repeated, tag = "3")]
    pub(super) records: Vec<UserRecord>,
}

/// One user record of an aggregated record. Its key indexes (fields 1 and 2) and tags (field 4, which no
/// producer sets) are skipped.
#[derive(Clone, PartialEq, Message)]
pub(super) struct UserRecord {
    /// What the producer's application put.
    #[prost(bytes = "bytes", required, tag = "3")]
    pub(super) data: Bytes,
}

/// What [`open`] makes of a Kinesis record.
#[derive(Debug)]
pub(super) enum Shape {
    /// Not an aggregated record.
    Plain,
    /// The user records of an intact one.
    Aggregated(Vec<Bytes>),
    /// It has the magic of one, and is not.
    Broken(Fault),
}

/// Whether `record` claims to be an aggregated record. The magic can begin neither JSON, gzip nor zstd.
pub(super) fn is_aggregated(record: &[u8]) -> bool {
    record.starts_with(MAGIC)
}

/// Opens an aggregated record. The user records share the memory of `record`.
pub(super) fn open(record: &Bytes) -> Shape {
    if !is_aggregated(record) {
        return Shape::Plain;
    }
    let Some(end) = record.len().checked_sub(DIGEST).filter(|end| *end >= MAGIC.len()) else {
        return Shape::Broken(Fault::BadAggregate);
    };
    let message = record.slice(MAGIC.len()..end);
    if Md5::digest(&message)[..] != record[end..] {
        return Shape::Broken(Fault::AggregateChecksum);
    }
    match AggregatedRecord::decode(message) {
        Ok(aggregated) if aggregated.records.is_empty() => Shape::Broken(Fault::Empty),
        Ok(aggregated) => Shape::Aggregated(aggregated.records.into_iter().map(|record| record.data).collect()),
        Err(_) => Shape::Broken(Fault::BadAggregate),
    }
}
