//! A stretch of time with a name, within a trace.

use std::fmt::Write;
use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::collector::Sink;

/// What OTLP calls a span within a program, and one that answers a request.
pub(super) const INTERNAL: u8 = 1;
pub(super) const SERVER: u8 = 2;
/// What OTLP calls a failure.
const ERROR: u8 = 2;

/// What a span is a part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Parent {
    trace: [u8; 16],
    span: [u8; 8],
    /// Whether the caller records this trace.
    pub(super) is_sampled: bool,
}

/// A stretch of time, which ends when it is dropped and is then sent.
pub(crate) struct Span {
    name: String,
    kind: u8,
    own: Parent,
    within: Option<[u8; 8]>,
    began: SystemTime,
    attributes: Vec<Value>,
    has_failed: bool,
    sink: Sink,
}

/// A header that names no trace.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NotATrace;

impl Span {
    /// Begins now: within `parent`, or a trace of its own.
    pub(super) fn begin(name: String, kind: u8, parent: Option<Parent>, sink: Sink) -> Self {
        let (mut trace, mut span) = ([0; 16], [0; 8]);
        // Without random numbers a trace has no identifier, and a collector leaves it out.
        _ = getrandom::fill(&mut span);
        match parent {
            Some(parent) => trace = parent.trace,
            None => _ = getrandom::fill(&mut trace),
        }
        Self {
            name,
            kind,
            own: Parent { trace, span, is_sampled: true },
            within: parent.map(|parent| parent.span),
            began: SystemTime::now(),
            attributes: Vec::new(),
            has_failed: false,
            sink,
        }
    }

    /// What parts of this span are parts of.
    pub(super) fn as_parent(&self) -> Parent {
        self.own
    }

    /// Says something about it: a text or a whole number.
    pub(crate) fn set(&mut self, key: &str, value: impl Into<Value>) {
        let value = match value.into() {
            // As JSON for Protocol Buffers has 64 bits.
            Value::Number(number) => json!({"intValue": number.to_string()}),
            other => json!({"stringValue": other}),
        };
        self.attributes.push(json!({"key": key, "value": value}));
    }

    /// Says that the service failed in it.
    pub(super) fn fail(&mut self) {
        self.has_failed = true;
    }

    /// As OTLP has it in JSON: `opentelemetry/proto/trace/v1/trace.proto`.
    fn json(&mut self) -> Value {
        let nanoseconds = |time: SystemTime| {
            let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
            since.as_nanos().to_string()
        };
        let mut json = json!({
            "traceId": hexadecimal(&self.own.trace),
            "spanId": hexadecimal(&self.own.span),
            "name": self.name,
            "kind": self.kind,
            "startTimeUnixNano": nanoseconds(self.began),
            "endTimeUnixNano": nanoseconds(SystemTime::now()),
            "attributes": std::mem::take(&mut self.attributes),
        });
        if let Some(within) = &self.within {
            json["parentSpanId"] = hexadecimal(within).into();
        }
        if self.has_failed {
            json["status"] = json!({"code": ERROR});
        }
        json
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        let json = self.json();
        self.sink.take(json);
    }
}

/// The header `traceparent` of W3C's Trace Context: `00-TRACE-SPAN-FLAGS`, in hexadecimal.
impl FromStr for Parent {
    type Err = NotATrace;

    fn from_str(text: &str) -> Result<Self, NotATrace> {
        let parts: Vec<&str> = text.trim().split('-').collect();
        // Later versions may have more parts.
        let [version, trace, span, flags, ..] = parts[..] else { return Err(NotATrace) };
        let [version] = bytes::<1>(version)?;
        if version == 0xff || version == 0 && parts.len() > 4 {
            return Err(NotATrace);
        }
        let (trace, span, [flags]) = (bytes::<16>(trace)?, bytes::<8>(span)?, bytes::<1>(flags)?);
        if trace == [0; 16] || span == [0; 8] {
            return Err(NotATrace);
        }
        Ok(Self { trace, span, is_sampled: flags & 1 == 1 })
    }
}

fn bytes<const N: usize>(text: &str) -> Result<[u8; N], NotATrace> {
    let is_digit = |digit: u8| matches!(digit, b'0'..=b'9' | b'a'..=b'f');
    if text.len() != 2 * N || !text.bytes().all(is_digit) {
        return Err(NotATrace);
    }
    let mut bytes = [0; N];
    for (byte, at) in bytes.iter_mut().zip((0..text.len()).step_by(2)) {
        *byte = u8::from_str_radix(&text[at..at + 2], 16).map_err(|_| NotATrace)?;
    }
    Ok(bytes)
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("memory takes text");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_traceparent_names_a_trace_or_is_none() {
        let parent: Parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".parse().unwrap();
        assert_eq!(hexadecimal(&parent.trace), "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(hexadecimal(&parent.span), "b7ad6b7169203331");
        assert!(parent.is_sampled);
        let parse = |text: &str| text.parse::<Parent>().ok();
        assert!(!parse("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00").unwrap().is_sampled);
        assert!(
            parse("01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more").is_some(),
            "a later version"
        );
        for none in [
            "",
            "00",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-äf7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ] {
            assert_eq!(parse(none), None, "{none}");
        }
    }
}
