//! What a producer may put into one Kinesis record, taken apart into single events.
//!
//! A record is one JSON event, a JSON array of events, or newline-delimited JSON; plain, gzip or zstd; or
//! a KPL-aggregated record whose user records are any of these. Nothing in a record says which: each
//! layer is recognised by its first bytes.
//!
//! ```text
//! record ── aggregated? ── user records ── compressed? ── body ── documents
//! ```
//!
//! A fault costs what it touches and nothing else: a bad line that line, a bad element of an array that
//! element, a bad user record that user record. The work that one record can cause is bounded by
//! [`Limits`], and grows in proportion to the bytes, whatever they are.

mod aggregate;
mod compression;
mod documents;
mod fault;
#[cfg(test)]
mod tests;

use std::{iter::Enumerate, vec};

use bytes::Bytes;

pub use self::fault::Fault;
use self::{aggregate::Shape, compression::Compression, documents::Documents};

/// How much work one Kinesis record may cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes that may come out of decompression, over all compressed bodies of one Kinesis record. What a
    /// refused body produced before it was refused counts too: otherwise an aggregated record full of
    /// bombs would cost this much for each of them.
    pub decompressed: usize,
}

impl Default for Limits {
    /// 16 MiB: a Kinesis record of 1 MiB whose JSON compresses sixteen to one.
    fn default() -> Self {
        Self { decompressed: 16 * 1024 * 1024 }
    }
}

/// Where in its Kinesis record something stood. Counts start at 0, and cover good and bad alike, so the
/// same record always yields the same positions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Which user record of an aggregated record; 0 for a record that is not aggregated.
    pub user_record: u32,
    /// Which element of that user record.
    pub element: u32,
}

/// One JSON object, as the producer wrote it. That it is well formed is known; that it is an event is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Where it stood.
    pub position: Position,
    /// Its text: UTF-8, from `{` to `}`. Shares the memory of the body it was found in.
    pub json: Bytes,
}

/// A part of a record that is not a JSON object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rubbish {
    /// Where it stood.
    pub position: Position,
    /// Why it was refused.
    pub fault: Fault,
    /// The part itself; what could not be unpacked is given as it came.
    pub bytes: Bytes,
}

/// Takes a Kinesis record apart, lazily: at most one decompressed body is held at a time.
#[must_use]
pub fn decode(record: Bytes, limits: Limits) -> Decoder {
    let (user_records, aggregated, refused) = match aggregate::open(&record) {
        Shape::Plain => (vec![record], false, None),
        Shape::Aggregated(user_records) => (user_records, true, None),
        Shape::Broken(fault) => (Vec::new(), true, Some((record, fault))),
    };
    Decoder {
        user_records: user_records.into_iter().enumerate(),
        aggregated,
        budget: limits.decompressed,
        position: Position { user_record: 0, element: 0 },
        refused,
        body: None,
    }
}

/// The iterator that [`decode`] returns.
#[derive(Debug)]
pub struct Decoder {
    /// User records that have not been looked at.
    user_records: Enumerate<vec::IntoIter<Bytes>>,
    /// Whether they came from an aggregated record, and so must not be aggregated themselves.
    aggregated: bool,
    /// What is left of [`Limits::decompressed`].
    budget: usize,
    /// The position of whatever comes next.
    position: Position,
    /// A user record (or the whole record) that could not be opened and has yet to be reported.
    refused: Option<(Bytes, Fault)>,
    /// The documents of the current user record.
    body: Option<Documents>,
}

impl Decoder {
    /// Unpacks a user record into its documents, or says why that is impossible.
    fn open(&mut self, user_record: &Bytes) -> Result<Documents, Fault> {
        if self.aggregated && aggregate::is_aggregated(user_record) {
            return Err(Fault::NestedAggregate);
        }
        let body = match Compression::of(user_record) {
            None => user_record.clone(),
            Some(compression) => compression.unpack(user_record, &mut self.budget)?,
        };
        if body.trim_ascii().is_empty() {
            return Err(Fault::Empty);
        }
        Ok(Documents::new(body))
    }

    /// Returns the position that is due, and moves on to the next element.
    fn take_position(&mut self) -> Position {
        let taken = self.position;
        self.position.element = taken.element.saturating_add(1);
        taken
    }
}

impl Iterator for Decoder {
    type Item = Result<Document, Rubbish>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some((bytes, fault)) = self.refused.take() {
                let position = self.take_position();
                return Some(Err(Rubbish { position, fault, bytes }));
            }
            if let Some(found) = self.body.as_mut().and_then(Iterator::next) {
                let position = self.take_position();
                return Some(match found {
                    Ok(json) => Ok(Document { position, json }),
                    Err((bytes, fault)) => Err(Rubbish { position, fault, bytes }),
                });
            }
            let (index, user_record) = self.user_records.next()?;
            self.position = Position { user_record: u32::try_from(index).unwrap_or(u32::MAX), element: 0 };
            self.body = None;
            match self.open(&user_record) {
                Ok(documents) => self.body = Some(documents),
                Err(fault) => self.refused = Some((user_record, fault)),
            }
        }
    }
}
