//! The data of a login: what to send, what the response means, how long a ticket is valid. Does no I/O, and takes the
//! time as an argument.
//!
//! The facts are in pve.md section 2 (API path `/access/ticket`).

use super::Params;
use crate::secret::Secret;
use percent_encoding::percent_decode_str;
use serde_json::Value;
use std::time::{Duration, Instant, SystemTime};

/// The API path that issues tickets.
pub(super) const PATH: &str = "/access/ticket";
/// How long Proxmox accepts a ticket.
const LIFETIME: Duration = Duration::from_secs(2 * 60 * 60);
/// A ticket is renewed when this much of its lifetime is left.
const RENEWAL: Duration = Duration::from_secs(30 * 60);
/// A ticket with less than this left counts as expired.
const MARGIN: Duration = Duration::from_secs(60);

/// A point in time on both clocks: the monotonic one stops while the computer sleeps, the wall clock can jump.
#[derive(Clone, Copy, Debug)]
pub(super) struct ClockTime {
    pub(super) steady: Instant,
    pub(super) wall: SystemTime,
}

impl ClockTime {
    pub(super) fn now() -> ClockTime {
        ClockTime { steady: Instant::now(), wall: SystemTime::now() }
    }

    /// The time since `earlier` by the clock that shows more: an unnecessary renewal is cheap, a late one is not.
    fn since(self, earlier: ClockTime) -> Duration {
        let wall = self.wall.duration_since(earlier.wall).unwrap_or_default();
        self.steady.saturating_duration_since(earlier.steady).max(wall)
    }
}

/// A session ticket with its CSRF token.
#[derive(Clone, Debug)]
pub(super) struct Ticket {
    value: Secret,
    csrf: Secret,
    issued: ClockTime,
}

/// Whether a ticket can still be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Validity {
    RecentChanges,
    /// Still valid, but due to be renewed.
    Renew,
    Expired,
}

impl Ticket {
    pub(super) fn validity(&self, now: ClockTime) -> Validity {
        match now.since(self.issued) {
            age if age < LIFETIME - RENEWAL => Validity::RecentChanges,
            age if age < LIFETIME - MARGIN => Validity::Renew,
            _ => Validity::Expired,
        }
    }

    /// The ticket, which serves as the password when it is renewed.
    pub(super) fn as_password(&self) -> &Secret {
        &self.value
    }

    /// The headers of a request with this ticket. Changes also need the CSRF token.
    pub(super) fn headers(&self, changing: bool) -> Vec<(&'static str, Secret)> {
        let cookie = Secret::new(format!("PVEAuthCookie={}", encode_cookie(self.value.expose())));
        let mut headers = vec![("Cookie", cookie)];
        if changing {
            headers.push(("CSRFPreventionToken", self.csrf.clone()));
        }
        headers
    }
}

/// The `Authorization` header for an API token.
pub(super) fn token_header(id: &str, secret: &Secret) -> (&'static str, Secret) {
    ("Authorization", Secret::new(format!("PVEAPIToken={id}={}", secret.expose())))
}

/// Percent-encodes only the bytes that would end a cookie. The server decodes it; not every imitation does.
fn encode_cookie(ticket: &str) -> String {
    let mut safe = String::with_capacity(ticket.len());
    for letter in ticket.chars() {
        if letter.is_ascii_graphic() && !matches!(letter, '%' | ';' | ',' | '"' | '\\') {
            safe.push(letter);
        } else {
            super::params::encode_into(&mut safe, letter.encode_utf8(&mut [0; 4]));
        }
    }
    safe
}

/// The parameters of a login.
pub(super) fn login(user: &str, password: &Secret) -> Params {
    Params::new().with("username", user).with("password", password.expose())
}

/// The parameters that answer a second-factor challenge.
pub(super) fn second_factor(user: &str, challenge: &Secret, code: &str) -> Params {
    Params::new()
        .with("username", user)
        .with("tfa-challenge", challenge.expose())
        .with("password", format!("totp:{code}"))
}

/// The response to a login.
#[derive(Debug)]
pub(super) enum Login {
    Done(Ticket),
    /// A second factor is required, of any of these kinds.
    Wanted {
        challenge: Secret,
        kinds: Vec<String>,
    },
}

