//! Untrusted configurations, and tokens that a client sends back.

use crate::{Target, check, check::kind, source::Source};
use proxmox_mcp::{
    config::{Config, KEYS},
    tools::run::tokens::{Kind, Tokens},
};
use serde_json::{Map, Value, json};
use std::{cell::RefCell, collections::HashMap, env, fs, path::PathBuf, process, sync::LazyLock};

pub const TARGETS: &[Target] = &[
    Target { name: "config", seeds: config_seeds, words: WORDS, run: config },
    Target { name: "tokens", seeds: seal_seeds, words: &["0", "f", "00", "é", "x"], run: tokens },
];

const WORDS: &[&str] = &[
    "\"host\":",
    "\"hosts\":",
    "\"port\":",
    "\"token_id\":",
    "\"token_secret\":",
    "\"user\":",
    "\"password\":",
    "\"realm\":",
    "\"totp\":",
    "\"ssl_verify\":",
    "\"ca_file\":",
    "\"fingerprint\":",
    "\"access\":\"full\"",
    "\"clusters\":",
    "\"cluster\":",
    "\"tools\":",
    "\"ssh\":",
    "\"exec_allow\":",
    "\"protected\":",
    "\"only\":",
    "\"deny_tools\":",
    "\"log\":",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "null",
    "true",
    "1e9",
    "-1",
    "\"\"",
    "\"https://[::1]:8006/x\"",
    "\"a@b!c\"",
    "\"..\"",
    "\"~/x\"",
    "\"*\"",
    "\"100-99\"",
    "\"tag:\"",
    "{\"file\":\"x\"}",
    "{\"env\":\"X\"}",
    "{\"command\":[]}",
    "{\"command\":[\"x\"]}",
    "//",
    "\u{feff}",
    "\\u0000",
    "\n",
];

/// A secret that must not appear in any sentence or `Debug` output.
const SECRET: &str = "PLANTED-7f3a";

fn config_seeds() -> Vec<Vec<u8>> {
    let texts = [
        include_str!("../../config.example.json"),
        r#"{"host":"pve1","token_id":"root@pam!t","token_secret":"x"}"#,
        r#"{"host":"pve1:443","user":"root","password":{"env":"P"},"realm":"pam","totp":{"command":["oathtool"]}}"#,
        r#"{"clusters":{"a":{"host":"x"},"b":{"host":"y","access":"read-only"}},"cluster":"b","user":"u@pam","password":"p"}"#,
        r#"{"host":"h","tools":[{"name":"proxmox_list_gpus","about":"X.","get":"/nodes/{node}/hardware/pci","columns":["id"]}]}"#,
        r#"{"host":"h","ssh":{"user":"root","identity":"i","known_hosts":"k"},"exec_allow":["df *"],"only":["500-599","node:pve3"]}"#,
        "",
    ];
    let mut seeds: Vec<Vec<u8>> = texts.iter().map(|text| [&[0], text.as_bytes()].concat()).collect();
    seeds.extend(
        (0..200u8).map(|step| (0..80u8).map(|at| at.wrapping_mul(step).wrapping_add(step | 1)).collect()),
    );
    seeds
}

static FILE: LazyLock<PathBuf> = LazyLock::new(|| {
    let name = format!("proxmox-mcp-fuzz-{}.json", process::id());
    let memory = PathBuf::from("/dev/shm").join(&name);
    if fs::write(&memory, "").is_ok() { memory } else { env::temp_dir().join(name) }
});

/// A file and an environment yield a configuration or complete sentences; neither shows a secret.
fn config(input: &[u8]) -> u64 {
    let (how, rest) = input.split_first().map_or((0, input), |(first, rest)| (*first, rest));
    let mut variables = HashMap::new();
    let planted = how % 2 == 1;
    let bytes = if planted {
        let mut source = Source::new(rest);
        let object = made_up(&mut source);
        for _ in 0..source.below(3) {
            let key = source.pick(KEYS);
            if !key.env.is_empty() {
                let value = if is_secret(key.name) { SECRET.to_owned() } else { source.text() };
                variables.insert(*source.pick(key.env), value);
            }
        }
        Value::Object(object).to_string().into_bytes()
    } else {
        rest.to_vec()
    };
    fs::write(&*FILE, &bytes).expect("a file can be written");
    let loaded = Config::load(Some(&FILE), &|name| variables.get(name).cloned(), None);
    let (shown, kind) = match loaded {
        Ok(config) => {
            for warning in &config.warnings {
                assert!(!warning.is_empty());
            }
            assert!(config.clusters.is_empty() || config.clusters.iter().any(|(name, _)| !name.is_empty()));
            assert!((1024..=16 << 20).contains(&config.max_answer_bytes) && config.wait.as_secs() <= 600);
            (
                format!("{config:?}"),
                kind((
                    1,
                    config.clusters.len(),
                    config.tools.len(),
                    config.access as u8,
                    config.settings.hosts.len(),
                )),
            )
        }
        Err(error) => {
            assert!(!error.problems.is_empty());
            for problem in &error.problems {
                assert!(problem.ends_with(['.', '?', ')']), "no finished sentence: {problem:?}");
            }
            (
                error.to_string(),
                kind(error.problems.iter().map(|problem| check::gist(problem)).take(3).collect::<Vec<_>>()),
            )
        }
    };
    assert!(!planted || !shown.contains(SECRET), "a secret is shown: {shown}");
    kind
}

