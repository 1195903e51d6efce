//! Which logs many were writing to a moment ago.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use domain::ids::TenantId;
use tokio::time::Instant;

/// How long a writer announces its events at once, after others were seen.
const LASTS: Duration = Duration::from_secs(1);
/// Of so many tenants something is remembered.
const MOST: usize = 1_000;

/// A memory of this process alone. A wrong hint costs a few write units, and a missing one a lost race.
#[derive(Debug, Clone, Default)]
pub(super) struct Hints(Arc<Mutex<HashMap<TenantId, Instant>>>);

impl Hints {
    pub(super) fn contended(&self, tenant: &TenantId) -> bool {
        let noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        noted.get(tenant).is_some_and(|at| at.elapsed() < LASTS)
    }

    pub(super) fn note(&self, tenant: &TenantId) {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.len() >= MOST {
            noted.retain(|_, at| at.elapsed() < LASTS);
        }
        if noted.len() < MOST {
            noted.insert(tenant.clone(), Instant::now());
        }
    }
}
