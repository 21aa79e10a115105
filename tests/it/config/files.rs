//! Which file is read, what is reported about it, and the example that is shipped.

use super::*;

#[test]
fn the_first_file_of_the_search_order_is_used() {
    let folder = Folder::new();
    let text = |host: &str| json!({"host": host}).to_string();
    let named = folder.write("named.json", &text("named"));
    let by_variable = folder.write("variable.json", &text("variable"));
    folder.write("bin/config.json", &text("bin"));
    folder.write("xdg/proxmox-mcp/config.json", &text("xdg"));
    folder.write("home/.config/proxmox-mcp/config.json", &text("home"));
    let (bin, xdg, home) = (folder.0.join("bin"), folder.0.join("xdg"), folder.0.join("home"));
    let (variable, xdg, home) =
        (by_variable.to_str().unwrap(), xdg.to_str().unwrap(), home.to_str().unwrap());
    let all = [("PROXMOX_MCP_CONFIG", variable), ("XDG_CONFIG_HOME", xdg), ("HOME", home)];
    let empty = folder.0.join("empty");
    for (explicit, variables, exe_dir, expected) in [
        (Some(named.as_path()), &all[..], Some(bin.as_path()), "named"),
        (None, &all[..], Some(&bin), "variable"),
        (None, &all[1..], Some(&bin), "bin"),
        (None, &all[1..], Some(&empty), "xdg"),
        (None, &all[1..], None, "xdg"),
        (None, &all[2..], Some(&empty), "home"),
        (None, &[("XDG_CONFIG_HOME", "relative"), ("HOME", home)], None, "home"),
    ] {
        let config = load_from(explicit, variables, exe_dir).unwrap();
        assert_eq!(config.settings.hosts[0].name, expected);
        assert!(config.source.file.as_ref().unwrap().starts_with(&folder.0));
        assert_eq!(config.source.env.contains(&"PROXMOX_MCP_CONFIG"), expected == "variable");
    }
    // The first file found is used even if it is invalid; the next one might belong to another cluster.
    folder.write("bin/config.json", "{");
    assert!(load_from(None, &all[1..], Some(&bin)).unwrap_err().to_string().contains("bin/config.json"));
}

#[test]
fn a_named_file_must_exist_and_an_unreadable_one_is_not_passed_over() {
    let folder = Folder::new();
    let absent = folder.0.join("absent.json");
    let error = load_from(Some(&absent), &[], None).unwrap_err();
    assert!(error.to_string().contains("`--config` names, does not exist"), "{error}");
    let error = load_from(None, &[("PROXMOX_MCP_CONFIG", absent.to_str().unwrap())], None).unwrap_err();
    assert!(error.to_string().contains("`PROXMOX_MCP_CONFIG` names, does not exist"), "{error}");
    fs::create_dir(folder.0.join("config.json")).unwrap();
    let error = load_from(None, &[], Some(&folder.0)).unwrap_err();
    assert!(error.to_string().contains("cannot be read"), "{error}");
    let latin = folder.0.join("latin.json");
    fs::write(&latin, b"{\"host\": \"\xe9\"}").unwrap();
    assert!(load_from(Some(&latin), &[], None).unwrap_err().to_string().contains("not UTF-8"));
    let marked = folder.write("marked.json", "\u{feff}{\"host\": \"a\"}");
    assert_eq!(load_from(Some(&marked), &[], None).unwrap().settings.hosts[0].name, "a");
}

