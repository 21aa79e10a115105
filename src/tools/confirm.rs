//! Confirmation of what destroys: a plan first, and a token that lets exactly that plan happen once.
//!
//! A token is sealed with a key of this process and bound to the tool, its arguments and what the target looked
//! like when the plan was shown. It lasts five minutes and works once.

use super::{Args, Context, Failure, Outcome, answer, find, object, row::Judged};
use crate::sync::lock;
use ring::{
    hmac,
    rand::{SecureRandom, SystemRandom},
};
use serde_json::{Map, Value, json};
use std::{
    collections::HashMap,
    fmt::{self, Write},
    sync::{Mutex, OnceLock},
    time::{Duration, Instant},
};

/// How long a token lasts.
const LIFETIME: Duration = Duration::from_secs(5 * 60);
/// Plans that may be open at once; the oldest makes room.
const MAX_OPEN: usize = 256;

/// The tokens that are out. Kept by number, so that each works once and time is this process's own.
pub struct Seals {
    key: OnceLock<hmac::Key>,
    open: Mutex<HashMap<u64, Instant>>,
}

impl Seals {
    /// No tokens yet; the key is made at the first need.
    #[must_use]
    pub fn new() -> Seals {
        Seals { key: OnceLock::new(), open: Mutex::default() }
    }

    fn key(&self) -> &hmac::Key {
        self.key.get_or_init(|| {
            hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new())
                .expect("the system gives random numbers")
        })
    }

    /// A token for exactly this.
    fn issue(&self, bound: &str) -> Result<String, Failure> {
        let mut number = [0; 8];
        SystemRandom::new()
            .fill(&mut number)
            .map_err(|_| Failure::new("The system gives no random numbers, so nothing can be confirmed."))?;
        let mut open = lock(&self.open);
        let now = Instant::now();
        open.retain(|_, issued| now < *issued + LIFETIME);
        if MAX_OPEN <= open.len()
            && let Some(oldest) = open.iter().min_by_key(|(_, issued)| **issued).map(|(number, _)| *number)
        {
            open.remove(&oldest);
        }
        open.insert(u64::from_be_bytes(number), now);
        Ok(hex(&number) + &hex(&self.tag(&number, bound)))
    }

    /// Takes a token in: whether it is one of ours, for exactly this, in time and unused. It is used up if the
    /// seal is right, and only then.
    fn redeem(&self, token: &str, bound: &str) -> Result<(), &'static str> {
        let bytes =
            unhex(token).filter(|bytes| bytes.len() == 8 + TAG).ok_or("it is no token of this server")?;
        let (number, tag) = bytes.split_at(8);
        let message = [number, bound.as_bytes()].concat();
        let sealed = hmac::sign(self.key(), &message);
        // Compared as MACs of MACs: the time it takes tells nothing about where they differ.
        let same =
            hmac::sign(self.key(), &sealed.as_ref()[..TAG]).as_ref() == hmac::sign(self.key(), tag).as_ref();
        if !same {
            return Err(
                "it was issued for another tool, other arguments or another state of the target, or by another process",
            );
        }
        let number = u64::from_be_bytes(number.try_into().map_err(|_| "it is no token of this server")?);
        match lock(&self.open).remove(&number) {
            Some(issued) if Instant::now() < issued + LIFETIME => Ok(()),
            Some(_) => Err("it has expired"),
            None => Err("it has been used already or has expired"),
        }
    }

    fn tag(&self, number: &[u8], bound: &str) -> Vec<u8> {
        hmac::sign(self.key(), &[number, bound.as_bytes()].concat()).as_ref()[..TAG].to_vec()
    }
}

/// Half of HMAC-SHA-256 is plenty for five minutes, and half the tokens for whoever carries it back.
const TAG: usize = 16;

impl Default for Seals {
    fn default() -> Seals {
        Seals::new()
    }
}

impl fmt::Debug for Seals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seals")
    }
}

/// Lets a destructive call through, or answers with the plan to confirm.
///
/// # Errors
/// A token that does not fit; a target that does not exist.
pub fn pass(
    context: &Context<'_>,
    seals: &Seals,
    name: &str,
    args: &Args,
    judged: Option<&Judged>,
) -> Result<Option<Outcome>, Failure> {
    let plan = match judged {
        Some(judged) => plan_of_call(context, judged)?,
        None => plan(context, args)?,
    };
    let arguments: Map<String, Value> = args
        .iter()
        .filter(|(name, _)| !matches!(*name, "confirm" | "wait"))
        .map(|(name, value)| (name.to_owned(), in_order(value)))
        .collect();
    let mut sorted: Vec<_> = arguments.iter().collect();
    sorted.sort_by_key(|(name, _)| *name);
    let bound = json!([name, sorted, plan.identity]).to_string();
    if let Some(token) = args.text("confirm") {
        return match seals.redeem(token, &bound) {
            Ok(()) => Ok(None),
            Err(why) => Err(Failure::new(format!(
                "Nothing was done: the `confirm` token is not accepted, {why}. Call `{name}` without `confirm` for a new plan."
            ))),
        };
    }
    let token = seals.issue(&bound)?;
    Ok(Some(answer(&json!({
        "confirmation_needed": plan.lost,
        "confirm": token,
        "note": "Nothing was done. Show this to the user; if they agree, repeat the call with the same arguments and this confirm, within 5 minutes.",
    }))))
}

/// A value with its objects' entries sorted: the same arguments may come back in another order.
fn in_order(value: &Value) -> Value {
    match value {
        Value::Object(object) => {
            let mut entries: Vec<_> =
                object.iter().map(|(name, value)| (name.clone(), in_order(value))).collect();
            entries.sort_by(|(one, _), (other, _)| one.cmp(other));
            Value::Object(entries.into_iter().collect())
        }
        Value::Array(items) => items.iter().map(in_order).collect(),
        other => other.clone(),
    }
}

