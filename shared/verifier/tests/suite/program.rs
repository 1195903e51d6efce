//! The program itself: what it prints, and its exit codes.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::{Arc, Mutex},
    thread,
};

use serde_json::Value;
use tempfile::TempDir;
use verifier::testing::{InMemory, Signer, TestLog};

/// A folder with a log in it and all that it hands out.
struct Desk {
    log: TestLog,
    folder: TempDir,
}

impl Desk {
    fn new(size: u64) -> Self {
        let (log, folder) = (TestLog::new("acme", size, 1), tempfile::tempdir().unwrap());
        log.files().write(&folder.path().join("log"));
        Self { log, folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        fs::write(self.path(name), content).unwrap();
        self.path(name).display().to_string()
    }

    fn key(&self) -> String {
        self.log.signer.key().to_string()
    }

    fn range_key(&self) -> String {
        self.log.range_signer.key().to_string()
    }
}

/// Runs the program; gives the exit code and what it wrote.
fn run(args: &[&str]) -> (i32, String, String) {
    run_with(args, &[])
}

fn run_with(args: &[&str], environment: &[(&str, &str)]) -> (i32, String, String) {
    let program = env!("CARGO_BIN_EXE_order-history-verify");
    let output = Command::new(program).args(args).envs(environment.iter().copied()).output().unwrap();
    let Output { status, stdout, stderr } = output;
    (status.code().unwrap(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

#[test]
fn what_holds_ends_with_0_and_says_so() {
    let desk = Desk::new(300);
    let (key, range_key, log) = (desk.key(), desk.range_key(), &desk.log);
    let key_file = format!("@{}", desk.file("keys", format!("# the log's\n{key}\n")));
    let proof = desk.file("a.tlog-proof", log.proof(7, 300, true));
    let first = desk.file("1.ndjson", log.range(1, 100, 300, false));
    let second = desk.file("2.ndjson", log.range(101, 300, 300, false));
    let since = desk.file("old", log.checkpoint(100));
    let consistency = desk.file("c.json", log.consistency(100, 300));
    let folder = desk.path("log").display().to_string();
    let noted = format!("150:{}", log.ledger_hash(150));
    let commands: [&[&str]; 7] = [
        &["proof", &proof, "--key", &key],
        &["proof", &proof, "--key", &key, "--since", &since, "--consistency", &consistency],
        &["range", &first, &second, "--key", &key_file, "--range-key", &range_key, "--ledger-hash", &noted],
        &["range", &first, "--key", &key, "--range-key", &range_key, "--since", &since],
        &["tiles", &folder, "--key", &key_file, "--since", &since, "--ledger-hash", &noted, "--parallel", "1"],
        &["consistency", &consistency, "--key", &key, "--since", &since],
        &["--help"],
    ];
    for command in commands {
        let (code, out, err) = run(command);
        assert_eq!((code, err.as_str()), (0, ""), "{command:?}: {out}");
        assert!(out.starts_with("holds: ") || command == ["--help"], "{out}");
    }
    let (_, out, _) = run(commands[4]);
    let expected = format!(
        "holds: the log history.example.com/acme is whole: 300 entries, all in the tree that is signed\n  \
         log            history.example.com/acme\n  checkpoint     size 300, root {}\n",
        log.head(300).root
    );
    assert!(out.starts_with(&expected), "{out}");
    assert!(out.contains(&format!("chain at end   300:{}\n", log.ledger_hash(300))), "{out}");
    assert!(run(&["--help"]).1.contains("3  it could not be checked"));
}

#[test]
fn what_does_not_hold_ends_with_1_and_names_the_place() {
    let desk = Desk::new(300);
    let (key, range_key, log) = (desk.key(), desk.range_key(), &desk.log);
    let path = desk.path("log/tile/entries/001.p/44");
    let mut bytes = fs::read(&path).unwrap();
    let at = bytes.windows(9).position(|window| window == b"\"seq\":300").unwrap();
    bytes[at + 8] = b'1';
    fs::write(&path, bytes).unwrap();
    let folder = desk.path("log").display().to_string();
    let (code, out, err) = run(&["tiles", &folder, "--key", &key]);
    assert_eq!(
        (code, out.as_str(), err.as_str()),
        (1, "BROKEN: the entry at sequence 300 does not hash to its leaf in tile/0/001.p/44\n", "")
    );
    let (code, out, _) = run(&["--json", "tiles", &folder, "--key", &key]);
    let json: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(code, 1);
    assert_eq!(json["verdict"], "broken");
    assert_eq!(json["first_broken_sequence"], 300);
    assert_eq!(json["fault"]["kind"], "other-leaf");

    let fork = TestLog::new("acme", 300, 2);
    let mut lines = log.range_lines(5, 9, 300, true);
    lines.swap(2, 3);
    let proof = desk.file("p", log.proof(7, 300, true).replace("index 6", "index 7"));
    let range = desk.file("r", lines.concat());
    let old = desk.file("old", fork.checkpoint(100));
    let newer = desk.file("newer", TestLog::new("acme", 301, 1).checkpoint(301));
    let consistency = desk.file("c", log.consistency(100, 300));
    let good = desk.file("good", log.proof(7, 300, true));
    let other = desk.file("event", r#"{"event_id":"evt_00000008"}"#);
    let stranger = Signer::log(log.origin.as_str(), 9).key().to_string();
    let witness = Signer::witness("w", 9).key().to_string();
    // What is too long to be a proof is not just unreadable: anybody can make a file longer.
    let long = desk.file("long", log.proof(7, 300, true) + &" ".repeat(5 << 20));
    let commands: [(&[&str], Option<u64>); 10] = [
        (&["proof", &long, "--key", &key], None),
        (&["proof", &proof, "--key", &key], Some(8)),
        (&["proof", &good, "--key", &key, "--event", &other], Some(7)),
        (&["proof", &good, "--key", &key, "--witness", &witness], None),
        (&["proof", &good, "--key", &stranger], None),
        (&["proof", &good, "--key", &key, "--since", &newer], None),
        (&["range", &range, "--key", &key, "--range-key", &range_key], Some(6)),
        (&["range", &range, "--key", &key, "--range-key", &key], Some(6)),
        (&["consistency", &consistency, "--key", &key, "--since", &old], None),
        (&["tiles", &folder, "--key", &key, "--since", &old], None),
    ];
    for (command, sequence) in commands {
        let (code, out, err) = run(&[command, &["--json"]].concat());
        assert_eq!((code, err.as_str()), (1, ""), "{command:?}: {out}");
        let json: Value = serde_json::from_str(&out).unwrap();
        assert_eq!(json["first_broken_sequence"].as_u64(), sequence, "{command:?}: {out}");
    }
}

#[test]
fn a_command_line_that_is_not_right_ends_with_2() {
    let desk = Desk::new(3);
    let (key, folder) = (desk.key(), desk.path("log").display().to_string());
    let witness = Signer::witness("w", 9).key().to_string();
    let proof = desk.file("p", desk.log.proof(1, 3, false));
    let commands: [&[&str]; 14] = [
        &[],
        &["tiles", &folder],
        &["tiles", &folder, "--key", "nonsense"],
        &["tiles", &folder, "--key", "@/no/such/file"],
        &["tiles", &folder, "--key", &witness],
        &["tiles", &folder, "--key", &key, "--witness", &key],
        &["tiles", &folder, "--key", &key, "--quorum", "1"],
        &["tiles", &folder, "--key", &key, "--witness", &witness, "--quorum", "2"],
        &["tiles", &folder, "--key", &key, "--witness", &witness, "--witness", &witness, "--quorum", "2"],
        &["tiles", &folder, "--key", &key, "--ledger-hash", "1:abc"],
        &["tiles", &folder, "--key", &key, "--token", "secret"],
        &["tiles", "http://127.0.0.1:1", "--key", &key, "--token-env", "NO_SUCH_VARIABLE"],
        &["range", &proof, "--key", &key],
        &["proof", &proof, "--key", &key, "--consistency", &proof],
    ];
    for command in commands {
        let (code, out, err) = run(command);
        assert_eq!((code, out.as_str()), (2, ""), "{command:?}");
        assert!(!err.is_empty());
    }
}

#[test]
fn what_cannot_be_checked_ends_with_3() {
    let desk = Desk::new(30);
    let (key, range_key, log) = (desk.key(), desk.range_key(), &desk.log);
    let old = desk.file("old", log.checkpoint(10));
    let proof = desk.file("p", log.proof(7, 30, false));
    let range = desk.file("r", log.range(20, 25, 30, false));
    let event = desk.file("e", serde_json::to_vec(&log.events[6].event).unwrap());
    let consistency = desk.file("c", log.consistency(10, 30));
    let empty = desk.folder.path().display().to_string();
    let unused = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let nowhere = format!("http://{unused}/");
    let commands: [&[&str]; 9] = [
        &["proof", "/no/such/file", "--key", &key],
        &["proof", &proof, "--key", &key, "--since", &old],
        &["proof", &proof, "--key", &key, "--event", &event],
        &["range", &range, "--key", &key, "--range-key", &range_key, "--ledger-hash", &format!("1:{}", "0".repeat(64))],
        &["range", &empty, "--key", &key, "--range-key", &range_key],
        &["consistency", &consistency, "--key", &key],
        &["tiles", "/no/such/folder", "--key", &key],
        &["tiles", &empty, "--key", &key],
        &["tiles", &nowhere, "--key", &key],
    ];
    for command in commands {
        let (code, out, err) = run(command);
        assert_eq!((code, out.as_str()), (3, ""), "{command:?}: {err}");
        assert!(err.starts_with("not checked: "), "{err}");
        let (code, out, _) = run(&[command, &["--json"]].concat());
        let json: Value = serde_json::from_str(&out).unwrap();
        assert_eq!((code, &json["verdict"]), (3, &"unchecked".into()), "{out}");
    }
}

/// What a request asked for.
#[derive(Debug, Clone, PartialEq)]
struct Request {
    path: String,
    headers: BTreeMap<String, String>,
}

/// A server of files below `/ledger/`; `answer` may answer in another way.
fn serve(
    files: InMemory,
    answer: impl Fn(&Request) -> Option<String> + Send + Sync + 'static,
) -> (String, Arc<Mutex<Vec<Request>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/ledger", listener.local_addr().unwrap());
    let requests = Arc::new(Mutex::new(Vec::new()));
    let (seen, shared) = (Arc::clone(&requests), Arc::new((files, answer)));
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (seen, shared) = (Arc::clone(&seen), Arc::clone(&shared));
            thread::spawn(move || {
                let stream = stream.unwrap();
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                while let Some(request) = request(&mut reader) {
                    // Before the answer, so that whoever has it finds the request noted.
                    seen.lock().unwrap().push(request.clone());
                    respond(&stream, &request, &shared.0, &shared.1);
                }
            });
        }
    });
    (address, requests)
}

fn request(reader: &mut impl BufRead) -> Option<Request> {
    let mut lines = reader.lines().map_while(Result::ok).take_while(|line| !line.is_empty());
    let path = lines.next()?.split(' ').nth(1)?.to_owned();
    let header = |line: String| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned()));
    Some(Request { path, headers: lines.filter_map(header).collect() })
}

