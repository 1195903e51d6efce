//! Splits a body of text into its JSON objects: one, many one after another, an array of them, or any mix.
//!
//! What is well formed is found by reading it, so a line break decides nothing there: an event on one line,
//! one that is pretty-printed, and events with no break between them are all alike. Only what is not well
//! formed needs a rule for where it ends:
//!
//! - Outside an array it ends before the next line whose very first byte is `{` or `[`. So a bad line of
//!   NDJSON costs that line, while a pretty-printed event with a mistake in it, whose inner lines are
//!   indented, is one piece of rubbish and not twenty.
//! - Inside an array it ends at the next comma or bracket that belongs to the array itself. If none can be
//!   told, because brackets do not pair up, the rest of the body is rubbish: looking for the next brace
//!   would take objects from inside an event for events.
//!
//! No byte is read more than a fixed number of times, whatever the body.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::Fault;

/// The iterator over a body's objects and the rubbish between them.
#[derive(Debug)]
pub(super) struct Documents {
    body: Bytes,
    /// Where to go on reading.
    at: usize,
    /// Where the line that was looked at last ends; found once for each line, not for each document on it.
    line_end: usize,
    /// Up to here, some document of several lines was tried in vain. No second one is tried before this
    /// point: that is what keeps the time in proportion to the body.
    tried_until: usize,
    /// What may stand at `at`.
    expected: Expected,
}

/// What the grammar allows next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    /// Outside an array.
    Document,
    /// Just after the `[` of an array: an element, or the array's end.
    FirstElement,
    /// Just after a comma in an array.
    Element,
    /// After an element of an array.
    Separator,
}

/// What one attempt to read on has found.
type Found = Result<Bytes, (Bytes, Fault)>;

impl Documents {
    /// Reads `body`, which holds something other than white space.
    pub(super) fn new(body: Bytes) -> Self {
        Self { body, at: 0, line_end: 0, tried_until: 0, expected: Expected::Document }
    }

    /// The byte at the place where reading goes on, past white space.
    fn peek(&mut self) -> Option<u8> {
        let rest = self.body.get(self.at..)?;
        let blanks = rest.iter().position(|byte| !matches!(byte, b' ' | b'\t' | b'\r' | b'\n'));
        self.at += blanks.unwrap_or(rest.len());
        self.body.get(self.at).copied()
    }

    /// Takes the bytes from the place where reading goes on until `end`, and goes on there.
    fn take_until(&mut self, end: usize) -> Bytes {
        let taken = self.body.slice(self.at..end);
        self.at = end;
        taken
    }

    /// Takes the well-formed value that ends at `end`.
    fn take_value(&mut self, end: usize) -> Found {
        let value = self.take_until(end);
        if value.starts_with(b"{") { Ok(value) } else { Err((value, Fault::NotAnObject)) }
    }

    /// Reads on outside an array. The next byte is neither white space nor `[`.
    fn document(&mut self) -> Found {
        if self.at >= self.line_end {
            self.line_end = line_end(&self.body, self.at);
        }
        let on_this_line = value_end(&self.body, self.at, self.line_end);
        let fault = match on_this_line {
            Ok(end) if self.body[self.at] == b'{' => return self.take_value(end),
            // A log line may well begin with a number. The whole of it is rubbish, not what follows the number.
            Ok(_) => Fault::NotAnObject,
            Err(error) if error.is_eof() && self.at >= self.tried_until => {
                match value_end(&self.body, self.at, self.body.len()) {
                    Ok(end) => return self.take_value(end),
                    Err(error) => {
                        self.tried_until = error_offset(&self.body, self.at, &error);
                        error.into()
                    }
                }
            }
            Err(error) => error.into(),
        };
        let end = next_opening_line(&self.body, self.line_end);
        let rubbish = self.take_until(end);
        let trimmed = rubbish.slice_ref(rubbish.trim_ascii_end());
        Err((trimmed, fault))
    }

    /// Reads an element of an array. The next byte is not white space.
    fn element(&mut self) -> Found {
        let fault = match value_end(&self.body, self.at, self.body.len()) {
            Ok(end) => {
                self.expected = Expected::Separator;
                return self.take_value(end);
            }
            Err(error) => error.into(),
        };
        self.skip_element(fault)
    }

