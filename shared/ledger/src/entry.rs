//! Entries as they are handed out: alone, or with what they commit to.

use domain::json;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    commitment::{self, FieldState, Opening},
    leaf::{LeafEntry, LeafError},
};

/// The longest form of an entry that is read, in bytes. An event has at most 256 KiB; one of nothing but digits and
/// commas has 128 Ki fields, each of which brings its salt along once one was erased.
pub const MAX_OPENED_BYTES: usize = 16 * 1024 * 1024;

/// A leaf entry with the event that it commits to. The leaf is `JCS(entry)`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OpenedEntry {
    pub entry: LeafEntry,
    /// `{}` when the event has none.
    pub metadata: Map<String, Value>,
    /// `secret` or `opening`.
    #[serde(flatten)]
    pub opening: Opening,
    pub payload: Map<String, Value>,
}

/// What a proof shows of an event: `{"entry": …}`, or an [`OpenedEntry`].
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "the large one is the common one, and there is one at a time")]
pub enum Shown {
    Entry(LeafEntry),
    Opened(Box<OpenedEntry>),
}

/// `{"entry": …}`
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Alone {
    entry: LeafEntry,
}

/// Why an entry was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    #[error("it is longer than {MAX_OPENED_BYTES} bytes")]
    TooLarge,
    #[error(transparent)]
    Json(#[from] json::JsonError),
    #[error("it has not the members of an entry: {0}")]
    Form(String),
    #[error("it is not in the canonical form of RFC 8785")]
    NotCanonical,
    #[error(transparent)]
    Leaf(#[from] LeafError),
    /// The opening does not account for a field: it was added, or put in the place of an erased one.
    #[error("the field {pointer:?} is not what was recorded")]
    Field { pointer: String },
    #[error("the field {pointer:?} is gone without having been erased")]
    MissingField { pointer: String },
    /// A value, a salt or a digest was changed; which one cannot be told.
    #[error("payload and metadata are not what was recorded")]
    Content,
}

impl OpenedEntry {
    /// Reads one, and takes it only in its canonical form. What it commits to is not checked yet: see
    /// [`OpenedEntry::check`].
    ///
    /// # Errors
    /// [`EntryError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, EntryError> {
        let opened: Self = canonical(bytes)?;
        opened.entry.check_version()?;
        Ok(opened)
    }

    /// Its bytes: JCS, without a line feed.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        json::canonical(self)
    }

    /// Checks that payload and metadata are those to which the entry commits.
    ///
    /// # Errors
    /// [`EntryError::Content`], [`EntryError::Field`] and [`EntryError::MissingField`].
    pub fn check(&self) -> Result<(), EntryError> {
        let Self { entry, payload, metadata, opening } = self;
        if commitment::content(opening, payload, metadata) == entry.content {
            return Ok(());
        }
        let fields = commitment::fields(opening, payload, metadata);
        let first = fields.into_iter().find_map(|field| match field.state {
            FieldState::Mismatch => Some(EntryError::Field { pointer: field.pointer }),
            FieldState::Missing => Some(EntryError::MissingField { pointer: field.pointer }),
            FieldState::Kept { .. } | FieldState::Erased { .. } => None,
        });
        Err(first.unwrap_or(EntryError::Content))
    }
}

impl Shown {
    /// Reads what a proof shows, in its canonical form.
    ///
    /// # Errors
    /// [`EntryError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, EntryError> {
        // Only an opened entry has more than its first member, and in canonical form that one ends with two braces.
        match canonical::<Alone>(bytes) {
            Ok(Alone { entry }) => {
                entry.check_version()?;
                Ok(Self::Entry(entry))
            }
            Err(EntryError::Form(_)) => OpenedEntry::parse(bytes).map(|opened| Self::Opened(Box::new(opened))),
            Err(other) => Err(other),
        }
    }

    /// Its bytes: JCS, without a line feed.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Entry(entry) => json::canonical(&Alone { entry: entry.clone() }),
            Self::Opened(opened) => opened.to_bytes(),
        }
    }

    #[must_use]
    pub fn entry(&self) -> &LeafEntry {
        match self {
            Self::Entry(entry) => entry,
            Self::Opened(opened) => &opened.entry,
        }
    }

    /// [`OpenedEntry::check`], where there is something to check.
    ///
    /// # Errors
    /// [`EntryError`].
    pub fn check(&self) -> Result<(), EntryError> {
        match self {
            Self::Entry(_) => Ok(()),
            Self::Opened(opened) => opened.check(),
        }
    }
}

/// Reads canonical JSON. Duplicate keys, numbers that are no doubles and unknown members do not get past it.
pub(crate) fn canonical<T: Serialize + for<'de> Deserialize<'de>>(bytes: &[u8]) -> Result<T, EntryError> {
    if bytes.len() > MAX_OPENED_BYTES {
        return Err(EntryError::TooLarge);
    }
    let read: T = serde_json::from_value(json::parse(bytes)?).map_err(|error| EntryError::Form(error.to_string()))?;
    // Sees white space and the order of members, and also a member that was not taken over.
    if json::canonical(&read) == bytes { Ok(read) } else { Err(EntryError::NotCanonical) }
}
