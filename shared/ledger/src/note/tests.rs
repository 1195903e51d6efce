//! The vectors that C2SP publishes, and notes that are not well-formed.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use ed25519_dalek::{Signer, SigningKey};

use super::*;

fn keys(name: &str, key_type: KeyType) -> (SigningKey, VerifierKey) {
    let signing = SigningKey::from_bytes(&[7; 32]);
    let key = VerifierKey::new(name, key_type, signing.verifying_key().as_bytes()).unwrap();
    (signing, key)
}

/// The example of <https://c2sp.org/signed-note>.
const VKEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
const NOTE: &str = "This is an example message.\n\n\u{2014} example.com/foo \
                    Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";

#[test]
fn the_example_of_the_specification_holds() {
    let key: VerifierKey = VKEY.parse().unwrap();
    assert_eq!(key.to_string(), VKEY);
    let note = Note::parse(NOTE.as_bytes()).unwrap();
    assert_eq!(note.text(), "This is an example message.\n");
    assert_eq!(note.to_string(), NOTE);
    assert_eq!(note.verify(std::slice::from_ref(&key)).unwrap(), [Verified { key: &key, timestamp: None }]);
}

#[test]
fn a_note_with_empty_lines_and_other_scripts_is_read() {
    // The first example of the page.
    let text = "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n";
    let note = format!(
        "{text}\n\u{2014} quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcX\
         xj99ihAQwaqP3ZekRwNtIc=\n"
    );
    let read = Note::parse(note.as_bytes()).unwrap();
    assert_eq!(read.text(), text);
    assert_eq!(read.signatures()[0].name(), "quasimodo.example/salvatore");
    assert_eq!(read.signatures()[0].key_id(), [0x36, 0x7b, 0xa0, 0x4b]);
    assert_eq!(read.to_string(), note);
}

/// The example of <https://c2sp.org/tlog-cosignature>, of which that of <https://c2sp.org/tlog-checkpoint> is a part. The
/// pages do not publish the keys.
#[test]
fn the_examples_of_checkpoints_and_cosignatures_are_read() {
    let text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
    let log = "\u{2014} example.com/behind-the-sofa \
               Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=";
    let witness = "\u{2014} witness.example.com/w1 \
                   jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==";
    for note in [format!("{text}\n{log}\n"), format!("{text}\n{log}\n{witness}\n")] {
        let read = Note::parse(note.as_bytes()).unwrap();
        assert_eq!((read.text(), read.to_string()), (text, note));
        assert_eq!(read.signatures()[0].key_id(), [0x03, 0x3d, 0xe0, 0xae]);
        assert_eq!(crate::Checkpoint::parse(text).unwrap().size, 20_852_163);
    }
    let cosignature = Signature::parse(witness).unwrap();
    let (timestamp, signature) = cosignature.bytes.split_first_chunk::<8>().unwrap();
    assert_eq!((u64::from_be_bytes(*timestamp), signature.len()), (1_679_315_147, 64), "the time that the page shows");
}

#[test]
fn any_changed_byte_is_seen() {
    let key: VerifierKey = VKEY.parse().unwrap();
    for place in 0..NOTE.len() {
        for bit in [0x01, 0x20] {
            let mut bent = NOTE.as_bytes().to_vec();
            bent[place] ^= bit;
            let verdict = Note::parse(&bent).and_then(|note| note.verify(std::slice::from_ref(&key)).map(|_| ()));
            assert!(verdict.is_err(), "bit {bit:#x} of byte {place}");
        }
    }
}

#[test]
fn keys_are_known_by_name_and_id() {
    let (signing, key) = keys("log.example/a", KeyType::Ed25519);
    let sign = |text: &str| Signature::ed25519(&key, &signing.sign(text.as_bytes()).to_bytes());
    let note = Note::new("text\n", vec![sign("text\n")]).unwrap();
    assert!(note.verify(std::slice::from_ref(&key)).is_ok());

    let (_, renamed) = keys("log.example/b", KeyType::Ed25519);
    let (_, witness) = keys("log.example/a", KeyType::Cosignature);
    assert_ne!(key.id(), witness.id(), "one key of two types has two ids");
    assert_eq!(note.verify(&[renamed, witness]), Err(NoteError::Unsigned));
    assert_eq!(note.verify(&[]), Err(NoteError::Unsigned));

    // A wrong signature by a known key is not made good by a right one.
    let mut mixed = note.clone();
    mixed.push(sign("other\n"));
    let error = NoteError::BadSignature { name: "log.example/a".to_owned() };
    assert_eq!(mixed.verify(std::slice::from_ref(&key)), Err(error));
    mixed = note.clone();
    mixed.push(sign("text\n"));
    assert_eq!(mixed, note);
}

