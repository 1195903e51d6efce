//! The data bucket: the entries of large segments.

use std::time::Duration;

use aws_sdk_s3::{
    Client,
    primitives::ByteStream,
    types::{Delete, ObjectIdentifier},
};
use domain::ids::TenantId;

use super::super::{
    port::StagedObject,
    segment::Segment,
    stored::{object_key, object_prefix},
};
use crate::error::StoreError;

/// What the keys of all objects start with.
const ALL: &str = "segments/";
/// What a listing returns at most; one call deletes as many.
const PAGE: i32 = 1_000;

/// The objects of segments in one bucket.
#[derive(Debug, Clone)]
pub(in super::super) struct Objects {
    pub(in super::super) client: Client,
    pub(in super::super) bucket: String,
}

impl Objects {
    pub(super) async fn put(&self, tenant: &TenantId, segment: &Segment) -> Result<(), StoreError> {
        let packed = segment.packed()?;
        self.client
            .put_object()
            .bucket(&self.bucket)
            .key(object_key(tenant, segment.first, &segment.commit))
            .body(ByteStream::from(packed.to_vec()))
            .send()
            .await
            .map_err(|error| StoreError::from_sdk("PutObject(segments)", &error))?;
        Ok(())
    }

    pub(super) async fn get(&self, key: &str) -> Result<Vec<u8>, StoreError> {
        const OPERATION: &str = "GetObject(segments)";
        let answer = self
            .client
            .get_object()
            .bucket(&self.bucket)
            .key(key)
            .send()
            .await
            .map_err(|error| StoreError::from_sdk(OPERATION, &error))?;
        let body = answer.body.collect().await;
        let body = body.map_err(|error| StoreError::Unavailable { operation: OPERATION, code: error.to_string() })?;
        Ok(body.to_vec())
    }

    /// The tenant's objects at or after a sequence number, in order, as long as they are old enough; at most a page.
    pub(super) async fn list(
        &self,
        tenant: &TenantId,
        from: u64,
        older_than: Duration,
    ) -> Result<Vec<StagedObject>, StoreError> {
        let prefix = object_prefix(tenant);
        let answer = self
            .client
            .list_objects_v2()
            .bucket(&self.bucket)
            .prefix(&prefix)
            .start_after(format!("{prefix}{from:020}"))
            .max_keys(PAGE)
            .send()
            .await
            .map_err(|error| StoreError::from_sdk("ListObjectsV2(segments)", &error))?;
        let now = std::time::SystemTime::now();
        let objects = answer.contents.unwrap_or_default().into_iter().map_while(|object| {
            let (key, modified) = (object.key?, object.last_modified?);
            let first = key.strip_prefix(&prefix)?.split('/').next()?.parse().ok()?;
            let modified = std::time::SystemTime::try_from(modified).ok()?;
            let old = now.duration_since(modified).is_ok_and(|age| age >= older_than);
            old.then_some(StagedObject { key, first })
        });
        Ok(objects.collect())
    }

    /// Whose objects there are.
    pub(super) async fn tenants(&self) -> Result<Vec<TenantId>, StoreError> {
        let mut tenants = Vec::new();
        let mut more = None;
        loop {
            let answer = self
                .client
                .list_objects_v2()
                .bucket(&self.bucket)
                .prefix(ALL)
                .delimiter("/")
                .set_continuation_token(more.take())
                .send()
                .await
                .map_err(|error| StoreError::from_sdk("ListObjectsV2(segments)", &error))?;
            let prefixes = answer.common_prefixes().iter().filter_map(|prefix| prefix.prefix());
            let names = prefixes.filter_map(|prefix| prefix.strip_prefix(ALL)?.strip_suffix('/'));
            // Nothing of ours has a name that is no tenant's.
            tenants.extend(names.filter_map(|name| TenantId::from_stored(name).ok()));
            more = answer.next_continuation_token;
            if more.is_none() {
                return Ok(tenants);
            }
        }
    }

    pub(super) async fn delete(&self, objects: Vec<StagedObject>) -> Result<(), StoreError> {
        const OPERATION: &str = "DeleteObjects(segments)";
        let objects = objects
            .into_iter()
            .map(|object| ObjectIdentifier::builder().key(object.key).build().map_err(StoreError::corrupt))
            .collect::<Result<Vec<_>, _>>()?;
        let delete = Delete::builder().set_objects(Some(objects)).quiet(true).build().map_err(StoreError::corrupt)?;
        let answer = self
            .client
            .delete_objects()
            .bucket(&self.bucket)
            .delete(delete)
            .send()
            .await
            .map_err(|error| StoreError::from_sdk(OPERATION, &error))?;
        match answer.errors().first() {
            None => Ok(()),
            Some(error) => Err(StoreError::Unavailable {
                operation: OPERATION,
                code: error.code().unwrap_or("unknown").to_owned(),
            }),
        }
    }
}
