//! Complete calls of every tool, against the sample cluster on loopback: whatever the arguments, every request is in
//! the API's table, and the answer is an object of limited size or complete sentences.

use crate::{Target, arguments::ENTRIES, check, check::kind, source::Source};
use proxmox_mcp::{
    cancel::Cancel,
    config::{Access, Config},
    demo,
    mcp::{Answer, Call, Toolbox},
    pve::{Method, api},
    tools::Tools,
};
use serde_json::Value;
use std::{cell::RefCell, time::Duration};

pub const TARGETS: &[Target] = &[Target { name: "tools", seeds, words: &[], run: tools }];

/// The number of calls for which one sample cluster is used: it grows, and records only the last 1000 requests.
const LASTS: usize = 100;
/// The size of the sample's largest answer, in bytes.
const LARGEST: usize = 4096;

fn seeds() -> Vec<Vec<u8>> {
    (0..=255u8).map(|first| [&[first, 1][..], &[0; 40]].concat()).collect()
}

struct Sample {
    server: demo::Server,
    tools: Tools,
    calls: usize,
}

thread_local! {
    static SAMPLE: RefCell<Option<Sample>> = const { RefCell::new(None) };
}

impl Sample {
    fn start() -> Sample {
        let options = demo::Options { clock_speed: 100_000.0, ..demo::Options::default() };
        let server = demo::Server::start(options).expect("loopback can be listened on");
        let (id, secret) = server.token();
        let mut config = Config::for_demo(server.address(), &id, secret.expose());
        config.access = Access::Full;
        config.wait = Duration::ZERO;
        config.max_answer_bytes = LARGEST;
        Sample { tools: Tools::new(config), server, calls: 0 }
    }
}

fn tools(input: &[u8]) -> u64 {
    let mut source = Source::new(input);
    let place = source.below(ENTRIES.len());
    let entry = &ENTRIES[place];
    let dry = source.chance(100);
    let mut arguments = source.arguments(entry.params());
    for name in ["wait", "timeout"] {
        if arguments.contains_key(name) {
            arguments.insert(name.into(), 0.into());
        }
    }
    if dry {
        arguments.insert("dry_run".into(), true.into());
    }
    let free = entry.toolset == "api";
    SAMPLE.with_borrow_mut(|sample| {
        if sample.as_ref().is_none_or(|sample| LASTS <= sample.calls) {
            *sample = Some(Sample::start());
        }
        let sample = sample.as_mut().expect("just started");
        sample.calls += 1;
        let before = sample.server.requests().len();
        let answer = sample.tools.call(&Call::detached(Cancel::new()), entry.name, arguments.clone());
        let seen = sample.server.requests();
        // Older requests are dropped when there are too many: then all of them are checked.
        for request in seen.iter().skip(if seen.len() < 1000 { before } else { 0 }) {
            judge(entry.name, request, free);
            assert!(
                !(dry && request.method != "GET" && seen.len() < 1000),
                "{}: sent in a dry run",
                entry.name
            );
        }
        if 800 < seen.len() {
            sample.calls = LASTS;
        }
        match answer {
            Answer::Data(data) | Answer::DataWithMeta(data, _) | Answer::DataWithPicture(data, _) => {
                let value: Value = serde_json::from_str(data.get()).expect("data is JSON");
                assert!(value.is_object(), "{}: {value}", entry.name);
                let size = data.get().len();
                assert!(size <= LARGEST, "{}: {size} bytes of {LARGEST}: {}", entry.name, &data.get()[..300]);
                kind((place, 1, value.as_object().map(|object| object.keys().cloned().collect::<Vec<_>>())))
            }
            Answer::Failure(text) => {
                assert!(
                    text.trim_end().ends_with(['.', '?', '!', ')', ':', '`']),
                    "{}: {text:?}",
                    entry.name
                );
                kind((place, 2, check::gist(&text)))
            }
            Answer::Ask { .. } => panic!("{}: nobody can be asked", entry.name),
            Answer::Task(_) => panic!("{}: nobody takes tasks", entry.name),
        }
    })
}

/// Checks a request to the API: the path is in the table with that method, and no argument has created a header.
fn judge(tool: &str, seen: &demo::Seen, free: bool) {
    let path = seen.path.strip_prefix("/api2/extjs").or_else(|| seen.path.strip_prefix("/api2/json"));
    let path = path.unwrap_or_else(|| panic!("{tool}: a path outside of the API: {:?}", seen.path));
    check::path(path);
    let method = Method::from_word(&seen.method).expect("one of four");
    // With `unchecked` a path of a newer server is allowed.
    let known = matches!(api::find(method, path), api::Lookup::Found(_));
    assert!(known || free, "{tool}: {method} {path} is not in the table");
    let host = seen.headers.iter().find(|(name, _)| *name == "host").map(|(_, value)| value.as_str());
    assert!(host.is_some_and(|host| host.starts_with("127.0.0.1:")), "{tool}: {:?}", seen.headers);
}