#[test]
fn a_cosignature_covers_the_time() {
    let (signing, key) = keys("witness.example/w1", KeyType::Cosignature);
    let text = "example.com/log\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
    let message = cosignature_message(1_679_315_147, text);
    assert_eq!(message, format!("cosignature/v1\ntime 1679315147\n{text}"));
    let raw = signing.sign(message.as_bytes()).to_bytes();
    let note = |timestamp| Note::new(text, vec![Signature::cosignature(&key, timestamp, &raw)]).unwrap();
    let verified = Note::parse(note(1_679_315_147).to_string().as_bytes()).unwrap();
    assert_eq!(verified.verify(std::slice::from_ref(&key)).unwrap()[0].timestamp, Some(1_679_315_147));
    for other in [1_679_315_148, u64::MAX] {
        assert!(note(other).verify(std::slice::from_ref(&key)).is_err());
    }
}

#[test]
fn a_note_has_one_form() {
    let line = NOTE.split_once("\n\n").unwrap().1.trim_end();
    let refused = |note: &str| Note::parse(note.as_bytes()).unwrap_err();
    let at = |line| NoteError::SignatureLine { line };
    assert_eq!(refused(""), NoteError::Shape);
    assert_eq!(refused("text\n"), NoteError::Shape);
    assert_eq!(refused(&format!("text\n{line}\n")), NoteError::Shape);
    assert_eq!(refused(&format!("text\n\n{line}")), NoteError::Shape);
    assert_eq!(refused("text\n\n\n"), NoteError::Shape);
    assert_eq!(refused(&format!("text\n\n{line}\nmore\n")), at(2));
    assert_eq!(refused(&format!("text\n\n{line} \n")), at(1));
    assert_eq!(refused(&format!("text\n\n{}\n", line.replace('\u{2014}', "-"))), at(1));
    assert_eq!(refused(&format!("text\n\n{}\n", line.replace("foo ", "foo  "))), at(1));
    assert_eq!(refused(&format!("text\n\n{}\n", line.replace("foo", "f+o"))), at(1));
    assert_eq!(refused(&format!("text\n\n{}\n", line.replace("foo", "f\u{a0}o"))), at(1));
    assert_eq!(refused(&format!("text\n\n{}\n", line.replace('=', ""))), at(1));
    assert_eq!(refused("text\n\n\u{2014} name AAAAAA==\n"), at(1), "an id without a signature");
    assert_eq!(refused(&format!("te\txt\n\n{line}\n")), NoteError::Characters);
    assert_eq!(refused(&format!("text\r\n\n{line}\n")), NoteError::Characters);
    assert_eq!(Note::parse(b"\xff\n\n"), Err(NoteError::Characters));
    assert_eq!(Note::new("text", vec![]), Err(NoteError::Shape));

    let many = |count: usize| format!("text\n\n{}", format!("{line}\n").repeat(count));
    assert_eq!(Note::parse(many(MAX_SIGNATURES).as_bytes()).unwrap().signatures().len(), MAX_SIGNATURES);
    assert_eq!(refused(&many(MAX_SIGNATURES + 1)), NoteError::TooManySignatures);
    assert_eq!(Note::parse(&vec![b'a'; MAX_NOTE_BYTES + 1]), Err(NoteError::TooLarge));
}

#[test]
fn a_verifier_key_has_one_form() {
    let read = |text: &str| text.parse::<VerifierKey>().unwrap_err();
    assert_eq!(read(""), KeyError::Format);
    assert_eq!(read("example.com/foo+530d903a"), KeyError::Format);
    assert_eq!(read(&VKEY.replace("530d", "530D")), KeyError::Id);
    assert_eq!(read(&VKEY.replace("530d903a", " 530d903a")), KeyError::Id);
    assert_eq!(read(&VKEY.replace("foo", "bar")), KeyError::Id);
    assert_eq!(read(&VKEY.replace("foo", "f o")), KeyError::Name);
    assert_eq!(read(&VKEY.replace("+Aeky", "+Beky")), KeyError::Type);
    assert_eq!(read(&VKEY.replace("3U2k", "")), KeyError::Key);
    assert_eq!(read(&format!("{VKEY}\n")), KeyError::Format);
    // The neutral element: with it as public key, one signature fits every text.
    let mut weak = [0; 32];
    weak[0] = 1;
    assert_eq!(VerifierKey::new("a", KeyType::Ed25519, &weak), Err(KeyError::Key));
}
