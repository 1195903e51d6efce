//! Everything that is stored, and the only place that knows the tables' keys and the SDK.
//!
//! - [`Log`]: a tenant's log of segments and the index over it; the append protocol lives there.
//! - [`Orders`]: which orders there are; [`OrderIndex`] follows the logs for it.
//! - [`History`]: an order's state at an instant, and its timeline in numbers.
//! - [`Failures`]: what came in and could not become an event.
//! - [`Trees`]: the tenants' Merkle trees, their tiles, checkpoints and proofs; [`Integrator`] lets them grow.
//! - [`Schemas`]: what payloads look like, and [`SchemaCache`]: whether one does.
//! - [`Attachments`]: the bytes of attached documents.
//! - [`AccessLog`]: who has read what.

pub mod access;
pub mod attachments;
mod aws;
mod batch;
mod bucket;
mod capacity;
pub mod changes;
mod clock;
mod conditional;
mod dice;
mod error;
pub mod failures;
pub mod history;
mod item;
pub mod log;
pub mod orders;
pub mod requests;
mod retry;
pub mod schemas;
mod signer;
#[cfg(feature = "testing")]
pub mod testing;
pub mod tree;

pub use access::AccessLog;
pub use attachments::Attachments;
pub use aws::{Aws, ConfigError, required};
pub use clock::Clock;
pub use error::StoreError;
pub use failures::Failures;
pub use history::History;
pub use log::Log;
pub use orders::{OrderIndex, Orders};
pub use schemas::{SchemaCache, Schemas};
pub use signer::Signer;
pub use tree::{Integrator, Trees};
