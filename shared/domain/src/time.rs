//! Instants, as RFC 3339 writes them.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// An instant between the years 0000 and 9999, to the nanosecond.
///
/// Read from any RFC 3339 text with an offset; written in UTC with `Z` and no more fraction digits than needed, so that
/// one instant has one text: `2025-08-29T12:34:56Z`, `2025-08-29T12:34:56.25Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Timestamp(jiff::Timestamp);

/// The text is not an RFC 3339 instant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("write an RFC 3339 instant with an offset and a year of four digits, such as 2025-08-29T12:34:56Z")]
pub struct InvalidTimestamp;

impl Timestamp {
    /// From milliseconds since 1970-01-01T00:00:00Z; what lies outside the years 0000 to 9999 becomes the nearest
    /// instant inside.
    #[must_use]
    pub fn clamped_from_millis(millis: i64) -> Self {
        const FIRST: i64 = -62_167_219_200_000; // 0000-01-01T00:00:00Z
        const LAST: i64 = 253_402_207_200_000; // the last that jiff holds in every time zone, on 9999-12-30
        Self(jiff::Timestamp::from_millisecond(millis.clamp(FIRST, LAST)).unwrap_or(jiff::Timestamp::UNIX_EPOCH))
    }

    /// Milliseconds since 1970-01-01T00:00:00Z, rounded towards it.
    #[must_use]
    pub fn as_millis(self) -> i64 {
        self.0.as_millisecond()
    }

    /// Milliseconds from `earlier` to this instant, rounded towards zero; negative when it is the later one.
    #[must_use]
    pub fn millis_since(self, earlier: Self) -> i64 {
        // Between the years 0000 and 9999 lie fewer than 2^49 milliseconds.
        i64::try_from(self.0.duration_since(earlier.0).as_millis()).unwrap_or(i64::MAX)
    }

    /// Seconds since 1970-01-01T00:00:00Z, rounded towards it.
    #[must_use]
    pub fn as_seconds(self) -> i64 {
        self.0.as_second()
    }
}

impl FromStr for Timestamp {
    type Err = InvalidTimestamp;

    /// The grammar is checked here to the letter, because the parser below also takes ISO 8601's and RFC 9557's wider
    /// forms, which another reader of our log may not.
    fn from_str(text: &str) -> Result<Self, InvalidTimestamp> {
        if !is_rfc3339(text.as_bytes()) {
            return Err(InvalidTimestamp);
        }
        let instant: jiff::Timestamp = text.parse().map_err(|_| InvalidTimestamp)?;
        // An offset can carry 0000-01-01 or 9999-12-31 over the edge.
        let canonical = instant.to_string();
        if canonical.as_bytes().first().is_some_and(u8::is_ascii_digit) && canonical.find('-') == Some(4) {
            Ok(Self(instant))
        } else {
            Err(InvalidTimestamp)
        }
    }
}

/// RFC 3339 section 5.6 `date-time`, with at most nine fraction digits. Ranges are left to the calendar.
fn is_rfc3339(b: &[u8]) -> bool {
    let shape = |part: &[u8], pattern: &[u8]| {
        part.len() == pattern.len()
            && part.iter().zip(pattern).all(|(c, p)| match p {
                b'9' => c.is_ascii_digit(),
                other => c.eq_ignore_ascii_case(other),
            })
    };
    if b.len() < 20 || !shape(&b[..19], b"9999-99-99T99:99:99") {
        return false;
    }
    let mut rest = &b[19..];
    if let Some(fraction) = rest.strip_prefix(b".") {
        let digits = fraction.iter().take_while(|c| c.is_ascii_digit()).count();
        if digits == 0 || digits > 9 {
            return false;
        }
        rest = &fraction[digits..];
    }
    shape(rest, b"Z") || shape(rest, b"+99:99") || shape(rest, b"-99:99")
}

impl TryFrom<String> for Timestamp {
    type Error = InvalidTimestamp;

    fn try_from(text: String) -> Result<Self, InvalidTimestamp> {
        text.parse()
    }
}

impl From<Timestamp> for String {
    fn from(t: Timestamp) -> Self {
        t.to_string()
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

    use super::*;

    #[test]
    fn one_instant_has_one_text() {
        for text in [
            "2025-08-29T12:34:56Z",
            "2025-08-29t12:34:56.000z",
            "2025-08-29T14:34:56+02:00",
            "2025-08-29T04:34:56-08:00",
        ] {
            assert_eq!(text.parse::<Timestamp>().unwrap().to_string(), "2025-08-29T12:34:56Z", "{text}");
        }
        assert_eq!("2025-08-29T12:34:56.250Z".parse::<Timestamp>().unwrap().to_string(), "2025-08-29T12:34:56.25Z");
    }

    #[test]
    fn a_span_is_measured_between_the_instants_themselves() {
        let span = |from: &str, to: &str| to.parse::<Timestamp>().unwrap().millis_since(from.parse().unwrap());
        assert_eq!(span("1969-12-31T23:59:59.9995Z", "1970-01-01T00:00:00.0005Z"), 1);
        assert_eq!(span("2025-01-01T00:00:01Z", "2025-01-01T00:00:00Z"), -1_000);
        assert_eq!(span("0000-01-01T00:00:00Z", "9999-12-30T00:00:00Z"), 315_569_347_200_000);
    }

    #[test]
    fn milliseconds_are_kept_and_clamped() {
        assert_eq!(Timestamp::clamped_from_millis(1_756_470_896_250).to_string(), "2025-08-29T12:34:56.25Z");
        for edge in [i64::MIN, i64::MAX] {
            let text = Timestamp::clamped_from_millis(edge).to_string();
            assert!(text.parse::<Timestamp>().is_ok(), "{text}");
        }
    }

    #[test]
    fn refuses_what_other_readers_may_read_differently() {
        for text in [
            "",
            "2025-08-29",
            "2025-08-29T12:34:56",
            "2025-08-29 12:34:56Z",
            "2025-08-29T12:34Z",
            "2025-08-29T12:34:56+0200",
            "2025-08-29T12:34:56Z[UTC]",
            "2025-08-29T12:34:56.Z",
            "2025-08-29T12:34:56.1234567890Z",
            "10000-01-01T00:00:00Z",
            "+010000-01-01T00:00:00Z",
            "-0001-01-01T00:00:00Z",
            "9999-12-31T23:59:59-01:00",
            "2025-02-30T00:00:00Z",
            "2025-08-29T24:00:00Z",
            "2025-08-29T12:34:56,5Z",
            "２025-08-29T12:34:56Z",
        ] {
            assert!(text.parse::<Timestamp>().is_err(), "{text}");
        }
    }
}
