//! From a Kinesis record to events, and to failures for whatever in it is none.

use bytes::Bytes;
use domain::{
    event::{self, Event, InvalidEvent, TenantSource},
    ids::TenantId,
    json::JsonError,
};
use serde::Deserialize;
use store::{
    StoreError,
    failures::{Failure, Finding, Place},
};

use crate::{
    batch::Record,
    decode::{Decoder, Document, Limits, Position, Rubbish, decode},
};

/// How many refused parts of one record are listed each by itself. A compressed record may hold millions of commas, and
/// every failure costs a write.
const MAX_LISTED: u32 = 1000;

/// An event that was read from a record.
#[derive(Debug)]
pub(crate) struct Arrival {
    pub(crate) place: Place,
    pub(crate) event: Event,
    /// As it was sent. A copy: the body that it stood in is not kept alive by it.
    pub(crate) json: Box<[u8]>,
}

/// One part of a record.
#[derive(Debug)]
pub(crate) enum Part {
    Event(TenantId, Arrival),
    Refused(Failure),
}

/// The parts of one record, in order, each read when it is asked for.
#[derive(Debug)]
pub(crate) struct Reader {
    decoder: Decoder,
    /// The record's own place: that of its first part.
    record: Place,
    listed: u32,
    unlisted: Option<Unlisted>,
}

/// The refused parts after the first [`MAX_LISTED`]: they become one failure, in the place of the first of them.
#[derive(Debug)]
struct Unlisted {
    first: Refusal,
    parts: u32,
}

#[derive(Debug)]
struct Refusal {
    tenant: Option<TenantId>,
    position: Position,
    reason: &'static str,
    findings: Vec<Finding>,
    bytes: Bytes,
}

/// Reads a record.
pub(crate) fn read(record: Record) -> Reader {
    Reader {
        record: Place {
            arrived_at: record.arrived_at(),
            source: format!("kinesis:{}", record.shard()),
            sequence_number: record.kinesis.sequence_number,
            user_record: 0,
            element: 0,
        },
        decoder: decode(Bytes::from(record.kinesis.data), Limits::default()),
        listed: 0,
        unlisted: None,
    }
}

impl Reader {
    fn place(&self, position: Position) -> Place {
        Place { user_record: position.user_record, element: position.element, ..self.record.clone() }
    }

    fn arrival(&self, found: Result<Document, Rubbish>) -> Result<(TenantId, Arrival), Refusal> {
        let Document { position, json } = found.map_err(Refusal::of_rubbish)?;
        match event::parse(&json, TenantSource::Envelope) {
            Ok((tenant, event)) => {
                Ok((tenant, Arrival { place: self.place(position), event, json: json.as_ref().into() }))
            }
            Err(invalid) => Err(Refusal::of_document(position, json, invalid)),
        }
    }

    fn failure(&self, refusal: Refusal) -> Result<Part, StoreError> {
        let Refusal { tenant, position, reason, findings, bytes } = refusal;
        Failure::new(tenant, self.place(position), reason, findings, &bytes).map(Part::Refused)
    }
}

impl Iterator for Reader {
    type Item = Result<Part, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let Some(found) = self.decoder.next() else {
                let unlisted = self.unlisted.take()?;
                return Some(self.failure(unlisted.into_refusal()));
            };
            match self.arrival(found) {
                Ok((tenant, arrival)) => return Some(Ok(Part::Event(tenant, arrival))),
                Err(refusal) if self.listed < MAX_LISTED => {
                    self.listed += 1;
                    return Some(self.failure(refusal));
                }
                Err(refusal) => {
                    let unlisted = self.unlisted.get_or_insert(Unlisted { first: refusal, parts: 0 });
                    unlisted.parts = unlisted.parts.saturating_add(1);
                }
            }
        }
    }
}

impl Refusal {
    fn of_rubbish(Rubbish { position, fault, bytes }: Rubbish) -> Self {
        let findings = vec![Finding { pointer: None, detail: fault.to_string() }];
        Self { tenant: None, position, reason: fault.code(), findings, bytes }
    }

    fn of_document(position: Position, json: Bytes, invalid: InvalidEvent) -> Self {
        let (tenant, reason) = (named_tenant(&json), invalid.code());
        Self { tenant, position, reason, findings: findings(invalid), bytes: json }
    }
}

impl Unlisted {
    fn into_refusal(self) -> Refusal {
        let detail = format!(
            "{} parts of this record from here on were refused and are not listed, the first because of: {}",
            self.parts, self.first.reason
        );
        Refusal { reason: "too-many-refused", findings: vec![Finding { pointer: None, detail }], ..self.first }
    }
}

/// The tenant that an event names which is otherwise not valid.
fn named_tenant(json: &[u8]) -> Option<TenantId> {
    #[derive(Deserialize)]
    struct Named {
        tenant_id: TenantId,
    }
    serde_json::from_slice::<Named>(json).ok().map(|named| named.tenant_id)
}

fn findings(invalid: InvalidEvent) -> Vec<Finding> {
    let detail = invalid.to_string();
    match invalid {
        InvalidEvent::Envelope(violations) => violations
            .into_iter()
            .map(|violation| Finding { pointer: Some(violation.pointer), detail: violation.detail })
            .collect(),
        InvalidEvent::Json(
            JsonError::DuplicateKey { pointer }
            | JsonError::NumberOutOfRange { pointer }
            | JsonError::TooDeep { pointer },
        ) => vec![Finding { pointer: Some(pointer), detail }],
        InvalidEvent::TooLarge { .. } | InvalidEvent::Json(JsonError::Empty | JsonError::Syntax { .. }) => {
            vec![Finding { pointer: None, detail }]
        }
    }
}