/// What would be lost, and a text that changes when the target does.
struct Plan {
    lost: Value,
    identity: String,
}

fn plan(context: &Context<'_>, args: &Args) -> Result<Plan, Failure> {
    let Some(vmid) = args.int("vmid") else {
        let what: Map<String, Value> = args
            .iter()
            .filter(|(name, _)| *name != "confirm")
            .map(|(name, value)| (name.into(), value.clone()))
            .collect();
        return Ok(Plan { lost: what.into(), identity: String::new() });
    };
    plan_of_guest(context, vmid, args.text("node"), args.text("snapname"))
}

/// The request, and the guest that its path names, as far as there is one.
fn plan_of_call(context: &Context<'_>, judged: &Judged) -> Result<Plan, Failure> {
    let mut lost = judged.shown.clone();
    let target = &judged.target;
    let (Some(kind), [vmid]) = (judged.kind, &target.vmids[..]) else {
        return Ok(Plan { lost: lost.into(), identity: String::new() });
    };
    let context = Context { call: context.call, pve: context.pve, config: context.config, kind: Some(kind) };
    let plan = match plan_of_guest(&context, *vmid, target.node.as_deref(), target.snapname.as_deref()) {
        Ok(plan) => plan,
        // Made anew rather than overwritten: nothing is there to be shown.
        Err(_) if judged.creates => return Ok(Plan { lost: lost.into(), identity: String::new() }),
        Err(failure) => return Err(failure),
    };
    if let Value::Object(mut guest) = plan.lost {
        if !target.whole_guest {
            guest.retain(|name, _| !matches!(name.as_str(), "disks" | "snapshots"));
        }
        lost.append(&mut guest);
    }
    Ok(Plan { lost: lost.into(), identity: plan.identity })
}

fn plan_of_guest(
    context: &Context<'_>,
    vmid: i64,
    node: Option<&str>,
    snapname: Option<&str>,
) -> Result<Plan, Failure> {
    let guest = find::guest(context, vmid, node)?;
    let path = guest.path()?;
    let (config, snapshots) = (format!("{path}/config"), format!("{path}/snapshot"));
    let [config, snapshots] = context.get_all([&config, &snapshots]);
    let config = object::object(config?.value())?;
    let snapshots: Vec<String> = snapshots?
        .value()
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|snapshot| snapshot["name"].as_str().filter(|name| *name != "current").map(str::to_owned))
        .collect();
    let mut lost = json!({"guest": guest.title(), "node": guest.node, "status": guest.status});
    match snapname {
        Some(name) if !snapshots.iter().any(|known| known == name) => {
            return Err(Failure::new(format!(
                "{} has no snapshot `{}`. It has: {}.",
                guest.title(),
                name.escape_debug(),
                if snapshots.is_empty() { "none".into() } else { snapshots.join(", ") }
            )));
        }
        Some(name) => lost["snapshot"] = name.into(),
        None => {
            lost["disks"] = disks(&config).into();
            lost["snapshots"] = snapshots.into();
        }
    }
    let digest = config.get("digest").and_then(Value::as_str).unwrap_or_default();
    Ok(Plan { lost, identity: format!("{} {} {digest}", guest.node, guest.name) })
}

/// `scsi0: local-lvm:vm-100-disk-0, 32G` for each volume of a configuration.
fn disks(config: &Map<String, Value>) -> Vec<String> {
    let families = ["scsi", "virtio", "sata", "ide", "efidisk", "tpmstate", "mp", "unused", "rootfs"];
    config
        .iter()
        .filter(|(key, _)| families.contains(&key.trim_end_matches(|letter: char| letter.is_ascii_digit())))
        .filter_map(|(key, value)| {
            let text = value.as_str()?;
            let volume = text.split(',').next()?;
            let size = text.split(',').find_map(|part| part.strip_prefix("size="));
            (!text.contains("media=cdrom")).then(|| match size {
                Some(size) => format!("{key}: {volume}, {size}"),
                None => format!("{key}: {volume}"),
            })
        })
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    (0..text.len()).step_by(2).map(|place| u8::from_str_radix(text.get(place..place + 2)?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_works_once_for_what_it_was_issued_for_and_not_when_altered() {
        let seals = Seals::new();
        let token = seals.issue("delete 100").unwrap();
        for place in 0..token.len() {
            let mut altered = token.clone().into_bytes();
            altered[place] = if altered[place] == b'0' { b'1' } else { b'0' };
            let altered = String::from_utf8(altered).unwrap();
            assert!(seals.redeem(&altered, "delete 100").is_err(), "{altered}");
        }
        assert!(seals.redeem(&token, "delete 101").is_err());
        assert!(Seals::new().redeem(&token, "delete 100").is_err(), "another process");
        for broken in ["", "0", "zz", "é", &token[2..], &format!("{token}00")] {
            assert!(seals.redeem(broken, "delete 100").is_err(), "{broken}");
        }
        assert_eq!(seals.redeem(&token, "delete 100"), Ok(()));
        assert!(seals.redeem(&token, "delete 100").is_err(), "used");
    }

    #[test]
    fn open_plans_are_bounded() {
        let seals = Seals::new();
        let first = seals.issue("x").unwrap();
        for _ in 0..MAX_OPEN {
            seals.issue("x").unwrap();
        }
        assert_eq!(lock(&seals.open).len(), MAX_OPEN);
        assert!(seals.redeem(&first, "x").is_err(), "the oldest made room");
    }
}