fn respond(mut stream: &TcpStream, request: &Request, files: &InMemory, answer: impl Fn(&Request) -> Option<String>) {
    let bytes = match (answer(request), request.path.strip_prefix("/ledger/").and_then(|path| files.0.get(path))) {
        (Some(head), _) => format!("HTTP/1.1 {head}\r\ncontent-length: 0\r\n\r\n").into_bytes(),
        (None, Some(file)) => {
            [format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", file.len()).as_bytes(), file].concat()
        }
        (None, None) => b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_vec(),
    };
    // The program may have gone away, when it has found what it was looking for.
    let _ = stream.write_all(&bytes);
}

#[test]
fn a_log_is_read_from_a_server() {
    let log = TestLog::new("acme", 600, 3);
    let key = log.signer.key().to_string();
    let (address, requests) = serve(log.files(), |_| None);
    let arguments = ["tiles", &address, "--key", &key, "--token-env", "OH_TOKEN", "--tenant", "acme"];
    let (code, out, err) = run_with(&arguments, &[("OH_TOKEN", "s3cret")]);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    let requests = requests.lock().unwrap();
    // The checkpoint, three bundles with their tiles, a tile above, and a look beyond the end.
    assert_eq!(requests.len(), 9, "{requests:?}");
    for request in requests.iter() {
        assert_eq!(request.headers["authorization"], "Bearer s3cret");
        assert_eq!(request.headers["x-tenant-id"], "acme");
    }
    assert!(!out.contains("s3cret"));

    // A tile that is not there is a fault of the log, not of the network.
    let (address, _) = serve(log.files().without("tile/0/001"), |_| None);
    let (code, out, _) = run(&["tiles", &address, "--key", &key]);
    assert_eq!(code, 1, "{out}");
    assert!(out.contains("tile/0/001 is missing"), "{out}");
}

#[test]
fn a_server_in_trouble_is_asked_again_and_one_that_refuses_is_not() {
    let log = TestLog::new("acme", 3, 4);
    let key = log.signer.key().to_string();
    let failures = Mutex::new(2);
    let (address, requests) = serve(log.files(), move |_| {
        let mut failures = failures.lock().unwrap();
        *failures -= 1;
        (*failures >= 0).then(|| "503 Service Unavailable".to_owned())
    });
    let (code, out, err) = run(&["tiles", &address, "--key", &key]);
    assert_eq!(code, 0, "{out}{err}");
    assert_eq!(requests.lock().unwrap().iter().filter(|request| request.path.ends_with("checkpoint")).count(), 3);

    let (address, requests) = serve(log.files(), |_| Some("401 Unauthorized".to_owned()));
    let (code, _, err) = run(&["tiles", &address, "--key", &key]);
    assert_eq!(code, 3);
    assert!(err.ends_with("/ledger/checkpoint: the server answered 401 Unauthorized\n"), "{err}");
    assert_eq!(requests.lock().unwrap().len(), 1);
}

#[test]
fn a_token_is_not_sent_in_the_clear() {
    let log = TestLog::new("acme", 3, 5);
    let key = log.signer.key().to_string();
    let arguments = ["tiles", "http://history.example.com/ledger", "--key", &key, "--token-env", "OH_TOKEN"];
    let (code, _, err) = run_with(&arguments, &[("OH_TOKEN", "s3cret")]);
    assert_eq!(code, 3);
    assert!(err.contains("not encrypted"), "{err}");
}

#[test]
fn standard_input_is_a_file_too() {
    let desk = Desk::new(5);
    let proof = desk.file("p", desk.log.proof(2, 5, true));
    let program = env!("CARGO_BIN_EXE_order-history-verify");
    let status = |command: &[&str], input: &str| {
        let input = fs::File::open(Path::new(input)).unwrap();
        Command::new(program).args(command).arg("--quiet").stdin(input).output().unwrap().status.code()
    };
    assert_eq!(status(&["proof", "-", "--key", &desk.key()], &proof), Some(0));
    let range = desk.file("r", desk.log.range(2, 4, 5, true));
    let keys = ["range", "-", "--key", &desk.key(), "--range-key", &desk.range_key()];
    assert_eq!(status(&keys, &range), Some(0));
}
