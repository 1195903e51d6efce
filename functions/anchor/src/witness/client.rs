//! `add-checkpoint`: one request, and what a witness may answer.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use ledger::{Hash, Note};
use reqwest::{Response, StatusCode, header::CONTENT_TYPE, redirect};
use store::StoreError;

use super::{Witness, WitnessConfigError};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest answer that is read, in bytes: some ten signatures of the largest kind.
const MAX_ANSWER_BYTES: usize = 64 * 1024;
/// The content type of a conflict's answer.
const SIZE_TYPE: &str = "text/x.tlog.size";
const USER_AGENT: &str = "order-history-ledger-anchor";

/// Why a witness did not cosign.
#[derive(Debug, thiserror::Error)]
pub enum WitnessError {
    #[error("it cannot be reached: {0}")]
    Unreachable(String),
    #[error("it answered {status}")]
    Status { status: u16 },
    #[error("its answer is none: {0}")]
    Answer(&'static str),
    #[error("its signature does not hold: {0}")]
    Signature(ledger::note::NoteError),
    /// Our log is behind what it was once: it was put back, or somebody else signs with our key.
    #[error("it has cosigned a tree of {theirs} events, and ours has {ours}")]
    Ahead { theirs: u64, ours: u64 },
    #[error("it does not accept to be asked from the size {theirs} that it names itself")]
    Undecided { theirs: u64 },
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a witness says to a checkpoint.
#[derive(Debug)]
pub(super) enum Answer {
    /// The checkpoint with the cosignatures of its key, verified.
    Cosigned(Note),
    /// It has cosigned a tree of another size last.
    Seen(u64),
}

/// Talks to witnesses: with time-outs, without redirects, and not reading more than an answer can be.
#[derive(Debug, Clone)]
pub struct Client(reqwest::Client);

impl Client {
    /// # Errors
    /// [`WitnessConfigError::Client`], when there is no TLS to be had.
    pub fn new() -> Result<Self, WitnessConfigError> {
        let client = reqwest::Client::builder()
            .user_agent(USER_AGENT)
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(REQUEST_TIMEOUT)
            .redirect(redirect::Policy::none())
            .build()?;
        Ok(Self(client))
    }

    /// Shows a checkpoint, with the proof that it extends the tree of `old` events.
    pub(super) async fn add_checkpoint(
        &self,
        witness: &Witness,
        old: u64,
        proof: &[Hash],
        checkpoint: &Note,
    ) -> Result<Answer, WitnessError> {
        let request = self.0.post(witness.url.clone()).body(body(old, proof, checkpoint));
        let response = request.send().await.map_err(unreachable)?;
        match response.status() {
            StatusCode::OK => cosigned(witness, checkpoint, &read(response).await?),
            StatusCode::CONFLICT => {
                let content_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
                if content_type != Some(SIZE_TYPE) {
                    return Err(WitnessError::Answer("a conflict without a tree size"));
                }
                size(&read(response).await?).map(Answer::Seen).ok_or(WitnessError::Answer("no tree size"))
            }
            status => Err(WitnessError::Status { status: status.as_u16() }),
        }
    }
}

/// The old size, the proof's hashes, an empty line, and the checkpoint.
fn body(old: u64, proof: &[Hash], checkpoint: &Note) -> String {
    let hashes: String = proof.iter().map(|hash| STANDARD.encode(hash.0) + "\n").collect();
    format!("old {old}\n{hashes}\n{checkpoint}")
}

async fn read(mut response: Response) -> Result<Vec<u8>, WitnessError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > MAX_ANSWER_BYTES {
            return Err(WitnessError::Answer("too long"));
        }
    }
    Ok(bytes)
}

/// Its signature lines, put below the checkpoint. Those of other keys are passed over.
fn cosigned(witness: &Witness, checkpoint: &Note, lines: &[u8]) -> Result<Answer, WitnessError> {
    let signed = [checkpoint.text().as_bytes(), b"\n", lines].concat();
    let note = Note::parse(&signed).map_err(WitnessError::Signature)?;
    let keys = [witness.key.clone()];
    let verified = note.verify(&keys).map_err(WitnessError::Signature)?;
    // Of a whole tree a cosignature has a time.
    if verified.iter().any(|signature| signature.timestamp.unwrap_or_default() == 0) {
        return Err(WitnessError::Answer("a cosignature without a time"));
    }
    let own = note.signatures().iter().filter(|signature| signature.is_by(&witness.key)).cloned();
    let signatures = checkpoint.signatures().iter().cloned().chain(own).collect();
    Note::new(checkpoint.text(), signatures).map(Answer::Cosigned).map_err(WitnessError::Signature)
}

/// A decimal number and a line feed.
fn size(answer: &[u8]) -> Option<u64> {
    let digits = std::str::from_utf8(answer).ok()?.strip_suffix('\n')?;
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

/// Without the address: the witness's name says which it is.
fn unreachable(error: reqwest::Error) -> WitnessError {
    WitnessError::Unreachable(error.without_url().to_string())
}
