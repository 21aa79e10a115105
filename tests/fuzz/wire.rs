//! Input on standard input: lines, messages, whole sessions.

use crate::{Target, check, check::kind, source::Source};
use proxmox_mcp::{
    mcp::{
        About, Answer, Asking, Call, Options, Order, Question, ResourceError, Revision, Toolbox,
        lines::{Line, read_line},
        rpc::{self, Id, Incoming},
        serve,
    },
    tools::catalog::index::entries,
};
use serde_json::{Map, Value, json, value::RawValue, value::to_raw_value};
use std::{
    collections::HashMap,
    io::BufReader,
    sync::{LazyLock, atomic::AtomicU64, atomic::Ordering},
    time::Duration,
};

pub const TARGETS: &[Target] = &[
    Target {
        name: "lines",
        seeds: line_seeds,
        words: &["\n", "\r\n", "\r", "\r\r\n", "123456789012345"],
        run: lines,
    },
    Target { name: "messages", seeds: message_seeds, words: WORDS, run: messages },
    Target { name: "sessions", seeds: session_seeds, words: WORDS, run: sessions },
];

const WORDS: &[&str] = &[
    "\n",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "null",
    "true",
    "-0",
    "1e3",
    "1.5",
    "18446744073709551616",
    "\\u0000",
    "\\ud800",
    "\\n",
    "\"jsonrpc\":\"2.0\"",
    "\"jsonrpc\":\"1.0\"",
    "\"id\":",
    "\"id\":1",
    "\"id\":\"1\"",
    "\"id\":null",
    "\"id\":1.5",
    "\"method\":",
    "\"params\":",
    "\"params\":[]",
    "\"result\":{}",
    "\"error\":{}",
    "\"initialize\"",
    "\"ping\"",
    "\"tools/list\"",
    "\"tools/call\"",
    "\"server/discover\"",
    "\"notifications/cancelled\"",
    "\"resources/subscribe\"",
    "\"subscriptions/listen\"",
    "\"uri\":\"x\"",
    "\"notifications\":{\"resourceSubscriptions\":[\"x\"]}",
    "\"requestId\":1",
    "\"name\":\"echo\"",
    "\"name\":\"fail\"",
    "\"name\":\"change\"",
    "\"arguments\":{}",
    "\"arguments\":[]",
    "\"cursor\":\"x\"",
    "\"protocolVersion\":\"2025-03-26\"",
    "\"protocolVersion\":\"2024-11-05\"",
    "\"capabilities\":{\"elicitation\":{}}",
    "\"_meta\":{\"progressToken\":1}",
    "\"elicit-0\"",
    "\"action\":\"accept\"",
    "\"requestState\":\"x\"",
    "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\",\"io.modelcontextprotocol/clientCapabilities\":{}}",
    "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"ping\"}",
];

fn line_seeds() -> Vec<Vec<u8>> {
    ["", "\n", "a\nb\r\n\r\nc", "12345678\n123456789\n1234567\r\n", "\r\r\n\n\r"]
        .iter()
        .map(|text| text.as_bytes().to_vec())
        .collect()
}

/// The lines are those that splitting the whole input would yield, however it arrives.
fn lines(input: &[u8]) -> u64 {
    const MAX: usize = 8;
    let (capacity, input) =
        input.split_first().map_or((1, input), |(first, rest)| (usize::from(first % 32) + 1, rest));
    let mut expected: Vec<Option<&[u8]>> = Vec::new();
    let mut pieces: Vec<&[u8]> = input.split(|byte| *byte == b'\n').collect();
    if pieces.last().is_some_and(|last| last.is_empty()) {
        pieces.pop();
    }
    for piece in pieces {
        let line = piece.strip_suffix(b"\r").unwrap_or(piece);
        expected.push((piece.len() <= MAX).then_some(line));
    }
    let mut reader = BufReader::with_capacity(capacity, input);
    let (mut line, mut seen) = (Vec::new(), 0);
    let mut kinds = 0u64;
    loop {
        let got = match read_line(&mut reader, &mut line, MAX).unwrap() {
            Line::Whole => Some(line.as_slice()),
            Line::TooLong => None,
            Line::End => break,
        };
        assert!(seen < expected.len(), "a line too many");
        assert_eq!(got, expected[seen], "line {seen}, read {capacity} bytes at a time");
        kinds = kinds << 2 | u64::from(got.is_some()) << 1 | u64::from(got.is_some_and(<[u8]>::is_empty));
        seen += 1;
    }
    assert_eq!(seen, expected.len(), "lines are missing");
    assert_eq!(read_line(&mut reader, &mut line, MAX).unwrap(), Line::End, "the end stays the end");
    kind((kinds & 0xfff, seen.min(8)))
}

