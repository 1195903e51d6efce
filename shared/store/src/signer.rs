//! Signatures with Ed25519 keys that never leave KMS.
//!
//! Key spec `ECC_NIST_EDWARDS25519`, algorithm `ED25519_SHA_512` over the message itself (`RAW`): RFC 8032's plain
//! Ed25519, as signed notes want it
//! (<https://docs.aws.amazon.com/kms/latest/developerguide/symm-asymm-choose-key-spec.html>).

use std::sync::Arc;

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use aws_sdk_kms::{
    Client,
    primitives::Blob,
    types::{MessageType, SigningAlgorithmSpec},
};
use tokio::sync::OnceCell;

use crate::{
    aws::{Aws, ConfigError, required},
    error::StoreError,
};

/// RFC 8410 section 4: what stands before the 32 bytes of the key in a DER `SubjectPublicKeyInfo` of Ed25519.
const SPKI_PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
/// The longest message that KMS signs, in bytes.
const MAX_MESSAGE_BYTES: usize = 4096;

/// One signing key. Cloning is cheap, and clones share what is known of the key.
#[derive(Debug, Clone)]
pub struct Signer {
    key: Key,
    public: Arc<OnceCell<[u8; 32]>>,
}

/// Where the private half is.
#[derive(Debug, Clone)]
enum Key {
    Kms {
        client: Client,
        /// Its ARN or id.
        id: String,
    },
    #[cfg(feature = "testing")]
    Memory(crate::testing::MemoryKey),
}

impl Signer {
    /// The keys that sign checkpoints: `SIGNING_KEYS`, ARNs of KMS keys with commas between them. The first is the one
    /// that stays; all of them sign.
    ///
    /// # Errors
    /// [`ConfigError`] when there is none.
    pub fn checkpoint_keys(aws: &Aws) -> Result<Vec<Self>, ConfigError> {
        const NAME: &str = "SIGNING_KEYS";
        let ids = required(NAME)?;
        let client = aws.kms();
        let keys: Vec<_> = ids.split(',').map(str::trim).filter(|id| !id.is_empty()).collect();
        if keys.is_empty() {
            return Err(ConfigError { name: NAME, problem: "names no key" });
        }
        Ok(keys.into_iter().map(|id| Self::kms(client.clone(), id)).collect())
    }

    /// The key that signs statements about ranges, and nothing else: `RANGE_KEY`.
    ///
    /// # Errors
    /// [`ConfigError`] when it is not given.
    pub fn range_key(aws: &Aws) -> Result<Self, ConfigError> {
        Ok(Self::kms(aws.kms(), &required("RANGE_KEY")?))
    }

    fn kms(client: Client, id: &str) -> Self {
        Self { key: Key::Kms { client, id: id.to_owned() }, public: Arc::default() }
    }

    #[cfg(feature = "testing")]
    #[must_use]
    pub fn in_memory(key: crate::testing::MemoryKey) -> Self {
        Self { key: Key::Memory(key), public: Arc::default() }
    }

    /// The public half; asked for once.
    ///
    /// # Errors
    /// [`StoreError`]; [`StoreError::Corrupt`] when the key is none of Ed25519.
    pub async fn public_key(&self) -> Result<[u8; 32], StoreError> {
        self.public.get_or_try_init(|| self.fetch_public_key()).await.copied()
    }

    async fn fetch_public_key(&self) -> Result<[u8; 32], StoreError> {
        match &self.key {
            Key::Kms { client, id } => {
                let answer = client
                    .get_public_key()
                    .key_id(id)
                    .send()
                    .await
                    .map_err(|error| StoreError::from_sdk("GetPublicKey", &error))?;
                let der = answer.public_key.map(Blob::into_inner).unwrap_or_default();
                der.strip_prefix(&SPKI_PREFIX)
                    .and_then(|key| key.try_into().ok())
                    .ok_or_else(|| StoreError::corrupt("the signing key is no Ed25519 key"))
            }
            #[cfg(feature = "testing")]
            Key::Memory(key) => Ok(key.public_key()),
        }
    }

    /// Signs a message of at most 4,096 bytes. The signature is one: it was verified.
    ///
    /// # Errors
    /// [`StoreError`]; [`StoreError::Corrupt`] when what came back is no signature of this key over this message.
    pub async fn sign(&self, message: &[u8]) -> Result<[u8; 64], StoreError> {
        if message.len() > MAX_MESSAGE_BYTES {
            return Err(StoreError::corrupt(format_args!("a message of {} bytes to sign", message.len())));
        }
        let public = self.public_key().await?;
        let signature = match &self.key {
            Key::Kms { client, id } => {
                let answer = client
                    .sign()
                    .key_id(id)
                    .message(Blob::new(message))
                    .message_type(MessageType::Raw)
                    .signing_algorithm(SigningAlgorithmSpec::Ed25519Sha512)
                    .send()
                    .await
                    .map_err(|error| StoreError::from_sdk("Sign", &error))?;
                answer.signature.map(Blob::into_inner).unwrap_or_default()
            }
            #[cfg(feature = "testing")]
            Key::Memory(key) => key.sign(message)?,
        };
        checked(&public, message, &signature)
    }
}

/// A published signature cannot be taken back, so none goes out that was not checked.
fn checked(public: &[u8; 32], message: &[u8], signature: &[u8]) -> Result<[u8; 64], StoreError> {
    let genuine = UnparsedPublicKey::new(&ED25519, public).verify(message, signature).is_ok();
    let signature = genuine.then(|| signature.try_into().ok()).flatten();
    signature.ok_or_else(|| StoreError::corrupt("the signing key gave back no signature of its own"))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

    use super::*;
    use crate::testing::MemoryKey;

    #[tokio::test]
    async fn a_signature_is_genuine_or_refused() {
        let key = MemoryKey::new([1; 32]);
        let signer = Signer::in_memory(key.clone());
        let public = signer.public_key().await.unwrap();
        let signature = signer.sign(b"message").await.unwrap();
        assert_eq!(checked(&public, b"message", &signature), Ok(signature));
        assert!(checked(&public, b"massage", &signature).is_err());
        assert!(checked(&public, b"message", &signature[..63]).is_err());

        key.lie();
        assert!(matches!(signer.sign(b"message").await, Err(StoreError::Corrupt { .. })));
    }

    #[tokio::test]
    async fn what_kms_would_not_sign_is_refused_before() {
        let signer = Signer::in_memory(MemoryKey::new([1; 32]));
        assert!(signer.sign(&[0; MAX_MESSAGE_BYTES]).await.is_ok());
        assert!(signer.sign(&[0; MAX_MESSAGE_BYTES + 1]).await.is_err());
    }
}
