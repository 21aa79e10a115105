//! The protocol, tested by lines in and lines out.

use crate::testbox::{Live, TestBox, serve_into, talk, talk_bytes};
use serde_json::{Value, json};

pub const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}"#;
pub const META: &str = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}"#;

fn initialize(version: &str) -> String {
    INITIALIZE.replace("2025-11-25", version)
}

/// Checks the last answer to these lines: its id, and its error code or `null`.
#[track_caller]
fn check_code(lines: &[&str], id: Value, code: Option<i64>) {
    let answers = talk(lines);
    let last = answers.last().unwrap_or(&Value::Null);
    assert_eq!((&last["id"], last["error"]["code"].as_i64()), (&id, code), "{lines:?} gave {answers:?}");
    assert_eq!(last["jsonrpc"], "2.0");
}

#[test]
fn every_kind_of_broken_line_has_its_answer() {
    let id = |id: &str| format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#);
    for (line, expected_id, code) in [
        ("{nonsense".into(), json!(null), Some(-32700)),
        ("\"x".into(), json!(null), Some(-32700)),
        ("42".into(), json!(null), Some(-32600)),
        ("\"x\"".into(), json!(null), Some(-32600)),
        ("null".into(), json!(null), Some(-32600)),
        ("[]".into(), json!(null), Some(-32600)),
        (r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#.into(), json!(null), Some(-32600)),
        (r#"{"id":5,"method":"ping"}"#.into(), json!(5), Some(-32600)),
        (r#"{"jsonrpc":"1.0","id":5,"method":"ping"}"#.into(), json!(5), Some(-32600)),
        (r#"{"jsonrpc":"2.0","id":"a","method":7}"#.into(), json!("a"), Some(-32600)),
        (r#"{"jsonrpc":"2.0","id":6}"#.into(), json!(6), Some(-32600)),
        (r#"{"jsonrpc":"2.0","id":6,"method":"ping","params":[1]}"#.into(), json!(6), Some(-32602)),
        (r#"{"jsonrpc":"2.0","id":6,"method":"ping","params":null}"#.into(), json!(6), Some(-32602)),
        (r#"{"jsonrpc":"2.0","id":6,"method":"no/such"}"#.into(), json!(6), Some(-32601)),
        (
            r#"{"jsonrpc":"2.0","id":6,"method":"logging/setLevel","params":{"level":"info"}}"#.into(),
            json!(6),
            Some(-32601),
        ),
        (id("null"), json!(null), Some(-32600)),
        (id("1.5"), json!(null), Some(-32600)),
        (id("true"), json!(null), Some(-32600)),
        (id("{}"), json!(null), Some(-32600)),
        (id("0"), json!(0), None),
        (id("-7"), json!(-7), None),
        (id("18446744073709551615"), json!(18446744073709551615u64), None),
        (id("\"\""), json!(""), None),
        (id("\"listen:0\""), json!("listen:0"), None),
        (id("\"92\""), json!("92"), None),
    ] {
        check_code(&[INITIALIZE, &line], expected_id, code);
    }
    let deep = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"ping","params":{{"a":{}1{}}}}}"#,
        "[".repeat(5000),
        "]".repeat(5000)
    );
    check_code(&[INITIALIZE, &deep], json!(null), Some(-32700));
}

#[test]
fn bytes_that_are_no_text_and_lines_that_are_no_messages_do_not_end_the_server() {
    let huge = vec![b'x'; 17 * 1024 * 1024];
    let ping = br#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    let input = [b"\xff\xfe\n\r\n   \n\n".as_slice(), &huge, b"\n", ping].concat();
    let answers = talk_bytes(&input);
    let seen: Vec<_> =
        answers.iter().map(|answer| (answer["id"].clone(), answer["error"]["code"].as_i64())).collect();
    assert_eq!(seen, [(json!(null), Some(-32700)), (json!(null), Some(-32600)), (json!(1), None)]);
}

#[test]
fn notifications_and_strange_responses_are_never_answered() {
    for line in [
        r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
        r#"{"jsonrpc":"2.0","method":"no/such"}"#,
        r#"{"jsonrpc":"2.0","method":"tools/call","params":{"name":"echo"}}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":99}}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":[]}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":{}}}"#,
        r#"{"jsonrpc":"2.0","method":7}"#,
        r#"{"method":"ping"}"#,
        r#"{}"#,
        r#"{"jsonrpc":"2.0","id":9,"result":{}}"#,
        r#"{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":"x"}}"#,
        r#"{"jsonrpc":"2.0","id":{},"result":{}}"#,
    ] {
        assert_eq!(talk(&[line]), Vec::<Value>::new(), "{line}");
    }
}

#[test]
fn initialize_negotiates_every_revision_with_a_handshake() {
    for (asked, given) in [
        ("2024-11-05", "2024-11-05"),
        ("2025-03-26", "2025-03-26"),
        ("2025-06-18", "2025-06-18"),
        ("2025-11-25", "2025-11-25"),
        ("2026-07-28", "2025-11-25"),
        ("1.0", "2025-11-25"),
        ("", "2025-11-25"),
    ] {
        let answers = talk(&[&initialize(asked)]);
        let result = &answers[0]["result"];
        assert_eq!(result["protocolVersion"], given, "asked for {asked}");
        assert_eq!(result["capabilities"], json!({"tools": {}}));
        assert_eq!(result["serverInfo"]["name"], "test");
        assert_eq!(result["instructions"], "Call echo.");
        assert!(result.get("resultType").is_none(), "strict old clients know no resultType");
    }
    for params in ["{}", r#"{"protocolVersion":7}"#] {
        let line = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"initialize","params":{params}}}"#);
        check_code(&[&line], json!(1), Some(-32602));
    }
    check_code(&[r#"{"jsonrpc":"2.0","id":1,"method":"initialize"}"#], json!(1), Some(-32602));
}

#[test]
fn modern_requests_say_their_version_and_capabilities_each_time() {
    let request = |method: &str, meta: &str| {
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{{{meta}}}}}"#)
    };
    let version = |version: &str| META.replace("2026-07-28", version);
    let only_version = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}"#;
    let only_capabilities = r#""_meta":{"io.modelcontextprotocol/clientCapabilities":{}}"#;
    for (method, meta, code) in [
        ("server/discover", META, None),
        ("tools/list", META, None),
        ("ping", META, Some(-32601)),
        ("logging/setLevel", META, Some(-32601)),
        ("resources/subscribe", META, Some(-32601)),
        ("tasks/get", META, Some(-32601)),
        ("server/discover", &version("1900-01-01"), Some(-32022)),
        ("tools/list", &version("2025-11-25"), Some(-32022)),
        ("tools/list", only_version, Some(-32602)),
        ("tools/list", only_capabilities, Some(-32602)),
        ("tools/list", "", Some(-32602)),
        ("server/discover", "", Some(-32602)),
        ("tools/call", r#""name":"echo""#, Some(-32602)),
        ("no/such", "", Some(-32601)),
        ("ping", "", None),
    ] {
        check_code(&[&request(method, meta)], json!(1), code);
    }
    // Whatever came before, a message is judged only by its own content.
    check_code(&[INITIALIZE, &request("ping", META)], json!(1), Some(-32601));
    check_code(&[INITIALIZE, &request("server/discover", META)], json!(1), None);
    check_code(&[&request("server/discover", META), INITIALIZE], json!(0), None);
    check_code(&[INITIALIZE, &request("server/discover", "")], json!(1), Some(-32601));
}

#[test]
fn discover_and_lists_carry_what_2026_07_28_demands() {
    let discover = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"server/discover","params":{{{META}}}}}"#);
    let result = &talk(&[&discover])[0]["result"];
    assert_eq!(result["resultType"], "complete");
    assert_eq!(result["supportedVersions"], json!(["2026-07-28"]));
    assert_eq!(result["cacheScope"], "private");
    assert!(result["ttlMs"].is_u64());
    assert_eq!(result["_meta"]["io.modelcontextprotocol/serverInfo"]["name"], "test");

    let list = discover.replace("server/discover", "tools/list");
    let result = &talk(&[&list])[0]["result"];
    assert_eq!((&result["resultType"], &result["cacheScope"]), (&json!("complete"), &json!("private")));
    assert_eq!(result["tools"][0]["name"], "echo");

    let call =
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"echo",{META}}}}}"#);
    let result = &talk(&[&call])[0]["result"];
    assert_eq!(result["resultType"], "complete");
    assert!(result.get("ttlMs").is_none(), "a call's result is not cached");

    let bad = discover.replace("2026-07-28", "1900-01-01");
    let error = &talk(&[&bad])[0]["error"];
    assert_eq!(error["data"], json!({"supported": ["2026-07-28"], "requested": "1900-01-01"}));
}