fn message_seeds() -> Vec<Vec<u8>> {
    [
        r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":"a","method":"tools/call","params":{"name":"echo","arguments":{"n":1}}}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#,
        r#"{"jsonrpc":"2.0","id":"elicit-0","result":{"action":"accept"}}"#,
        r#"[{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","method":"x"}]"#,
        r#"{"id":null}"#,
        "\u{feff}{}",
    ]
    .iter()
    .map(|text| text.as_bytes().to_vec())
    .collect()
}

/// The kind of a message depends on its members alone; invalid messages are answered with their id, and every answer is
/// one line that parses back to the same value.
fn messages(input: &[u8]) -> u64 {
    let value: Option<Value> = serde_json::from_slice(input).ok();
    match rpc::parse(input) {
        Incoming::Request { id, method, params } => {
            let value = value.expect("JSON");
            assert_eq!(json!(id), value["id"]);
            assert_eq!(value["method"], method);
            assert_eq!(value.get("params").cloned().unwrap_or_else(|| json!({})), Value::Object(params));
            let line = rpc::result_line(&id, json!({"echo": value}));
            one_line(&line, |answer| {
                assert_eq!(answer["id"], value["id"]);
                assert_eq!(answer["result"]["echo"], value);
            });
            kind((1, matches!(id, Id::Text(_)), method.len().min(20)))
        }
        Incoming::Notification { method, params } => {
            assert!(value.expect("JSON").get("id").is_none(), "a request taken for a notification");
            kind((2, method.len().min(20), params.len().min(4)))
        }
        Incoming::Response { id, message } => {
            assert!(message.contains_key("result") || message.contains_key("error"));
            kind((3, id.is_some(), message.len().min(6)))
        }
        Incoming::Batch(entries) => {
            assert_eq!(value.as_ref().and_then(Value::as_array).map(Vec::len), Some(entries.len()));
            kind((4, entries.into_iter().map(|entry| due(&entry).is_some()).take(6).collect::<Vec<_>>()))
        }
        Incoming::Invalid(fault) => {
            assert_eq!(fault.code == rpc::PARSE_ERROR, value.is_none() || str::from_utf8(input).is_err());
            let line = rpc::to_line(&fault.to_json());
            one_line(&line, |answer| assert_eq!(answer["error"]["code"], fault.code));
            check::sentences(&fault.message);
            kind((5, fault.code, check::gist(&fault.message)))
        }
    }
}

fn one_line(line: &[u8], judge: impl FnOnce(Value)) {
    assert!(!line.contains(&b'\n') && !line.contains(&b'\r'), "a line break in an answer");
    judge(serde_json::from_slice(line).expect("an answer is JSON"));
}

/// The id under which a message is to be answered, as text; `None` if no answer is due.
fn due(message: &Value) -> Option<String> {
    let Some(members) = message.as_object() else { return Some("null".into()) };
    let answers = members.contains_key("result") || members.contains_key("error");
    if !members.contains_key("method") && answers {
        return None;
    }
    match members.get("id")? {
        Value::String(text) => Some(format!("{text:?}")),
        Value::Number(number) if number.is_i64() || number.is_u64() => Some(number.to_string()),
        _ => Some("null".into()),
    }
}

