//! Tokens and sealed states that a client sends back. Each is proof that this process issued it for exactly one
//! purpose, and is valid once and for a limited time. Does not know what the purposes are.

use crate::{hex, sync::lock, tools::answer::Failure};
use ring::{
    hmac,
    rand::{SecureRandom, SystemRandom},
};
use std::{
    collections::HashMap,
    fmt,
    sync::{Mutex, OnceLock},
    time::{Duration, Instant},
};

/// What a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The model sends it back as `confirm`.
    Confirm,
    /// The client sends it back as `requestState`, with the person's answer.
    State,
}

/// How long a token is valid.
const LIFETIME: Duration = Duration::from_secs(5 * 60);
/// How many tokens may be open at once; the oldest is dropped first.
const MAX_OPEN: usize = 256;

/// The open tokens. They are kept by number with the time of issue, so that each works only once and no time from
/// outside is trusted.
pub struct Tokens {
    key: OnceLock<hmac::Key>,
    open: Mutex<HashMap<u64, Instant>>,
}

impl Tokens {
    /// No tokens yet; the key is created when first needed.
    #[must_use]
    pub fn new() -> Tokens {
        Tokens { key: OnceLock::new(), open: Mutex::default() }
    }

    fn key(&self) -> &hmac::Key {
        self.key.get_or_init(|| {
            hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new())
                .expect("the system has random numbers")
        })
    }

    /// Issues a token of that kind for exactly the purpose `bound`.
    ///
    /// # Errors
    /// Fails if the system has no random numbers.
    pub fn issue(&self, kind: Kind, bound: &str) -> Result<String, Failure> {
        let mut number = [0; 8];
        SystemRandom::new()
            .fill(&mut number)
            .map_err(|_| Failure::new("The system has no random numbers, so nothing can be confirmed."))?;
        let mut open = lock(&self.open);
        let now = Instant::now();
        open.retain(|_, issued| now < *issued + LIFETIME);
        if MAX_OPEN <= open.len()
            && let Some(oldest) = open.iter().min_by_key(|(_, issued)| **issued).map(|(number, _)| *number)
        {
            open.remove(&oldest);
        }
        open.insert(u64::from_be_bytes(number), now);
        Ok(hex::encode(&number) + &hex::encode(&self.tag(kind, &number, bound)))
    }

    /// Redeems a token: it must have been issued here, for this kind and exactly this purpose, be unused and not
    /// expired. It is used up if its seal is valid, and only then. Returns how long ago it was issued.
    ///
    /// # Errors
    /// Fails with the reason, as the end of a sentence.
    pub fn redeem(&self, kind: Kind, token: &str, bound: &str) -> Result<Duration, &'static str> {
        let bytes = hex::decode(token)
            .filter(|bytes| bytes.len() == 8 + TAG)
            .ok_or("it is not a token of this server")?;
        let (number, tag) = bytes.split_at(8);
        let sealed = hmac::sign(self.key(), &message(kind, number, bound));
        // MACs of the MACs are compared, so that the time it takes does not reveal where they differ.
        let same =
            hmac::sign(self.key(), &sealed.as_ref()[..TAG]).as_ref() == hmac::sign(self.key(), tag).as_ref();
        if !same {
            return Err(
                "it was issued for another tool, other arguments or another state of the target, or by another process",
            );
        }
        let number = u64::from_be_bytes(number.try_into().map_err(|_| "it is not a token of this server")?);
        match lock(&self.open).remove(&number) {
            Some(issued) if Instant::now() < issued + LIFETIME => Ok(issued.elapsed()),
            Some(_) => Err("it has expired"),
            None => Err("it has been used already or has expired"),
        }
    }

    fn tag(&self, kind: Kind, number: &[u8], bound: &str) -> Vec<u8> {
        hmac::sign(self.key(), &message(kind, number, bound)).as_ref()[..TAG].to_vec()
    }
}

/// The sealed message. It includes the kind, so that a token of one kind is never valid as the other.
fn message(kind: Kind, number: &[u8], bound: &str) -> Vec<u8> {
    [&[kind as u8], number, bound.as_bytes()].concat()
}

/// The length of the seal in bytes. Half of HMAC-SHA-256 is enough for five minutes, and costs the model half as many
/// tokens.
const TAG: usize = 16;

impl Default for Tokens {
    fn default() -> Tokens {
        Tokens::new()
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tokens")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_works_once_for_what_it_was_issued_for_and_not_when_altered() {
        let tokens = Tokens::new();
        let token = tokens.issue(Kind::Confirm, "delete 100").unwrap();
        for place in 0..token.len() {
            let mut altered = token.clone().into_bytes();
            altered[place] = if altered[place] == b'0' { b'1' } else { b'0' };
            let altered = String::from_utf8(altered).unwrap();
            assert!(tokens.redeem(Kind::Confirm, &altered, "delete 100").is_err(), "{altered}");
        }
        assert!(tokens.redeem(Kind::Confirm, &token, "delete 101").is_err());
        assert!(Tokens::new().redeem(Kind::Confirm, &token, "delete 100").is_err(), "another process");
        for broken in ["", "0", "zz", "é", &token[2..], &format!("{token}00")] {
            assert!(tokens.redeem(Kind::Confirm, broken, "delete 100").is_err(), "{broken}");
        }
        assert!(tokens.redeem(Kind::State, &token, "delete 100").is_err(), "of another kind");
        assert!(tokens.redeem(Kind::Confirm, &token, "delete 100").is_ok());
        assert!(tokens.redeem(Kind::Confirm, &token, "delete 100").is_err(), "used");
    }

    #[test]
    fn open_plans_are_bounded() {
        let tokens = Tokens::new();
        let first = tokens.issue(Kind::Confirm, "x").unwrap();
        for _ in 0..MAX_OPEN {
            tokens.issue(Kind::Confirm, "x").unwrap();
        }
        assert_eq!(lock(&tokens.open).len(), MAX_OPEN);
        assert!(tokens.redeem(Kind::Confirm, &first, "x").is_err(), "the oldest made room");
    }
}
