//! Witnesses: others who sign that our anchor log only ever grew (<https://c2sp.org/tlog-witness>,
//! <https://c2sp.org/tlog-cosignature>).

mod client;

use std::collections::BTreeSet;

use domain::{ids::TenantId, time::Timestamp};
use ledger::{VerifierKey, note::KeyType};
use reqwest::Url;
use serde::Deserialize;
use store::{
    StoreError, Trees,
    tree::{Published, TreesError, WitnessRecord},
};

use client::Answer;
pub use client::{Client, WitnessError};

/// The environment variable that lists the witnesses, as JSON: `[{"name": …, "url": …, "vkey": …}]`.
const WITNESSES: &str = "WITNESSES";
/// The environment variable that permits `http` to this very machine, for a local stack.
const ALLOW_LOOPBACK: &str = "WITNESS_ALLOW_LOOPBACK";

/// A witness that we ask.
#[derive(Debug, Clone)]
pub struct Witness {
    key: VerifierKey,
    /// The submission prefix and `/add-checkpoint`.
    url: Url,
}

/// An element of [`WITNESSES`].
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WitnessSetting {
    /// The name under which it signs; the same as in `vkey`.
    name: String,
    /// Its submission prefix.
    url: String,
    /// Its key, of type 0x04.
    vkey: VerifierKey,
}

/// The list of witnesses is unusable.
#[derive(Debug, thiserror::Error)]
pub enum WitnessConfigError {
    #[error("{WITNESSES} is not a list of witnesses: {0}")]
    Json(#[from] serde_json::Error),
    #[error("{WITNESSES}: the key of {name} is of another witness, or not one for cosignatures")]
    Key { name: String },
    #[error("{WITNESSES}: the address of {name} is not one that starts with https://")]
    Url { name: String },
    #[error("{WITNESSES} names {name} twice")]
    Twice { name: String },
    #[error("there is no HTTPS client: {0}")]
    Client(#[from] reqwest::Error),
}

/// Where a witness stands after it was asked.
#[derive(Debug)]
pub struct Followed {
    /// How many events of the anchor log it has not seen.
    pub behind: u64,
    pub failed: Option<WitnessError>,
}

/// # Errors
/// [`WitnessConfigError`]
pub(crate) fn from_env() -> Result<Vec<Witness>, WitnessConfigError> {
    let list = std::env::var(WITNESSES).unwrap_or_default();
    let list = if list.is_empty() { "[]" } else { &list };
    parse(list, std::env::var(ALLOW_LOOPBACK).is_ok_and(|allowed| allowed == "true"))
}

/// Reads the list of witnesses. `allow_loopback`: whether one on this very machine may be reached over plain `http`.
///
/// # Errors
/// [`WitnessConfigError`]
pub fn parse(list: &str, allow_loopback: bool) -> Result<Vec<Witness>, WitnessConfigError> {
    let settings: Vec<WitnessSetting> = serde_json::from_str(list)?;
    let mut names = BTreeSet::new();
    settings
        .into_iter()
        .map(|WitnessSetting { name, url, vkey }| {
            if vkey.key_type() != KeyType::Cosignature || vkey.name() != name {
                return Err(WitnessConfigError::Key { name });
            }
            if !names.insert(name.clone()) {
                return Err(WitnessConfigError::Twice { name });
            }
            let prefix = url.trim_end_matches('/');
            let url = Url::parse(&format!("{prefix}/add-checkpoint"));
            match url.ok().filter(|url| is_safe(url, allow_loopback)) {
                Some(url) => Ok(Witness { key: vkey, url }),
                None => Err(WitnessConfigError::Url { name }),
            }
        })
        .collect()
}

fn is_safe(url: &Url, allow_loopback: bool) -> bool {
    let loopback = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    let plain = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    plain
        && url.password().is_none()
        && match url.scheme() {
            "https" => url.has_host(),
            "http" => loopback && allow_loopback,
            _ => false,
        }
}

impl Witness {
    #[must_use]
    pub fn name(&self) -> &str {
        self.key.name()
    }
}

/// Shows the anchor log's checkpoint to a witness that has not cosigned it, and keeps the cosignature.
///
/// What we noted of a witness may be behind what it knows, when its last answer was lost. It says so, and is then asked
/// from there.
pub(crate) async fn follow(
    trees: &Trees,
    client: &Client,
    witness: &Witness,
    published: &Published,
    now: Timestamp,
) -> Followed {
    let size = published.head().size;
    match try_follow(trees, client, witness, published, now).await {
        Ok(()) => Followed { behind: 0, failed: None },
        Err(error) => {
            let seen = trees.witness(witness.name()).await.ok().flatten().map_or(0, |record| record.size);
            Followed { behind: size.saturating_sub(seen), failed: Some(error) }
        }
    }
}

async fn try_follow(
    trees: &Trees,
    client: &Client,
    witness: &Witness,
    published: &Published,
    now: Timestamp,
) -> Result<(), WitnessError> {
    let size = published.head().size;
    let mut seen = trees.witness(witness.name()).await?.map_or(0, |record| record.size);
    if seen == size {
        return Ok(());
    }
    let mut asked_again = false;
    loop {
        // A note of ours that is too large would be corrected by the witness; it is asked as if it had seen nothing.
        seen = if seen > size { 0 } else { seen };
        let proof = match seen {
            0 => Vec::new(),
            seen => consistency(trees, seen, size).await?,
        };
        match client.add_checkpoint(witness, seen, &proof, &published.note).await? {
            Answer::Cosigned(note) => {
                trees.keep_cosignatures(size, &note).await?;
                let record = WitnessRecord { name: witness.name().to_owned(), size, updated_at: now };
                return Ok(trees.set_witness(&record).await?);
            }
            Answer::Seen(theirs) if theirs > size => return Err(WitnessError::Ahead { theirs, ours: size }),
            Answer::Seen(theirs) if asked_again || theirs == seen => return Err(WitnessError::Undecided { theirs }),
            Answer::Seen(theirs) => (seen, asked_again) = (theirs, true),
        }
    }
}

async fn consistency(trees: &Trees, from: u64, to: u64) -> Result<Vec<ledger::Hash>, StoreError> {
    match trees.consistency(&TenantId::anchor(), from, to).await {
        Ok(proof) => Ok(proof.hashes),
        Err(TreesError::Store(error)) => Err(error),
        Err(error @ TreesError::NotInTree { .. }) => Err(StoreError::Corrupt { what: error.to_string() }),
    }
}
