//! A bucket: objects that are written once, and a few that are replaced under a condition.

mod uploads;

use std::time::Duration;

use aws_sdk_s3::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    operation::get_object::GetObjectError,
    presigning::PresigningConfig,
    primitives::ByteStream,
};
use bytes::Bytes;
use metrics::counter;

use crate::{
    aws::{Aws, ConfigError, required},
    error::StoreError,
};

#[cfg(feature = "testing")]
pub(crate) use uploads::Described;
pub(crate) use uploads::Expected;
pub use uploads::UploadLink;

/// The largest object that is read into memory: 256 entries of at most 64 KiB, each with its length.
const MAX_OBJECT_BYTES: i64 = 256 * (2 + 64 * 1024);
/// How often an object that is written once may be there and then again not, before we give up: somebody is deleting.
const MAX_ATTEMPTS: usize = 3;

/// What is stored at a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Object {
    pub(crate) bytes: Bytes,
    /// Names this very version; for [`Condition::Is`].
    pub(crate) etag: String,
}

/// When an object is put.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Condition<'a> {
    /// Nothing may be there.
    Absent,
    /// Exactly this version must be there.
    Is(&'a str),
}

/// What became of a put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Put {
    Done,
    /// The condition does not hold, or no longer. Nothing was changed by this call; an earlier try of it whose answer
    /// was lost may have been.
    Refused,
}

/// How a downloaded object presents itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct File<'a> {
    pub(crate) name: &'a str,
    pub(crate) content_type: &'a str,
}

impl File<'_> {
    /// `Content-Disposition` (RFC 6266): saved, never shown. Beside the plain name stands the exact one, in UTF-8 with
    /// percent signs (RFC 8187).
    fn disposition(&self) -> String {
        let plain = |char: char| if char.is_ascii_alphanumeric() || "-_.".contains(char) { char } else { '_' };
        let ascii: String = self.name.chars().map(plain).collect();
        let mut exact = String::new();
        for byte in self.name.bytes() {
            if byte.is_ascii_alphanumeric() || b"-_.".contains(&byte) {
                exact.push(char::from(byte));
            } else {
                exact.push_str(&format!("%{byte:02X}"));
            }
        }
        if ascii == exact {
            return format!("attachment; filename=\"{ascii}\"");
        }
        format!("attachment; filename=\"{ascii}\"; filename*=UTF-8''{exact}")
    }
}

/// A bucket. Clones are the same one.
#[derive(Debug, Clone)]
pub(crate) enum Bucket {
    S3 {
        client: Client,
        name: String,
    },
    #[cfg(feature = "testing")]
    Memory(crate::testing::MemoryBucket),
}

impl Bucket {
    /// The one that an environment variable names.
    pub(crate) fn from_env(aws: &Aws, variable: &'static str) -> Result<Self, ConfigError> {
        Ok(Self::S3 { client: aws.s3(), name: required(variable)? })
    }

    /// The same bucket, whose calls fail by a plan.
    #[cfg(feature = "testing")]
    pub(crate) fn with_faults(&self, faults: &crate::testing::Faults) -> Self {
        match self {
            Self::Memory(bucket) => Self::Memory(bucket.with_faults(faults)),
            s3 @ Self::S3 { .. } => s3.clone(),
        }
    }

    /// Reads an object. S3 is strongly consistent: what was put is found.
    pub(crate) async fn get(&self, key: &str) -> Result<Option<Object>, StoreError> {
        counter!("S3Reads").increment(1);
        match self {
            Self::S3 { client, name } => get(client, name, key).await,
            #[cfg(feature = "testing")]
            Self::Memory(memory) => memory.get(key).await,
        }
    }

    /// Puts an object under a condition, which S3 checks in the same step.
    pub(crate) async fn put(
        &self,
        key: &str,
        bytes: Bytes,
        content_type: &str,
        condition: Condition<'_>,
    ) -> Result<Put, StoreError> {
        counter!("S3Writes").increment(1);
        match self {
            Self::S3 { client, name } => put(client, name, key, bytes, content_type, condition).await,
            #[cfg(feature = "testing")]
            Self::Memory(memory) => memory.put(key, bytes, condition).await,
        }
    }