#[test]
fn without_any_file_the_answer_lists_where_one_is_looked_for() {
    let folder = Folder::new();
    let home = folder.0.to_str().unwrap();
    let config = load_from(None, &[("HOME", home)], Some(&folder.0)).unwrap();
    let Auth::Missing(sentence) = &config.settings.auth else { panic!() };
    for word in [
        format!("{home}/config.json"),
        format!("{home}/.config/proxmox-mcp/config.json"),
        "/etc/proxmox-mcp/config.json".into(),
        "`proxmox-mcp init`".into(),
        "PROXMOX_HOST, PROXMOX_TOKEN_ID and PROXMOX_TOKEN_SECRET".into(),
    ] {
        assert!(sentence.contains(&word), "{word}: {sentence}");
    }
    assert_eq!((config.access, config.list_format), (Access::Standard, ListFormat::Table));
    assert_eq!((config.wait, config.log), (Duration::from_secs(30), None::<Level>));
    assert_eq!(config.source.to_string(), "nothing but defaults");
}

#[cfg(unix)]
#[test]
fn a_file_that_others_can_read_is_warned_about_when_it_holds_a_secret() {
    let folder = Folder::new();
    let login = |secret: Value| json!({"host": "a", "token_id": "a@b!c", "token_secret": secret}).to_string();
    let literal = login(json!(SECRET));
    let elsewhere = login(json!({"env": "X"}));
    let proxy = |address: &str| json!({"host": "a", "proxy": address}).to_string();
    let (open, guarded) = (proxy("http://p:1"), proxy("http://me:word@p:1"));
    let entry = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    let second = json!({"clusters": {"a": entry(&elsewhere), "b": entry(&literal)}}).to_string();
    for (text, mode, expected) in [
        (&literal, 0o600, None),
        (&literal, 0o400, None),
        (&literal, 0o644, Some("(mode 0644) holds a secret and can be read")),
        (&literal, 0o640, Some("(mode 0640) holds a secret and can be read")),
        (&elsewhere, 0o644, None),
        (&open, 0o644, None),
        (&guarded, 0o644, Some("holds a secret and can be read")),
        (&second, 0o644, Some("holds a secret and can be read")),
    ] {
        let path = folder.write("it's.json", text);
        set_mode(&path, mode);
        // A secret in the file is at risk even if the environment overrides it.
        let config = load_from(Some(&path), &[("PROXMOX_TOKEN_SECRET", "other")], None).unwrap();
        match expected {
            None => assert_eq!(config.warnings, Vec::<String>::new(), "{mode:o}"),
            Some(words) => {
                assert_eq!(config.warnings.len(), 1, "{:?}", config.warnings);
                assert!(config.warnings[0].contains(words), "{}", config.warnings[0]);
                assert!(config.warnings[0].contains(r"run: chmod 600 '/"), "{}", config.warnings[0]);
                assert!(config.warnings[0].ends_with(r"it'\''s.json'"), "{}", config.warnings[0]);
            }
        }
    }
}

#[cfg(unix)]
#[test]
fn a_file_that_others_can_change_is_not_used() {
    let folder = Folder::new();
    let text = json!({"host": "a", "token_id": "a@b!c", "token_secret": {"file": "secret"}}).to_string();
    let path = folder.write("config.json", &text);
    let secret = folder.write("secret", "x");
    let home = path.parent().unwrap();
    for (config_mode, secret_mode, folder_mode, refused, warned) in [
        (0o600, 0o600, 0o755, "", ""),
        (0o600, 0o644, 0o755, "", "secret` (mode 0644) holds a secret"),
        (0o602, 0o600, 0o755, "config.json` (mode 0602) can be changed by other users", ""),
        (0o666, 0o600, 0o755, "is not used", ""),
        (0o600, 0o606, 0o755, "secret` (mode 0606) can be changed by other users", ""),
        (0o600, 0o600, 0o777, "a folder that other users may write to", ""),
        (0o600, 0o600, 0o1777, "", ""),
    ] {
        set_mode(&path, config_mode);
        set_mode(&secret, secret_mode);
        set_mode(home, folder_mode);
        match load_from(Some(&path), &[], None) {
            Ok(config) => {
                assert_eq!(refused, "", "{config_mode:o} {secret_mode:o} {folder_mode:o}");
                assert!(config.warnings.join(" ").contains(warned), "{:?}", config.warnings);
                assert_eq!(config.warnings.is_empty(), warned.is_empty(), "{:?}", config.warnings);
            }
            Err(error) => assert!(!refused.is_empty() && error.to_string().contains(refused), "{error}"),
        }
    }
}

