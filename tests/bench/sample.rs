//! What is recorded: events of 1 KB.

use anyhow::Result;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use domain::event::{self, Event, TenantSource};
use serde_json::{Value, json};
use store::log::Submission;

/// A row of numbers that follows from its seed: SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number
/// generators", 2014).
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// At least 0 and below 1.
    pub(crate) fn fraction(&mut self) -> f64 {
        f64::from((self.next() >> 40) as u32) / f64::from(1 << 24)
    }

    pub(crate) fn hex(&mut self, digits: usize) -> String {
        let mut text = String::new();
        while text.len() < digits {
            text.push_str(&format!("{:016x}", self.next()));
        }
        text.truncate(digits);
        text
    }
}

/// What an event is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// 20 fields, of which ids, names and amounts differ from event to event: what a payment provider might say.
    Payment,
    /// One field of random characters, which compress to the three quarters that base64 leaves of them.
    Noise,
}

impl Kind {
    pub(crate) fn event(self, id: &str, seed: usize) -> Result<Event> {
        let text = self.document("bench", id, seed).to_string();
        Ok(event::parse(text.as_bytes(), TenantSource::Envelope)?.1)
    }

    /// As a producer sends it.
    pub(crate) fn document(self, tenant: &str, id: &str, seed: usize) -> Value {
        match self {
            Self::Payment => payment(tenant, id, seed),
            Self::Noise => noise(tenant, id, seed),
        }
    }

    /// Events with consecutive numbers.
    pub(crate) fn submissions(self, numbers: std::ops::Range<usize>) -> Result<Vec<Submission>> {
        let submission = |n| Ok(Submission { event: self.event(&format!("evt_{n}"), n)?, schema: None });
        numbers.map(submission).collect()
    }
}

fn payment(tenant: &str, id: &str, seed: usize) -> Value {
    let mut random = Random::new(seed as u64);
    json!({
        "tenant_id": tenant, "event_id": id, "order_id": format!("ord_{}", random.hex(16)),
        "occurred_at": "2025-08-29T12:34:56Z", "source": "order-service", "type": "order.payment.succeeded",
        "schema_version": "v1",
        "payload": {
            "payment_id": format!("pay_{}", random.hex(24)), "amount": seed * 37 % 100_000, "currency": "GBP",
            "captured": true, "method": "credit_card", "installments": seed % 12 + 1,
            "gateway_reference": random.hex(32),
            "customer": {
                "id": format!("cust_{}", random.hex(24)), "email": format!("{}@example.com", random.hex(12)),
                "name": "Alex Example", "phone": "+44 20 7946 0958",
            },
            "billing_address": {
                "line": "221B Baker Street", "city": "London", "postcode": "NW1 6XE", "country": "GB",
            },
            "note": "Captured by the gateway on the first attempt; the risk check passed and the order may be released \
                     to the warehouse for picking and packing as soon as the stock is confirmed by the planner.",
            "device": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0 Safari",
        },
        "metadata": {
            "actor_id": "svc_payments", "correlation_id": format!("corr_{}", random.hex(16)), "trace": random.hex(32),
        },
    })
}

fn noise(tenant: &str, id: &str, seed: usize) -> Value {
    let mut random = Random::new(seed as u64);
    let bytes: Vec<u8> = (0..75).flat_map(|_| random.next().to_be_bytes()).collect();
    json!({
        "tenant_id": tenant, "event_id": id, "order_id": format!("ord_{}", random.hex(16)),
        "occurred_at": "2025-08-29T12:34:56Z", "source": "order-service", "type": "order.payment.succeeded",
        "schema_version": "v1", "payload": {"blob": BASE64_STANDARD.encode(bytes)},
    })
}

/// A batch of Kinesis records as Lambda hands it over, one event a record, the tenants in turn.
pub(crate) fn kinesis_batch(numbers: std::ops::Range<usize>, tenants: usize) -> String {
    let records: Vec<_> = numbers
        .map(|n| {
            let document = Kind::Payment.document(&format!("tenant-{}", n % tenants), &format!("evt_{n}"), n);
            json!({
                "kinesis": {
                    "kinesisSchemaVersion": "1.0", "partitionKey": "any", "sequenceNumber": format!("{n:056}"),
                    "data": BASE64_STANDARD.encode(document.to_string()),
                    "approximateArrivalTimestamp": 1_756_470_896.25
                },
                "eventSource": "aws:kinesis", "eventVersion": "1.0", "eventID": format!("shardId-000000000000:{n:056}"),
                "eventName": "aws:kinesis:record", "invokeIdentityArn": "arn:aws:iam::123456789012:role/any",
                "awsRegion": "eu-central-1", "eventSourceARN": "arn:aws:kinesis:eu-central-1:123456789012:stream/any"
            })
        })
        .collect();
    json!({ "Records": records }).to_string()
}
