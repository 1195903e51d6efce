#![expect(clippy::unwrap_used, reason = "a test may fail")]

mod layouts;
mod properties;
mod wrapping;

use std::io::Write;

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use md5::{Digest, Md5};
use prost::Message;

use super::{
    Limits,
    aggregate::{AggregatedRecord, MAGIC, UserRecord},
    decode,
};

/// What a record decodes to, as text: a document as it stands, rubbish as `code: bytes`.
fn read(record: impl Into<Bytes>) -> Vec<String> {
    decode(record.into(), Limits::default())
        .map(|found| match found {
            Ok(document) => String::from_utf8(document.json.to_vec()).unwrap(),
            Err(rubbish) => format!("{}: {}", rubbish.fault.code(), String::from_utf8_lossy(&rubbish.bytes)),
        })
        .collect()
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

fn zstd(body: &[u8]) -> Vec<u8> {
    zstd::encode_all(body, 1).unwrap()
}

fn aggregate<R: AsRef<[u8]>>(user_records: impl IntoIterator<Item = R>) -> Vec<u8> {
    let records = user_records.into_iter().map(|data| UserRecord { data: Bytes::copy_from_slice(data.as_ref()) });
    let message = AggregatedRecord { records: records.collect() }.encode_to_vec();
    [MAGIC, &message, &Md5::digest(&message)].concat()
}
