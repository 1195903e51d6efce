//! Everything that is stored, and the only place that knows the tables' keys and the SDK.
//!
//! - [`Log`]: a tenant's log of segments and the index over it; the append protocol lives there.
//! - [`Orders`]: which orders there are; [`OrderIndex`] follows the logs for it.
//! - [`Failures`]: what came in and could not become an event.
//! - [`Trees`]: the tenants' Merkle trees, their tiles, checkpoints and proofs; [`Integrator`] lets them grow.
//! - [`Schemas`]: what payloads look like, and [`SchemaCache`]: whether one does.
//! - [`AccessLog`]: who has read what.
//! - [`Attachments`]: the bytes of attached documents.

pub mod access;
mod aws;
pub mod attachments;
mod bucket;
mod capacity;
pub mod changes;
mod clock;
mod dice;
mod error;
pub mod failures;
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
pub use aws::{Aws, ConfigError, required};
pub use clock::Clock;
pub use attachments::Attachments;
pub use error::StoreError;
pub use failures::Failures;
pub use log::Log;
pub use orders::{OrderIndex, Orders};
pub use schemas::{SchemaCache, Schemas};
pub use signer::Signer;
pub use tree::{Integrator, Trees};
