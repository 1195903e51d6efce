//! Objects that a client uploads by itself, with a link that fits one object alone.

use std::time::Duration;

use aws_sdk_s3::{
    Client,
    error::ProvideErrorMetadata,
    operation::head_object::HeadObjectError,
    presigning::PresigningConfig,
    types::{ChecksumMode, Tag, Tagging},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use metrics::counter;
use sha2::{Digest, Sha256};

use super::Bucket;
use crate::error::StoreError;

/// The object that a link to upload is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Expected<'a> {
    pub(crate) content_type: &'a str,
    /// In bytes.
    pub(crate) size: u64,
    pub(crate) sha256: [u8; 32],
}

impl Expected<'_> {
    /// The digest as S3 writes it.
    pub(crate) fn checksum(&self) -> String {
        BASE64_STANDARD.encode(self.sha256)
    }
}

/// A request that whoever has it can make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadLink {
    pub url: String,
    /// The headers that are signed with it, by their names in lower case: they must be sent as they are.
    pub headers: Vec<(String, String)>,
}

/// What the bucket says of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Described {
    pub(crate) content_type: String,
    /// In bytes.
    pub(crate) size: u64,
    /// Of all its bytes, if the bucket has checked it at the upload.
    pub(crate) sha256: Option<[u8; 32]>,
    /// Names this very version.
    pub(crate) etag: String,
}

impl Bucket {
    /// A link with which whoever has it can put one object, for so long: of this type, length and digest, which S3
    /// compares with what comes in, and where nothing is.
    pub(crate) async fn upload(
        &self,
        key: &str,
        lifetime: Duration,
        expected: Expected<'_>,
    ) -> Result<UploadLink, StoreError> {
        match self {
            Self::S3 { client, name } => upload(client, name, key, lifetime, expected).await,
            #[cfg(feature = "testing")]
            Self::Memory(memory) => Ok(memory.upload(key, expected)),
        }
    }

    /// What is said of an object, if it is there.
    pub(crate) async fn describe(&self, key: &str) -> Result<Option<Described>, StoreError> {
        counter!("S3Reads").increment(1);
        match self {
            Self::S3 { client, name } => describe(client, name, key).await,
            #[cfg(feature = "testing")]
            Self::Memory(memory) => memory.describe(key).await,
        }
    }

    /// The digest of an object's bytes, which are read one piece after another. `etag`: of the version that is meant.
    pub(crate) async fn digest(&self, key: &str, etag: &str) -> Result<[u8; 32], StoreError> {
        counter!("S3Reads").increment(1);
        match self {
            Self::S3 { client, name } => digest(client, name, key, etag).await,
            #[cfg(feature = "testing")]
            Self::Memory(memory) => match memory.get(key).await? {
                Some(object) if object.etag == etag => Ok(Sha256::digest(&object.bytes).into()),
                _ => Err(StoreError::Unavailable { operation: "GetObject", code: "another version came".to_owned() }),
            },
        }
    }

    /// Gives an object this tag and no other. Nothing happens where no object is.
    pub(crate) async fn tag(&self, key: &str, name: &'static str, value: &'static str) -> Result<(), StoreError> {
        counter!("S3Writes").increment(1);
        match self {
            Self::S3 { client, name: bucket } => tag(client, bucket, key, name, value).await,
            #[cfg(feature = "testing")]
            Self::Memory(memory) => memory.tag(key, name, value).await,
        }
    }
}

async fn upload(
    client: &Client,
    bucket: &str,
    key: &str,
    lifetime: Duration,
    expected: Expected<'_>,
) -> Result<UploadLink, StoreError> {
    let lifetime = PresigningConfig::expires_in(lifetime).map_err(StoreError::corrupt)?;
    let request = client
        .put_object()
        .bucket(bucket)
        .key(key)
        .content_type(expected.content_type)
        .content_length(i64::try_from(expected.size).map_err(StoreError::corrupt)?)
        .checksum_sha256(expected.checksum())
        .if_none_match("*")
        .presigned(lifetime)
        .await
        .map_err(|error| StoreError::from_sdk("PutObject (link)", &error))?;
    let headers = request.headers().map(|(name, value)| (name.to_owned(), value.to_owned()));
    Ok(UploadLink { url: request.uri().to_owned(), headers: headers.collect() })
}

