//! Lists, one page at a time.
//!
//! The client gets an opaque `cursor` and a `Link: <…>; rel="next"` (RFC 8288). A cursor holds a position and a MAC
//! over position, tenant, path and filters: one that was made up, or belongs to another tenant, route or query, is
//! refused instead of being read as a position in something else.
//!
//! Form: base64url(version ‖ position as JSON ‖ the first 16 bytes of HMAC-SHA256). It is not encrypted: a position
//! is nothing that its client may not know.

use axum::extract::{FromRef, FromRequestParts};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use http::HeaderValue;
use http::header::{CACHE_CONTROL, LINK};
use http::request::Parts;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use utoipa::{IntoParams, ToSchema};

use crate::answer::Tagged;
use crate::auth::Identity;
use crate::catalogue::ProblemType;
use crate::gate::{CursorKey, Gate};
use crate::params::{Pairs, Refused};
use crate::problem::Problem;
use crate::query::pairs;

/// How many items a page has when the client does not say.
pub const DEFAULT_LIMIT: u16 = 100;

/// The most items of a page.
pub const MAX_LIMIT: u16 = 1000;

/// How many bytes of items a page should have at most. Lambda answers with at most 6 MB, and JSON in JSON grows by its
/// escapes; a handler whose items can be large ends its page here, short of `limit`.
pub const PAGE_BYTES: usize = 3 * 1024 * 1024;

/// How long a client may show a closed page without asking, in seconds. What was recorded stays as it is but for one
/// thing: an erasure takes personal data out of it, and must then be seen everywhere soon. So this is short, no longer than
/// any link to a document is good for; it spares whoever pages back and forth, or reads a list again at once.
pub const CLOSED_PAGE_SECONDS: u32 = 300;

const VERSION: u8 = 1;
const TAG_BYTES: usize = 16;

/// Longer cursors are not looked at.
const MAX_CURSOR_CHARS: usize = 1024;

/// The query of a list: the filters `T`, and where in the list the client is.
///
/// `T` names the filters alone; `cursor` and `limit` are taken out before it is read. The caller's tenant is part of a
/// cursor, so the request must have a valid token, and the state a [`Gate`].
#[derive(Debug)]
pub struct Paged<T>(pub T, pub Paging);

/// Where in a list the client is, and how to go on.
#[derive(Debug)]
pub struct Paging {
    limit: u16,
    position: Option<Vec<u8>>,
    cursors: Cursors,
    /// The query without its cursor.
    query: Vec<(String, String)>,
}

/// `cursor` and `limit`, for the OpenAPI document: `params(TimelineParams, PageParams)`.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageParams {
    /// How many items to return at most.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    #[expect(dead_code, reason = "described here, read by Paged")]
    limit: Option<u16>,
    /// Where to go on: `next_cursor` of the page before, with the same filters.
    #[expect(dead_code, reason = "described here, read by Paged")]
    cursor: Option<String>,
}

/// One page of a list, as it is answered: 200, with an `ETag` and, unless it is the last page, a `Link` to the next. A
/// client that wants to use its copy asks each time whether it still holds, unless the list is
/// [append-only](Self::append_only).
#[derive(Debug, Serialize, ToSchema)]
pub struct Page<T> {
    /// The items, in the order of the list.
    pub items: Vec<T>,
    /// Where the next page starts; missing on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub next_cursor: Option<String>,
    /// The query of the next page, as a relative reference.
    #[serde(skip)]
    #[schema(ignore)]
    next: Option<HeaderValue>,
    /// Whether the list only grows at its end.
    #[serde(skip)]
    #[schema(ignore)]
    append_only: bool,
}

impl<T> Page<T> {
    /// Says of the list that it only grows at its end, and that its items stay as they are, such as events in the order of
    /// the ledger. A page of it that has a next one is closed, and a client may keep it for [`CLOSED_PAGE_SECONDS`]. Not
    /// for a list in another order, nor for one that filters by, or shows, what may be added later.
    #[must_use]
    pub fn append_only(self) -> Self {
        Self { append_only: true, ..self }
    }
}

impl Paging {
    /// How many items to return at most, from 1 to [`MAX_LIMIT`].
    #[must_use]
    pub fn limit(&self) -> usize {
        usize::from(self.limit)
    }

    /// The position that the page starts after; `None` at the start of the list. `P` is the handler's own type, the
    /// one that it gives to [`page`](Self::page).
    ///
    /// # Errors
    /// `invalid-cursor`, when an earlier version of the handler wrote another kind of position.
    pub fn after<P: DeserializeOwned>(&self) -> Result<Option<P>, Problem> {
        self.position.as_deref().map(serde_json::from_slice).transpose().map_err(|_| invalid_cursor())
    }

