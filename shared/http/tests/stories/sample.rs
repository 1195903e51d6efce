//! A function with one route of each sort.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::body::Body;
use axum::extract::{FromRef, State};
use domain::ids::EventId;
use http_api::auth::{Admin, AnyRole, Auditor, HistoryReader, LedgerReader, Producer};
use http_api::testing::TestGate;
use http_api::{
    Caller, Created, Document, Gate, Json, Page, Paged, Path, Problem, Query, RawJson, SeeOther, Tagged, app,
};
use serde::{Deserialize, Serialize};
use store::AccessLog;
use store::testing::ACCESS;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) const THINGS: &str = "/order-history/things";

#[derive(Clone, FromRef)]
struct SampleApi {
    gate: Gate,
    access: AccessLog,
    /// How often a thing was made.
    made: Arc<AtomicU64>,
}

pub(crate) struct Sample {
    pub(crate) gate: TestGate,
    pub(crate) app: Router,
    made: Arc<AtomicU64>,
}

impl Sample {
    pub(crate) async fn start() -> Self {
        let gate = TestGate::start().await;
        let made = Arc::new(AtomicU64::new(0));
        let state = SampleApi {
            gate: gate.gate(),
            access: AccessLog::new(gate.dynamo().aws(), ACCESS, 1),
            made: Arc::clone(&made),
        };
        let app = app(router().into(), state);
        Self { gate, app, made }
    }

    pub(crate) fn made(&self) -> u64 {
        self.made.load(Ordering::Relaxed)
    }

    pub(crate) fn reader(&self) -> String {
        self.gate.token("acme", &["history_reader"])
    }

    pub(crate) fn producer(&self) -> String {
        self.gate.token("acme", &["producer"])
    }
}

fn router() -> OpenApiRouter<SampleApi> {
    OpenApiRouter::new()
        .routes(routes!(list, make))
        .routes(routes!(thing))
        .routes(routes!(echo))
        .routes(routes!(producer))
        .routes(routes!(auditor))
        .routes(routes!(admin))
        .routes(routes!(any_role))
        .routes(routes!(panics))
        .routes(routes!(document))
        .routes(routes!(ledger))
        .routes(routes!(waits_for_its_record))
        .routes(routes!(endless))
}

#[utoipa::path(get, path = "/order-history/ledger")]
async fn ledger(_: Caller<LedgerReader>) {}

/// Answers when its own record can be read, which must so be written meanwhile.
#[utoipa::path(get, path = "/order-history/waits")]
async fn waits_for_its_record(caller: Caller<Auditor>, State(api): State<SampleApi>) -> Json<usize> {
    loop {
        let page = api.access.list(&caller.tenant, api.gate.clock().now(), None, 10).await.unwrap();
        if !page.records.is_empty() {
            return Json(page.records.len());
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

/// A body that never ends, and never gets to its first byte.
#[utoipa::path(get, path = "/order-history/endless")]
async fn endless(_: Caller<HistoryReader>) -> Body {
    Body::from_stream(futures::stream::pending::<Result<Vec<u8>, std::io::Error>>())
}

#[utoipa::path(get, path = "/order-history/documents/{*path}")]
async fn document(_: Caller<HistoryReader>, Path(path): Path<String>) -> Result<Document, SeeOther> {
    match path.as_str() {
        "a/b.txt" => Ok(Document::text("é").named("a/b \"é\".txt")),
        "a/b.bin" => Ok(Document::bytes(vec![0xff, 0]).forever()),
        _ => Err(SeeOther("https://elsewhere.test/x?sig=1".to_owned())),
    }
}

#[derive(Debug, Deserialize)]
struct Filter {
    source: Option<String>,
    #[serde(default)]
    grows: bool,
}

#[utoipa::path(get, path = "/order-history/things")]
async fn list(_: Caller<HistoryReader>, Paged(filter, paging): Paged<Filter>) -> Result<Page<u64>, Problem> {
    let after = paging.after()?.unwrap_or(0);
    let all = if filter.source.is_some() { 3 } else { 250 };
    let items: Vec<u64> = (after + 1..=all).take(paging.limit()).collect();
    let next = items.last().copied().filter(|last| *last < all);
    let page = paging.page(items, next)?;
    Ok(if filter.grows { page.append_only() } else { page })
}

#[derive(Debug, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct Thing {
    name: String,
    count: u32,
}

#[derive(Serialize)]
struct Made {
    number: u64,
    by: String,
}

/// Makes a thing; a name can make it go wrong.
#[utoipa::path(post, path = "/order-history/things")]
async fn make(
    caller: Caller<Producer>,
    State(api): State<SampleApi>,
    Json(thing): Json<Thing>,
) -> Result<Created<Made>, Problem> {
    let number = api.made.fetch_add(1, Ordering::Relaxed) + 1;
    match thing.name.as_str() {
        "unavailable" => Err(Problem::unavailable(2)),
        "panic" => panic!("{}", thing.name),
        "conflict" => Err(Problem::new(http_api::ProblemType::EventConflict, "it is there already")),
        "slow" => {
            tokio::time::sleep(std::time::Duration::from_millis(300)).await;
            Ok(Created(Made { number, by: caller.tenant.to_string() }))
        }
        "large" => Ok(Created(Made { number, by: "x".repeat(400 * 1024) })),
        _ => Ok(Created(Made { number, by: caller.tenant.to_string() })),
    }
}

#[utoipa::path(get, path = "/order-history/things/{thing_id}")]
async fn thing(caller: Caller<HistoryReader>, Path(id): Path<EventId>, Query(()): Query<()>) -> Tagged<[String; 2]> {
    Tagged([caller.tenant.to_string(), id.to_string()])
}

#[utoipa::path(post, path = "/order-history/echo")]
async fn echo(_: Caller<Producer>, RawJson(bytes): RawJson) -> Json<usize> {
    Json(bytes.len())
}

#[utoipa::path(get, path = "/order-history/producer")]
async fn producer(_: Caller<Producer>) {}

#[utoipa::path(get, path = "/order-history/auditor")]
async fn auditor(_: Caller<Auditor>) {}

#[utoipa::path(get, path = "/order-history/admin")]
async fn admin(_: Caller<Admin>) {}

#[utoipa::path(get, path = "/order-history/any")]
async fn any_role(_: Caller<AnyRole>) {}

#[utoipa::path(get, path = "/order-history/panics")]
async fn panics() {
    panic!("with a secret");
}