async fn describe(client: &Client, bucket: &str, key: &str) -> Result<Option<Described>, StoreError> {
    const OPERATION: &str = "HeadObject";
    let asked = client.head_object().bucket(bucket).key(key).checksum_mode(ChecksumMode::Enabled).send().await;
    let answer = match asked {
        Ok(answer) => answer,
        Err(error) if matches!(error.as_service_error(), Some(HeadObjectError::NotFound(_))) => return Ok(None),
        Err(error) => return Err(StoreError::from_sdk(OPERATION, &error)),
    };
    let size = answer.content_length().and_then(|length| u64::try_from(length).ok());
    Ok(Some(Described {
        content_type: answer.content_type().unwrap_or_default().to_owned(),
        size: size.ok_or_else(|| StoreError::corrupt(format_args!("{key} has no length")))?,
        // Of an object in parts it would be a digest of digests, with the number of parts behind it.
        sha256: answer.checksum_sha256().and_then(|text| BASE64_STANDARD.decode(text).ok()?.try_into().ok()),
        etag: answer.e_tag().unwrap_or_default().to_owned(),
    }))
}

async fn digest(client: &Client, bucket: &str, key: &str, etag: &str) -> Result<[u8; 32], StoreError> {
    const OPERATION: &str = "GetObject";
    let answer = client.get_object().bucket(bucket).key(key).if_match(etag).send().await;
    let mut body = match answer {
        Ok(answer) => answer.body,
        Err(error) if error.code() == Some("PreconditionFailed") => {
            return Err(StoreError::Unavailable { operation: OPERATION, code: "another version came".to_owned() });
        }
        Err(error) => return Err(StoreError::from_sdk(OPERATION, &error)),
    };
    let mut digest = Sha256::new();
    while let Some(piece) = body
        .try_next()
        .await
        .map_err(|_| StoreError::Unavailable { operation: OPERATION, code: "a cut body".to_owned() })?
    {
        digest.update(&piece);
    }
    Ok(digest.finalize().into())
}

async fn tag(
    client: &Client,
    bucket: &str,
    key: &str,
    name: &'static str,
    value: &'static str,
) -> Result<(), StoreError> {
    let tag = Tag::builder().key(name).value(value).build().map_err(StoreError::corrupt)?;
    let tagging = Tagging::builder().tag_set(tag).build().map_err(StoreError::corrupt)?;
    match client.put_object_tagging().bucket(bucket).key(key).tagging(tagging).send().await {
        Ok(_) => Ok(()),
        Err(error) => match error.code() {
            // A lifecycle rule was there before us.
            Some("NoSuchKey" | "MethodNotAllowed") => Ok(()),
            _ => Err(StoreError::from_sdk("PutObjectTagging", &error)),
        },
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

    use std::{collections::BTreeMap, time::Duration};

    use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};

    use super::*;

    fn bucket() -> Bucket {
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-central-1"))
            .credentials_provider(Credentials::new("key", "secret", Some("session".to_owned()), None, "a test"))
            .build();
        Bucket::S3 { client: Client::from_conf(config), name: "data".to_owned() }
    }

    fn query(url: &str) -> BTreeMap<&str, &str> {
        let (_, query) = url.split_once('?').unwrap();
        query.split('&').map(|pair| pair.split_once('=').unwrap()).collect()
    }

    /// What is not signed can be changed by whoever has the link.
    #[tokio::test]
    async fn a_link_to_upload_is_for_one_length_type_and_digest() {
        let expected = Expected { content_type: "text/plain; charset=utf-8", size: 12, sha256: [1; 32] };
        let link = bucket().upload("attachments/acme/att_1", Duration::from_secs(900), expected).await.unwrap();
        let address = "https://data.s3.eu-central-1.amazonaws.com/attachments/acme/att_1?";
        assert!(link.url.starts_with(address), "{}", link.url);
        let query = query(&link.url);
        let signed = "content-length%3Bcontent-type%3Bhost%3Bif-none-match%3Bx-amz-checksum-sha256";
        assert_eq!((query["X-Amz-SignedHeaders"], query["X-Amz-Expires"]), (signed, "900"), "{}", link.url);
        assert!(!link.url.contains("crc32"), "no other checksum, of a body that is not there: {}", link.url);
        let headers: BTreeMap<_, _> =
            link.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let expected = BTreeMap::from([
            ("content-length", "12"),
            ("content-type", "text/plain; charset=utf-8"),
            ("if-none-match", "*"),
            ("x-amz-checksum-sha256", "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="),
        ]);
        assert_eq!(headers, expected);
    }

    #[tokio::test]
    async fn a_link_to_download_names_the_file_and_ends_soon() {
        let file = super::super::File { name: "für.pdf", content_type: "application/pdf" };
        let url = bucket().download("attachments/acme/att_1", Duration::from_secs(300), file).await.unwrap();
        let query = query(&url);
        assert_eq!(query["X-Amz-Expires"], "300");
        assert_eq!(query["X-Amz-SignedHeaders"], "host", "a browser needs no header to follow it");
        assert_eq!(query["response-content-type"], "application%2Fpdf");
        let disposition = "attachment%3B%20filename%3D%22f_r.pdf%22%3B%20filename%2A%3DUTF-8%27%27f%25C3%25BCr.pdf";
        assert_eq!(query["response-content-disposition"], disposition);
    }
}
