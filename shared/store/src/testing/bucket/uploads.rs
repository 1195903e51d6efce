//! What a client uploads by itself: the bucket holds it against its link, as S3 does.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::{MemoryBucket, Objects, etag};
use crate::{
    bucket::{Described, Expected, UploadLink},
    error::StoreError,
};

/// What is beside the bytes of objects.
#[derive(Debug, Default)]
pub(super) struct Uploads {
    /// The headers that each link is signed with, and the key that it is for.
    links: HashMap<String, (String, BTreeMap<String, String>)>,
    content_types: HashMap<String, String>,
    /// The digests that are told.
    checksums: HashMap<String, [u8; 32]>,
    tags: BTreeMap<String, BTreeMap<String, String>>,
    /// Of objects that are uploaded from now on, no digest is told.
    tells_no_checksums: bool,
}

impl MemoryBucket {
    /// Uploads with a link, and returns the status that S3 would answer with: 403 unless the headers are the signed ones,
    /// 400 unless the bytes are those that the headers say, 412 where something is.
    #[must_use]
    pub fn receive(&self, url: &str, headers: &BTreeMap<String, String>, bytes: &[u8]) -> u16 {
        let mut objects = self.lock();
        let Objects { current, uploads, .. } = &mut *objects;
        let Some((key, signed)) = uploads.links.get(url).cloned() else { return 403 };
        if *headers != signed || signed["content-length"] != bytes.len().to_string() {
            return 403;
        }
        let digest: [u8; 32] = Sha256::digest(bytes).into();
        let expected = Expected { content_type: "", size: 0, sha256: digest };
        if signed["x-amz-checksum-sha256"] != expected.checksum() {
            return 400;
        }
        if current.contains_key(&key) {
            return 412;
        }
        uploads.content_types.insert(key.clone(), signed["content-type"].clone());
        if !uploads.tells_no_checksums {
            uploads.checksums.insert(key.clone(), digest);
        }
        objects.put(&key, Bytes::copy_from_slice(bytes));
        200
    }

    /// From now on it does not say what it has checked, as some emulators do.
    pub fn tell_no_checksums(&self) {
        self.lock().uploads.tells_no_checksums = true;
    }

    /// The tags of an object.
    #[must_use]
    pub fn tags(&self, key: &str) -> BTreeMap<String, String> {
        self.lock().uploads.tags.get(key).cloned().unwrap_or_default()
    }

    pub(crate) fn upload(&self, key: &str, expected: Expected<'_>) -> UploadLink {
        let mut objects = self.lock();
        let url = format!("memory:{key}?signature={}", objects.uploads.links.len());
        let headers = BTreeMap::from([
            ("content-length".to_owned(), expected.size.to_string()),
            ("content-type".to_owned(), expected.content_type.to_owned()),
            ("if-none-match".to_owned(), "*".to_owned()),
            ("x-amz-checksum-sha256".to_owned(), expected.checksum()),
        ]);
        objects.uploads.links.insert(url.clone(), (key.to_owned(), headers.clone()));
        UploadLink { url, headers: headers.into_iter().collect() }
    }

    pub(crate) async fn describe(&self, key: &str) -> Result<Option<Described>, StoreError> {
        self.travel().await;
        let call = self.faults.before()?;
        let described = {
            let objects = self.lock();
            objects.current.get(key).map(|(bytes, version)| Described {
                content_type: objects.uploads.content_types.get(key).cloned().unwrap_or_default(),
                size: bytes.len() as u64,
                sha256: objects.uploads.checksums.get(key).copied(),
                etag: etag(*version),
            })
        };
        self.faults.after(call)?;
        Ok(described)
    }

    pub(crate) async fn tag(&self, key: &str, name: &str, value: &str) -> Result<(), StoreError> {
        self.travel().await;
        let call = self.faults.before()?;
        {
            let mut objects = self.lock();
            if objects.current.contains_key(key) {
                let tags = BTreeMap::from([(name.to_owned(), value.to_owned())]);
                objects.uploads.tags.insert(key.to_owned(), tags);
            }
        }
        Ok(self.faults.after(call)?)
    }
}
