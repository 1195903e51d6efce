//! Which of the two forms of an answer a client accepts (RFC 9110, section 12.5.1).

use http::{HeaderMap, header::ACCEPT};
use http_api::Problem;

/// The forms of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// `text/event-stream`
    Events,
    /// `application/json`
    Page,
}

/// What a client that has no preference, or says nothing, gets: every client can read it.
const USUAL: Form = Form::Page;

impl Form {
    /// By the header's weights; the more specific range counts for a type. Of two that are as welcome as each other, the
    /// events win if they are named.
    pub(crate) fn asked_for(headers: &HeaderMap) -> Result<Self, Problem> {
        let refused =
            || Problem::header("Accept", "must allow text/event-stream or application/json, in the form of RFC 9110");
        let mut ranges = Vec::new();
        for value in headers.get_all(ACCEPT) {
            let value = value.to_str().map_err(|_| refused())?;
            for range in value.split(',').map(str::trim).filter(|range| !range.is_empty()) {
                ranges.push(Range::parse(range).ok_or_else(refused)?);
            }
        }
        if ranges.is_empty() {
            return Ok(USUAL);
        }
        let events = Welcome::of("text", "event-stream", &ranges);
        let page = Welcome::of("application", "json", &ranges);
        match (events.weight, page.weight) {
            (0, 0) => Err(refused()),
            (events, page) if events > page => Ok(Self::Events),
            (events_weight, page) if events_weight == page && events.specificity == SPECIFIC => Ok(Self::Events),
            _ => Ok(Self::Page),
        }
    }
}

/// `type/subtype;q=weight`
struct Range<'a> {
    kind: &'a str,
    subtype: &'a str,
    /// Thousandths.
    weight: u16,
}

impl<'a> Range<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let (kind, subtype) = parts.next()?.split_once('/')?;
        if kind.is_empty() || subtype.is_empty() || (kind == "*" && subtype != "*") {
            return None;
        }
        let mut weight = 1000;
        for parameter in parts {
            // Others, such as charset, make no difference here.
            let (name, value) = parameter.split_once('=')?;
            if name.eq_ignore_ascii_case("q") {
                weight = thousandths(value)?;
            }
        }
        Some(Self { kind, subtype, weight })
    }

    /// How closely the range names the type; none if it does not.
    fn names(&self, kind: &str, subtype: &str) -> Option<u8> {
        match (self.kind, self.subtype) {
            ("*", "*") => Some(0),
            (own, "*") if own.eq_ignore_ascii_case(kind) => Some(1),
            (own, own_subtype) if own.eq_ignore_ascii_case(kind) && own_subtype.eq_ignore_ascii_case(subtype) => {
                Some(SPECIFIC)
            }
            _ => None,
        }
    }
}

/// Of a range without a `*`.
const SPECIFIC: u8 = 2;

/// `0.5` is 500; at most three digits after the point, and nothing above 1.
fn thousandths(text: &str) -> Option<u16> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.len() > 3 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let fraction: u16 = format!("{fraction:0<3}").parse().ok()?;
    match whole {
        "0" => Some(fraction),
        "1" if fraction == 0 => Some(1000),
        _ => None,
    }
}

/// How welcome a type is.
#[derive(Default)]
struct Welcome {
    specificity: u8,
    weight: u16,
}

impl Welcome {
    fn of(kind: &str, subtype: &str, ranges: &[Range<'_>]) -> Self {
        let named = ranges.iter().filter_map(|range| Some((range.names(kind, subtype)?, range.weight)));
        // The closest range counts, even where it says less than another.
        let closest = named.max_by_key(|(specificity, weight)| (*specificity, *weight));
        closest.map_or_else(Self::default, |(specificity, weight)| Self { specificity, weight })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

    use super::*;

    fn asked(values: &[&str]) -> Option<Form> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(ACCEPT, value.parse().unwrap());
        }
        Form::asked_for(&headers).ok()
    }

    #[test]
    fn the_more_welcome_form_is_chosen() {
        for (accept, form) in [
            (&[][..], Form::Page),
            (&[""], Form::Page),
            (&["*/*"], Form::Page),
            (&["application/json"], Form::Page),
            (&["application/*"], Form::Page),
            (&["text/event-stream"], Form::Events),
            (&["Text/Event-Stream; charset=utf-8"], Form::Events),
            (&["text/*"], Form::Events),
            (&["text/event-stream, application/json"], Form::Events),
            (&["application/json", "text/event-stream"], Form::Events),
            (&["text/event-stream, */*"], Form::Events),
            (&["text/event-stream;q=0.5, application/json"], Form::Page),
            (&["text/event-stream;q=0.5, application/json;q=0.499"], Form::Events),
            (&["application/json;q=0, */*"], Form::Events),
            (&["text/event-stream;q=0, */*;q=0.1"], Form::Page),
            (&["text/html, */*;q=0.8"], Form::Page),
        ] {
            assert_eq!(asked(accept), Some(form), "{accept:?}");
        }
    }

    #[test]
    fn what_allows_neither_or_is_none_is_refused() {
        for accept in ["text/html", "application/json;q=0", "text", "*/json", "*/*;q=2", "*/*;q=0.1234", "*/*;q=x", "/"]
        {
            assert_eq!(asked(&[accept]), None, "{accept:?}");
        }
    }
}