fn is_secret(name: &str) -> bool {
    matches!(name, "token_secret" | "password" | "totp")
}

fn made_up(source: &mut Source<'_>) -> Map<String, Value> {
    let mut object = Map::new();
    for _ in 0..source.below(8) {
        let key = source.pick(KEYS);
        let value = match key.name {
            name if is_secret(name) => match source.below(4) {
                0 => json!({"env": "NOWHERE"}),
                1 => json!([SECRET]),
                2 => json!({"value": SECRET}),
                _ => json!(SECRET),
            },
            "host" => json!(*source.pick(&["pve1", "pve1:443", "https://pve1", "[::1]:8006", "192.0.2.1"])),
            "token_id" => json!(*source.pick(&["root@pam!t", "t", "root@pam!t=PLANTED-7f3a", "a@b@c!d"])),
            "clusters" => {
                let clusters = (0..source.below(3)).map(|_| (source.text(), Value::Object(made_up(source))));
                Value::Object(clusters.collect())
            }
            "tools" => json!([{
                "name": *source.pick(&["proxmox_x", "proxmox_list_vms", "x"]), "about": source.text(),
                *source.pick(&["get", "post", "delete"]): *source.pick(&["/nodes/{node}/hardware/pci", "/version", "x", "/nodes/{x"]),
                "columns": source.json(1)
            }]),
            "protected" | "only" => json!([source.text(), source.number(), "200-299", "tag:prod"]),
            _ => match key.default.and_then(|default| serde_json::from_str(&default.to_string()).ok()) {
                Some(default) if source.chance(128) => default,
                _ => source.json(2),
            },
        };
        object.insert(key.name.to_owned(), value);
    }
    if source.chance(32) {
        object.insert(source.text(), source.json(1));
    }
    object
}

fn seal_seeds() -> Vec<Vec<u8>> {
    let mut seeds: Vec<Vec<u8>> = (0..=255u8).map(|first| vec![first, 3, 5, 7, 11, 13]).collect();
    seeds.push(Vec::new());
    seeds
}

thread_local! {
    static SEALS: RefCell<Tokens> = RefCell::new(Tokens::new());
}

/// A token can be redeemed once, for what it was issued for, and in no other form.
fn tokens(input: &[u8]) -> u64 {
    let mut source = Source::new(input);
    let how = source.below(6);
    let place = source.byte();
    let bound = String::from_utf8_lossy(source.rest()).into_owned();
    SEALS.with_borrow(|tokens| {
        let token = tokens.issue(Kind::Confirm, &bound).expect("random numbers");
        let at = usize::from(place) % token.len();
        let (altered, other) = match how {
            0 => (token.clone(), format!("{bound}{}", char::from(place))),
            1 => (format!("{}{}", &token[..at], &token[at + 1..]), bound.clone()),
            2 => (format!("{}{}{}", &token[..at], char::from(place), &token[at..]), bound.clone()),
            3 => (flipped(&token, at, place), bound.clone()),
            // Two tokens spliced together.
            4 => {
                let second = tokens.issue(Kind::Confirm, &bound).expect("random numbers");
                let cut = 1 + at % (token.len() - 1);
                let mixed = format!("{}{}", &token[..cut], &second[cut..]);
                let mixed = if mixed == second || mixed == token { String::new() } else { mixed };
                let used = tokens.redeem(Kind::Confirm, &second, &bound);
                assert!(used.is_ok());
                (mixed, bound.clone())
            }
            _ => (bound.clone(), bound.clone()),
        };
        let refused = tokens.redeem(Kind::Confirm, &altered, &other);
        assert!(refused.is_err(), "{altered} opened {other:?}");
        assert!(tokens.redeem(Kind::State, &token, &bound).is_err(), "of another kind");
        assert!(tokens.redeem(Kind::Confirm, &token, &bound).is_ok(), "a genuine one");
        assert!(tokens.redeem(Kind::Confirm, &token, &bound).is_err(), "a second time");
        kind((how, refused))
    })
}

/// The token with a different hexadecimal digit in that place.
fn flipped(token: &str, at: usize, place: u8) -> String {
    let old = token.as_bytes()[at];
    let new = *b"0123456789abcdef"
        .iter()
        .cycle()
        .skip(usize::from(place % 16))
        .find(|digit| **digit != old)
        .expect("one of 16");
    format!("{}{}{}", &token[..at], char::from(new), &token[at + 1..])
}
