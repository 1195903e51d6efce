//! Keys that sign.

use ed25519_dalek::{Signer as _, SigningKey};
use ledger::note::{KeyType, Note, Signature, VerifierKey, cosignature_message};

/// A private key with a name: a log's, or a witness's.
#[derive(Debug, Clone)]
pub struct Signer {
    secret: SigningKey,
    key: VerifierKey,
}

impl Signer {
    /// A key that signs checkpoints (name = origin) or range statements (`<origin>/range`). Another `seed` is another
    /// key.
    #[must_use]
    pub fn log(name: &str, seed: u8) -> Self {
        Self::new(name, KeyType::Ed25519, seed)
    }

    #[must_use]
    pub fn witness(name: &str, seed: u8) -> Self {
        Self::new(name, KeyType::Cosignature, seed)
    }

    fn new(name: &str, key_type: KeyType, seed: u8) -> Self {
        let secret = SigningKey::from_bytes(&[seed; 32]);
        let key = VerifierKey::new(name, key_type, &secret.verifying_key().to_bytes()).unwrap();
        Self { secret, key }
    }

    #[must_use]
    pub fn key(&self) -> VerifierKey {
        self.key.clone()
    }

    /// A note with one signature.
    #[must_use]
    pub fn sign(&self, text: &str) -> String {
        let signature = Signature::ed25519(&self.key, &self.secret.sign(text.as_bytes()).to_bytes());
        Note::new(text, vec![signature]).unwrap().to_string()
    }

    /// The note with one more signature: a log's.
    #[must_use]
    pub fn sign_too(&self, note: &str) -> String {
        let mut note = Note::parse(note.as_bytes()).unwrap();
        note.push(Signature::ed25519(&self.key, &self.secret.sign(note.text().as_bytes()).to_bytes()));
        note.to_string()
    }

    /// The note with a witness's signature, made at `time` (seconds since 1970).
    #[must_use]
    pub fn cosign(&self, note: &str, time: u64) -> String {
        let mut note = Note::parse(note.as_bytes()).unwrap();
        let message = cosignature_message(time, note.text());
        note.push(Signature::cosignature(&self.key, time, &self.secret.sign(message.as_bytes()).to_bytes()));
        note.to_string()
    }
}