#[test]
fn a_request_before_any_handshake_is_told_what_to_send_unless_lenient() {
    let call = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo"}}"#;
    let answers = talk(&[call]);
    assert!(answers[0]["error"]["message"].as_str().unwrap().contains(r#""method":"initialize""#));
    let answers = serve_into(call.as_bytes(), &TestBox::new(), true);
    assert_eq!(answers[0]["result"]["structuredContent"], json!({"echo": {}}));
}

#[test]
fn tools_call_answers_by_revision() {
    let call = r#"{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"echo","arguments":{"a":"\u2028 \" 1"}}}"#;
    for (version, structured) in
        [("2024-11-05", false), ("2025-03-26", false), ("2025-06-18", true), ("2025-11-25", true)]
    {
        let result = &talk(&[&initialize(version), call])[1]["result"];
        let text: Value = serde_json::from_str(result["content"][0]["text"].as_str().unwrap()).unwrap();
        assert_eq!(text, json!({"echo": {"a": "\u{2028} \" 1"}}));
        assert_eq!(result.get("structuredContent"), structured.then_some(&text), "{version}");
        assert!(result.get("isError").is_none());
    }
}

#[test]
fn tools_call_tells_protocol_faults_from_failures() {
    let call =
        |params: &str| format!(r#"{{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{params}}}"#);
    for (params, code) in [
        (r#"{"name":"echo"}"#, None),
        (r#"{"name":"echo","arguments":null}"#, None),
        (r#"{"name":"echo","task":{"ttl":1}}"#, None),
        (r#"{"name":"fail"}"#, None),
        (r#"{"name":"no_such"}"#, Some(-32602)),
        (r#"{"name":7}"#, Some(-32602)),
        (r"{}", Some(-32602)),
        (r#"{"name":"echo","arguments":[1]}"#, Some(-32602)),
        (r#"{"name":"panic"}"#, Some(-32603)),
    ] {
        check_code(&[INITIALIZE, &call(params)], json!(3), code);
    }
    let failed = &talk(&[INITIALIZE, &call(r#"{"name":"fail"}"#)])[1]["result"];
    assert_eq!(failed["isError"], true);
    assert_eq!(failed["content"][0]["text"], "It failed.");
    let cursor = r#"{"jsonrpc":"2.0","id":3,"method":"tools/list","params":{"cursor":"2"}}"#;
    check_code(&[INITIALIZE, cursor], json!(3), Some(-32602));
}

#[test]
fn a_panic_is_one_failed_call() {
    let panic = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"panic"}}"#;
    let echo = r#"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"echo"}}"#;
    let lines = [INITIALIZE, panic, &panic.replace(":1,", ":3,"), &panic.replace(":1,", ":4,"), echo];
    let mut ids: Vec<_> = talk(&lines).iter().map(|answer| answer["id"].as_u64().unwrap()).collect();
    ids.sort_unstable();
    assert_eq!(ids, [0, 1, 2, 3, 4]);
}

#[test]
fn batches_are_for_2025_03_26_only() {
    let batch =
        r#"[{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","method":"notifications/initialized"},
        {"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"echo"}},7,
        {"jsonrpc":"2.0","id":3,"method":"initialize","params":{"protocolVersion":"2025-11-25"}}]"#
            .replace('\n', "");
    let answers = talk(&[&initialize("2025-03-26"), &batch]);
    let mut seen: Vec<_> = answers[1]
        .as_array()
        .expect("one array")
        .iter()
        .map(|answer| (answer["id"].to_string(), answer["error"]["code"].as_i64()))
        .collect();
    seen.sort();
    let expected = [("1", None), ("2", None), ("3", Some(-32600)), ("null", Some(-32600))];
    assert_eq!(seen, expected.map(|(id, code)| (id.to_owned(), code)));
    for version in ["2024-11-05", "2025-06-18", "2025-11-25"] {
        check_code(&[&initialize(version), &batch], json!(null), Some(-32600));
    }
    let silent = r#"[{"jsonrpc":"2.0","method":"notifications/initialized"}]"#;
    assert_eq!(talk(&[&initialize("2025-03-26"), silent]).len(), 1);
    check_code(&[&initialize("2025-03-26"), "[]"], json!(null), Some(-32600));
}

#[test]
fn progress_keeps_its_token_grows_and_is_not_told_too_often() {
    for token in [json!("t"), json!(0), json!(7)] {
        let params = json!({"name": "progress", "_meta": {"progressToken": token}});
        let call = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).to_string();
        let answers = talk(&[INITIALIZE, &call]);
        assert_eq!(answers.len(), 3, "one that grew, none too soon: {answers:?}");
        assert_eq!(
            answers[1]["params"],
            json!({"progressToken": token, "progress": 1.0, "total": 3.0, "message": "one"})
        );
        assert_eq!(answers[2]["id"], 1, "the answer comes last");
    }
    let silent = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"progress"}}"#;
    assert_eq!(talk(&[INITIALIZE, silent]).len(), 2);
    let old = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"progress","_meta":{"progressToken":1}}}"#;
    assert!(talk(&[&initialize("2024-11-05"), old])[1]["params"].get("message").is_none());
}

#[test]
fn the_reader_answers_while_all_workers_are_busy() {
    let live = Live::start();
    for id in 1..=5 {
        live.call(id, "hold");
    }
    live.ping();
    live.cancel(1);
    live.ping();
    let mut left = live.stop();
    left.sort_by_key(Value::as_u64);
    assert_eq!(
        left,
        [2, 3, 4, 5].map(Value::from),
        "the cancelled one is silent, the others are all answered"
    );
}

#[test]
fn cancelling_frees_the_worker_and_is_silent_queued_or_running() {
    let live = Live::start();
    for id in 1..=4 {
        live.call(id, "hold");
    }
    live.ping();
    for id in [4, 3, 1, 2] {
        live.cancel(id);
    }
    live.call(5, "echo");
    assert_eq!(live.receive()["id"], 5);
    live.call(1, "echo");
    assert_eq!(live.receive()["id"], 1, "an id that was cancelled is free again");
    assert_eq!(live.end(), Vec::<Value>::new());
}

#[test]
fn an_id_in_use_is_refused() {
    let live = Live::start();
    live.call(1, "hold");
    live.call(1, "echo");
    let refused = live.receive();
    assert_eq!((&refused["id"], &refused["error"]["code"]), (&json!(1), &json!(-32600)));
    live.send(&json!({"jsonrpc": "2.0", "id": "1", "method": "tools/call", "params": {"name": "echo"}}));
    assert_eq!(live.receive()["id"], "1", "a string is another id than a number");
    assert_eq!(live.stop(), [json!(1)]);
}

#[test]
fn waits_hold_nobody_up() {
    let live = Live::start();
    for id in 1..=10 {
        live.call(id, if id % 2 == 0 { "change_and_wait" } else { "wait" });
    }
    live.call(11, "change");
    live.call(12, "echo");
    // In either order: a change releases the requests behind it shortly before its answer is written.
    let mut ids = [live.receive()["id"].as_u64(), live.receive()["id"].as_u64()];
    ids.sort_unstable();
    assert_eq!(ids, [Some(11), Some(12)]);
    assert_eq!(live.stop().len(), 10, "a signal cuts waits short, and every call is answered");
}

#[test]
fn changes_are_submitted_in_the_order_they_came() {
    for _ in 0..50 {
        let live = Live::start();
        let names = ["echo", "change", "echo", "echo", "change", "change", "echo"];
        for (id, name) in names.iter().enumerate() {
            live.call(id as u64, name);
        }
        live.receive_all(names.len());
        let log = live.toolbox.log.lock().unwrap().clone();
        let place = |id: usize| log.iter().position(|entry| entry.ends_with(&format!(" {id}"))).unwrap();
        assert!(place(0) < place(1), "{log:?}");
        for later in [2, 3] {
            assert!(place(1) < place(later) && place(later) < place(4), "{log:?}");
        }
        assert!(place(4) < place(5) && place(5) < place(6), "{log:?}");
    }
}

#[test]
fn after_the_end_of_the_input_every_call_waits_for_the_end_of_those_before_it() {
    let names = ["task", "echo", "task", "task", "echo", "change"];
    let lines: Vec<String> = (1..)
        .zip(names)
        .map(|(id, name)| {
            let params = json!({"name": name, "arguments": {"n": id}});
            json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params}).to_string()
        })
        .collect();
    let toolbox = TestBox::new();
    let answers = serve_into(lines.join("\n").as_bytes(), &toolbox, true);
    let ids: Vec<&Value> = answers.iter().map(|answer| &answer["id"]).collect();
    assert_eq!(ids, [1, 2, 3, 4, 5, 6], "{answers:?}");
    assert!(answers.iter().all(|answer| answer["result"].get("isError").is_none()), "{answers:?}");
    let log = toolbox.log.into_inner().unwrap();
    assert_eq!(
        log,
        ["task 1", "end 1", "echo 2", "task 3", "end 3", "task 4", "end 4", "echo 5", "change 6"],
        "each waits for those before it"
    );
}

#[test]
fn what_a_signal_overtakes_is_answered_and_not_begun() {
    let live = Live::start();
    for (id, name) in [(1, "hold"), (2, "change"), (3, "echo")] {
        live.call(id, name);
    }
    live.ping();
    let toolbox = std::sync::Arc::clone(&live.toolbox);
    let mut left = live.stop();
    left.sort_by_key(Value::as_u64);
    assert_eq!(left, [1, 2, 3]);
    let log = toolbox.log.lock().unwrap();
    assert!(log.iter().all(|entry| entry == "hold 1"), "{log:?}");
}

#[test]
fn a_byte_order_mark_may_begin_the_first_line_only() {
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    let marked = format!("\u{feff}{ping}");
    let codes = |lines: &[&str]| -> Vec<Option<i64>> {
        talk(lines).iter().map(|answer| answer["error"]["code"].as_i64()).collect()
    };
    assert_eq!(codes(&[&marked, ping]), [None, None]);
    assert_eq!(codes(&[ping, &marked]), [None, Some(-32700)]);
    assert_eq!(codes(&["\u{feff}", ping]), [None], "an empty first line");
}