/// Reads the data of a response to a login; `None` if it is not one.
pub(super) fn read_login(data: &Value, now: ClockTime) -> Option<Login> {
    let ticket = Secret::new(data["ticket"].as_str().filter(|ticket| !ticket.is_empty())?);
    let wanted = match &data["NeedTFA"] {
        Value::Bool(flag) => *flag,
        Value::String(text) => text != "0",
        other => other.as_u64().is_some_and(|number| number != 0),
    };
    if wanted {
        let kinds = challenge_kinds(ticket.expose());
        return Some(Login::Wanted { challenge: ticket, kinds });
    }
    let csrf = Secret::new(data["CSRFPreventionToken"].as_str()?);
    Some(Login::Done(Ticket { value: ticket, csrf, issued: now }))
}

/// The kinds of second factor that a partial ticket offers: `PVE:!tfa!{json}:…`, the JSON percent-encoded or not.
fn challenge_kinds(ticket: &str) -> Vec<String> {
    let Some((_, challenge)) = ticket.split_once("!tfa!") else { return Vec::new() };
    let plain = if challenge.starts_with('%') {
        percent_decode_str(challenge).decode_utf8_lossy().into_owned()
    } else {
        challenge.to_owned()
    };
    let mut values = serde_json::Deserializer::from_str(&plain).into_iter::<Value>();
    let Some(Ok(Value::Object(offered))) = values.next() else { return Vec::new() };
    let is_offered = |value: &Value| match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => text != "unavailable",
        Value::Array(items) => !items.is_empty(),
        _ => true,
    };
    offered.into_iter().filter(|(_, value)| is_offered(value)).map(|(kind, _)| kind).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn ticket(value: &str, issued: ClockTime) -> Ticket {
        let data = json!({"ticket": value, "CSRFPreventionToken": "csrf", "username": "a@pve"});
        let Some(Login::Done(ticket)) = read_login(&data, issued) else { panic!("no ticket") };
        ticket
    }

    #[test]
    fn a_ticket_is_renewed_in_its_last_half_hour_by_either_clock() {
        let issued = ClockTime::now();
        let minutes = |count: u64| Duration::from_secs(count * 60);
        let ticket = ticket("PVE:a", issued);
        for (steady, wall, expected) in [
            (0, 0, Validity::RecentChanges),
            (89, 89, Validity::RecentChanges),
            (90, 90, Validity::Renew),
            (118, 118, Validity::Renew),
            (119, 119, Validity::Expired),
            (5, 100, Validity::Renew),   // slept
            (5, 300, Validity::Expired), // slept for long
            (91, 1, Validity::Renew),    // the clock was set back
        ] {
            let now =
                ClockTime { steady: issued.steady + minutes(steady), wall: issued.wall + minutes(wall) };
            assert_eq!(ticket.validity(now), expected, "{steady} {wall}");
        }
        let before = ClockTime { steady: issued.steady, wall: issued.wall - minutes(600) };
        assert_eq!(ticket.validity(before), Validity::RecentChanges);
    }

    #[test]
    fn cookies_are_raw_but_for_what_would_end_them() {
        let headers = ticket("PVE:a@pve:6B00::q+/=;x\r\n", ClockTime::now()).headers(true);
        let shown: Vec<_> = headers.iter().map(|(name, value)| (*name, value.expose())).collect();
        assert_eq!(
            shown,
            [("Cookie", "PVEAuthCookie=PVE:a@pve:6B00::q+/=%3Bx%0D%0A"), ("CSRFPreventionToken", "csrf")]
        );
        assert_eq!(ticket("x", ClockTime::now()).headers(false).len(), 1);
        assert!(!format!("{headers:?}").contains("csrf"));
    }

    #[test]
    fn second_factors_are_read_from_the_half_ticket() {
        for (half, expected) in [
            (
                r#"PVE:!tfa!{"totp":true,"recovery":"unavailable","u2f":null,"webauthn":[]}:6B::x"#,
                vec!["totp"],
            ),
            ("PVE:!tfa!%7B%22totp%22%3Afalse%2C%22yubico%22%3Atrue%7D:6B::x", vec!["yubico"]),
            ("PVE:!tfa!%7Bbroken%zz:6B::x", vec![]),
            ("PVE:none", vec![]),
        ] {
            let data = json!({"ticket": half, "NeedTFA": 1});
            let Some(Login::Wanted { kinds, .. }) = read_login(&data, ClockTime::now()) else {
                panic!("{half}")
            };
            assert_eq!(kinds, expected, "{half}");
        }
        assert!(read_login(&json!({"ticket": ""}), ClockTime::now()).is_none());
        assert!(read_login(&json!(null), ClockTime::now()).is_none());
    }
}