fn session_seeds() -> Vec<Vec<u8>> {
    let hello = |version: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","id":0,"method":"initialize","params":{{"protocolVersion":"{version}","capabilities":{{"elicitation":{{}}}},"clientInfo":{{"name":"x","version":"1"}}}}}}"#
        )
    };
    let call = |id: u64, name: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"{name}","arguments":{{"n":{id}}},"_meta":{{"progressToken":{id}}}}}}}"#
        )
    };
    let modern = r#"{"jsonrpc":"2.0","id":"m","method":"tools/call","params":{"name":"ask","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"elicitation":{}}}}}"#;
    let sessions = [
        vec![hello("2025-11-25"), call(1, "echo"), call(2, "change"), call(3, "fail"), call(4, "nothing")],
        vec![
            hello("2025-03-26"),
            format!("[{},{}]", call(1, "echo"), call(2, "change")),
            "[]".into(),
            "[1,2]".into(),
        ],
        vec![
            hello("2024-11-05"),
            call(1, "echo"),
            call(1, "echo"),
            r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#.into(),
        ],
        vec![
            modern.to_owned(),
            r#"{"jsonrpc":"2.0","id":5,"method":"tools/list"}"#.into(),
            r#"{"jsonrpc":"2.0","id":6,"method":"server/discover"}"#.into(),
        ],
        vec![
            r#"{"jsonrpc":"2.0","id":5,"method":"ping"}"#.into(),
            "not JSON".into(),
            "{}".into(),
            " ".into(),
            r#"{"id":7}"#.into(),
        ],
    ];
    let mut seeds: Vec<Vec<u8>> =
        sessions.iter().map(|lines| [&[0], lines.join("\n").as_bytes()].concat()).collect();
    seeds.push((1..=200).collect());
    seeds.push((1..=120).rev().collect());
    seeds
}

/// Generated messages: the same few ids again and again, calls, cancellations, unsolicited answers.
fn made_up(source: &mut Source<'_>) -> Vec<u8> {
    let mut lines = Vec::new();
    while !source.is_empty() && lines.len() < 40 {
        let id = source
            .pick(&[json!(1), json!(2), json!("1"), json!(u64::MAX), json!(-1), json!(null), json!(1.5)])
            .clone();
        let version = *source.pick(&["2025-11-25", "2025-03-26", "2024-11-05", "2026-07-28", "x"]);
        let name = *source.pick(&["echo", "change", "fail", "release", "nothing"]);
        let mut message = match source.below(11) {
            0 | 1 => {
                json!({"id": id, "method": "initialize", "params": {"protocolVersion": version, "capabilities": {"elicitation": {}}}})
            }
            2..=5 => {
                json!({"id": id, "method": "tools/call", "params": {"name": name, "arguments": source.json(2)}})
            }
            6 => json!({"method": "notifications/cancelled", "params": {"requestId": id}}),
            7 => {
                json!({"id": id, "method": *source.pick(&["ping", "tools/list", "server/discover", "x"]), "params": source.json(1)})
            }
            8 => {
                let method =
                    *source.pick(&["resources/subscribe", "resources/unsubscribe", "subscriptions/listen"]);
                json!({"id": id, "method": method, "params": {"uri": name}})
            }
            9 => json!({"id": "elicit-0", "result": {"action": *source.pick(&["accept", "decline", ""])}}),
            _ => source.json(3),
        };
        if let Some(members) = message.as_object_mut() {
            members.insert("jsonrpc".into(), "2.0".into());
            if source.chance(40) {
                let meta = json!({"io.modelcontextprotocol/protocolVersion": version, "io.modelcontextprotocol/clientCapabilities": {"elicitation": {}}});
                let filter = json!({"resourceSubscriptions": [name, "fail"]});
                message["params"] = json!({"_meta": meta, "name": name, "notifications": filter});
            }
        }
        if source.chance(40) {
            message = json!([message, message, {"jsonrpc": "2.0", "id": 3, "method": "ping"}]);
        }
        lines.push(message.to_string());
    }
    lines.join("\n").into_bytes()
}

