//! Valid settings are applied: keys, variables, secrets, and which takes precedence in a conflict.

use super::*;

#[test]
fn each_key_of_the_file_arrives() {
    let (pin, pin_bytes) = fingerprint();
    check(
        json!({}),
        &[],
        json!({"hosts": ["pve1 8006"], "auth": {"id": "root@pam!t", "secret": SECRET}, "plain": false}),
    );
    check(json!({"port": 443}), &[], json!({"hosts": ["pve1 443"]}));
    check(json!({"host": "https://pve1:8443/", "port": 443}), &[], json!({"hosts": ["pve1 8443"]}));
    check(json!({"host": "[2001:db8::1]:1"}), &[], json!({"hosts": ["2001:db8::1 1"]}));
    check(
        json!({"hosts": ["pve2:1", "pve1", "::1"], "port": 7}),
        &[],
        json!({"hosts": ["pve1 7", "pve2 1", "::1 7"]}),
    );
    check(
        json!({"token_id": "t", "user": "me", "realm": "pve"}),
        &[],
        json!({"auth": {"id": "me@pve!t", "secret": SECRET}}),
    );
    check(json!({"fingerprint": pin}), &[], json!({"trust": pin_bytes}));
    check(json!({"ca_file": "/a/ca.pem"}), &[], json!({"trust": "ca /a/ca.pem"}));
    check(json!({"ca_file": "~/ca.pem"}), &[("HOME", "/home/me")], json!({"trust": "ca /home/me/ca.pem"}));
    check(json!({"connect_timeout": 1, "timeout": 2}), &[], json!({"connect_timeout": 1, "timeout": 2}));
    check(json!({"read_timeout": 7}), &[], json!({"read_timeout": 7}));
    check(
        json!({"host": "https://proxy.example:443/pve/", "hosts": ["pve2/pve"]}),
        &[],
        json!({"hosts": ["proxy.example 443", "pve2 8006"], "base_path": "/pve", "warnings": []}),
    );
    check(
        json!({"client_certificate": "/a/c.pem", "client_key": "/a/k.pem"}),
        &[],
        json!({"client": ["/a/c.pem", "/a/k.pem"]}),
    );
    check(json!({"client_certificate": "/a/c.pem"}), &[], json!({"client": ["/a/c.pem", "/a/c.pem"]}));
    check(json!({"cluster_addresses": true}), &[], json!({"cluster_addresses": true}));
    check(json!({"keep_warm": true}), &[], json!({"keep_warm": true}));
    check(
        json!({"workers": 32, "max_response_bytes": 65536}),
        &[],
        json!({"workers": 32, "max_response_bytes": 65536}),
    );
    check(
        json!({"list_format": "objects", "max_answer_bytes": 1024}),
        &[],
        json!({"list_format": "Objects", "max_answer_bytes": 1024}),
    );
    check(json!({"wait": 0, "log": "debug"}), &[], json!({"wait": 0, "log": "Debug"}));
    check(json!({"access": "read-only"}), &[], json!({"access": "ReadOnly"}));
    check(json!({"access": "full"}), &[], json!({"access": "Full"}));
    check(
        json!({"toolsets": ["all"], "deny_tools": ["proxmox_delete_*"]}),
        &[],
        json!({"toolsets": ["all"], "deny_tools": ["proxmox_delete_*"]}),
    );
    check(json!({"_note": 1, "//port": "x", "// a": [], "timeout": null}), &[], json!({"timeout": 60}));
}

#[test]
fn secrets_come_from_four_places() {
    let token = |secret: &str| json!({"auth": {"id": "root@pam!t", "secret": secret}});
    check(json!({"token_secret": {"file": "/run/secret"}}), &[], token("file /run/secret"));
    check(json!({"token_secret": {"file": "~/s"}}), &[("HOME", "/h")], token("file /h/s"));
    check(json!({"token_secret": {"env": "MY_TOKEN"}}), &[], token("env MY_TOKEN"));
    check(json!({"token_secret": {"command": ["pass", "show", "pve"]}}), &[], token("command pass show pve"));
}

#[test]
fn a_relative_path_begins_at_the_file_and_not_at_the_working_directory() {
    let folder = Folder::new();
    let text =
        json!({"host": "a", "token_id": "a@pam!b", "token_secret": {"file": "s"}, "ca_file": "ca.pem"});
    let path = folder.write("config.json", &text.to_string());
    let config = load_from(Some(&path), &[], None).unwrap();
    assert_eq!(config.settings.trust, Trust::CaFile(folder.0.join("ca.pem")));
    let Auth::Token { secret, .. } = &config.settings.auth else { panic!() };
    assert_eq!(*secret, SecretSource::File(folder.0.join("s")));
}

