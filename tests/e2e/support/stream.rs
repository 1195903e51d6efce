//! The ingest stream, as a producer uses it: everything that a record may be.

use std::io::Write as _;
use std::time::Duration;

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::PutRecordsRequestEntry;
use flate2::{Compression, write::GzEncoder};
use md5::{Digest as _, Md5};

use super::{Stack, Tenant, event, eventually, random_name};

/// How long ingest may take to come to a record, on a machine that does everything else as well.
const WITHIN: Duration = Duration::from_secs(240);

/// The forms in which a record may hold events.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Form {
    Array,
    Ndjson,
    GzipNdjson,
    ZstdNdjson,
    /// Each event a user record of its own.
    Aggregated,
    /// User records in every other form.
    AggregatedMix,
}

impl Form {
    /// A record with these events.
    pub(crate) fn record(self, events: &[&str]) -> Vec<u8> {
        let lines = || events.join("\n");
        match self {
            Self::Array => format!("[{}]", events.join(",")).into_bytes(),
            Self::Ndjson => lines().into_bytes(),
            Self::GzipNdjson => gzip(lines().as_bytes()),
            Self::ZstdNdjson => zstd(lines().as_bytes()),
            Self::Aggregated => aggregated(events),
            Self::AggregatedMix => {
                let forms = [Self::Array, Self::GzipNdjson, Self::ZstdNdjson, Self::Ndjson];
                let chunks = events.chunks(events.len().div_ceil(forms.len()));
                aggregated(chunks.zip(forms).map(|(chunk, form)| form.record(chunk)))
            }
        }
    }
}

pub(crate) fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn zstd(body: &[u8]) -> Vec<u8> {
    zstd::encode_all(body, 1).unwrap()
}

/// An aggregated record of the Kinesis Producer Library, written out by hand: what reads it must not be what wrote it.
pub(crate) fn aggregated<R: AsRef<[u8]>>(user_records: impl IntoIterator<Item = R>) -> Vec<u8> {
    // Field 1 of the message: the table of partition keys.
    let mut message = field(1, b"any");
    for data in user_records {
        // Field 1 of a user record: its partition key's index, a number.
        let record = [vec![0x08, 0x00], field(3, data.as_ref())].concat();
        message.extend(field(3, &record));
    }
    [&[0xf3, 0x89, 0x9a, 0xc2], &message[..], &Md5::digest(&message)[..]].concat()
}

/// A length-delimited field of a protobuf message.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![number << 3 | 2];
    let mut length = bytes.len();
    while length > 0x7f {
        out.push(u8::try_from(length & 0x7f).unwrap() | 0x80);
        length >>= 7;
    }
    out.push(u8::try_from(length).unwrap());
    out.extend_from_slice(bytes);
    out
}

/// The stream.
#[derive(Debug, Clone)]
pub(crate) struct Stream {
    client: Client,
    name: &'static str,
}

impl Stream {
    pub(crate) async fn new() -> Self {
        let stack = Stack::get();
        Self { client: Client::new(&stack.aws().await), name: stack.output("IngestStreamName") }
    }

    /// Puts records, each with its partition key, in this order, and returns their sequence numbers.
    pub(crate) async fn put<R: AsRef<[u8]>>(&self, records: &[(String, R)]) -> Vec<String> {
        let entries = records.iter().map(|(key, data)| {
            PutRecordsRequestEntry::builder().partition_key(key).data(Blob::new(data.as_ref())).build().unwrap()
        });
        let put = self.client.put_records().stream_name(self.name).set_records(Some(entries.collect()));
        let answer = put.send().await.unwrap_or_else(|error| panic!("the stream refuses records: {error:?}"));
        assert_eq!(answer.failed_record_count().unwrap_or_default(), 0, "the stream has throttled records");
        answer.records.into_iter().map(|record| record.sequence_number.unwrap()).collect()
    }

    /// Waits until ingest has taken in all of a tenant's events that were put with these keys: it puts one more event
    /// under each key, and waits for those. Returns their ids.
    pub(crate) async fn settle(&self, tenant: &Tenant, keys: &[String]) -> Vec<String> {
        let marks: Vec<String> = keys.iter().map(|_| random_name("mark")).collect();
        let records = keys.iter().zip(&marks).map(|(key, mark)| {
            let mut event = event(mark, "marks");
            event["tenant_id"] = tenant.name.clone().into();
            (key.clone(), event.to_string())
        });
        self.put(&records.collect::<Vec<_>>()).await;
        for mark in &marks {
            eventually("ingest has taken in what was put on the stream", WITHIN, || async {
                let answer = tenant.get(&format!("/events/{mark}")).await;
                match answer.status {
                    200 => Ok(()),
                    _ => Err(format!("the mark {mark} of tenant {} is not there ({})", tenant.name, answer.status)),
                }
            })
            .await;
        }
        marks
    }
}