/// Every request is answered once with its id, unless it was cancelled; nothing else is answered; every line of output
/// is JSON.
fn sessions(input: &[u8]) -> u64 {
    let (how, rest) = input.split_first().map_or((0, input), |(first, rest)| (*first, rest));
    let made = if how % 2 == 1 { made_up(&mut Source::new(rest)) } else { rest.to_vec() };
    let toolbox = Stub::default();
    let mut output = Vec::new();
    let options =
        Options { workers: 2, lenient: how & 2 != 0, on_output_closed: || {}, on_first_call: &|_| {} };
    serve(made.as_slice(), &mut output, &toolbox, options).unwrap();
    let (mut wanted, mut cancelled) = (HashMap::<String, i64>::new(), HashMap::<String, i64>::new());
    let mut has_batches = false;
    for line in made.split(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let messages = match str::from_utf8(line).ok().and_then(|line| serde_json::from_str(line).ok()) {
            Some(Value::Array(entries)) if has_batches && !entries.is_empty() => entries,
            None | Some(Value::Array(_)) => vec![json!(0)],
            Some(message) => {
                let version = message["params"]["protocolVersion"].as_str();
                if message["method"] == "initialize"
                    && message["jsonrpc"] == "2.0"
                    && due(&message).is_some_and(|id| id != "null")
                {
                    has_batches = version.map_or(has_batches, |version| version == "2025-03-26");
                }
                vec![message]
            }
        };
        for message in messages {
            if let Some(id) = due(&message) {
                *wanted.entry(id).or_default() += 1;
            } else if message["method"] == "notifications/cancelled" && message["jsonrpc"] == "2.0" {
                *cancelled
                    .entry(
                        Id::from_json(&message["params"]["requestId"])
                            .map_or("-".into(), |id| json!(id).to_string()),
                    )
                    .or_default() += 1;
            }
        }
    }
    let text = str::from_utf8(&output).expect("the output is UTF-8");
    assert!(text.is_empty() || text.ends_with('\n'), "the last line is whole");
    let mut kinds = Vec::new();
    for line in text.lines() {
        let message: Value = serde_json::from_str(line).expect("every line is JSON");
        let answers = match message {
            Value::Array(answers) => {
                assert!(!answers.is_empty(), "an empty batch");
                answers
            }
            message => vec![message],
        };
        for answer in answers {
            assert_eq!(answer["jsonrpc"], "2.0");
            if answer.get("method").is_some() {
                continue;
            }
            assert_ne!(
                answer.get("result").is_some(),
                answer.get("error").is_some(),
                "one of both: {answer}"
            );
            let id = match &answer["id"] {
                Value::String(text) => format!("{text:?}"),
                id => id.to_string(),
            };
            let left = wanted.entry(id).or_default();
            *left -= 1;
            assert!(0 <= *left, "answered twice, or never asked: {answer}");
            kinds.push((answer["error"]["code"].as_i64(), answer["result"]["isError"].as_bool()));
        }
    }
    for (id, left) in wanted {
        assert!(left <= cancelled.get(&id).copied().unwrap_or(0), "request {id} lacks {left} answers");
    }
    assert!(toolbox.calls.load(Ordering::Relaxed) <= 4000);
    kinds.sort_unstable();
    kinds.dedup();
    kind((kinds, has_batches))
}

/// Tools that need no cluster.
#[derive(Default)]
struct Stub {
    calls: AtomicU64,
}

static LIST: LazyLock<Box<RawValue>> = LazyLock::new(|| {
    let specs: Vec<Value> =
        entries().take(1).map(|entry| entry.spec(Revision::NEWEST_HANDSHAKE, &[])).collect();
    to_raw_value(&specs).expect("JSON")
});

impl Toolbox for Stub {
    fn about(&self) -> About {
        About { name: "stub", title: "Stub", version: "1" }
    }

    fn instructions(&self) -> String {
        "Call echo.".into()
    }

    fn list(&self, _: Revision) -> &RawValue {
        &LIST
    }

    fn order(&self, name: &str, _: &Map<String, Value>) -> Result<Order, String> {
        match name {
            "echo" | "fail" | "ask" | "release" => Ok(Order::Read),
            "change" => Ok(Order::Change),
            _ => Err(format!("Unknown tool: {}.", name.escape_debug())),
        }
    }

    fn supports_subscriptions(&self) -> bool {
        true
    }

    fn look(&self, _: &Call<'_>, uris: &[String]) -> Vec<Result<String, ResourceError>> {
        let count = self.calls.load(Ordering::Relaxed);
        let look = |uri: &String| match uri.as_str() {
            "fail" => Err(ResourceError::Failed("It failed.".into())),
            "nothing" => Err(ResourceError::Unknown("There is nothing.".into())),
            _ => Ok(count.to_string()),
        };
        uris.iter().map(look).collect()
    }

    fn poll_interval(&self) -> Duration {
        Duration::ZERO
    }

    fn call(&self, call: &Call<'_>, name: &str, arguments: Map<String, Value>) -> Answer {
        self.calls.fetch_add(1, Ordering::Relaxed);
        call.progress(1.0, Some(2.0), "half");
        match name {
            "fail" => return Answer::Failure("It failed.".into()),
            "release" => assert!(call.submitted(), "so few calls may wait"),
            "ask" => {
                let question =
                    Question { message: "Really?".into(), field: "really", title: "Really".into() };
                if let Asking::Again(None) = call.asking() {
                    return Answer::Ask { question, state: "x".into() };
                }
            }
            _ => {}
        }
        Answer::Data(to_raw_value(&json!({"echo": arguments})).expect("JSON"))
    }
}
