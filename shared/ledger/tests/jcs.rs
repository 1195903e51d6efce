//! The canonical JSON that everything is hashed over, against the test data and the tables of RFC 8785.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::fs;

use domain::json::canonical;
use serde_json::{Number, Value, json};

/// From the package, in which Cargo runs its tests.
const DATA: &str = "../../tests/vectors/jcs";

#[test]
fn the_published_documents_come_out_byte_for_byte() {
    for name in ["arrays", "french", "structures", "unicode", "values", "weird"] {
        let input = fs::read(format!("{DATA}/input/{name}.json")).unwrap();
        let output = fs::read_to_string(format!("{DATA}/output/{name}.json")).unwrap();
        // Not with our own reader, which takes no number that a double does not hold exactly.
        let value: Value = serde_json::from_slice(&input).unwrap();
        assert_eq!(String::from_utf8(canonical(&value)).unwrap(), output, "{name}");
    }
}

/// RFC 8785 appendix B: doubles by their bits (IEEE 754), and how they are written.
const NUMBERS: [(u64, &str); 24] = [
    (0x0000_0000_0000_0000, "0"),
    (0x8000_0000_0000_0000, "0"),
    (0x0000_0000_0000_0001, "5e-324"),
    (0x8000_0000_0000_0001, "-5e-324"),
    (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
    (0xffef_ffff_ffff_ffff, "-1.7976931348623157e+308"),
    (0x4340_0000_0000_0000, "9007199254740992"),
    (0xc340_0000_0000_0000, "-9007199254740992"),
    (0x4430_0000_0000_0000, "295147905179352830000"),
    (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"),
    (0x44b5_2d02_c7e1_4af6, "1e+23"),
    (0x44b5_2d02_c7e1_4af7, "1.0000000000000001e+23"),
    (0x444b_1ae4_d6e2_ef4e, "999999999999999700000"),
    (0x444b_1ae4_d6e2_ef4f, "999999999999999900000"),
    (0x444b_1ae4_d6e2_ef50, "1e+21"),
    (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"),
    (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
    (0x41b3_de43_5555_5553, "333333333.3333332"),
    (0x41b3_de43_5555_5554, "333333333.33333325"),
    (0x41b3_de43_5555_5555, "333333333.3333333"),
    (0x41b3_de43_5555_5556, "333333333.3333334"),
    (0x41b3_de43_5555_5557, "333333333.33333343"),
    (0xbecb_f647_612f_3696, "-0.0000033333333333333333"),
    (0x4314_3ff3_c1cb_0959, "1424953923781206.2"),
];

#[test]
fn numbers_are_written_as_the_table_says() {
    for (bits, text) in NUMBERS {
        let number = Number::from_f64(f64::from_bits(bits)).unwrap();
        assert_eq!(String::from_utf8(canonical(&Value::Number(number))).unwrap(), text, "{bits:016x}");
    }
}

#[test]
fn strings_are_escaped_as_section_3_2_2_2_says() {
    for (character, escaped) in [
        ('\u{8}', r"\b"),
        ('\t', r"\t"),
        ('\n', r"\n"),
        ('\u{c}', r"\f"),
        ('\r', r"\r"),
        ('"', r#"\""#),
        ('\\', r"\\"),
        ('\0', r"\u0000"),
        ('\u{b}', r"\u000b"),
        ('\u{1f}', r"\u001f"),
        // All others stand for themselves.
        ('/', "/"),
        ('\u{7f}', "\u{7f}"),
        ('\u{80}', "\u{80}"),
        ('\u{2028}', "\u{2028}"),
        ('\u{1f600}', "\u{1f600}"),
    ] {
        let written = String::from_utf8(canonical(&json!(character.to_string()))).unwrap();
        assert_eq!(written, format!("\"{escaped}\""));
        let key = String::from_utf8(canonical(&json!({character.to_string(): 1}))).unwrap();
        assert_eq!(key, format!("{{\"{escaped}\":1}}"));
    }
}

#[test]
fn members_are_sorted_by_their_utf_16_code_units() {
    // RFC 8785 section 3.2.3: the surrogates of U+1F600 sort before U+FB33, its code point behind it.
    let value = json!({
        "\u{20ac}": "Euro Sign", "\r": "Carriage Return", "\u{fb33}": "Hebrew Letter Dalet With Dagesh", "1": "One",
        "\u{1f600}": "Emoji: Grinning Face", "\u{80}": "Control", "\u{f6}": "Latin Small Letter O With Diaeresis",
    });
    let text = String::from_utf8(canonical(&value)).unwrap();
    let values = ["Carriage Return", "One", "Control", "Latin Small", "Euro Sign", "Emoji", "Hebrew"];
    let places: Vec<_> = values.iter().map(|value| text.find(value).unwrap()).collect();
    assert!(places.is_sorted(), "{text}");
}