    /// The page with these items. `next` is the position of the last of them if there are more, which the next page
    /// starts after.
    ///
    /// # Errors
    /// `internal`, when `next` has no JSON form.
    pub fn page<T, P: Serialize>(self, items: Vec<T>, next: Option<P>) -> Result<Page<T>, Problem> {
        let Some(next) = next else { return Ok(Page { items, next_cursor: None, next: None, append_only: false }) };
        let position = serde_json::to_vec(&next).map_err(|error| Problem::internal(&error))?;
        let cursor = self.cursors.seal(&position);
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(self.query)
            .append_pair("cursor", &cursor)
            .finish();
        // A reference of a query alone is resolved against the URL that the client asked for (RFC 3986, section 5.3),
        // so it is right behind any stage name, domain or proxy.
        let link = HeaderValue::try_from(format!(r#"<?{query}>; rel="next""#));
        let link = link.map_err(|error| Problem::internal(&error))?;
        Ok(Page { items, next_cursor: Some(cursor), next: Some(link), append_only: false })
    }
}

impl<T: Serialize> IntoResponse for Page<T> {
    fn into_response(mut self) -> Response {
        let (next, append_only) = (self.next.take(), self.append_only);
        let mut response = Tagged(self).into_response();
        let Some(next) = next else { return response };
        response.headers_mut().insert(LINK, next);
        if append_only && let Ok(kept) = HeaderValue::try_from(format!("private, max-age={CLOSED_PAGE_SECONDS}")) {
            response.headers_mut().insert(CACHE_CONTROL, kept);
        }
        response
    }
}

impl<S, T> FromRequestParts<S> for Paged<T>
where
    S: Send + Sync,
    T: DeserializeOwned,
    Gate: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let gate = Gate::from_ref(state);
        let tenant = Identity::of(parts, &gate).await?.tenant.clone();
        let key = gate.cursor_key().await?;
        let mut query = pairs(parts);
        let cursor = take(&mut query, "cursor")?;
        let limit = take(&mut query, "limit")?;
        let params = Pairs(&query).read()?;
        let cursors = Cursors::new(key, tenant.as_str(), parts.uri.path(), &query);
        let position = cursor.map(|cursor| cursors.open(&cursor)).transpose()?;
        let paging_limit = limit.as_deref().map_or(Ok(DEFAULT_LIMIT), parse_limit)?;
        if let Some(limit) = limit {
            query.push(("limit".to_owned(), limit));
        }
        Ok(Self(params, Paging { limit: paging_limit, position, cursors, query }))
    }
}

/// Takes the parameter out of the query.
fn take(query: &mut Vec<(String, String)>, name: &str) -> Result<Option<String>, Problem> {
    let mut taken = query.extract_if(.., |(other, _)| other == name).map(|(_, value)| value);
    let first = taken.next();
    if taken.next().is_some() {
        return Err(Refused::named(name, "must be given once").into());
    }
    drop(taken);
    Ok(first)
}

fn parse_limit(text: &str) -> Result<u16, Problem> {
    let limit = text.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit));
    limit.ok_or_else(|| Problem::parameter("limit", format!("must be a whole number from 1 to {MAX_LIMIT}")))
}

fn invalid_cursor() -> Problem {
    Problem::new(
        ProblemType::InvalidCursor,
        "send the next_cursor of the page before, unchanged and with the same filters, or start without a cursor",
    )
}

/// Makes and reads the cursors of one query.
struct Cursors {
    /// HMAC-SHA256 that has taken in everything but the position.
    mac: Hmac<Sha256>,
}

impl Cursors {
    /// `filters`: the query without cursor and limit; their order does not matter.
    fn new(key: CursorKey, tenant: &str, path: &str, filters: &[(String, String)]) -> Self {
        let mut filters: Vec<_> = filters.iter().collect();
        filters.sort();
        // HMAC fills a short key up with zeros to SHA-256's block (RFC 2104, section 2).
        let mut block = [0; 64];
        block[..32].copy_from_slice(&key.0);
        let mut mac = <Hmac<Sha256> as KeyInit>::new(&block.into());
        let names_and_values = filters.into_iter().flat_map(|(name, value)| [name.as_str(), value.as_str()]);
        for part in ["order-history cursor", tenant, path].into_iter().chain(names_and_values) {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part.as_bytes());
        }
        // Ends the list of filters: no position can be taken for one more of them.
        mac.update(&[0xff; 8]);
        Self { mac }
    }

    fn seal(&self, position: &[u8]) -> String {
        let tag = self.mac.clone().chain_update([VERSION]).chain_update(position).finalize().into_bytes();
        let mut cursor = Vec::with_capacity(1 + position.len() + TAG_BYTES);
        cursor.push(VERSION);
        cursor.extend_from_slice(position);
        cursor.extend_from_slice(&tag[..TAG_BYTES]);
        URL_SAFE_NO_PAD.encode(cursor)
    }

    /// The position in `cursor`, if we made it for this query.
    fn open(&self, cursor: &str) -> Result<Vec<u8>, Problem> {
        if cursor.len() > MAX_CURSOR_CHARS {
            return Err(invalid_cursor());
        }
        let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| invalid_cursor())?;
        let (sealed, tag) = bytes.split_last_chunk::<TAG_BYTES>().ok_or_else(invalid_cursor)?;
        self.mac.clone().chain_update(sealed).verify_truncated_left(tag).map_err(|_| invalid_cursor())?;
        match sealed.split_first() {
            Some((&VERSION, position)) => Ok(position.to_vec()),
            _ => Err(invalid_cursor()),
        }
    }
}

impl std::fmt::Debug for Cursors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Cursors")
    }
}
