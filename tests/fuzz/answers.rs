//! Input from the network: answers of the API, and the requests that the sample cluster reads.

use crate::{Target, check::kind};
use proxmox_mcp::{
    demo,
    pve::{Error, Method, read_made_up},
    tools::answer::record::Record,
};
use serde_json::{Map, Value};

pub const TARGETS: &[Target] = &[
    Target { name: "answers", seeds: answer_seeds, words: WORDS, run: answers },
    Target { name: "rows", seeds: row_seeds, words: WORDS, run: rows },
    Target { name: "http", seeds: http_seeds, words: HTTP_WORDS, run: http },
];

const WORDS: &[&str] = &[
    "{\"data\":null}",
    "\"data\":",
    "\"success\":0",
    "\"success\":\"1\"",
    "\"success\":1",
    "\"status\":403",
    "\"message\":\"x\\n\"",
    "\"errors\":{\"vmid\":\"x\"}",
    "\"errors\":[]",
    "\"total\":\"7\"",
    "null",
    "[",
    "]",
    "{",
    "}",
    ",",
    ":",
    "\"",
    "\\u0000",
    "1e999",
    "-1",
    "<html>",
    "<title>",
    "</title>",
    "Permission check failed (/vms/100, VM.PowerMgmt)",
    "no such VM ('100')",
    "\u{feff}",
    "\r\n",
    "Sat, 21 Nov 2026 00:58:18 GMT",
    "Thu, 01 Jan 1970 00:00:00 GMT",
    "18446744073709551615",
    "9999",
];

fn answer_seeds() -> Vec<Vec<u8>> {
    let dated = |status: u8, text: &str| {
        [&[status], &b"Sat, 21 Nov 2026 00:58:18 GMT\n"[..], text.as_bytes()].concat()
    };
    let bodies = [
        r#"{"data":{"upid":"UPID:pve1:000002AE:000ADB4F:6B00EC8C:qmstart:100:root@pam:"},"success":1}"#,
        r#"{"data":null,"success":0,"status":403,"message":"Permission check failed (/vms/100, VM.PowerMgmt)\n"}"#,
        r#"{"data":null,"success":0,"status":400,"message":"Parameter verification failed.\n","errors":{"vmid":"value must have a minimum value of 100"}}"#,
        r#"{"data":[{"vmid":100,"name":"x"}],"total":1}"#,
        "<html><head><title>502 Bad Gateway</title></head></html>",
        "",
    ];
    bodies
        .iter()
        .flat_map(|body| (0..STATUSES.len()).map(move |status| dated(u8::try_from(status).unwrap(), body)))
        .collect()
}

const STATUSES: [u16; 14] = [200, 204, 301, 400, 401, 403, 404, 429, 500, 501, 503, 595, 596, 999];
const PATHS: [(Method, &str); 4] = [
    (Method::Get, "/nodes/pve1/qemu"),
    (Method::Post, "/nodes/pve1/qemu/100/status/start"),
    (Method::Put, "/access/password"),
    (Method::Delete, "/nodes/pve1/qemu/100"),
];

