//! Parses API responses: the envelope of `/api2/extjs`, and what may come instead of it. Pure functions.

use super::{
    Method,
    error::{Asked, Error, Identity, Result},
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value, value::RawValue};
use std::{fmt, ops::Range, time::Duration};

/// The response to a request that was carried out.
#[derive(Clone)]
pub struct Reply {
    /// `data` of the response, as the original JSON text; `null` for many actions.
    pub data: String,
    /// The total number of rows of a paged list (tasks, logs).
    pub total: Option<u64>,
    /// The server's clock when it answered, in seconds since 1970.
    pub date: Option<u64>,
    asked: Box<Asked>,
}

impl Reply {
    /// A response without data, for a request that was not sent.
    #[must_use]
    pub fn pretended(method: Method, path: &str) -> Reply {
        Reply {
            data: NULL.into(),
            total: None,
            date: None,
            asked: Box::new(Asked { method, path: path.into(), host: String::new() }),
        }
    }

    /// The request, and the host it was sent to.
    pub(super) fn asked(&self) -> &Asked {
        &self.asked
    }

    /// Deserializes the data. Note that Proxmox sends some numbers as strings (pve.md section 4).
    ///
    /// # Errors
    /// [`Error::NotProxmox`] if the data has another structure.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_str(&self.data).map_err(|error| Error::NotProxmox {
            asked: self.asked.clone(),
            status: Some(200),
            problem: format!(
                "the data has an unexpected structure ({error}). Is this version of Proxmox supported?"
            ),
        })
    }

    /// The data as a JSON value, or as its text if it cannot be represented as one.
    #[must_use]
    pub fn value(&self) -> Value {
        // The JSON was parsed before, so only numbers beyond f64 and very deep nesting can fail.
        serde_json::from_str(&self.data).unwrap_or_else(|_| Value::String(self.data.clone()))
    }
}

impl fmt::Debug for Reply {
    /// Shows only the size of the data, which may be a ticket or a new token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reply({}, {} bytes)", self.asked, self.data.len())
    }
}

/// An HTTP response as received.
pub(super) struct Answer {
    pub(super) status: u16,
    /// The reason phrase: the only message that Proxmox gives with an empty body.
    pub(super) reason: String,
    /// Where a redirect points.
    pub(super) location: Option<String>,
    pub(super) date: Option<u64>,
    /// `Retry-After` in seconds, if given.
    pub(super) retry_after: Option<u64>,
    pub(super) body: Vec<u8>,
}

/// The data of many actions.
const NULL: &str = "null";

/// A response of the API. The data may be megabytes, so it is not parsed here.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    success: Option<Value>,
    status: Option<Value>,
    message: Option<String>,
    #[serde(default, deserialize_with = "some")]
    errors: Option<Value>,
    total: Option<Value>,
}

/// Accepts `errors` of any type, so that an unexpected one does not make the whole response unreadable.
fn some<'de, D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

impl Answer {
    /// How long an overloaded server, or a proxy in front of it, asks to wait.
    pub(super) fn pause(&self) -> Option<Duration> {
        self.retry_after.filter(|_| matches!(self.status, 429 | 503)).map(Duration::from_secs)
    }
}

/// Interprets a response.
///
/// # Errors
/// The response is anything other than data: see [`Error`].
pub(super) fn read(answer: Answer, asked: Asked, identity: &Identity) -> Result<Reply> {
    let asked = Box::new(asked);
    let status = answer.status;
    match status {
        401 => {
            let message = text_of(answer.body).ok().and_then(|body| envelope(&body)?.message);
            let reason = message.map_or(answer.reason, |message| trimmed(&message));
            return Err(Error::Unauthorized { identity: identity.clone(), reason });
        }
        595..=599 => return Err(Error::NodeUnreachable { asked, status, reason: answer.reason }),
        300..=399 => {
            let target = answer.location.unwrap_or_else(|| "nowhere".into());
            let problem = format!(
                "it redirects ({status}) to `{}`, which is not followed. Set host, port and scheme to where the API is.",
                shortened(&target)
            );
            return Err(Error::NotProxmox { asked, status: Some(status), problem });
        }
        _ => {}
    }
    let body = match text_of(answer.body) {
        Ok(body) => body,
        Err(body) => return Err(without_envelope(&Answer { body, ..answer }, asked, identity)),
    };
    let Some(envelope) = envelope(&body) else {
        let body = body.into_bytes();
        return Err(without_envelope(&Answer { body, ..answer }, asked, identity));
    };
    let place = envelope.data.map(|data| {
        let start = data.get().as_ptr() as usize - body.as_ptr() as usize;
        start..start + data.get().len()
    });
    let failed = envelope.success.as_ref().is_some_and(|success| number(success) == Some(0));
    if failed || 400 <= status {
        let said = envelope.status.as_ref().and_then(number).and_then(|said| u16::try_from(said).ok());
        let status = said.unwrap_or(if status < 400 { 500 } else { status });
        let message = envelope.message.map_or(answer.reason, |message| trimmed(&message));
        // A change under /access may contain a password itself, and then a 401 is about that password.
        if status == 401 && !(asked.changes() && asked.path.starts_with("/access/")) {
            return Err(Error::Unauthorized { identity: identity.clone(), reason: message });
        }
        return Err(Error::Refused {
            asked,
            identity: identity.clone(),
            status,
            message,
            errors: envelope.errors.map(parameter_errors).unwrap_or_default(),
        });
    }
    Ok(Reply {
        total: envelope.total.as_ref().and_then(number),
        data: place.map_or_else(|| NULL.into(), |place| cut(body, place)),
        date: answer.date,
        asked,
    })
}

