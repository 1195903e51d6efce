//! Range bundles that are too large for an answer: an object in the data bucket, and a link to it.

use std::{pin::pin, time::Duration};

use aws_sdk_s3::{
    Client,
    presigning::PresigningConfig,
    primitives::ByteStream,
    types::{CompletedMultipartUpload, CompletedPart},
};
use bytes::{Bytes, BytesMut};
use domain::ids::TenantId;
use futures::{Stream, StreamExt, TryStreamExt, stream};
use ledger::range::MEDIA_TYPE;

use super::{RangeBundle, Ranges};
use crate::{
    Aws,
    aws::{ConfigError, required},
    error::StoreError,
};

/// A part of an upload. S3 wants at least 5 MiB of each but the last, and takes 10,000 of them.
const PART_BYTES: usize = 8 * 1024 * 1024;
/// How long a link is good.
const LINK_LIFETIME: Duration = Duration::from_secs(15 * 60);

/// What fits an answer; more becomes a link.
#[derive(Debug, Clone, Copy)]
pub struct InlineLimits {
    pub events: u64,
    pub bytes: usize,
}

/// How a bundle is handed out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// The bundle itself.
    Inline(Bytes),
    /// Where whoever has the link can fetch it, for so long.
    Link { url: String, lifetime: Duration },
}

/// Where large bundles go.
#[derive(Debug, Clone)]
pub(super) enum Exports {
    S3 {
        client: Client,
        bucket: String,
    },
    #[cfg(feature = "testing")]
    Memory(crate::testing::MemoryBucket),
}

impl Exports {
    /// The bucket that `DATA_BUCKET` names.
    pub(super) fn from_env(aws: &Aws) -> Result<Self, ConfigError> {
        Ok(Self::S3 { client: aws.s3(), bucket: required("DATA_BUCKET")? })
    }

    async fn write(
        &self,
        key: &str,
        file_name: &str,
        blocks: impl Stream<Item = Result<Bytes, StoreError>>,
    ) -> Result<String, StoreError> {
        match self {
            Self::S3 { client, bucket } => {
                let disposition = format!("attachment; filename=\"{file_name}\"");
                let object = Export { client, bucket, key, disposition };
                object.write(blocks).await?;
                object.link().await
            }
            #[cfg(feature = "testing")]
            Self::Memory(memory) => {
                let whole = blocks.try_fold(BytesMut::new(), |mut whole, block| async move {
                    whole.extend_from_slice(&block);
                    Ok(whole)
                });
                memory.overwrite(key, whole.await?.freeze());
                Ok(format!("memory:{key}"))
            }
        }
    }
}

impl Ranges {
    /// Writes a bundle: into memory, as long as it fits the limits, else into the data bucket.
    ///
    /// # Errors
    /// [`StoreError`], as of [`RangeBundle::blocks`]; nothing is left then that could be fetched.
    pub async fn deliver(&self, bundle: RangeBundle, limits: InlineLimits) -> Result<Delivery, StoreError> {
        let (from, to) = bundle.bounds();
        let key = object_key(bundle.tenant(), from, to)?;
        let may_be_inline = bundle.events() <= limits.events;
        let mut blocks = Box::pin(bundle.blocks());
        let mut whole = BytesMut::new();
        while may_be_inline && whole.len() <= limits.bytes {
            match blocks.try_next().await? {
                Some(block) => whole.extend_from_slice(&block),
                None => return Ok(Delivery::Inline(whole.freeze())),
            }
        }
        let blocks = stream::iter([Ok(whole.freeze())]).chain(blocks);
        let url = self.exports.write(&key, &format!("range-{from}-{to}.ndjson"), blocks).await?;
        Ok(Delivery::Link { url, lifetime: LINK_LIFETIME })
    }
}

/// Below `proofs/`, where a lifecycle rule clears up. Random, so that nobody guesses another's.
fn object_key(tenant: &TenantId, from: u64, to: u64) -> Result<String, StoreError> {
    let mut random = [0; 16];
    getrandom::fill(&mut random)
        .map_err(|error| StoreError::Unavailable { operation: "random numbers", code: error.to_string() })?;
    Ok(format!("proofs/{tenant}/{from}-{to}-{}.ndjson", hex::encode(random)))
}

/// An object that is being written.
struct Export<'a> {
    client: &'a Client,
    bucket: &'a str,
    key: &'a str,
    disposition: String,
}

impl Export<'_> {
    /// Uploads the blocks, a part after the other. One that fails leaves no object.
    async fn write(&self, blocks: impl Stream<Item = Result<Bytes, StoreError>>) -> Result<(), StoreError> {
        let upload = self
            .client
            .create_multipart_upload()
            .bucket(self.bucket)
            .key(self.key)
            .content_type(MEDIA_TYPE)
            .content_disposition(&self.disposition)
            .send()
            .await
            .map_err(|error| StoreError::from_sdk("CreateMultipartUpload", &error))?;
        let id = upload.upload_id().ok_or_else(|| StoreError::corrupt("an upload without an id"))?;
        let uploaded = self.parts(id, blocks).await;
        if uploaded.is_err() {
            // The bucket's lifecycle rule clears up what this cannot.
            let aborted =
                self.client.abort_multipart_upload().bucket(self.bucket).key(self.key).upload_id(id).send().await;
            if let Err(error) = aborted {
                let error = StoreError::from_sdk("AbortMultipartUpload", &error);
                tracing::warn!(%error, "parts of a range bundle are left");
            }
        }
        uploaded
    }

    async fn parts(&self, id: &str, blocks: impl Stream<Item = Result<Bytes, StoreError>>) -> Result<(), StoreError> {
        let mut blocks = pin!(blocks);
        let (mut done, mut part) = (CompletedMultipartUpload::builder(), BytesMut::new());
        let mut number = 0;
        let mut last = false;
        while !last {
            match blocks.try_next().await? {
                Some(block) => part.extend_from_slice(&block),
                None => last = true,
            }
            if part.len() >= PART_BYTES || last {
                number += 1;
                done = done.parts(self.part(id, number, part.split().freeze()).await?);
            }
        }
        self.client
            .complete_multipart_upload()
            .bucket(self.bucket)
            .key(self.key)
            .upload_id(id)
            .multipart_upload(done.build())
            .send()
            .await
            .map(drop)
            .map_err(|error| StoreError::from_sdk("CompleteMultipartUpload", &error))
    }

    async fn part(&self, id: &str, number: i32, bytes: Bytes) -> Result<CompletedPart, StoreError> {
        let answer = self
            .client
            .upload_part()
            .bucket(self.bucket)
            .key(self.key)
            .upload_id(id)
            .part_number(number)
            .body(ByteStream::from(bytes))
            .send()
            .await
            .map_err(|error| StoreError::from_sdk("UploadPart", &error))?;
        Ok(CompletedPart::builder()
            .part_number(number)
            .set_e_tag(answer.e_tag)
            .set_checksum_crc32(answer.checksum_crc32)
            .build())
    }

    async fn link(&self) -> Result<String, StoreError> {
        let lifetime = PresigningConfig::expires_in(LINK_LIFETIME).map_err(StoreError::corrupt)?;
        let request = self.client.get_object().bucket(self.bucket).key(self.key).presigned(lifetime).await;
        let request = request.map_err(|error| StoreError::from_sdk("GetObject (link)", &error))?;
        Ok(request.uri().to_owned())
    }
}