#[test]
fn a_user_logs_in_by_password() {
    let login = |user: &str| json!({"auth": {"user": user, "password": SECRET, "totp": null}});
    check_whole(&json!({"host": "a", "user": "root", "password": SECRET}), &[], login("root@pam"));
    check_whole(&json!({"host": "a", "user": "me@pve", "password": SECRET}), &[], login("me@pve"));
    check_whole(&json!({"host": "a", "user": "me", "realm": "ad", "password": SECRET}), &[], login("me@ad"));
    check_whole(
        &json!({"host": "a", "user": "me", "password": SECRET, "totp": {"command": ["otp"]}}),
        &[],
        json!({"auth": {"user": "me@pam", "password": SECRET, "totp": "command otp"}}),
    );
}

#[test]
fn each_variable_overrides_its_key() {
    let (pin, pin_bytes) = fingerprint();
    let other = "11111111-2222-3333-4444-555555555555";
    check(json!({}), &[("PROXMOX_HOST", "e1:9")], json!({"hosts": ["e1 9"], "env": ["PROXMOX_HOST"]}));
    check(json!({"hosts": ["pve2"]}), &[("PROXMOX_HOST", "e1")], json!({"hosts": ["e1 8006"]}));
    check(json!({}), &[("PROXMOX_PORT", "443")], json!({"hosts": ["pve1 443"]}));
    for name in ["PROXMOX_TOKEN_ID", "PROXMOX_TOKEN_NAME"] {
        check(
            json!({}),
            &[(name, "a@pve!b")],
            json!({"auth": {"id": "a@pve!b", "secret": SECRET}, "env": [name]}),
        );
        for user in ["PROXMOX_USER", "PROXMOX_USERNAME"] {
            let id = |id: &str| json!({"auth": {"id": id, "secret": SECRET}});
            check(json!({}), &[(name, "b"), (user, "a@pve")], id("a@pve!b"));
            check(json!({}), &[(name, "b"), (user, "a")], id("a@pam!b"));
            check(json!({}), &[(name, "b"), (user, "a"), ("PROXMOX_REALM", "ad")], id("a@ad!b"));
            check(json!({}), &[(name, "x@y!b"), (user, "a@pve")], id("x@y!b"));
        }
    }
    for name in ["PROXMOX_TOKEN_SECRET", "PROXMOX_TOKEN_VALUE"] {
        check(json!({}), &[(name, other)], json!({"auth": {"id": "root@pam!t", "secret": other}}));
    }
    check(
        json!({}),
        &[("PROXMOX_USER", "me"), ("PROXMOX_PASSWORD", " p w ")],
        json!({"auth": {"user": "me@pam", "password": " p w ", "totp": null}}),
    );
    check_whole(
        &json!({"host": "a", "user": "me", "password": "p"}),
        &[("PROXMOX_TOKEN_ID", "a@pve!b"), ("PROXMOX_TOKEN_SECRET", SECRET)],
        json!({"auth": {"id": "a@pve!b", "secret": SECRET}}),
    );
    for name in ["PROXMOX_VERIFY_SSL", "PROXMOX_SSL_VERIFY"] {
        for word in ["true", "1", "yes", "on", "TRUE", " Yes "] {
            check(json!({"ssl_verify": false}), &[(name, word)], json!({"trust": "system"}));
        }
        for word in ["false", "0", "no", "off", "False"] {
            let config = load_text(r#"{"host":"a"}"#, &[(name, word)]).unwrap();
            assert_eq!(config.settings.trust, Trust::Anything, "{name}={word}");
        }
    }
    check(json!({"ca_file": "/a"}), &[("PROXMOX_FINGERPRINT", &pin)], json!({"trust": pin_bytes}));
    // A field left blank in the form of a bundle.
    for blank in ["", " ", "${user_config.fingerprint}"] {
        check(json!({"ca_file": "/a"}), &[("PROXMOX_FINGERPRINT", blank)], json!({"trust": "ca /a"}));
    }
    check(json!({"fingerprint": pin}), &[("PROXMOX_CA_FILE", "/b")], json!({"trust": "ca /b"}));
    check(json!({}), &[("PROXMOX_MCP_LOG", "WARN")], json!({"log": "Warn"}));
    check(
        json!({}),
        &[("PROXMOX_HOST", ""), ("PROXMOX_PORT", "  ")],
        json!({"hosts": ["pve1 8006"], "env": []}),
    );
}

#[test]
fn variables_alone_are_enough() {
    let variables =
        [("PROXMOX_HOST", "h"), ("PROXMOX_TOKEN_ID", "a@pve!b"), ("PROXMOX_TOKEN_SECRET", SECRET)];
    let config = load_from(None, &variables, None).unwrap();
    assert!(matches!(&config.settings.auth, Auth::Token { id, .. } if id == "a@pve!b"));
    assert_eq!(config.source.file, None);
    assert_eq!(
        config.source.to_string(),
        "the environment (PROXMOX_HOST, PROXMOX_TOKEN_ID, PROXMOX_TOKEN_SECRET)"
    );
    assert_hidden(&format!("{config:?}"));
}

#[test]
fn every_variable_of_the_table_is_read() {
    for key in KEYS {
        let sample: Value = serde_json::from_str(&key.sample()).unwrap();
        let text = sample.as_str().map_or_else(|| sample.to_string(), String::from);
        let text = if key.name == "ca_file" { "/ca.pem".into() } else { text };
        for name in key.env {
            let config =
                load_from(None, &[(name, &text)], None).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(config.source.env, [*name]);
        }
    }
}

#[test]
fn contradictions_are_settled_and_warned_about() {
    let (pin, _) = fingerprint();
    check_warning(json!({"user": "a", "password": SECRET}), &[], &["token is used", "config.json"]);
    check_warning(json!({"ssl_verify": false}), &[], &["`ssl_verify` is off"]);
    check_warning(json!({}), &[("PROXMOX_VERIFY_SSL", "no")], &["`ssl_verify` is off"]);
    check_warning(
        json!({"ssl_verify": false, "fingerprint": pin}),
        &[],
        &["`ssl_verify: false` is not used: `fingerprint`"],
    );
    check_warning(
        json!({"ssl_verify": false, "ca_file": "/a"}),
        &[],
        &["`ssl_verify: false` is not used: `ca_file`"],
    );
    check_warning(
        json!({"ca_file": "/a", "fingerprint": pin}),
        &[],
        &["`ca_file` is not used: `fingerprint`"],
    );
    check_warning(json!({"fingerprint": pin, "hosts": ["b"]}), &[], &["several hosts"]);
    check_warning(
        json!({"user": "a@pve", "token_id": "t", "realm": "pam"}),
        &[],
        &["`realm` is not used", "`pve`"],
    );
    check_warning(
        json!({}),
        &[("PROXMOX_TOKEN_ID", "a@b!c"), ("PROXMOX_TOKEN_NAME", "a@b!d")],
        &["`PROXMOX_TOKEN_ID` and `PROXMOX_TOKEN_NAME`", "differ"],
    );
    // A strict setting in the file is overridden only by the environment.
    let trust = |more: Value, variables: Variables| {
        let mut object = json!({"host": "a"});
        object.as_object_mut().unwrap().append(&mut more.as_object().unwrap().clone());
        load_text(&object.to_string(), variables).unwrap().settings.trust.clone()
    };
    assert_eq!(trust(json!({"ssl_verify": false, "fingerprint": pin}), &[]), Trust::Fingerprint([15; 32]));
    assert_eq!(trust(json!({"ca_file": "/a", "fingerprint": pin}), &[]), Trust::Fingerprint([15; 32]));
    assert_eq!(
        trust(json!({"fingerprint": pin}), &[("PROXMOX_VERIFY_SSL", "true")]),
        Trust::Fingerprint([15; 32])
    );
    assert_eq!(trust(json!({"fingerprint": pin}), &[("PROXMOX_VERIFY_SSL", "false")]), Trust::Anything);
}

#[test]
fn the_proxy_of_the_file_goes_before_the_one_that_all_programs_share() {
    let shared = [("HTTPS_PROXY", "http://shared:1"), ("NO_PROXY", "example.com, 192.0.2.0/24")];
    check(
        json!({}),
        &shared,
        json!({
            "proxy": "http://shared:1",
            "no_proxy": ["example.com", "192.0.2.0/24"],
            "env": ["HTTPS_PROXY", "NO_PROXY"],
        }),
    );
    check(
        json!({}),
        &[("https_proxy", "http://small:1"), ("HTTPS_PROXY", " ")],
        json!({"proxy": "http://small:1"}),
    );
    check(
        json!({"proxy": "http://own:1", "no_proxy": []}),
        &shared,
        json!({"proxy": "http://own:1", "no_proxy": [], "env": []}),
    );
    check(json!({"proxy": "none"}), &shared[..1], json!({"proxy": null}));
    check(json!({"proxy": "http://own:1"}), &[("PROXMOX_PROXY", "none")], json!({"proxy": null}));
    check_warning(json!({"client_key": "/a"}), &[], &["`client_key` is not used"]);
    check_warning(json!({"host": "a/x", "hosts": ["b"]}), &[], &["different paths (`/x/` and `/`)"]);
}
