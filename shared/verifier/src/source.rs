//! Where the files of a log come from: a folder, or a server that has them at the paths of C2SP tlog-tiles.

#[cfg(feature = "https")]
mod https;

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    time::Duration,
};

use ureq::{Agent, http::StatusCode};

use crate::outcome::{Failure, Fault, Trouble};

/// How often a request is tried before the server counts as out of reach.
const ATTEMPTS: u32 = 5;
/// The pause before the second attempt; it doubles before each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// No server may make us wait longer than this between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// How long one request may take, with its answer.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);

/// A set of files that are read by several threads at once.
pub trait Source: Sync {
    /// The file at `path` (relative, with `/`); none if there is no such file. At most `limit` bytes and one more are
    /// read, so that a file that is too long is seen as that and does not fill the memory.
    ///
    /// # Errors
    /// [`Trouble`] if nobody can tell what is there.
    fn read(&self, path: &str, limit: u64) -> Result<Option<Vec<u8>>, Trouble>;

    /// How many files are worth reading at once.
    fn parallel(&self) -> usize;

    /// What the user calls it.
    fn name(&self) -> String;
}

/// A folder with `checkpoint` and `tile/…` in it.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// # Errors
    /// [`Trouble::Read`] if it is not a folder that can be read.
    pub fn open(path: &Path) -> Result<Self, Trouble> {
        match std::fs::read_dir(path) {
            Ok(_) => Ok(Self(path.to_owned())),
            Err(error) => Err(Trouble::read(path, error)),
        }
    }
}

impl Source for Folder {
    fn read(&self, path: &str, limit: u64) -> Result<Option<Vec<u8>>, Trouble> {
        let path = self.0.join(path);
        match File::open(&path).and_then(|file| bounded(file, limit)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
            Err(error) => Err(Trouble::read(&path, error)),
        }
    }

    fn parallel(&self) -> usize {
        std::thread::available_parallelism().map_or(2, usize::from)
    }

    fn name(&self) -> String {
        self.0.display().to_string()
    }
}

/// One file, of at most `limit` bytes.
///
/// # Errors
/// [`Trouble::Read`], and [`Fault::Malformed`] if it is longer: then it is none of our files.
pub fn read_file(path: &Path, limit: u64) -> Result<Vec<u8>, Failure> {
    let file = File::open(path).map_err(|error| Trouble::read(path, error))?;
    read_all(path, file, limit)
}

/// All that a reader has, of at most `limit` bytes; `path` is what the user calls it.
///
/// # Errors
/// As those of [`read_file`].
pub fn read_all(path: &Path, reader: impl Read, limit: u64) -> Result<Vec<u8>, Failure> {
    let bytes = bounded(reader, limit).map_err(|error| Trouble::read(path, error))?;
    if bytes.len() as u64 > limit {
        let reason = format!("it has more than {limit} bytes");
        return Err(Fault::Malformed { what: path.display().to_string(), reason }.into());
    }
    Ok(bytes)
}