#[test]
fn a_warning_names_the_cluster_that_it_is_about() {
    let text = json!({"clusters": {"a": {"host": "a"}, "b": {"host": "b", "ssl_verify": false}}}).to_string();
    let config = load_text(&text, &[]).unwrap();
    assert_eq!(config.warnings.len(), 1, "{:?}", config.warnings);
    assert!(config.warnings[0].contains("`ssl_verify` is off"), "{}", config.warnings[0]);
    assert!(config.warnings[0].ends_with("(Cluster `b`.)"), "{}", config.warnings[0]);
}

#[test]
fn a_broken_configuration_still_makes_a_server_that_says_what_is_wrong() {
    let error = load_text(r#"{"prot": 1}"#, &[]).unwrap_err();
    let config = Config::broken(&error);
    let Auth::Missing(sentence) = &config.settings.auth else { panic!() };
    assert!(sentence.contains("Did you mean `port`?") && sentence.contains("restart"), "{sentence}");
    assert_eq!(config.source.file, error.file);
    assert_eq!(config.toolsets, ["core"]);
}

#[test]
fn the_sample_cluster_is_reached_without_tls() {
    let config = Config::for_demo("127.0.0.1:8123".parse().unwrap(), "root@pam!demo", SECRET);
    let found = flat(&config);
    assert_eq!(found["hosts"], json!(["127.0.0.1 8123"]));
    assert_eq!(found["plain"], json!(true));
    assert_eq!(found["auth"], json!({"id": "root@pam!demo", "secret": SECRET}));
    assert_hidden(&format!("{config:?}"));
}

fn example() -> Map<String, Value> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/config.example.json");
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn the_example_shows_every_key_with_its_default_and_is_accepted_whole() {
    let example = example();
    for key in KEYS {
        let sample: Value = serde_json::from_str(&key.sample()).unwrap();
        let shown = example.get(key.name).or_else(|| example.get(&format!("//{}", key.name)));
        assert_eq!(shown, Some(&sample), "`{}` in config.example.json", key.name);
    }
    let expected = load_text("{}", &[]).unwrap();
    let config = load_text(&Value::Object(example.clone()).to_string(), &[]).unwrap();
    let (mut found, mut defaults) = (flat(&config), flat(&expected));
    for key in ["hosts", "auth", "log"] {
        found.remove(key);
        defaults.remove(key);
    }
    assert_eq!(found, defaults);
    // Removing the slashes from a commented key leaves a valid file.
    for name in example.keys().filter_map(|name| name.strip_prefix("//")) {
        if KEYS.iter().any(|key| key.name == name) {
            let mut object = example.clone();
            let value = object[&format!("//{name}")].clone();
            object.insert(name.into(), value);
            if name.starts_with("cluster") {
                // Addresses and logins of the clusters are described in their own section.
                object.retain(|name, _| !KEYS.iter().any(|key| key.name == name && key.per_cluster));
                object.insert("clusters".into(), example["//clusters"].clone());
            }
            load_text(&Value::Object(object).to_string(), &[])
                .unwrap_or_else(|error| panic!("{name}: {error}"));
        }
    }
}

#[test]
fn an_untouched_example_is_told_from_a_real_configuration() {
    let mut object = example();
    check_missing(Value::Object(object.clone()), &[], &["`host`", "example's value"]);
    object.insert("host".into(), json!("pve1"));
    check_missing(Value::Object(object.clone()), &[], &["`token_secret`", "example's value"]);
    object.insert("token_secret".into(), json!(SECRET));
    check_whole(&Value::Object(object), &[], json!({"auth": {"id": "mcp@pve!assistant", "secret": SECRET}}));
}
