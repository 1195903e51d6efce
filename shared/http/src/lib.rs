//! What every API function is made of, so that a handler is left with its own work.
//!
//! - [`Problem`], [`ProblemType`]: every answer that is not a success.
//! - [`auth`]: who is asking. `Caller<HistoryReader>` in a handler's signature is the whole check.
//! - [`Path`], [`Query`], [`Paged`], [`RawJson`], [`Json`]: strict extractors.
//! - [`Json`], [`Created`], [`Tagged`], [`Page`], [`Document`], [`SeeOther`]: answers.
//! - [`run`]: starts a function; [`run_streaming`]: one whose answers go out little by little; [`app`]: the same as a
//!   service, for tests.
//! - [`Routes`], [`routes!`]: a function's routes; [`openapi`]: the document of the whole API, which is made of them.
//!
//! `Idempotency-Key`s, `ETag`s, the access log, request ids, logs and metrics are around every handler; nothing needs to
//! be done for them.

mod access;
mod answer;
mod app;
pub mod auth;
mod body;
pub mod catalogue;
mod config;
mod convert;
mod etag;
mod gate;
mod idempotency;
mod lambda;
pub mod openapi;
mod page;
mod params;
mod problem;
mod query;
pub mod recording;
mod request_id;
pub mod resources;
#[doc(hidden)]
pub mod routes;
#[cfg(feature = "testing")]
pub mod testing;

pub use answer::{Created, Document, Json, SeeOther, Tagged};
pub use app::app;
pub use auth::Caller;
pub use body::{MAX_BODY_BYTES, RawJson};
pub use catalogue::ProblemType;
pub use config::ConfigError;
pub use gate::Gate;
pub use lambda::{Transfer, run, run_streaming};
pub use page::{CLOSED_PAGE_SECONDS, DEFAULT_LIMIT, MAX_LIMIT, PAGE_BYTES, Page, PageParams, Paged, Paging};
pub use problem::{Fault, Problem, ProblemBody};
pub use query::{Path, Query};
pub use routes::Routes;
pub use store::Clock;
pub use telemetry::Error;
