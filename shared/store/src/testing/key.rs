//! A signing key in memory that remembers what it signed.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};

use super::Faults;
use crate::error::StoreError;

/// An Ed25519 key. Clones are the same key with the same memory.
#[derive(Debug, Clone)]
pub struct MemoryKey {
    pair: Arc<Ed25519KeyPair>,
    signed: Arc<Mutex<Vec<Vec<u8>>>>,
    lies: Arc<AtomicBool>,
    faults: Faults,
}

impl MemoryKey {
    /// The key of this seed (RFC 8032 section 5.1.5).
    ///
    /// # Panics
    /// Never: 32 bytes are a seed.
    #[must_use]
    #[expect(clippy::expect_used, reason = "test support: a test that cannot start must stop")]
    pub fn new(seed: [u8; 32]) -> Self {
        Self {
            pair: Arc::new(Ed25519KeyPair::from_seed_unchecked(&seed).expect("32 bytes are a seed")),
            signed: Arc::default(),
            lies: Arc::default(),
            faults: Faults::default(),
        }
    }

    /// The same key and memory, whose calls fail by a plan.
    #[must_use]
    pub fn with_faults(&self, faults: &Faults) -> Self {
        Self { faults: faults.clone(), ..self.clone() }
    }

    #[must_use]
    #[expect(clippy::expect_used, reason = "test support: a test that cannot start must stop")]
    pub fn public_key(&self) -> [u8; 32] {
        self.pair.public_key().as_ref().try_into().expect("a public key has 32 bytes")
    }

    /// Everything that was signed so far, in order.
    #[must_use]
    pub fn signed(&self) -> Vec<Vec<u8>> {
        self.signed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// From now on its signatures are of something else.
    pub fn lie(&self) {
        self.lies.store(true, Ordering::SeqCst);
    }

    /// Signs, and remembers it.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], by the plan.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, StoreError> {
        let call = self.faults.before()?;
        self.signed.lock().unwrap_or_else(PoisonError::into_inner).push(message.to_vec());
        let signature = match self.lies.load(Ordering::SeqCst) {
            false => self.pair.sign(message),
            true => self.pair.sign(b"something else"),
        };
        self.faults.after(call)?;
        Ok(signature.as_ref().to_vec())
    }
}