fn row_seeds() -> Vec<Vec<u8>> {
    [
        r#"{"data":[{"vmid":100,"name":"x","cpu":0.25,"uptime":1e3,"tags":"a;b","template":0,"lock":null}],"total":"1"}"#,
        r#"[{"a":[1,{"b":[]}],"\u0041\n":-0.5E-7,"t":true,"f":false},{}, { "x" : "\"\\" } ]"#,
        "{}",
        "[]",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec()
}

/// A list's rows contain the same values, names and order as the same text parsed into a tree of values.
fn rows(input: &[u8]) -> u64 {
    let Ok(text) = std::str::from_utf8(input) else { return 0 };
    let Ok(tree) = serde_json::from_str::<Vec<Map<String, Value>>>(text) else { return 0 };
    let rows: Vec<Record<'_>> = serde_json::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(rows.len(), tree.len(), "{text}");
    for (row, object) in rows.iter().zip(&tree) {
        for (name, value) in object {
            let json = row.json(name).unwrap_or_else(|| panic!("{text}: `{name}` is missing"));
            let seen: Value = serde_json::from_str(json).unwrap_or_else(|error| panic!("{json}: {error}"));
            // If a name occurs twice, the row has the first value and the tree the last.
            let once = object.len() == row.names().count() && !text.contains('\\');
            assert!(seen == *value || !once, "{text}: `{name}` is {json}");
        }
    }
    kind((rows.len().min(5), rows.first().map(|row| row.names().count().min(8))))
}

/// An answer is valid JSON data, or an error in complete sentences.
fn answers(input: &[u8]) -> u64 {
    let (first, rest) = input.split_first().map_or((0, input), |(first, rest)| (*first, rest));
    let status = STATUSES[usize::from(first) % STATUSES.len()];
    let (method, path) = PATHS[usize::from(first) / 64];
    let (head, body) = rest
        .iter()
        .position(|byte| *byte == b'\n')
        .map_or((rest, &b""[..]), |at| (&rest[..at], &rest[at + 1..]));
    let head = String::from_utf8_lossy(head);
    match read_made_up(method, path, status, &head, body.to_vec()) {
        Ok(reply) => {
            assert!(status < 300, "{status} taken for data");
            // The only possible error is a value that cannot be represented.
            let value = serde_json::from_str(&reply.data).unwrap_or_else(|error| {
                let sentence = error.to_string();
                let known = ["number out of range", "recursion limit exceeded"];
                assert!(known.iter().any(|known| sentence.starts_with(known)), "{sentence}");
                Value::String(reply.data.clone())
            });
            assert_eq!(reply.value(), value);
            if let Some(date) = reply.date {
                assert!(date < 400_000 * 366 * 86_400, "{head}: {date}");
            }
            let shape = value.as_object().map(Map::len).or(value.as_array().map(Vec::len));
            kind((1, shape.map(|length| length.min(5)), reply.total.is_some(), reply.date.is_some()))
        }
        Err(error) => {
            let shown = error.to_string();
            assert!(shown.ends_with(['.', '?', '!', ')']), "no finished sentence: {shown:?}");
            // If the answer to a change was not seen, the error must not say that the change can simply be repeated.
            assert!(method == Method::Get || !shown.contains("can be sent again"), "{shown}");
            let (said, errors) = match &error {
                Error::Refused { status, errors, .. } => (*status, errors.len().min(3)),
                _ => (status, 0),
            };
            kind((std::mem::discriminant(&error), said.min(700), errors, error.may_have_been_carried_out()))
        }
    }
}

const HTTP_WORDS: &[&str] = &[
    "\r\n",
    "\r\n\r\n",
    "GET ",
    "POST ",
    "PUT ",
    "DELETE ",
    " HTTP/1.1",
    " HTTP/2",
    "/api2/json",
    "?",
    "&",
    ";",
    "=",
    "%",
    "%2F",
    "%zz",
    "+",
    "Content-Length: ",
    "Content-Length: 99999999999999999999",
    "Content-Length: 5",
    "Transfer-Encoding: chunked",
    "Content-Type: application/json",
    "Content-Type: multipart/form-data; boundary=x",
    "--x\r\n",
    "\r\n--x--\r\n",
    "\r\n--x\r\n",
    "Content-Disposition: form-data; name=\"a\"",
    "; filename=\"f\"",
    "{\"a\":[1,true,null]}",
    ":",
    "\n",
    "/upload",
];

fn http_seeds() -> Vec<Vec<u8>> {
    [
        "GET /api2/json/version?a=b&c=%2F HTTP/1.1\r\nHost: x\r\nAuthorization: PVEAPIToken=a!b=c\r\n\r\n",
        "POST /api2/extjs/nodes/pve1/qemu/100/status/start HTTP/1.1\r\nContent-Length: 7\r\n\r\na=b&c=d",
        "POST /x HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 17\r\n\r\n{\"a\":true,\"b\":[]}",
        "POST /nodes/pve1/storage/local/upload HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=x\r\nContent-Length: 150\r\n\r\n--x\r\nContent-Disposition: form-data; name=\"content\"\r\n\r\niso\r\n--x\r\nContent-Disposition: form-data; name=\"filename\"; filename=\"a.iso\"\r\n\r\nabc\r\n--x--\r\n",
    ]
    .iter()
    .map(|text| text.as_bytes().to_vec())
    .collect()
}

/// A request is read completely, refused with a status, or waited for; never more is read than was sent.
fn http(input: &[u8]) -> u64 {
    match demo::read_made_up(input) {
        Ok((method, path, pairs)) => {
            assert!(
                !path.contains(['?', ' ', '\r', '\n']) || path.contains('\r') || path.contains('\n'),
                "{path:?}"
            );
            assert!(input.starts_with(method.word().as_bytes()));
            assert!(pairs.len() <= input.len());
            kind((1, method, pairs.len().min(6), path.len().min(20)))
        }
        Err(Some((status, reason))) => {
            assert!((400..600).contains(&status) && !reason.is_empty());
            kind((2, status, reason.len()))
        }
        Err(None) => kind(3),
    }
}