fn bounded(reader: impl Read, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(limit + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// How to reach a server.
#[derive(Default)]
pub struct Access {
    /// Sent as `Authorization: Bearer …`.
    pub token: Option<String>,
    /// Sent as `X-Tenant-ID`: for a token of several tenants.
    pub tenant: Option<String>,
    /// PEM: the certificate authorities to trust in the place of Mozilla's.
    pub authorities: Option<Vec<u8>>,
}

/// A server with `checkpoint` and `tile/…` below an address.
pub struct Server {
    base: String,
    access: Access,
    agent: Agent,
}

impl Server {
    /// `address` starts with `https://` or `http://`.
    ///
    /// # Errors
    /// [`Trouble::Insecure`] for a token that would go over the network in the clear, [`Trouble::NoHttps`] in a program
    /// that was built without HTTPS, [`Trouble::NoAuthority`] if the authorities are none.
    pub fn new(address: &str, access: Access) -> Result<Self, Trouble> {
        let base = address.trim_end_matches('/').to_owned();
        if base.starts_with("https://") && !cfg!(feature = "https") {
            return Err(Trouble::NoHttps);
        }
        if access.token.is_some() && !base.starts_with("https://") && !is_loopback(&base) {
            return Err(Trouble::Insecure { address: base });
        }
        let config = Agent::config_builder();
        #[cfg(feature = "https")]
        let config = config.tls_config(https::tls(access.authorities.as_deref())?);
        let config = config
            .http_status_as_error(false)
            .timeout_global(Some(REQUEST_TIMEOUT))
            .user_agent(concat!("order-history-verify/", env!("CARGO_PKG_VERSION")))
            .max_idle_connections_per_host(16);
        // What stays on this machine must not go to a proxy first, and the token with it.
        let config = if is_loopback(&base) { config.proxy(None) } else { config }.build();
        Ok(Self { base, access, agent: config.new_agent() })
    }

    /// One attempt. The error says what went wrong and, where another attempt makes sense, how long the server asks to
    /// wait before it.
    fn attempt(&self, url: &str, limit: u64) -> Result<Option<Vec<u8>>, (String, Option<Duration>)> {
        let mut request = self.agent.get(url);
        if let Some(token) = &self.access.token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        if let Some(tenant) = &self.access.tenant {
            request = request.header("X-Tenant-ID", tenant);
        }
        let answer = request.call().map_err(|error| (error.to_string(), Some(Duration::ZERO)))?;
        let status = answer.status();
        if status == StatusCode::OK {
            let body = bounded(answer.into_body().into_reader(), limit);
            return body.map(Some).map_err(|error| (error.to_string(), Some(Duration::ZERO)));
        }
        if status == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let reason = format!("the server answered {status}");
        if status != StatusCode::TOO_MANY_REQUESTS && !status.is_server_error() {
            return Err((reason, None));
        }
        let asked = answer.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
        Err((reason, Some(Duration::from_secs(asked.unwrap_or(0)))))
    }
}

impl Source for Server {
    fn read(&self, path: &str, limit: u64) -> Result<Option<Vec<u8>>, Trouble> {
        let url = format!("{}/{path}", self.base);
        let mut pause = FIRST_PAUSE;
        let mut attempt = 1;
        loop {
            match self.attempt(&url, limit) {
                Ok(found) => return Ok(found),
                Err((_, Some(asked))) if attempt < ATTEMPTS => {
                    std::thread::sleep(asked.max(pause).min(LONGEST_PAUSE));
                    pause *= 2;
                    attempt += 1;
                }
                Err((reason, _)) => return Err(Trouble::Network { url, reason }),
            }
        }
    }

    /// What limits is the way to the server and back, not the machine.
    fn parallel(&self) -> usize {
        12
    }

    fn name(&self) -> String {
        self.base.clone()
    }
}

/// Whether a plain connection stays on this machine.
fn is_loopback(address: &str) -> bool {
    let Some(rest) = address.strip_prefix("http://") else { return false };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if host.contains('@') {
        return false;
    }
    let name = match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

    use super::*;

    #[test]
    fn a_token_never_leaves_the_machine_in_the_clear() {
        let token = || Access { token: Some("t".to_owned()), ..Access::default() };
        for address in ["http://127.0.0.1:4566/x", "http://localhost/x", "http://[::1]:80"] {
            assert!(Server::new(address, token()).is_ok(), "{address}");
        }
        for address in
            ["http://example.com", "http://localhost.example.com", "http://localhost:1@example.com/", "ftp://x"]
        {
            assert!(matches!(Server::new(address, token()), Err(Trouble::Insecure { .. })), "{address}");
        }
        assert!(
            Server::new("http://example.com", Access::default()).is_ok(),
            "without a token there is nothing to lose"
        );
    }

    #[test]
    fn a_folder_gives_what_is_there_and_no_more_than_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("checkpoint"), b"abcdef").unwrap();
        let source = Folder::open(folder.path()).unwrap();
        assert_eq!(source.read("checkpoint", 10).unwrap().unwrap(), b"abcdef");
        assert_eq!(source.read("checkpoint", 3).unwrap().unwrap(), b"abcd", "one more tells that it is too long");
        assert_eq!(source.read("tile/0/000", 10).unwrap(), None);
        assert_eq!(source.read("checkpoint/000", 10).unwrap(), None);
        assert!(matches!(Folder::open(&folder.path().join("none")), Err(Trouble::Read { .. })));
    }
}
