//! Tickets, CSRF tokens, API tokens and the second factor (pve.md section 2). Knows no users' privileges.

use crate::{
    demo::{
        outcome::ApiError,
        random,
        state::{
            access::{Access, Identity},
            clock::whole,
        },
        wire::{form::unescape, http::Incoming},
    },
    pve::Method,
    secret::Secret,
};
use base64::{Engine, prelude::BASE64_STANDARD};
use ring::hmac;

/// Seconds for which a ticket is valid.
const LIFETIME: u64 = 7200;
/// Seconds by which the clocks of nodes may differ.
const TOLERANCE: u64 = 300;

/// Signs and verifies tickets.
pub(crate) struct Signer {
    key: hmac::Key,
    /// Tickets issued before this time are refused.
    pub(crate) not_before: u64,
}

/// The result of a login.
pub(crate) struct Login {
    pub(crate) user: String,
    pub(crate) ticket: Secret,
    pub(crate) csrf: Secret,
    /// Whether the second factor is still missing; until then the ticket permits nothing.
    pub(crate) half: bool,
}

impl Signer {
    /// Creates a signer with a random key.
    pub(crate) fn new() -> Signer {
        Signer { key: hmac::Key::new(hmac::HMAC_SHA256, &random::bytes::<32>()), not_before: 0 }
    }

    fn sign(&self, text: &str) -> String {
        BASE64_STANDARD.encode(hmac::sign(&self.key, text.as_bytes()).as_ref())
    }

    fn ticket(&self, subject: &str, now: u64) -> Secret {
        let plain = format!("PVE:{subject}:{now:08X}");
        Secret::new(format!("{plain}::{}", self.sign(&plain)))
    }

    /// A ticket that only lists the available second factors; the signature binds it to its user.
    fn half_ticket(&self, user: &str, now: u64) -> Secret {
        let plain = format!("PVE:{HALF}:{now:08X}");
        Secret::new(format!("{plain}::{}", self.sign(&format!("{plain}:{user}"))))
    }

    fn csrf(&self, user: &str, now: u64) -> Secret {
        Secret::new(format!("{now:08X}:{}", self.sign(&format!("CSRF:{now:08X}:{user}"))))
    }

