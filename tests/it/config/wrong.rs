//! Invalid or missing settings are reported in sentences.

use super::*;

#[test]
fn a_wrong_file_is_named_with_key_value_and_expectation() {
    for (text, words) in [
        (r#"{"prot": 8006}"#, &["`prot` is not a known key. Did you mean `port`?"][..]),
        (r#"{"verify_ssl": true}"#, &["`ssl_verify`"]),
        (r#"{"token_value": "5ec2e7a0-0000-4000-8000-c0ffeec0ffee"}"#, &["`token_secret`"]),
        (r#"{"proxmox": {"host": "a", "verify_ssl": true}}"#, &["`proxmox` is not a known key", "top level"]),
        (r#"{"clusters": {}}"#, &["`clusters` is empty"]),
        (r#"{"port": "8006"}"#, &["`port` is `\"8006\"`", "a whole number from 1 to 65535"]),
        (r#"{"port": 0}"#, &["`port` is `0`", "1 to 65535"]),
        (r#"{"port": 65536}"#, &["`65536`"]),
        (r#"{"port": -1}"#, &["`-1`"]),
        (r#"{"port": 1.5}"#, &["`1.5`"]),
        (r#"{"workers": 33}"#, &["1 to 32"]),
        (r#"{"wait": 601}"#, &["a whole number of seconds from 0 to 600"]),
        (r#"{"timeout": 0}"#, &["`timeout` is `0`"]),
        (r#"{"connect_timeout": true}"#, &["`true`"]),
        (r#"{"max_answer_bytes": 1023}"#, &["bytes from 1024"]),
        (r#"{"max_response_bytes": 1}"#, &["65536"]),
        (r#"{"ssl_verify": "false"}"#, &["`ssl_verify` is `\"false\"`", "`true` or `false`"]),
        (r#"{"ssl_verify": 0}"#, &["`ssl_verify` is `0`"]),
        (r#"{"access": "readonly"}"#, &["`\"read-only\"` or `\"standard\"`", "Did you mean `read-only`?"]),
        (r#"{"access": 1}"#, &["`access` is `1`"]),
        (r#"{"list_format": "tabel"}"#, &["Did you mean `table`?"]),
        (r#"{"log": "trace"}"#, &["`\"debug\"`"]),
        (r#"{"toolsets": "all"}"#, &["`toolsets` is `\"all\"`", "a list of names"]),
        (r#"{"toolsets": ["core", 1]}"#, &["`toolsets.1` is `1`", "must be a string"]),
        (r#"{"toolsets": ["co*"]}"#, &["`toolsets.0`", "letters, digits and `_`"]),
        (r#"{"deny_tools": ["rm -rf"]}"#, &["`deny_tools.0` is `\"rm -rf\"`", "`*`"]),
        (r#"{"host": 1}"#, &["`host` is `1`", "pve.example.com"]),
        (r#"{"host": "http://a"}"#, &["`\"http://a\"`", "https://"]),
        (r#"{"host": "a/../b"}"#, &["not a plain path"]),
        (r#"{"host": "https://root:5ec2e7a0-0000-4000-8000-c0ffeec0ffee@a"}"#, &["`\"***@a\"`"]),
        (r#"{"hosts": "a"}"#, &["`hosts`", "a list of hosts"]),
        (r#"{"hosts": ["a", "b c"]}"#, &["`hosts.1` is `\"b c\"`"]),
        (r#"{"user": "a b"}"#, &["without whitespace"]),
        (r#"{"token_id": "root@pam"}"#, &["lacks the token's name"]),
        (r#"{"token_id": "root!t"}"#, &["`root@pam!t`"]),
        (r#"{"token_id": "root@pam!"}"#, &["`user@realm!name`"]),
        (r#"{"token_id": "a@b!c!d"}"#, &["two `!`"]),
        (r#"{"token_id": "PVEAPIToken a@b!c"}"#, &["must not have blanks"]),
        (
            r#"{"token_id": "a@b!c=5ec2e7a0-0000-4000-8000-c0ffeec0ffee"}"#,
            &["`\"a@b!c\"`", "put it under `token_secret`"],
        ),
        (r#"{"token_id": "/5ec2e7a0-0000-4000-8000-c0ffeec0ffee"}"#, &["`\"/***\"`"]),
        (r#"{"port": "5ec2e7a0-0000-4000-8000-c0ffeec0ffee"}"#, &["`\"***\"`"]),
        (r#"{"fingerprint": "00:11"}"#, &["64 hexadecimal digits, not 4"]),
        (r#"{"fingerprint": "sha256:zz"}"#, &["not `s`"]),
        (r#"{"ca_file": ["a"]}"#, &["`ca_file` is a list", "the path of a file"]),
        (r#"{"ca_file": "~/a"}"#, &["`HOME` is not set"]),
        (r#"{"token_secret": 5}"#, &["`token_secret` is a number", "{\"command\": [program, …]}"]),
        (r#"{"token_secret": ["5ec2e7a0-0000-4000-8000-c0ffeec0ffee"]}"#, &["`token_secret` is a list"]),
        (r#"{"token_secret": {}}"#, &["has 0 keys"]),
        (r#"{"token_secret": {"file": "a", "env": "b"}}"#, &["has 2 keys"]),
        (r#"{"token_secret": {"fiel": "a"}}"#, &["`token_secret.fiel`", "Did you mean `file`?"]),
        (r#"{"token_secret": {"file": 1}}"#, &["`token_secret.file` is a number"]),
        (r#"{"token_secret": {"env": ""}}"#, &["`token_secret.env`", "not empty"]),
        (
            r#"{"token_secret": {"command": "echo 5ec2e7a0-0000-4000-8000-c0ffeec0ffee"}}"#,
            &["`token_secret.command` is a string", "no shell"],
        ),
        (r#"{"token_secret": {"command": []}}"#, &["`token_secret.command`"]),
        (r#"{"token_secret": {"command": ["5ec2e7a0-0000-4000-8000-c0ffeec0ffee", 1]}}"#, &["strings only"]),
        (r#"{"password": false}"#, &["`password` is a boolean"]),
        (r#"{"totp": 123456}"#, &["`totp` is a number"]),
        (r#"{"host": "a", "host": "b"}"#, &["`host` is given twice"]),
        ("[]", &["must hold one JSON object"]),
        (r#""5ec2e7a0-0000-4000-8000-c0ffeec0ffee""#, &["must hold one JSON object"]),
        ("7", &["must hold one JSON object"]),
        ("", &["line 1, column 0", "EOF"]),
        ("{\n  \"host\": \"a\",\n}", &["line 3, column 1", "trailing comma"]),
        ("{\n  \"host\": \"a\"\n  \"port\": 1}", &["line 3, column 3", "expected `,` or `}`"]),
        ("{\n  // note\n  \"host\": \"a\"}", &["line 2", "JSON has no comments"]),
        ("{} {}", &["trailing characters"]),
    ] {
        check_error(text, &[], 1, words);
    }
}

#[test]
fn wrong_variables_are_named() {
    for (name, value, words) in [
        ("PROXMOX_PORT", "abc", &["variable `PROXMOX_PORT` is `\"abc\"`", "1 to 65535"][..]),
        ("PROXMOX_HOST", "http://a", &["`PROXMOX_HOST`", "https://"]),
        ("PROXMOX_VERIFY_SSL", "maybe", &["`PROXMOX_VERIFY_SSL` is `\"maybe\"`"]),
        ("PROXMOX_FINGERPRINT", "12", &["`PROXMOX_FINGERPRINT`", "64"]),
        ("PROXMOX_CA_FILE", "ca.pem", &["`PROXMOX_CA_FILE`", "absolute path"]),
        ("PROXMOX_TOKEN_ID", "a@b!c=5ec2e7a0-0000-4000-8000-c0ffeec0ffee", &["token_secret"]),
        ("PROXMOX_MCP_LOG", "loud", &["`PROXMOX_MCP_LOG`"]),
    ] {
        check_error("{}", &[(name, value)], 1, words);
    }
}

#[test]
fn all_problems_are_told_at_once() {
    let text = r#"{"prot": 1, "workers": 0, "token_secret": 1}"#;
    check_error(
        text,
        &[("PROXMOX_PORT", "x")],
        4,
        &["`prot`", "`workers`", "`token_secret`", "`PROXMOX_PORT`"],
    );
}

#[test]
fn what_is_missing_is_said() {
    check_missing(
        json!({}),
        &[],
        &["`host`, `token_id` and `token_secret`", "PROXMOX_HOST", "PROXMOX_TOKEN_SECRET"],
    );
    check_missing(json!({"host": "a"}), &[], &["lacks `token_id` and `token_secret`"]);
    check_missing(json!({"host": "a", "token_secret": ""}), &[], &["lacks `token_id` and `token_secret`"]);
    check_missing(
        json!({"host": "a", "token_id": "a@b!c"}),
        &[],
        &["lacks `token_secret`", "PROXMOX_TOKEN_SECRET"],
    );
    check_missing(json!({"token_id": "a@b!c", "token_secret": SECRET}), &[], &["lacks `host`"]);
    check_missing(json!({"host": "a", "user": "a"}), &[], &["lacks `password`"]);
    check_missing(json!({"host": "a", "password": SECRET}), &[], &["lacks `user`"]);
    check_missing(
        json!({"host": "a", "token_id": "t", "token_secret": SECRET}),
        &[],
        &["only the token's name, `t`"],
    );
    check_missing(
        json!({"host": "a", "user": "u", "password": SECRET}),
        &[("PROXMOX_TOKEN_ID", "a@b!c")],
        &["`token_secret`"],
    );
}