/// Calls [`read`] with a made-up response, for tests.
///
/// # Errors
/// The same as those of [`read`].
#[doc(hidden)]
pub fn read_made_up(method: Method, path: &str, status: u16, said: &str, body: Vec<u8>) -> Result<Reply> {
    let asked = Asked { method, path: path.to_owned(), host: "192.0.2.1:8006".into() };
    let (reason, location) = (said.to_owned(), Some(said.to_owned()));
    read(
        Answer { status, reason, location, date: http_date(said), retry_after: None, body },
        asked,
        &Identity::Nobody,
    )
}

/// The body as text if it could be an envelope. Invalid UTF-8, as from a guest agent or a volume name, is replaced.
fn text_of(body: Vec<u8>) -> std::result::Result<String, Vec<u8>> {
    if body.trim_ascii_start().first() != Some(&b'{') {
        return Err(body);
    }
    Ok(String::from_utf8(body).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
}

/// The body as an envelope of the API, if it is one.
fn envelope(body: &str) -> Option<Envelope<'_>> {
    let envelope: Envelope<'_> = serde_json::from_str(body).ok()?;
    let known = envelope.data.is_some() || envelope.success.is_some() || envelope.message.is_some();
    (known || envelope.errors.is_some()).then_some(envelope)
}

/// Cuts out a part of the text in place, without copying it to a new allocation: it may be megabytes.
fn cut(mut text: String, place: Range<usize>) -> String {
    text.truncate(place.end);
    text.drain(..place.start);
    text
}

/// The error for a body that is not an envelope: it is empty (pve.md section 3), or comes from something in between.
fn without_envelope(answer: &Answer, asked: Box<Asked>, identity: &Identity) -> Error {
    let status = answer.status;
    let body = answer.body.trim_ascii();
    if body.is_empty() && 400 <= status && !matches!(status, 404 | 429 | 502..=504) {
        let (identity, message) = (identity.clone(), answer.reason.clone());
        return Error::Refused { asked, identity, status, message, errors: Vec::new() };
    }
    let what = if body.is_empty() {
        "it sent nothing".to_owned()
    } else if body.starts_with(b"<") {
        let text = String::from_utf8_lossy(body);
        let title = text.split_once("<title>").and_then(|(_, rest)| rest.split_once("</title>"));
        title.map_or("it sent an HTML page".into(), |(title, _)| {
            format!("it sent the HTML page `{}`", shortened(title))
        })
    } else if body.starts_with(b"{") {
        "it sent JSON that is invalid or has no `data`".to_owned()
    } else {
        "it sent something that is not JSON".to_owned()
    };
    let next = match status {
        429 | 502..=504 => "A proxy in between is overloaded or has lost the server; try again later.",
        _ => {
            "Check that host and port are those of the API (8006) and that nothing in between answers instead."
        }
    };
    let pause = match answer.pause() {
        Some(pause) => format!(" It asks to wait {} s.", pause.as_secs()),
        None => String::new(),
    };
    let problem = format!("{what} ({status} {}). {next}{pause}", shortened(&answer.reason));
    Error::NotProxmox { asked, status: Some(status), problem }
}

fn parameter_errors(errors: Value) -> Vec<(String, String)> {
    let words = |value: Value| match value {
        Value::String(text) => text,
        other => other.to_string(),
    };
    match errors {
        Value::Object(errors) => {
            let errors: Map<String, Value> = errors;
            errors.into_iter().map(|(name, problem)| (name, trimmed(&words(problem)))).collect()
        }
        _ => Vec::new(),
    }
}

/// A number, which may be given as a string or a boolean.
fn number(value: &Value) -> Option<u64> {
    match value {
        Value::Bool(flag) => Some(u64::from(*flag)),
        Value::String(text) => text.parse().ok(),
        other => other.as_u64(),
    }
}

/// Proxmox's message without its final line break.
fn trimmed(message: &str) -> String {
    message.trim_end_matches(['\r', '\n']).to_owned()
}

/// Untrusted text, shortened and on one line.
fn shortened(words: &str) -> String {
    words.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(120).collect()
}

/// Parses an HTTP date such as `Sat, 21 Nov 2026 00:58:18 GMT` as seconds since 1970.
pub(super) fn http_date(text: &str) -> Option<u64> {
    let mut words = text.split([' ', ':', ',']).filter(|word| !word.is_empty()).skip(1);
    let day: u64 = words.next()?.parse().ok()?;
    let month = words.next()?;
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let month = months.iter().position(|name| *name == month)? as u64 + 1;
    let mut next =
        || words.next().and_then(|word| word.parse::<u64>().ok()).filter(|number| *number < 10_000);
    let (year, hour, minute, second) = (next()?, next()?, next()?, next()?);
    if year < 1970 || 31 < day || 23 < hour || 59 < minute || 60 < second {
        return None;
    }
    // Days in the Gregorian calendar, with years that begin in March.
    let (year, month) = if month <= 2 { (year - 1, month + 9) } else { (year, month - 3) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day;
    Some((days.checked_sub(719_469)?) * 86_400 + hour * 3_600 + minute * 60 + second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_and_strangers_ignored() {
        assert_eq!(http_date("Thu, 01 Jan 1970 00:00:00 GMT"), Some(0));
        assert_eq!(http_date("Sat, 21 Nov 2026 00:58:18 GMT"), Some(1_795_222_698));
        assert_eq!(http_date("Thu, 29 Feb 2024 23:59:59 GMT"), Some(1_709_251_199));
        for stranger in
            ["", "now", "Sat, 21 Foo 2026 00:58:18 GMT", "Sat, 21 Nov 99999 0:0:0", "Sat, 0 Jan 1970 0:0"]
        {
            assert_eq!(http_date(stranger), None, "{stranger}");
        }
    }
}
