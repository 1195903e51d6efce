//! A bucket in memory, with the conditions of the real one.

mod uploads;

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;

use super::Faults;
use crate::{
    bucket::{Condition, Object, Put},
    error::StoreError,
};

/// Objects by their keys. Clones are the same bucket.
#[derive(Debug, Clone, Default)]
pub struct MemoryBucket {
    objects: Arc<Mutex<Objects>>,
    faults: Faults,
    /// Each call takes a random time of up to this long.
    latency: Duration,
}

#[derive(Debug, Default)]
struct Objects {
    current: BTreeMap<String, (Bytes, u64)>,
    versions: u64,
    /// How often each key was read.
    reads: HashMap<String, usize>,
    uploads: uploads::Uploads,
}

impl MemoryBucket {
    /// The same bucket, whose calls fail by a plan.
    #[must_use]
    pub fn with_faults(&self, faults: &Faults) -> Self {
        Self { faults: faults.clone(), ..self.clone() }
    }

    /// The same bucket, whose calls take a random time, so that two processes interleave.
    #[must_use]
    pub fn with_latency(&self, latency: Duration) -> Self {
        Self { latency, ..self.clone() }
    }

    /// Everything in it.
    #[must_use]
    pub fn contents(&self) -> BTreeMap<String, Bytes> {
        self.lock().current.iter().map(|(key, (bytes, _))| (key.clone(), bytes.clone())).collect()
    }

    /// Puts an object without any condition, as somebody with the right to do so might.
    pub fn overwrite(&self, key: &str, bytes: impl Into<Bytes>) {
        self.lock().put(key, bytes.into());
    }

    /// Deletes an object; none is left of it.
    pub fn delete(&self, key: &str) {
        self.lock().current.remove(key);
    }

    /// How many reads there were since the last call of this.
    #[must_use]
    pub fn take_reads(&self) -> usize {
        std::mem::take(&mut self.lock().reads).into_values().sum()
    }

    pub(crate) async fn remove(&self, key: &str) -> Result<(), StoreError> {
        self.travel().await;
        let call = self.faults.before()?;
        self.delete(key);
        Ok(self.faults.after(call)?)
    }

    fn lock(&self) -> MutexGuard<'_, Objects> {
        self.objects.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn travel(&self) {
        if !self.latency.is_zero() {
            let share = f64::from(getrandom::u32().unwrap_or_default() >> 16) / 65_536.0;
            tokio::time::sleep(self.latency.mul_f64(share)).await;
        }
    }

    pub(crate) async fn get(&self, key: &str) -> Result<Option<Object>, StoreError> {
        self.travel().await;
        let call = self.faults.before()?;
        let found = {
            let mut objects = self.lock();
            *objects.reads.entry(key.to_owned()).or_default() += 1;
            objects.current.get(key).map(|(bytes, version)| Object { bytes: bytes.clone(), etag: etag(*version) })
        };
        self.faults.after(call)?;
        Ok(found)
    }

    pub(crate) async fn put(&self, key: &str, bytes: Bytes, condition: Condition<'_>) -> Result<Put, StoreError> {
        self.travel().await;
        let call = self.faults.before()?;
        let put = {
            let mut objects = self.lock();
            let found = objects.current.get(key).map(|(_, version)| etag(*version));
            let holds = match condition {
                Condition::Absent => found.is_none(),
                Condition::Is(wanted) => found.as_deref() == Some(wanted),
            };
            if holds {
                objects.put(key, bytes);
                Put::Done
            } else {
                Put::Refused
            }
        };
        self.faults.after(call)?;
        self.travel().await;
        Ok(put)
    }
}

impl Objects {
    fn put(&mut self, key: &str, bytes: Bytes) {
        self.versions += 1;
        self.current.insert(key.to_owned(), (bytes, self.versions));
    }
}

fn etag(version: u64) -> String {
    format!("\"{version}\"")
}
