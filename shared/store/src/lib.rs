//! Everything that is stored, and the only place that knows the tables' keys and the SDK.
//!
//! - [`Log`]: a tenant's log of segments and the index over it; the append protocol lives there.

mod aws;
mod error;
mod item;
pub mod log;
#[cfg(feature = "testing")]
pub mod testing;

pub use aws::{Aws, ConfigError, required};
pub use error::StoreError;
pub use log::Log;
