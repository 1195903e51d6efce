//! Attached documents: objects in the data bucket, at `attachments/<tenant>/<attachment>`. What is known of one stands in
//! the log, as a [record](domain::record); here are its bytes alone.

use std::time::Duration;

use domain::{
    document::Document,
    ids::{AttachmentId, TenantId},
};

use crate::{
    Aws, ConfigError,
    bucket::{Bucket, Expected, File},
    error::StoreError,
};

pub use crate::bucket::UploadLink;

/// How long a link to upload is good.
pub const UPLOAD_LIFETIME: Duration = Duration::from_secs(15 * 60);
/// How long a link to download is good.
pub const DOWNLOAD_LIFETIME: Duration = Duration::from_secs(5 * 60);

/// The tag of an object whose attachment was deleted; the bucket's lifecycle rules look for it.
const TOMBSTONE: (&str, &str) = ("tombstone", "true");

/// The documents of all tenants.
#[derive(Debug, Clone)]
pub struct Attachments {
    bucket: Bucket,
}

/// In what an uploaded document is not the one that was announced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mismatch {
    Size,
    ContentType,
    Sha256,
}

/// Why a document cannot be registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotUploaded {
    /// Nothing is there, for this tenant.
    Missing,
    /// Something else is there.
    Different(Vec<Mismatch>),
}

impl Attachments {
    /// In the bucket that `DATA_BUCKET` names.
    ///
    /// # Errors
    /// [`ConfigError`] when it is missing.
    pub fn from_env(aws: &Aws) -> Result<Self, ConfigError> {
        Ok(Self { bucket: Bucket::from_env(aws, "DATA_BUCKET")? })
    }

    #[cfg(feature = "testing")]
    #[must_use]
    pub fn for_tests(bucket: &crate::testing::MemoryBucket) -> Self {
        Self { bucket: Bucket::Memory(bucket.clone()) }
    }

    /// A link with which this document, and nothing else, can be uploaded once, for [`UPLOAD_LIFETIME`].
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn upload_link(
        &self,
        tenant: &TenantId,
        attachment_id: &AttachmentId,
        document: &Document,
    ) -> Result<UploadLink, StoreError> {
        let Document { content_type, size, sha256, .. } = document;
        let expected = Expected { content_type, size: *size, sha256: *sha256 };
        self.bucket.upload(&key(tenant, attachment_id), UPLOAD_LIFETIME, expected).await
    }

    /// Whose document lies at an address: that of a link to upload, with or without its query. None unless it is exactly
    /// the address of a document of this tenant's.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn at(&self, tenant: &TenantId, url: &str) -> Result<Option<AttachmentId>, StoreError> {
        let address = without_query(url);
        let last = address.rsplit('/').next().unwrap_or_default();
        let Ok(attachment_id) = last.parse::<AttachmentId>() else { return Ok(None) };
        // Only the SDK knows how an object of this bucket is addressed here.
        let file = File { name: "", content_type: "" };
        let ours = self.bucket.download(&key(tenant, &attachment_id), DOWNLOAD_LIFETIME, file).await?;
        Ok((without_query(&ours) == address).then_some(attachment_id))
    }

    /// Compares what was uploaded with what was said of it. Where the bucket does not know the digest, the whole document
    /// is read, in bounded memory.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn compare(
        &self,
        tenant: &TenantId,
        attachment_id: &AttachmentId,
        document: &Document,
    ) -> Result<Result<(), NotUploaded>, StoreError> {
        let key = key(tenant, attachment_id);
        let Some(found) = self.bucket.describe(&key).await? else { return Ok(Err(NotUploaded::Missing)) };
        let mut different = Vec::new();
        if found.size != document.size {
            different.push(Mismatch::Size);
        }
        if found.content_type != document.content_type {
            different.push(Mismatch::ContentType);
        }
        let sha256 = match found.sha256 {
            Some(sha256) => Some(sha256),
            // Of another length, it has another digest.
            None if found.size != document.size => None,
            None => Some(self.bucket.digest(&key, &found.etag).await?),
        };
        if sha256 != Some(document.sha256) {
            different.push(Mismatch::Sha256);
        }
        Ok(if different.is_empty() { Ok(()) } else { Err(NotUploaded::Different(different)) })
    }

    /// A link from which the document can be downloaded under its name, for [`DOWNLOAD_LIFETIME`]. Never to be logged.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn download_link(
        &self,
        tenant: &TenantId,
        attachment_id: &AttachmentId,
        filename: &str,
        content_type: &str,
    ) -> Result<String, StoreError> {
        let file = File { name: filename, content_type };
        self.bucket.download(&key(tenant, attachment_id), DOWNLOAD_LIFETIME, file).await
    }

    /// Marks the document as one that nobody is shown any more; the bucket's lifecycle rules decide what becomes of it.
    /// May be repeated.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn bury(&self, tenant: &TenantId, attachment_id: &AttachmentId) -> Result<(), StoreError> {
        let (name, value) = TOMBSTONE;
        self.bucket.tag(&key(tenant, attachment_id), name, value).await
    }
}

/// A name for a new attachment, which nobody guesses.
///
/// # Errors
/// [`StoreError`] when there are no random numbers.
pub fn new_id() -> Result<AttachmentId, StoreError> {
    let mut random = [0; 16];
    getrandom::fill(&mut random)
        .map_err(|error| StoreError::Unavailable { operation: "random numbers", code: error.to_string() })?;
    format!("att_{}", hex::encode(random)).parse().map_err(StoreError::corrupt)
}

fn key(tenant: &TenantId, attachment_id: &AttachmentId) -> String {
    format!("attachments/{tenant}/{attachment_id}")
}

fn without_query(url: &str) -> &str {
    url.split_once('?').map_or(url, |(address, _)| address)
}
