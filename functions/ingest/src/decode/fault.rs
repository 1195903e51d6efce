//! Why a part of a record is refused.

/// Why a part of a record is not a JSON object. The messages carry no byte of the record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A record, or a user record, of nothing but white space.
    #[error("the record holds nothing")]
    Empty,
    /// The text is not JSON (RFC 8259). Lines and columns count from 1, at the start of the refused part.
    #[error("not JSON: {problem}")]
    NotJson {
        /// What the parser expected, and where.
        problem: String,
    },
    /// Well-formed JSON, but not an object, and so not an event.
    #[error("an event is a JSON object, and this is another kind of value")]
    NotAnObject,
    /// The record ends inside an array. The elements before the end are whole and have been taken.
    #[error("the array is not closed: the record may have been cut off")]
    UnclosedArray,
    /// The gzip stream (RFC 1952) is damaged, cut off, or followed by other bytes.
    #[error("the gzip stream is damaged or cut off")]
    BadGzip,
    /// The zstd stream (RFC 8878) is damaged, cut off, or wants a window larger than 16 MiB.
    #[error("the zstd stream is damaged or cut off, or needs too large a window")]
    BadZstd,
    /// More came out of decompression than one Kinesis record may hold.
    #[error("the record holds more than {limit} bytes of decompressed data")]
    TooLarge {
        /// What was left of the record's allowance, in bytes.
        limit: usize,
    },
    /// The MD5 digest at the end of an aggregated record does not match it.
    #[error("the checksum of the aggregated record does not match")]
    AggregateChecksum,
    /// An aggregated record whose protobuf message cannot be read.
    #[error("the aggregated record cannot be read")]
    BadAggregate,
    /// An aggregated record within an aggregated record, which no producer library writes.
    #[error("an aggregated record inside an aggregated record")]
    NestedAggregate,
}

impl Fault {
    /// The code under which the failure is listed. Codes are part of the API: they never change meaning.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Empty => "empty-record",
            Self::NotJson { .. } => "not-json",
            Self::NotAnObject => "not-an-object",
            Self::UnclosedArray => "unclosed-array",
            Self::BadGzip => "bad-gzip",
            Self::BadZstd => "bad-zstd",
            Self::TooLarge { .. } => "decompressed-too-large",
            Self::AggregateChecksum => "bad-aggregate-checksum",
            Self::BadAggregate => "bad-aggregate",
            Self::NestedAggregate => "nested-aggregate",
        }
    }
}

impl From<serde_json::Error> for Fault {
    fn from(error: serde_json::Error) -> Self {
        Self::NotJson { problem: error.to_string() }
    }
}
