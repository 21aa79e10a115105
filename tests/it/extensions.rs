//! Extensions: a client's declarations reach the call, and supported extensions are announced to clients that declare
//! them.

use crate::{
    protocol::{INITIALIZE, META},
    testbox::talk,
};
use serde_json::{Value, json};

#[test]
fn extensions_are_those_of_the_request_and_announced_to_those_who_declare_them() {
    const UI: &str = r#""io.modelcontextprotocol/ui":{"mimeTypes":["text/html;profile=mcp-app"]}"#;
    const TASKS: &str = r#""io.modelcontextprotocol/tasks":{}"#;
    let call = |id: usize, meta: &str| {
        format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"client"{meta}}}}}"#)
    };
    let modern = |extensions: &str| {
        format!(
            ",{}",
            META.replace(
                r#"clientCapabilities":{}"#,
                &format!(r#"clientCapabilities":{{"extensions":{{{extensions}}}}}"#)
            )
        )
    };
    let legacy = |extensions: &str| {
        INITIALIZE
            .replace(r#""capabilities":{}"#, &format!(r#""capabilities":{{"extensions":{{{extensions}}}}}"#))
    };
    let both = format!("{UI},{TASKS}");
    let of = |answer: &Value| answer["result"]["structuredContent"].clone();
    let found = |views: bool, tasks: bool| json!({"views": views, "tasks": tasks});

    let answers = talk(&[
        &legacy(&both),
        &call(1, ""),
        &call(2, &modern(TASKS)),
        &call(3, &modern(UI)),
        &call(4, &modern("")),
    ]);
    let by_id = |id: usize| answers.iter().find(|answer| answer["id"] == id).unwrap();
    let capabilities = &by_id(0)["result"]["capabilities"];
    assert_eq!(*capabilities, json!({"tools": {}, "extensions": {"io.modelcontextprotocol/ui": {}}}));
    assert_eq!(of(by_id(1)), found(true, false), "no tasks by a handshake");
    assert_eq!(of(by_id(2)), found(false, true));
    assert_eq!(of(by_id(3)), found(true, false));
    assert_eq!(of(by_id(4)), found(false, false), "nothing is known from the requests before");
    assert_eq!(by_id(1)["result"]["_meta"], json!({"test/view": true}));
    let meta = &by_id(3)["result"]["_meta"];
    assert_eq!(
        (&meta["test/view"], &meta["io.modelcontextprotocol/serverInfo"]["name"]),
        (&json!(true), &json!("test"))
    );

    for (extensions, announced) in [(both.as_str(), true), (TASKS, false), ("", false)] {
        let meta = modern(extensions);
        let discover =
            format!(r#"{{"jsonrpc":"2.0","id":1,"method":"server/discover","params":{{{}}}}}"#, &meta[1..]);
        let capabilities = &talk(&[&discover])[0]["result"]["capabilities"];
        assert_eq!(capabilities.get("extensions").is_some(), announced, "{extensions}");
    }
}
