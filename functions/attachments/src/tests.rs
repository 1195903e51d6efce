//! The handlers, over an embedded DynamoDB and a bucket in memory that holds uploads against their links as S3 does.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod refusals;

use std::collections::BTreeMap;

use axum::{Router, body::Body};
use domain::event::{self, TenantSource};
use http_api::testing::{Answer, Call, TestGate, get, post};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use store::{Attachments, Clock, Log, log::Submission, testing::MemoryBucket};

use crate::{AttachmentsApi, router};

const ATTACHMENTS: &str = "/order-history/attachments";
const INVOICE: &[u8] = b"%PDF-1.7 an invoice";

struct Service {
    gate: TestGate,
    app: Router,
    log: Log,
    bucket: MemoryBucket,
    producer: String,
    reader: String,
    admin: String,
}

async fn service() -> Service {
    let gate = TestGate::start().await;
    let log = Log::for_tests(gate.dynamo().aws(), Clock::System);
    let bucket = MemoryBucket::default();
    let documents = Attachments::for_tests(&bucket);
    let app = http_api::app(router(), AttachmentsApi { log: log.clone(), documents, gate: gate.gate() });
    let [producer, reader, admin] = ["producer", "history_reader", "admin"].map(|role| gate.token("acme", &[role]));
    let service = Service { gate, app, log, bucket, producer, reader, admin };
    service.record("acme", "evt_1").await;
    service
}

/// What is said of a document at its upload.
fn described(bytes: &[u8]) -> Value {
    json!({
        "event_id": "evt_1", "filename": "Rechnung März.pdf", "content_type": "application/pdf", "size": bytes.len(),
        "sha256": hex::encode(Sha256::digest(bytes)), "tags": ["invoice"]
    })
}

/// The same for its registration.
fn registration(attachment_id: &str, bytes: &[u8]) -> Value {
    let mut body = described(bytes);
    body["attachment_id"] = json!(attachment_id);
    body
}

impl Service {
    async fn record(&self, tenant: &str, id: &str) {
        let event = json!({
            "event_id": id, "order_id": "ord_1", "occurred_at": "2025-08-29T12:34:56Z", "source": "warehouse",
            "type": "order.shipped", "schema_version": "v1", "payload": {"carrier": "DHL"}
        });
        let tenant = tenant.parse().unwrap();
        let (_, event) = event::parse(event.to_string().as_bytes(), TenantSource::Token(&tenant)).unwrap();
        self.log.append(&tenant, vec![Submission { event, schema: None }]).await.unwrap();
    }

    async fn request(&self, body: &Value) -> Answer {
        post(&format!("{ATTACHMENTS}/request-upload"), body).token(&self.producer).send(&self.app).await
    }

    /// Asks for a link and uploads with it. Returns the attachment's id and the link.
    async fn upload(&self, bytes: &[u8]) -> (String, String) {
        let answer = self.request(&described(bytes)).await;
        assert_eq!(answer.status, 200, "{}", answer.json);
        let headers: BTreeMap<String, String> = serde_json::from_value(answer.json["headers"].clone()).unwrap();
        let url = answer.json["url"].as_str().unwrap().to_owned();
        assert_eq!(self.bucket.receive(&url, &headers, bytes), 200);
        (answer.json["attachment_id"].as_str().unwrap().to_owned(), url)
    }

    async fn register(&self, body: &Value) -> Answer {
        post(ATTACHMENTS, body).token(&self.producer).send(&self.app).await
    }

    /// A document that is uploaded and registered.
    async fn attached(&self) -> String {
        let (id, _) = self.upload(INVOICE).await;
        assert_eq!(self.register(&registration(&id, INVOICE)).await.status, 201);
        id
    }

    async fn get(&self, id: &str) -> Answer {
        get(&format!("{ATTACHMENTS}/{id}")).token(&self.reader).send(&self.app).await
    }

    async fn delete(&self, id: &str, query: &str) -> Answer {
        delete(&format!("{ATTACHMENTS}/{id}{query}")).token(&self.admin).send(&self.app).await
    }

    /// How many events the tenant's log has.
    async fn recorded(&self) -> u64 {
        self.log.status(&"acme".parse().unwrap()).await.unwrap().sequence
    }
}

fn delete(uri: &str) -> Call {
    Call::new("DELETE".parse().unwrap(), uri, Body::empty())
}