    /// Takes what is left of a bad element.
    fn skip_element(&mut self, fault: Fault) -> Found {
        let end = match element_end(&self.body, self.at) {
            Some(end) => {
                self.expected = Expected::Separator;
                end
            }
            None => {
                self.expected = Expected::Document;
                self.body.len()
            }
        };
        let rubbish = self.take_until(end);
        let trimmed = rubbish.slice_ref(rubbish.trim_ascii_end());
        Err((trimmed, fault))
    }
}

impl Iterator for Documents {
    type Item = Found;

    fn next(&mut self) -> Option<Found> {
        loop {
            let next = self.peek();
            match (self.expected, next) {
                (Expected::Document, None) => return None,
                (Expected::FirstElement | Expected::Element | Expected::Separator, None) => {
                    self.expected = Expected::Document;
                    return Some(Err((Bytes::new(), Fault::UnclosedArray)));
                }
                (Expected::Document, Some(b'[')) => self.step(Expected::FirstElement),
                (Expected::Document, Some(_)) => return Some(self.document()),
                (Expected::FirstElement | Expected::Separator, Some(b']')) => self.step(Expected::Document),
                (Expected::FirstElement | Expected::Element, Some(_)) => return Some(self.element()),
                (Expected::Separator, Some(b',')) => self.step(Expected::Element),
                (Expected::Separator, Some(_)) => {
                    let problem = "expected `,` or `]` after an element of the array".to_owned();
                    return Some(self.skip_element(Fault::NotJson { problem }));
                }
            }
        }
    }
}

impl Documents {
    /// Passes over one byte of punctuation.
    fn step(&mut self, expected: Expected) {
        self.at += 1;
        self.expected = expected;
    }
}

/// Where the JSON value that starts at `start` ends, if it is complete before `limit`. Reading it as a
/// [`RawValue`] checks the grammar and the UTF-8, builds nothing, and needs no recursion however deep it is.
fn value_end(body: &[u8], start: usize, limit: usize) -> Result<usize, serde_json::Error> {
    let mut parser = serde_json::Deserializer::from_slice(&body[start..limit]);
    let value = <&RawValue>::deserialize(&mut parser)?;
    Ok(start + value.get().len())
}

/// The offset in `body` of an error that parsing from `start` met; it is given as line and column.
fn error_offset(body: &[u8], start: usize, error: &serde_json::Error) -> usize {
    if error.is_eof() {
        return body.len();
    }
    let mut line = start;
    for _ in 1..error.line() {
        line = line_end(body, line) + 1;
    }
    (line + error.column()).min(body.len())
}

/// The offset of the next line break from `start` on, or of the end of the body.
fn line_end(body: &[u8], start: usize) -> usize {
    let rest = body.get(start..).unwrap_or_default();
    start + rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len())
}

/// The start of the first line after `end_of_line` that begins with a bracket, or the end of the body.
fn next_opening_line(body: &[u8], end_of_line: usize) -> usize {
    let mut end = end_of_line;
    while end < body.len() {
        let start = end + 1;
        if matches!(body.get(start), Some(b'{' | b'[')) {
            return start;
        }
        end = line_end(body, start);
    }
    body.len()
}

/// Where the bad array element that starts at `start` ends: at the first comma or closing bracket that is
/// outside of every string and every pair of brackets opened since. `None` if brackets do not pair up, or
/// the body ends first. A line break ends a string, as JSON allows none inside.
fn element_end(body: &[u8], start: usize) -> Option<usize> {
    let mut awaited = Vec::new();
    let mut bytes = body.iter().enumerate().skip(start);
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b',' | b']' if awaited.is_empty() => return Some(at),
            b'{' => awaited.push(b'}'),
            b'[' => awaited.push(b']'),
            b'}' | b']' if awaited.pop() != Some(*byte) => return None,
            b'"' => skip_string(&mut bytes),
            _ => {}
        }
    }
    None
}

/// Moves past the end of the string whose opening quote was read last.
fn skip_string<'a>(bytes: &mut impl Iterator<Item = (usize, &'a u8)>) {
    while let Some((_, byte)) = bytes.next() {
        match byte {
            b'\\' => {
                bytes.next();
            }
            b'"' | b'\n' => return,
            _ => {}
        }
    }
}
