//! `GET /order-history/diagnostics`: what came in for a tenant and could not become an event.

use axum::extract::State;
use domain::time::Timestamp;
use http_api::{Caller, Page, PageParams, Paged, Problem, auth::Admin, openapi::ReadProblems};
use serde::Serialize;
use store::{
    Failures,
    failures::{Failure, Finding},
};
use utoipa::ToSchema;

/// How much of what was refused is shown, in bytes.
const SAMPLE_BYTES: usize = 1024;

/// A part of a record that was refused, and why.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FailedIngestion {
    /// When it arrived at its source.
    #[schema(value_type = String, format = DateTime)]
    arrived_at: Timestamp,
    /// The source and its shard.
    #[schema(example = "kinesis:shardId-000000000000")]
    source: String,
    /// The source's number of the record.
    sequence_number: String,
    /// Which user record of an aggregated record, from 0.
    user_record: u32,
    /// Which element of that, from 0.
    element: u32,
    /// What kind of failure it is.
    #[schema(example = "invalid-event")]
    reason: String,
    /// What is wrong, place by place.
    findings: Vec<FindingShown>,
    /// The size of what was refused, in bytes.
    size: u64,
    /// The beginning of it, as text.
    sample: String,
}

/// One thing that is wrong.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FindingShown {
    /// A JSON Pointer (RFC 6901) into the event.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, example = "/occurred_at")]
    pointer: Option<String>,
    /// What is wrong, or what would be right.
    detail: String,
}

impl TryFrom<Failure> for FailedIngestion {
    type Error = Problem;

    fn try_from(failure: Failure) -> Result<Self, Problem> {
        let sample = failure.first_bytes(SAMPLE_BYTES)?;
        let findings = failure.findings.into_iter().map(|Finding { pointer, detail }| FindingShown { pointer, detail });
        Ok(Self {
            arrived_at: failure.place.arrived_at,
            source: failure.place.source,
            sequence_number: failure.place.sequence_number,
            user_record: failure.place.user_record,
            element: failure.place.element,
            reason: failure.reason,
            findings: findings.collect(),
            size: failure.size,
            sample: String::from_utf8_lossy(&sample).into_owned(),
        })
    }
}

/// Lists what came in for the tenant and was refused, the newest first.
///
/// Needs role admin. What names no valid tenant belongs to nobody, and is in no tenant's list.
#[utoipa::path(
    get,
    path = "/order-history/diagnostics",
    tag = "operations",
    params(PageParams),
    responses((status = 200, description = "A page of failures", body = Page<FailedIngestion>), ReadProblems),
)]
pub(crate) async fn get_diagnostics(
    caller: Caller<Admin>,
    State(failures): State<Failures>,
    Paged((), paging): Paged<()>,
) -> Result<Page<FailedIngestion>, Problem> {
    let from: Option<String> = paging.after()?;
    let page = failures.list(&caller.tenant, from.as_deref(), paging.limit()).await?;
    let items = page.failures.into_iter().map(FailedIngestion::try_from).collect::<Result<_, _>>()?;
    paging.page(items, page.next)
}