#[tokio::test]
async fn a_document_is_uploaded_registered_shown_and_deleted() {
    let service = service().await;
    let asked = service.request(&described(INVOICE)).await;
    assert_eq!(asked.status, 200, "{}", asked.json);
    assert_eq!(asked.json["expires_at"], "2025-08-29T12:15:00Z");
    let headers = &asked.json["headers"];
    assert_eq!((&headers["content-length"], &headers["content-type"]), (&json!("19"), &json!("application/pdf")));
    let offered = registration(asked.json["attachment_id"].as_str().unwrap(), INVOICE);
    assert_eq!(asked.json["registration"], offered, "all that was said, with its tags");
    assert_eq!(service.recorded().await, 1, "nothing is recorded yet");

    let (id, _) = service.upload(INVOICE).await;
    let first = service.register(&registration(&id, INVOICE)).await;
    assert_eq!(first.status, 201, "{}", first.json);
    let digest = hex::encode(Sha256::digest(INVOICE));
    let expected = json!({
        "attachment_id": id, "event_id": "evt_1", "order_id": "ord_1", "sequence": 2, "filename": "Rechnung März.pdf",
        "content_type": "application/pdf", "size": 19, "sha256": digest, "tags": ["invoice"],
        "registered_at": first.json["registered_at"], "registered_by": "user-1",
    });
    assert_eq!(first.json, expected);

    let mut shown = service.get(&id).await;
    assert_eq!((shown.status.as_u16(), shown.header("cache-control")), (200, "no-store"));
    let download = shown.json.as_object_mut().unwrap().remove("download").unwrap();
    assert_eq!(shown.json, expected);
    let key = format!("attachments/acme/{id}");
    assert_eq!(download, json!({"url": format!("memory:{key}"), "expires_at": "2025-08-29T12:05:00Z"}));

    let deleted = service.delete(&id, "?reason=asked%20for").await;
    assert_eq!(deleted.status, 200, "{}", deleted.json);
    let tombstone = deleted.json["deleted"].clone();
    assert_eq!(
        tombstone,
        json!({"sequence": 3, "deleted_at": tombstone["deleted_at"], "deleted_by": "user-1", "reason": "asked for"})
    );
    assert_eq!(service.bucket.tags(&key), BTreeMap::from([("tombstone".to_owned(), "true".to_owned())]));
    let gone = service.get(&id).await;
    assert_eq!((gone.status.as_u16(), &gone.json), (200, &deleted.json));
    assert!(gone.json.get("download").is_none() && gone.json["sha256"] == digest.as_str());

    let again = service.delete(&id, "?reason=another").await;
    assert_eq!((again.status.as_u16(), &again.json), (200, &deleted.json));
    assert_eq!(service.recorded().await, 3);
    let never_again = service.register(&registration(&id, INVOICE)).await;
    assert_eq!((never_again.status.as_u16(), never_again.problem()), (409, "attachment-exists"));
}

#[tokio::test]
async fn what_is_recorded_is_an_event_of_the_order() {
    let service = service().await;
    let id = service.attached().await;
    service.delete(&id, "").await;
    let acme = "acme".parse().unwrap();
    let mut types = Vec::new();
    for event_id in [format!("history:attachment:{id}"), format!("history:attachment-deleted:{id}")] {
        let event = service.log.event(&acme, &event_id.parse().unwrap()).await.unwrap().unwrap().entry.event;
        assert_eq!((event.order_id.as_str(), event.actor_id()), ("ord_1", Some("user-1")));
        assert_eq!(event.payload["event_id"], "evt_1");
        types.push(event.event_type.as_str().to_owned());
    }
    assert_eq!(types, ["history.attachment.registered", "history.attachment.deleted"]);
}

#[tokio::test]
async fn a_document_can_be_named_by_the_address_that_it_was_uploaded_to() {
    let service = service().await;
    for with_query in [true, false] {
        let (id, url) = service.upload(INVOICE).await;
        let mut body = described(INVOICE);
        body["url"] = json!(if with_query { &url } else { url.split('?').next().unwrap() });
        let hash = body.as_object_mut().unwrap().remove("sha256").unwrap();
        body["hash"] = hash;
        let registered = service.register(&body).await;
        assert_eq!((registered.status.as_u16(), &registered.json["attachment_id"]), (201, &json!(id)));
    }
}

#[tokio::test]
async fn of_two_registrations_at_once_one_is_recorded() {
    let service = service().await;
    for _ in 0..5 {
        let before = service.recorded().await;
        let (id, _) = service.upload(INVOICE).await;
        // The clock of the test stands still: not even the instant tells them apart.
        let body = registration(&id, INVOICE);
        let answers = futures::future::join_all((0..4).map(|_| service.register(&body))).await;
        let mut statuses: Vec<_> = answers.iter().map(|answer| answer.status.as_u16()).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 409, 409, 409]);
        assert!(answers.iter().all(|answer| answer.status == 201 || answer.problem() == "attachment-exists"));
        assert_eq!(service.recorded().await, before + 1);
    }
}

#[tokio::test]
async fn deletions_at_once_leave_one_tombstone() {
    let service = service().await;
    let id = service.attached().await;
    let answers = futures::future::join_all((0..4).map(|i| {
        let (service, id) = (&service, &id);
        async move { service.delete(id, &format!("?reason={i}")).await }
    }))
    .await;
    for answer in &answers {
        assert_eq!((answer.status.as_u16(), &answer.json), (200, &answers[0].json));
    }
    assert_eq!(service.recorded().await, 3);
}

#[tokio::test]
async fn a_repeated_request_with_its_key_gets_the_first_answer() {
    let service = service().await;
    let (id, _) = service.upload(INVOICE).await;
    let body = registration(&id, INVOICE);
    let send = || post(ATTACHMENTS, &body).token(&service.producer).header("idempotency-key", "k1").send(&service.app);
    let (first, again) = (send().await, send().await);
    assert_eq!((first.status.as_u16(), again.status.as_u16(), &again.json), (201, 201, &first.json));
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(service.recorded().await, 2);
}

#[tokio::test]
async fn a_digest_that_the_bucket_does_not_tell_is_computed_from_the_bytes() {
    let service = service().await;
    service.bucket.tell_no_checksums();
    let (id, _) = service.upload(INVOICE).await;
    let other = registration(&id, b"%PDF-1.7 an invoicE");
    let refused = service.register(&other).await;
    assert_eq!((refused.status.as_u16(), refused.problem()), (422, "invalid-attachment"));
    assert_eq!(refused.json["errors"][0]["pointer"], "/sha256");
    assert_eq!(service.register(&registration(&id, INVOICE)).await.status, 201);
}
