//! Which log it is.

use std::fmt;

use domain::ids::TenantId;
use serde::{Deserialize, Serialize};

/// The name of one tenant's log, `<prefix>/<tenant>`: a C2SP log origin, which is a schema-less URL
/// (<https://c2sp.org/tlog-checkpoint>). It stands in every leaf and starts the chain, so that no leaf can be passed off
/// as another tenant's; it must never change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Origin(String);

impl Origin {
    /// `prefix` is the deployment's own part, such as `history.example.com`.
    #[must_use]
    pub fn new(prefix: &str, tenant: &TenantId) -> Self {
        Self(format!("{prefix}/{tenant}"))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
