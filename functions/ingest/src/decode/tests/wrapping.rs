//! What may be wrapped around a body: gzip, zstd, aggregation.

use bytes::Bytes;

use super::{
    super::{Fault, Limits, Position, decode},
    aggregate, gzip, read, zstd,
};

const LINES: &str = "{\"n\":1}\n{\"n\":2}\n";

/// An aggregated record composed byte by byte after AWS's description of the format, with partition keys,
/// an explicit hash key and a tag: user records `{"n":1}` and `{"n":2}\n{"n":3}`.
const AGGREGATED: &str = "f3899ac20a076f726465722d370a076f726465722d381227333430323832333636393230393338343633343633333734\
                          3630373433313736383231313435351a0b08001a077b226e223a317d1a1d080110001a0f7b226e223a327d0a7b226e22\
                          3a337d22060a016b12017682526a084978d98bf854a0e7b6404771";

fn golden() -> Vec<u8> {
    let digits = AGGREGATED.as_bytes().chunks(2);
    digits.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

#[test]
fn compressed_bodies_are_unpacked() {
    let (head, tail) = LINES.as_bytes().split_at(5);
    for record in [
        gzip(LINES.as_bytes()),
        zstd(LINES.as_bytes()),
        // Several members, or frames, are one stream: producers append to gzip files so.
        [gzip(head), gzip(tail)].concat(),
        [zstd(head), zstd(tail)].concat(),
    ] {
        assert_eq!(read(record), [r#"{"n":1}"#, r#"{"n":2}"#]);
    }
}

#[test]
fn a_damaged_stream_is_refused_whole_and_kept_as_it_came() {
    for (stream, code) in [(gzip(LINES.as_bytes()), "bad-gzip"), (zstd(LINES.as_bytes()), "bad-zstd")] {
        for damaged in
            [stream[..stream.len() - 3].to_vec(), [stream.as_slice(), b"more"].concat(), stream[..4].to_vec()]
        {
            let found: Vec<_> = decode(damaged.clone().into(), Limits::default()).collect();
            let [Err(rubbish)] = &found[..] else { panic!("{code}: {found:?}") };
            assert_eq!(rubbish.fault.code(), code);
            assert_eq!(rubbish.bytes, damaged);
        }
    }
}

#[test]
fn a_gzip_stream_whose_checksum_does_not_match_is_refused() {
    let mut record = gzip(LINES.as_bytes());
    let checksum = record.len() - 8;
    record[checksum] ^= 1;
    assert!(read(record)[0].starts_with("bad-gzip"));
}

#[test]
fn a_bomb_is_refused_before_it_goes_off() {
    let limits = Limits { decompressed: 1000 };
    let fits = "{}".repeat(500);
    let bomb = "{}".repeat(501);
    for pack in [gzip, zstd] {
        assert_eq!(decode(pack(fits.as_bytes()).into(), limits).count(), 500);
        let found: Vec<_> = decode(pack(bomb.as_bytes()).into(), limits).collect();
        assert!(matches!(&found[..], [Err(rubbish)] if rubbish.fault == Fault::TooLarge { limit: 1000 }));
    }
    // A gigabyte of spaces in a megabyte: what comes out beyond the limit is never made.
    let spaces = vec![b' '; 64 << 20];
    assert!(read(gzip(&spaces))[0].starts_with("decompressed-too-large"));
    assert!(read(zstd(&spaces))[0].starts_with("decompressed-too-large"));
}

#[test]
fn a_zstd_frame_that_asks_for_a_large_window_is_refused() {
    // Magic, a frame header without content size, window descriptor 17 << 3 = 2^27 bytes, one empty last block.
    let frame = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 17 << 3, 0x01, 0x00, 0x00];
    assert!(read(frame.to_vec())[0].starts_with("bad-zstd"));
    // The same frame with the largest window that is allowed is fine, and empty.
    let frame = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 14 << 3, 0x01, 0x00, 0x00];
    assert!(read(frame.to_vec())[0].starts_with("empty-record"));
}

#[test]
fn an_aggregated_record_is_taken_apart() {
    assert_eq!(read(golden()), [r#"{"n":1}"#, r#"{"n":2}"#, r#"{"n":3}"#]);
    let positions: Vec<_> = decode(golden().into(), Limits::default()).map(|found| found.unwrap().position).collect();
    let at = |user_record, element| Position { user_record, element };
    assert_eq!(positions, [at(0, 0), at(1, 0), at(1, 1)]);
}

#[test]
fn user_records_are_compressed_each_by_itself_and_fail_so() {
    let record = aggregate([
        gzip(br#"{"n":1}"#),
        b"oops".to_vec(),
        zstd(br#"[{"n":2},17,{"n":3}]"#),
        Vec::new(),
        golden(),
        gzip(b"cut off")[..12].to_vec(),
        br#"{"n":4}"#.to_vec(),
    ]);
    let found: Vec<_> = decode(record.into(), Limits::default())
        .map(|found| match found {
            Ok(document) => (document.position.user_record, document.position.element, "ok"),
            Err(rubbish) => (rubbish.position.user_record, rubbish.position.element, rubbish.fault.code()),
        })
        .collect();
    assert_eq!(
        found,
        [
            (0, 0, "ok"),
            (1, 0, "not-json"),
            (2, 0, "ok"),
            (2, 1, "not-an-object"),
            (2, 2, "ok"),
            (3, 0, "empty-record"),
            (4, 0, "nested-aggregate"),
            (5, 0, "bad-gzip"),
            (6, 0, "ok"),
        ]
    );
}

#[test]
fn user_records_share_one_allowance() {
    let limits = Limits { decompressed: 10 };
    let record = aggregate([gzip(br#"{"n":1}"#), gzip(br#"{"n":2}"#), br#"{"n":3}"#.to_vec()]);
    let found: Vec<_> = decode(record.into(), limits).collect();
    assert_eq!(found[0].as_ref().unwrap().json, r#"{"n":1}"#);
    assert_eq!(found[1].as_ref().unwrap_err().fault, Fault::TooLarge { limit: 3 });
    assert_eq!(found[2].as_ref().unwrap().json, r#"{"n":3}"#);
}

#[test]
fn a_damaged_aggregated_record_is_refused() {
    let golden = golden();
    let mut flipped = golden.clone();
    flipped[20] ^= 1;
    let nonsense = aggregate_of_message(b"\x1a\xff\xff");
    for (record, code) in [
        (flipped, "bad-aggregate-checksum"),
        (golden[..golden.len() - 1].to_vec(), "bad-aggregate-checksum"),
        (golden[..19].to_vec(), "bad-aggregate"),
        (golden[..4].to_vec(), "bad-aggregate"),
        (nonsense, "bad-aggregate"),
        (aggregate_of_message(b""), "empty-record"),
    ] {
        let found: Vec<_> = decode(Bytes::from(record), Limits::default()).collect();
        assert!(matches!(&found[..], [Err(rubbish)] if rubbish.fault.code() == code), "{code}: {found:?}");
    }
}

#[test]
fn an_empty_record_is_listed() {
    for record in [Vec::new(), b" \n".to_vec(), gzip(b""), zstd(b"\n"), aggregate([b""])] {
        assert!(read(record)[0].starts_with("empty-record"));
    }
}

fn aggregate_of_message(message: &[u8]) -> Vec<u8> {
    use md5::{Digest, Md5};
    [&b"\xf3\x89\x9a\xc2"[..], message, &Md5::digest(message)].concat()
}
