//! `GET /order-history/schemas`

use axum::extract::State;
use domain::ids::EventType;
use http_api::{Caller, Page, PageParams, Paged, Problem, auth::AnyRole, openapi::ReadProblems};
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

use crate::{SchemasApi, resource::SchemaSummary};

/// Which schemas are asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct SchemaParams {
    /// Only versions of this type.
    #[serde(rename = "type")]
    #[param(value_type = Option<String>, example = "order.created")]
    event_type: Option<EventType>,
}

/// Where a page ends.
#[derive(Debug, Serialize, Deserialize)]
struct Position(String);

/// The tenant's schemas
///
/// By type and then by version, both in the order of their characters; `revision` tells the order of registration.
/// The schemas themselves are not in the list.
#[utoipa::path(
    get,
    path = "/order-history/schemas",
    tag = "schemas",
    params(SchemaParams, PageParams),
    responses((status = 200, description = "A page of schemas", body = Page<SchemaSummary>), ReadProblems),
)]
pub(crate) async fn list_schemas(
    caller: Caller<AnyRole>,
    State(api): State<SchemasApi>,
    Paged(params, paging): Paged<SchemaParams>,
) -> Result<Page<SchemaSummary>, Problem> {
    let after = paging.after()?.map(|Position(name)| name);
    let event_type = params.event_type.as_ref();
    let page = api.schemas.list(&caller.tenant, event_type, after.as_deref(), paging.limit()).await?;
    paging.page(page.schemas.into_iter().map(SchemaSummary::from).collect(), page.next.map(Position))
}
