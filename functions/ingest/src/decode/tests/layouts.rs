//! How events may stand in a body of text, and what a mistake in it costs.

use super::read;

#[test]
fn every_layout_of_one_or_many_events_is_read() {
    for (layout, expected) in [
        (r#"{"a":1}"#, vec![r#"{"a":1}"#]),
        (" \r\n {\"a\":1}\n\n", vec![r#"{"a":1}"#]),
        ("{\n  \"a\": {\n    \"b\": []\n  }\n}\n", vec!["{\n  \"a\": {\n    \"b\": []\n  }\n}"]),
        ("{\"a\":1}\r\n{\"b\":2}\r\n", vec![r#"{"a":1}"#, r#"{"b":2}"#]),
        (r#"{"a":1}{"b":2} {"c":3}"#, vec![r#"{"a":1}"#, r#"{"b":2}"#, r#"{"c":3}"#]),
        ("{\"a\":1}{\n\"b\":2}{\"c\":3}", vec![r#"{"a":1}"#, "{\n\"b\":2}", r#"{"c":3}"#]),
        (r#"[{"a":1},{"b":2}]"#, vec![r#"{"a":1}"#, r#"{"b":2}"#]),
        ("[\n{\n\"a\":1\n}\n,\n{}\n]\n", vec!["{\n\"a\":1\n}", "{}"]),
        ("[{\"a\":1}]\n[{\"b\":2}]\n{\"c\":3}", vec![r#"{"a":1}"#, r#"{"b":2}"#, r#"{"c":3}"#]),
        ("[]", vec![]),
    ] {
        assert_eq!(read(layout), expected, "{layout}");
    }
}

#[test]
fn strings_do_not_confuse_the_splitting() {
    let event = r#"{"a":"}\n{ [ ] , \" \\","b":"zażółć 🦀"}"#;
    assert_eq!(read(format!("[{event},{event}]")), [event, event]);
    assert_eq!(read(format!("{event}{event}\n{event}")), [event, event, event]);
}

#[test]
fn a_bad_line_costs_that_line() {
    for bad in [
        r#"{"a":1"#,
        r#"{"a":"#,
        r#"{"a":"cut off"#,
        r#"{"a":1}}"#,
        r#"{"a":01}"#,
        "{'a':1}",
        "{\"a\":\"a\u{1}b\"}",
        "2026-11-21 20:00:00 WARN a log line",
        "garbage",
        "}",
    ] {
        let found = read(format!("{{\"good\":1}}\n{bad}\n{{\"good\":2}}\n"));
        assert_eq!(found.first().unwrap(), r#"{"good":1}"#, "{bad}");
        assert_eq!(found.last().unwrap(), r#"{"good":2}"#, "{bad}");
        let between = found[1..found.len() - 1].to_vec();
        assert!(between.iter().filter(|part| part.contains(": ")).count() == 1, "{bad}: {between:?}");
    }
}

#[test]
fn bad_lines_that_begin_like_events_are_told_apart() {
    let lines = "{\"a\":\n{\"b\":\n{\"good\":1}\n{\"c\"}\n{\"d\"}";
    assert_eq!(
        read(lines),
        ["not-json: {\"a\":", "not-json: {\"b\":", r#"{"good":1}"#, "not-json: {\"c\"}", "not-json: {\"d\"}"],
    );
}

#[test]
fn a_mistake_in_a_pretty_printed_event_is_one_piece_of_rubbish() {
    let bad = "{\n  \"a\": {\n    \"b\": oops\n  },\n  \"c\": [\n    {}\n  ]\n}";
    let good = "{\n  \"good\": 1\n}";
    assert_eq!(
        read(format!("{bad}\n{good}\n{bad}")),
        [format!("not-json: {bad}"), good.to_owned(), format!("not-json: {bad}"),]
    );
}

#[test]
fn a_bad_element_costs_that_element() {
    for (bad, code) in [
        (r#"{"a":[1,{"b":2}],oops}"#, "not-json"),
        (r#"{"a":"\x"}"#, "not-json"),
        (r#"{"a":"]} ,",}"#, "not-json"),
        (r#"{"a":1} {"b":2}"#, "not-json"),
        ("oops", "not-json"),
        ("", "not-json"),
        ("17", "not-an-object"),
        ("null", "not-an-object"),
        (r#"[{"a":1}]"#, "not-an-object"),
    ] {
        let found = read(format!(r#"[{{"good":1}},{bad},{{"good":2}}]"#));
        assert_eq!(found.first().unwrap(), r#"{"good":1}"#);
        assert_eq!(found.last().unwrap(), r#"{"good":2}"#, "{bad}");
        let faults: Vec<_> = found.iter().filter(|part| part.contains(": ")).collect();
        assert!(faults.len() == 1 && faults[0].starts_with(code), "{bad}: {found:?}");
    }
}

#[test]
fn an_object_inside_a_broken_element_is_never_taken_for_an_event() {
    for broken in [r#"{"payload":],{"nested":1},"x":2}"#, r#"{"payload":{"x":1,{"nested":1}"#] {
        let found = read(format!(r#"[{{"good":1}},{broken},{{"other":2}}]"#));
        assert_eq!(found[0], r#"{"good":1}"#);
        assert!(found[1].starts_with("not-json: "), "{found:?}");
        assert!(!found.iter().any(|part| part.starts_with(r#"{"nested""#)), "{found:?}");
    }
}

#[test]
fn an_array_that_was_cut_off_keeps_its_whole_elements() {
    assert_eq!(read(r#"[{"a":1},{"b":2}"#), [r#"{"a":1}"#, r#"{"b":2}"#, "unclosed-array: "]);
    assert_eq!(read(r#"[{"a":1},{"b":"#), [r#"{"a":1}"#, r#"not-json: {"b":"#]);
    assert_eq!(read(r#"[{"a":1},"#), [r#"{"a":1}"#, "unclosed-array: "]);
    assert_eq!(read("["), ["unclosed-array: "]);
}

#[test]
fn what_is_not_text_is_one_piece_of_rubbish() {
    let found = read(&b"\x00\x01\xff\xfe\n\x80\n\x81"[..]);
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with("not-json: "));
    // Invalid UTF-8 within a string is not JSON either.
    assert!(read(&b"{\"a\":\"\xff\"}"[..])[0].starts_with("not-json: "));
}

#[test]
fn the_time_grows_with_the_body_and_not_with_its_square() {
    // Each of these took a quadratic reading of the body minutes; the whole test takes a moment.
    let mebibyte = 1024 * 1024;
    for unit in ["{\"a\":\n", "{\"a\":", "{}", "[", "[{},", "{\"", "1,", "\n", "}\n", "{\"a\":1}\n{\n"] {
        let body = unit.repeat(mebibyte / unit.len());
        assert!(!read(body).is_empty());
    }
    let elements = format!("[{}]", "{\"a\":,".repeat(mebibyte / 7));
    assert!(!read(elements).is_empty());
}