    /// The subject of a ticket whose signature is valid and whose time is neither too old nor in the future.
    fn subject<'a>(&self, ticket: &'a str, now: u64) -> Option<&'a str> {
        let (plain, signature) = ticket.rsplit_once("::")?;
        let (subject, time) = plain.strip_prefix("PVE:")?.rsplit_once(':')?;
        let fresh = self.fresh(time, now);
        (fresh && self.sign(plain) == signature).then_some(subject)
    }

    fn fresh(&self, time: &str, now: u64) -> bool {
        u64::from_str_radix(time, 16)
            .is_ok_and(|time| self.not_before <= time && time <= now + TOLERANCE && now <= time + LIFETIME)
    }

    fn csrf_fits(&self, csrf: &str, user: &str, now: u64) -> bool {
        let Some((time, signature)) = csrf.split_once(':') else { return false };
        self.fresh(time, now) && self.sign(&format!("CSRF:{time}:{user}")) == signature
    }

    /// The sender of a request, according to its cookie or API token.
    pub(crate) fn identify(
        &self,
        access: &Access,
        request: &Incoming,
        now: f64,
    ) -> Result<Identity, ApiError> {
        let now = whole(now);
        let header = request.header("authorization").unwrap_or_default();
        let cookie = request.header("cookie").into_iter().flat_map(|cookies| cookies.split(';'));
        let ticket = cookie
            .filter_map(|pair| pair.trim().strip_prefix("PVEAuthCookie="))
            .chain(header.strip_prefix("PVEAuthCookie="))
            .next();
        // A cookie takes precedence over the header.
        if let Some(ticket) = ticket {
            let ticket = unescape(ticket);
            if !ticket.starts_with("PVE:") {
                return Err(ApiError::bare(401, "Authentication failed!"));
            }
            let user = self.subject(&ticket, now).filter(|user| usable(access, user, now));
            let Some(user) = user else {
                return Err(ApiError::bare(401, "permission denied - invalid PVE ticket"));
            };
            let csrf = request.header("csrfpreventiontoken").unwrap_or_default();
            if request.method != Method::Get && !self.csrf_fits(csrf, user, now) {
                return Err(ApiError::bare(401, "Permission denied - invalid csrf token"));
            }
            return Ok(Identity { user: user.to_owned(), token: None });
        }
        let token = header.strip_prefix("PVEAPIToken=").or_else(|| header.strip_prefix("PVEAPIToken "));
        let Some(token) = token else { return Err(ApiError::bare(401, "No ticket")) };
        let parts = token.split_once('=').and_then(|(id, secret)| Some((id.split_once('!')?, secret)));
        let Some(((user, name), secret)) = parts else {
            return Err(ApiError::bare(401, "Authentication failed!"));
        };
        let fits = access.users.get(user).and_then(|user| user.tokens.get(name)).is_some_and(|token| {
            token.secret.expose() == secret.trim() && (token.expire == 0 || now < token.expire)
        });
        if !fits || !usable(access, user, now) {
            return Err(ApiError::bare(401, "Authentication failed!"));
        }
        Ok(Identity { user: user.to_owned(), token: Some(name.to_owned()) })
    }

    /// Logs in with a password, with a ticket that is still valid, or with the second factor for a partial ticket.
    pub(crate) fn login(
        &self,
        access: &mut Access,
        user: &str,
        password: &str,
        challenge: Option<&str>,
        now: f64,
    ) -> Result<Login, ApiError> {
        let time = whole(now);
        // No cause is given, on purpose.
        let refused = || ApiError::with(401, "authentication failure");
        if !usable(access, user, time) {
            return Err(refused());
        }
        let issue = |half| Login {
            user: user.to_owned(),
            ticket: if half { self.half_ticket(user, time) } else { self.ticket(user, time) },
            csrf: self.csrf(user, time),
            half,
        };
        if let Some(challenge) = challenge {
            let (plain, signature) = challenge.rsplit_once("::").ok_or_else(refused)?;
            let (subject, made) =
                plain.strip_prefix("PVE:").and_then(|rest| rest.rsplit_once(':')).ok_or_else(refused)?;
            let genuine = subject == HALF && self.sign(&format!("{plain}:{user}")) == signature;
            let account = access.users.get_mut(user).ok_or_else(refused)?;
            let key = account.totp.clone().ok_or_else(refused)?;
            let step = password
                .strip_prefix("totp:")
                .and_then(|code| (time / 30 - 1..=time / 30 + 1).find(|step| totp(&key, *step) == code));
            return match step {
                Some(step) if genuine && self.fresh(made, time) && account.totp_used < step => {
                    account.totp_used = step;
                    Ok(issue(false))
                }
                _ => Err(refused()),
            };
        }
        if self.subject(password, time).is_some_and(|subject| subject == user || subject == "root@pam") {
            return Ok(issue(false));
        }
        let account = access.users.get(user).ok_or_else(refused)?;
        if account.password.as_ref().is_none_or(|known| known.expose() != password) {
            return Err(refused());
        }
        Ok(issue(account.totp.is_some()))
    }
}

/// The subject of a partial ticket; it lists the available second factors.
const HALF: &str = "!tfa!{\"totp\":true}";

fn usable(access: &Access, user: &str, now: u64) -> bool {
    access.users.get(user).is_some_and(|user| user.enabled && (user.expire == 0 || now < user.expire))
}

/// The six-digit code of a time step (RFC 6238, SHA-1).
pub(crate) fn totp(key: &[u8], step: u64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let bytes = tag.as_ref();
    let at = usize::from(bytes.last().copied().unwrap_or(0) & 15);
    let number = bytes.iter().skip(at).take(4).fold(0u32, |number, byte| number << 8 | u32::from(*byte));
    format!("{:06}", (number & 0x7fff_ffff) % 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_the_rfc() {
        let key = b"12345678901234567890";
        for (time, code) in [(59, "287082"), (1_111_111_109, "081804"), (2_000_000_000, "279037")] {
            assert_eq!(totp(key, time / 30), code);
        }
    }
}
