//! The OpenAPI document: each function's router describes its own part, and [`document`] makes one of them.
//!
//! A handler names what the shared code around it can answer with one type, and adds its own problems:
//!
//! ```
//! # use http_api::{Page, PageParams, ProblemBody, openapi::ReadProblems};
//! # #[derive(serde::Serialize, utoipa::ToSchema)] struct Entry { sequence: u64 }
//! /// Lists what happened to an order.
//! #[utoipa::path(
//!     get,
//!     path = "/order-history/orders/{order_id}/timeline",
//!     tag = "orders",
//!     params(("order_id" = String, Path, description = "The order"), PageParams),
//!     responses(
//!         (status = 200, description = "A page of its timeline", body = Page<Entry>),
//!         ReadProblems,
//!         (status = 404, description = "No such order (`not-found`)",
//!          body = ProblemBody, content_type = "application/problem+json"),
//!     ),
//! )]
//! async fn timeline() {}
//! ```

use std::collections::BTreeMap;

use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    Components, ContentBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, Ref, RefOr, Required, Response,
    ResponseBuilder, ServerBuilder,
};
use utoipa::{IntoResponses, PartialSchema as _, ToSchema as _};

use crate::access::MAX_PURPOSE_CHARS;
use crate::catalogue::ProblemType;
use crate::problem::{Fault, ProblemBody};

/// The name of the security scheme; a handler that needs no token says `security(())`.
const BEARER: &str = "bearer";

/// What every GET can be answered with, apart from what was asked for: problems, and 304.
#[derive(Debug, Clone, Copy)]
pub enum ReadProblems {}

/// What every POST can be answered with, apart from what was asked for.
#[derive(Debug, Clone, Copy)]
pub enum WriteProblems {}

const READ: &[ProblemType] = &[
    ProblemType::InvalidParameter,
    ProblemType::InvalidHeader,
    ProblemType::InvalidCursor,
    ProblemType::TenantRequired,
    ProblemType::MissingToken,
    ProblemType::InvalidToken,
    ProblemType::ExpiredToken,
    ProblemType::TenantForbidden,
    ProblemType::RoleRequired,
    ProblemType::Internal,
    ProblemType::Throttled,
    ProblemType::Unavailable,
];

const WRITE: &[ProblemType] = &[
    ProblemType::MissingBody,
    ProblemType::MalformedJson,
    ProblemType::DuplicateKey,
    ProblemType::NumberOutOfRange,
    ProblemType::TooDeep,
    ProblemType::InvalidHeader,
    ProblemType::InvalidIdempotencyKey,
    ProblemType::TenantRequired,
    ProblemType::MissingToken,
    ProblemType::InvalidToken,
    ProblemType::ExpiredToken,
    ProblemType::TenantForbidden,
    ProblemType::RoleRequired,
    ProblemType::BodyTooLarge,
    ProblemType::UnsupportedMediaType,
    ProblemType::Internal,
    ProblemType::Throttled,
    ProblemType::Unavailable,
];

impl IntoResponses for ReadProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let unchanged = "The client has it already, as its `If-None-Match` says; there is no body";
        let unchanged = ResponseBuilder::new().description(unchanged).build();
        let mut responses = by_status(READ);
        responses.insert("304".to_owned(), RefOr::T(unchanged));
        responses
    }
}

impl IntoResponses for WriteProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        by_status(WRITE)
    }
}

/// One response for each status, which lists its problem types.
fn by_status(kinds: &[ProblemType]) -> BTreeMap<String, RefOr<Response>> {
    let mut lines: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for kind in kinds {
        let line = format!("{} (`{}`)", kind.title(), kind.slug());
        lines.entry(kind.status().as_str().to_owned()).or_default().push(line);
    }
    let response = |lines: Vec<String>| {
        let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
        ResponseBuilder::new().description(lines.join("; ")).content("application/problem+json", content).build()
    };
    lines.into_iter().map(|(status, lines)| (status, RefOr::T(response(lines)))).collect()
}

/// The header that every GET with a token takes; see [`access`](crate::access).
fn purpose() -> Parameter {
    let text = ObjectBuilder::new()
        .schema_type(Type::String)
        .min_length(Some(1))
        .max_length(Some(MAX_PURPOSE_CHARS))
        .pattern(Some("^[!-~]([ -~]*[!-~])?$"));
    ParameterBuilder::new()
        .name("X-Purpose")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(
            "Why this is read, such as the number of a dispute. A read of history is kept in the access log, with this",
        ))
        .schema(Some(text))
        .build()
}

/// One document of the functions' documents.
///
/// The router's `{*path}`, which takes the rest of a path, is written as OpenAPI knows it: `{path}`. Headers that every
/// GET takes are added here.
#[must_use]
pub fn document(parts: impl IntoIterator<Item = OpenApi>) -> OpenApi {
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").description(Some(
        "A JSON Web Token of the configured issuer. Its tenants and roles decide what it gives access to; a token for \
         several tenants needs header X-Tenant-ID.",
    ));
    let mut components = Components::new();
    components.add_security_scheme(BEARER, SecurityScheme::Http(bearer.build()));
    components.schemas.insert(ProblemBody::name().into_owned(), ProblemBody::schema());
    components.schemas.insert(Fault::name().into_owned(), Fault::schema());
    let info = InfoBuilder::new()
        .title("Order History")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "The append-only, tamper-evident history of orders. Every answer that is not a success is a problem \
             document (RFC 9457). Every POST takes an Idempotency-Key.",
        ))
        .license(Some(LicenseBuilder::new().name("MIT").identifier(Some("MIT")).build()));
    let server = ServerBuilder::new().url("/v1").description(Some("The stage of the REST API"));
    let mut document = OpenApiBuilder::new()
        .info(info.build())
        .servers(Some([server.build()]))
        .components(Some(components))
        .security(Some([SecurityRequirement::new(BEARER, Vec::<String>::new())]))
        .build();
    for part in parts {
        document.merge(part);
    }
    let paths = std::mem::take(&mut document.paths.paths);
    document.paths.paths = paths.into_iter().map(|(path, item)| (path.replace("{*", "{"), item)).collect();
    let reads = document.paths.paths.values_mut().filter_map(|item| item.get.as_mut());
    for read in reads.filter(|read| read.security.is_none()) {
        read.parameters.get_or_insert_default().push(RefOr::T(purpose()));
    }
    document
}