    /// Deletes an object. One that is not there is deleted already.
    pub(crate) async fn delete(&self, key: &str) -> Result<(), StoreError> {
        counter!("S3Writes").increment(1);
        match self {
            Self::S3 { client, name } => {
                let deleted = client.delete_object().bucket(name).key(key).send().await;
                deleted.map(drop).map_err(|error| StoreError::from_sdk("DeleteObject", &error))
            }
            #[cfg(feature = "testing")]
            Self::Memory(memory) => memory.remove(key).await,
        }
    }

    /// An address from which whoever has it can read the object, for so long, as a file of a name and type. Whether the
    /// object is there is not looked at.
    pub(crate) async fn download(&self, key: &str, lifetime: Duration, file: File<'_>) -> Result<String, StoreError> {
        match self {
            Self::S3 { client, name } => {
                let lifetime = PresigningConfig::expires_in(lifetime).map_err(StoreError::corrupt)?;
                let request = client
                    .get_object()
                    .bucket(name)
                    .key(key)
                    .response_content_type(file.content_type)
                    .response_content_disposition(file.disposition())
                    .presigned(lifetime)
                    .await
                    .map_err(|error| StoreError::from_sdk("GetObject (link)", &error))?;
                Ok(request.uri().to_owned())
            }
            #[cfg(feature = "testing")]
            Self::Memory(_) => Ok(format!("memory:{key}")),
        }
    }

    /// Writes an object that never changes. Writing it again is right, and costs a read.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when something else is there: what was published does not follow from the log.
    pub(crate) async fn put_for_ever(&self, key: &str, bytes: Bytes) -> Result<(), StoreError> {
        for _ in 0..MAX_ATTEMPTS {
            if self.put(key, bytes.clone(), "application/octet-stream", Condition::Absent).await? == Put::Done {
                return Ok(());
            }
            match self.get(key).await? {
                Some(found) if found.bytes == bytes => return Ok(()),
                Some(_) => {
                    return Err(StoreError::corrupt(format_args!("{key} differs from what the log says")));
                }
                None => {}
            }
        }
        Err(StoreError::Unavailable { operation: "PutObject", code: "the object comes and goes".to_owned() })
    }
}

async fn get(client: &Client, bucket: &str, key: &str) -> Result<Option<Object>, StoreError> {
    const OPERATION: &str = "GetObject";
    let answer = match client.get_object().bucket(bucket).key(key).send().await {
        Ok(answer) => answer,
        Err(SdkError::ServiceError(refusal)) if matches!(refusal.err(), GetObjectError::NoSuchKey(_)) => {
            return Ok(None);
        }
        Err(error) => return Err(StoreError::from_sdk(OPERATION, &error)),
    };
    if answer.content_length().is_none_or(|length| length > MAX_OBJECT_BYTES) {
        return Err(StoreError::corrupt(format_args!("{key} is larger than anything of ours")));
    }
    let etag = answer.e_tag().unwrap_or_default().to_owned();
    let body = answer.body.collect().await;
    let bytes = body.map_err(|_| StoreError::Unavailable { operation: OPERATION, code: "a cut body".to_owned() })?;
    Ok(Some(Object { bytes: bytes.into_bytes(), etag }))
}

async fn put(
    client: &Client,
    bucket: &str,
    key: &str,
    bytes: Bytes,
    content_type: &str,
    condition: Condition<'_>,
) -> Result<Put, StoreError> {
    let request = client.put_object().bucket(bucket).key(key).content_type(content_type).body(ByteStream::from(bytes));
    let request = match condition {
        Condition::Absent => request.if_none_match("*"),
        Condition::Is(etag) => request.if_match(etag),
    };
    match request.send().await {
        Ok(_) => Ok(Put::Done),
        // https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html: the condition does not hold;
        // another write to the key came between; the version to be replaced was deleted.
        Err(error) => match error.code() {
            Some("PreconditionFailed" | "ConditionalRequestConflict" | "NoSuchKey") => Ok(Put::Refused),
            _ => Err(StoreError::from_sdk("PutObject", &error)),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::File;

    #[test]
    fn a_file_is_named_in_a_way_that_no_header_breaks() {
        let disposition = |name| File { name, content_type: "text/plain" }.disposition();
        assert_eq!(disposition("invoice-7.pdf"), "attachment; filename=\"invoice-7.pdf\"");
        let odd = "attachment; filename=\"a___b_.pdf\"; filename*=UTF-8''a%22%0D%0Ab%C3%BC.pdf";
        assert_eq!(disposition("a\"\r\nbü.pdf"), odd);
    }
}
