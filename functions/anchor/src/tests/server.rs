//! A witness, as <https://c2sp.org/tlog-witness> describes it, that can also misbehave.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use ledger::{
    Checkpoint, Hash, Note, VerifierKey,
    note::{KeyType, Signature, cosignature_message},
    tree::{TreeHead, verify_consistency},
};
use store::testing::MemoryKey;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

use crate::witness::{self, Witness};

/// When the witness says that it signed, in seconds since 1970-01-01T00:00:00Z.
const SIGNED_AT: u64 = 1_756_470_896;

/// How it behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mood {
    Proper,
    /// It closes every connection.
    Down,
    /// It does its work, and then closes the connection without an answer.
    Forgetful,
    /// It cosigns with another key.
    Foreign,
    /// It cosigns another text.
    Wrong,
    /// It sends the client somewhere else.
    Moved,
    /// It does not stop talking.
    Endless,
    /// It says that it has seen a tree larger than any.
    Ahead,
}

/// A witness on a port of its own.
pub(super) struct Server {
    state: Arc<Mutex<State>>,
    address: SocketAddr,
    name: &'static str,
    task: JoinHandle<()>,
}

struct State {
    name: &'static str,
    key: MemoryKey,
    log: VerifierKey,
    latest: Option<TreeHead>,
    mood: Mood,
    requests: Vec<u16>,
}

impl Server {
    /// A witness that follows the log of this key.
    pub(super) async fn start(name: &'static str, log: VerifierKey) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let key = MemoryKey::new([name.len() as u8; 32]);
        let state = State { name, key, log, latest: None, mood: Mood::Proper, requests: Vec::new() };
        let state = Arc::new(Mutex::new(state));
        let shared = Arc::clone(&state);
        let task = tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                tokio::spawn(serve(connection, Arc::clone(&shared)));
            }
        });
        Self { state, address, name, task }
    }

    pub(super) fn key(&self) -> VerifierKey {
        let public = self.state.lock().unwrap().key.public_key();
        VerifierKey::new(self.name, KeyType::Cosignature, &public).unwrap()
    }

    /// As it is configured.
    pub(super) fn setting(&self) -> Witness {
        let list =
            format!(r#"[{{"name":"{}","url":"http://{}/w/","vkey":"{}"}}]"#, self.name, self.address, self.key());
        witness::parse(&list, true).unwrap().remove(0)
    }

    pub(super) fn behave(&self, mood: Mood) {
        self.state.lock().unwrap().mood = mood;
    }

    /// The size of the newest tree that it has cosigned.
    pub(super) fn seen(&self) -> Option<u64> {
        self.state.lock().unwrap().latest.map(|head| head.size)
    }

    /// It believes to have seen another tree.
    pub(super) fn believe(&self, head: TreeHead) {
        self.state.lock().unwrap().latest = Some(head);
    }

    /// The status codes that it answered since the last call of this.
    pub(super) fn take_answers(&self) -> Vec<u16> {
        std::mem::take(&mut self.state.lock().unwrap().requests)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// One request, one answer.
async fn serve(mut connection: TcpStream, state: Arc<Mutex<State>>) {
    let mut request = Vec::new();
    let body = loop {
        let mut buffer = [0; 4096];
        let read = connection.read(&mut buffer).await.unwrap_or(0);
        if read == 0 {
            return;
        }
        request.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&request).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(": ")?;
            name.eq_ignore_ascii_case("content-length").then(|| value.parse::<usize>().unwrap())
        });
        if body.len() >= length.unwrap() {
            assert!(head.starts_with("POST /w/add-checkpoint HTTP/1.1"), "{head}");
            break body.to_owned();
        }
    };
    let (mood, answer) = {
        let mut state = state.lock().unwrap();
        let answer = if state.mood == Mood::Down { (0, "", String::new()) } else { state.answer(&body) };
        state.requests.push(answer.0);
        (state.mood, answer)
    };
    let (status, content_type, text) = answer;
    let headers = match mood {
        Mood::Down | Mood::Forgetful => return,
        Mood::Moved => "HTTP/1.1 307 Moved\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n".to_owned(),
        Mood::Endless => "HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n".to_owned(),
        _ => format!(
            "HTTP/1.1 {status} X\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{text}",
            text.len()
        ),
    };
    let _sent = connection.write_all(headers.as_bytes()).await;
    while mood == Mood::Endless && connection.write_all(&[b'a'; 65_536]).await.is_ok() {}
}

impl State {
    /// The section add-checkpoint of the specification, in its order.
    fn answer(&mut self, request: &str) -> (u16, &'static str, String) {
        let refuse = |status| (status, "text/plain", String::new());
        let Some((head, note)) = request.split_once("\n\n") else { return refuse(400) };
        let mut lines = head.split('\n');
        let old = lines.next().and_then(|line| line.strip_prefix("old ")).and_then(|old| old.parse::<u64>().ok());
        let proof: Option<Vec<Hash>> =
            lines.map(|line| STANDARD.decode(line).ok().and_then(|bytes| Hash::from_bytes(&bytes).ok())).collect();
        let (Some(old), Some(proof), Ok(note)) = (old, proof, Note::parse(note.as_bytes())) else { return refuse(400) };
        let Ok(checkpoint) = Checkpoint::parse(note.text()) else { return refuse(400) };
        if checkpoint.origin.as_str() != self.log.name() {
            return refuse(404);
        }
        if Checkpoint::verify(&note, std::slice::from_ref(&self.log)).is_err() {
            return refuse(403);
        }
        let head = checkpoint.head();
        if old > head.size || proof.len() > 63 {
            return refuse(400);
        }
        let seen = self.latest.map_or(0, |latest| latest.size);
        if self.mood == Mood::Ahead {
            return (409, "text/x.tlog.size", "9007199254740991\n".to_owned());
        }
        if old != seen {
            return (409, "text/x.tlog.size", format!("{seen}\n"));
        }
        let consistent = match self.latest {
            None => proof.is_empty(),
            Some(latest) => verify_consistency(&latest, &head, &proof).is_ok(),
        };
        if !consistent {
            return refuse(422);
        }
        self.latest = Some(head);

        let key = if self.mood == Mood::Foreign { MemoryKey::new([99; 32]) } else { self.key.clone() };
        let text = if self.mood == Mood::Wrong { "another text\n" } else { note.text() };
        let signature = key.sign(cosignature_message(SIGNED_AT, text).as_bytes()).unwrap();
        let signer = VerifierKey::new(self.name, KeyType::Cosignature, &key.public_key()).unwrap();
        let line = Signature::cosignature(&signer, SIGNED_AT, &signature.try_into().unwrap());
        (200, "text/plain", format!("{line}\n"))
    }
}
