//! The documents of an order, and what became of them.

use std::{collections::HashMap, pin::pin};

use domain::{
    ids::{AttachmentId, OrderId, TenantId},
    record::{AttachmentDeleted, AttachmentRegistered},
};
use futures::TryStreamExt;

use super::Said;
use crate::{
    error::StoreError,
    log::{Log, RecordedEvent},
};

/// A document that was attached.
#[derive(Debug, Clone, PartialEq)]
pub struct Attached {
    pub registered: Said<AttachmentRegistered>,
    pub deleted: Option<Said<AttachmentDeleted>>,
}

/// An order's documents, in the order in which they were registered.
#[derive(Debug, Clone, Default)]
pub struct Documents {
    attached: Vec<Attached>,
    /// Where in `attached` each is.
    places: HashMap<AttachmentId, usize>,
}

impl Documents {
    /// One query, unless more than a thousand events say something about the order's history. Only the documents among
    /// them are held.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn read(log: &Log, tenant: &TenantId, order_id: &OrderId) -> Result<Self, StoreError> {
        let mut documents = Self::default();
        let mut linked = pin!(log.linked(tenant, order_id));
        while let Some(event) = linked.try_next().await? {
            documents.add(&event);
        }
        Ok(documents)
    }

    /// Takes the next event of [`Log::linked`], if it is about a document.
    pub fn add(&mut self, event: &RecordedEvent) {
        if let Some(registered) = Said::<AttachmentRegistered>::of(event) {
            self.places.insert(registered.record.attachment_id.clone(), self.attached.len());
            self.attached.push(Attached { registered, deleted: None });
        } else if let Some(deleted) = Said::<AttachmentDeleted>::of(event)
            && let Some(place) = self.places.get(&deleted.record.attachment_id)
        {
            self.attached[*place].deleted = Some(deleted);
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = &Attached> {
        self.attached.iter()
    }
}
