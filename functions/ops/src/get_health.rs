//! `GET /order-history/health`: every part of the service, each by itself.
//!
//! Nobody has to say who they are here, so the answer names no resource, and the parts are asked at most once in a few
//! seconds by each environment, however often it is called: AWS allows only some twenty descriptions of a stream a
//! second in a whole account.

use std::{sync::Arc, time::Duration};

use axum::extract::State;
use domain::time::Timestamp;
use futures::future::join_all;
use http::StatusCode;
use http_api::{Gate, Json, Query};
use serde::Serialize;
use tokio::sync::Mutex;
use utoipa::ToSchema;

use crate::probes::{Answer, Part, Probe};

/// For how long an answer is given again.
const FRESH: Duration = Duration::from_secs(5);
/// A part that takes longer than this to answer is slow.
const SLOW: Duration = Duration::from_secs(1);
/// A part that takes longer than this is down.
const LIMIT: Duration = Duration::from_secs(3);

/// How a part, or all of them, are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    /// It answers.
    Up,
    /// It answers late, or asks for fewer calls.
    Slow,
    /// It does not answer, or not in a usable state.
    Down,
}

/// The health of the service.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct HealthReport {
    /// The worst of the subsystems.
    status: Status,
    /// When they were asked; a few seconds ago at most.
    #[schema(value_type = String, format = DateTime)]
    checked_at: Timestamp,
    subsystems: Vec<Subsystem>,
}

/// The health of one part.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Subsystem {
    part: Part,
    /// Which of its kind.
    #[schema(example = "segments")]
    name: &'static str,
    status: Status,
    /// How long it took to answer, in milliseconds.
    latency_ms: u64,
}

/// Asks the parts, and remembers what they answered.
#[derive(Debug, Clone)]
pub struct Health {
    probes: Arc<[Probe]>,
    /// Locked while the parts are asked, so that requests at the same time share one answer.
    last: Arc<Mutex<Option<HealthReport>>>,
}

impl Health {
    #[must_use]
    pub fn new(probes: Vec<Probe>) -> Self {
        Self { probes: probes.into(), last: Arc::default() }
    }

    async fn report(&self, gate: &Gate) -> HealthReport {
        let mut last = self.last.lock().await;
        let now = gate.clock().now();
        if let Some(report) = last.as_ref().filter(|report| is_fresh(report.checked_at, now)) {
            return report.clone();
        }
        let subsystems = join_all(self.probes.iter().map(ask)).await;
        let status = subsystems.iter().map(|subsystem| subsystem.status).max().unwrap_or(Status::Up);
        last.insert(HealthReport { status, checked_at: now, subsystems }).clone()
    }
}

fn is_fresh(checked_at: Timestamp, now: Timestamp) -> bool {
    let age = u64::try_from(now.as_millis() - checked_at.as_millis());
    age.is_ok_and(|age| Duration::from_millis(age) < FRESH)
}

async fn ask(probe: &Probe) -> Subsystem {
    let asked = tokio::time::Instant::now();
    let answer = tokio::time::timeout(LIMIT, probe.ask()).await;
    let latency = asked.elapsed();
    let status = match answer {
        Ok(Answer::Usable) if latency <= SLOW => Status::Up,
        Ok(Answer::Usable | Answer::Busy) => Status::Slow,
        Ok(Answer::Unusable) | Err(_) => Status::Down,
    };
    if status != Status::Up {
        tracing::warn!(part = ?probe.part, name = probe.name, ?status, "a part of the service is not well");
    }
    let latency_ms = u64::try_from(latency.as_millis()).unwrap_or(u64::MAX);
    Subsystem { part: probe.part, name: probe.name, status, latency_ms }
}

/// Tells whether the service works, part by part.
///
/// Needs no token.
#[utoipa::path(
    get,
    path = "/order-history/health",
    tag = "operations",
    security(()),
    responses(
        (status = 200, description = "Every part answers", body = HealthReport),
        (status = 503, description = "At least one part is down", body = HealthReport),
    ),
)]
pub(crate) async fn get_health(
    State(health): State<Health>,
    State(gate): State<Gate>,
    Query(()): Query<()>,
) -> (StatusCode, Json<HealthReport>) {
    let report = health.report(&gate).await;
    let status = match report.status {
        Status::Up | Status::Slow => StatusCode::OK,
        Status::Down => StatusCode::SERVICE_UNAVAILABLE,
    };
    (status, Json(report))
}
