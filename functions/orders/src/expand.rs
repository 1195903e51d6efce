//! `expand` of a timeline: what was said about its events later.

use std::{
    collections::{BTreeMap, HashMap},
    pin::pin,
};

use domain::ids::{EventId, OrderId, TenantId};
use futures::TryStreamExt;
use http_api::resources::{self, Attachment};
use serde::Deserialize;
use store::{
    Log, StoreError,
    history::{Attached, Documents},
    log::RecordedEvent,
};

/// What is shown with each event.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Expand {
    pub(crate) attachments: bool,
    pub(crate) corrections: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be attachments, corrections, or both with a comma between them")]
pub(crate) struct InvalidExpand;

impl TryFrom<String> for Expand {
    type Error = InvalidExpand;

    fn try_from(text: String) -> Result<Self, InvalidExpand> {
        let mut expand = Self::default();
        for name in text.split(',') {
            let asked = match name {
                "attachments" => &mut expand.attachments,
                "corrections" => &mut expand.corrections,
                _ => return Err(InvalidExpand),
            };
            if std::mem::replace(asked, true) {
                return Err(InvalidExpand);
            }
        }
        Ok(expand)
    }
}

impl Expand {
    pub(crate) fn any(self) -> bool {
        self.attachments || self.corrections
    }
}

/// What was said about an order's events.
#[derive(Debug, Default)]
pub(crate) struct Said {
    /// By event, in the order in which they were registered.
    attachments: HashMap<EventId, Vec<Attachment>>,
    /// By the event that they correct, in the order of the ledger.
    corrections: HashMap<EventId, Vec<RecordedEvent>>,
}

/// What was said about one event.
#[derive(Debug, Default)]
pub(crate) struct About {
    pub(crate) attachments: Vec<Attachment>,
    pub(crate) corrections: Vec<resources::Event>,
    /// Of all of it as JSON, about.
    pub(crate) bytes: usize,
    /// There is more than there was room for.
    pub(crate) truncated: bool,
}

impl Said {
    /// One query, unless nothing of it is asked for.
    pub(crate) async fn read(
        log: &Log,
        tenant: &TenantId,
        order_id: &OrderId,
        expand: Expand,
    ) -> Result<Self, StoreError> {
        let mut said = Self::default();
        if !expand.any() {
            return Ok(said);
        }
        let mut documents = Documents::default();
        let mut linked = pin!(log.linked(tenant, order_id));
        while let Some(event) = linked.try_next().await? {
            if expand.attachments {
                documents.add(&event);
            }
            if let Some(of) = event.entry.event.correction_of.clone().filter(|_| expand.corrections) {
                said.corrections.entry(of).or_default().push(event);
            }
        }
        for Attached { registered, deleted } in documents.iter() {
            let attachment = Attachment::new(order_id.clone(), registered, deleted.as_ref());
            said.attachments.entry(attachment.event_id.clone()).or_default().push(attachment);
        }
        Ok(said)
    }

    /// What was said about an event, as much as there is room for.
    pub(crate) fn about(&self, event_id: &EventId, room: usize) -> Result<About, StoreError> {
        /// What is around an attachment's own texts, in JSON.
        const ATTACHMENT: usize = 512;
        let mut about = About::default();
        for attachment in self.attachments.get(event_id).into_iter().flatten() {
            about.bytes +=
                ATTACHMENT + attachment.filename.len() + attachment.tags.iter().map(String::len).sum::<usize>();
            if about.bytes > room {
                about.truncated = true;
                return Ok(about);
            }
            about.attachments.push(attachment.clone());
        }
        for correction in self.chain(event_id) {
            about.bytes += correction.entry.json_len()?;
            if about.bytes > room {
                about.truncated = true;
                return Ok(about);
            }
            about.corrections.push(correction.clone().into());
        }
        Ok(about)
    }

    /// The corrections of an event, of those, and so on, in the order of the ledger.
    fn chain<'a>(&'a self, event_id: &EventId) -> impl Iterator<Item = &'a RecordedEvent> + use<'a> {
        let of = |event_id: &EventId| {
            self.corrections.get(event_id).into_iter().flatten().map(|correction| (correction.sequence, correction))
        };
        let mut ahead: BTreeMap<u64, &'a RecordedEvent> = of(event_id).collect();
        // Each is recorded after what it corrects, so what comes next is always among those ahead.
        std::iter::from_fn(move || {
            let (_, next) = ahead.pop_first()?;
            ahead.extend(of(&next.entry.event.event_id));
            Some(next)
        })
    }
}
