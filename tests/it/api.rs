//! The table of the API: complete, small, fast to search, and refusing what Proxmox refuses, in its words.

use proxmox_mcp::pve::{
    Method,
    api::{self, Kind, Lookup, Param, Privilege, Row, Violation},
};
use std::{collections::BTreeSet, fmt::Write, path::Path, process::Command};

/// A value that is valid for a parameter, as far as the table knows.
fn sample(param: &Param) -> String {
    if let Some(mut choices) = param.choices() {
        return choices.next().unwrap().to_owned();
    }
    if let Some(keys) = param.keys() {
        let keys: Vec<Param> = keys.collect();
        let needed: Vec<&Param> = keys.iter().filter(|key| !key.is_optional()).collect();
        let chosen = if needed.is_empty() { vec![&keys[0]] } else { needed };
        return chosen
            .iter()
            .map(|key| format!("{}={}", key.name(), sample(key)))
            .collect::<Vec<_>>()
            .join(",");
    }
    let named = match param.format().unwrap_or_default().trim_end_matches("-list").trim_end_matches("-opt") {
        "pve-vmid" => "100",
        "ipv4" | "ip" | "address" => "10.0.0.1",
        "ipv6" => "fd00::1",
        "CIDR" | "CIDRv4" => "10.0.0.0/8",
        "CIDRv6" => "fd00::/64",
        "mac-addr" => "BC:24:11:00:00:01",
        "disk-size" => "4G",
        _ => "",
    };
    match param.kind() {
        _ if !named.is_empty() => named.to_owned(),
        "boolean" => "1".to_owned(),
        "integer" | "number" => param.range().0.or(param.range().1).unwrap_or("7").to_owned(),
        _ => "ab".repeat(param.length().0.unwrap_or(2).div_ceil(2)),
    }
}

/// A request with every required parameter, under a name that the parameter accepts.
fn valid_call(row: &Row) -> Vec<(String, String)> {
    let needed =
        |param: &Param| !param.is_optional() || row.path().contains(&format!("{{{}}}", param.name()));
    let params = row.params().into_iter().filter(needed);
    params.map(|param| (param.name().replace("[n]", "0"), sample(&param))).collect()
}

fn check(row: &Row, given: &[(String, String)]) -> Vec<Violation> {
    row.check(&given.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect::<Vec<_>>())
}

fn row(method: Method, template: &str) -> Row {
    api::find_template(method, template).unwrap_or_else(|| panic!("no {method} {template}"))
}

#[test]
fn every_method_is_found_by_its_own_path() {
    let mut seen = BTreeSet::new();
    for row in api::rows() {
        assert!(seen.insert((row.path(), row.method())), "{} {} is there twice", row.method(), row.path());
        let mut path = row.path().to_owned();
        for hole in row.params().iter().filter(|param| row.path().contains(&format!("{{{}}}", param.name())))
        {
            path = path.replace(&format!("{{{}}}", hole.name()), &sample(hole));
        }
        assert!(!path.contains('{'), "{path}: a hole without a parameter");
        let Lookup::Found(found) = api::find(row.method(), &path) else { panic!("{} {path}", row.method()) };
        assert_eq!(found.row, row, "{path}");
        assert_eq!(found.values.len(), row.path().matches('{').count());
        assert_eq!(api::find_template(row.method(), row.path()), Some(row));
    }
    assert_eq!(seen.len(), 680);
}

#[test]
fn the_table_stays_small() {
    assert!(api::table().len() <= 300_000, "{} bytes", api::table().len());
    // The search may cut it at any byte, and bisects the sorted paths.
    assert!(api::table().is_ascii());
    assert!(api::rows().map(|row| row.path()).is_sorted());
}

#[test]
fn paths_are_taken_apart() {
    #[track_caller]
    fn check(method: Method, path: &str, expected: Option<(&str, &[&str])>) {
        match (api::find(method, path), expected) {
            (Lookup::Found(found), Some((template, values))) => {
                assert_eq!(found.row.path(), template);
                assert_eq!(found.values.iter().map(|(_, value)| value.as_str()).collect::<Vec<_>>(), values);
            }
            (Lookup::NoSuchPath, None) => {}
            (got, _) => panic!("{method} {path}: {got:?}"),
        }
    }
    let volume = "/nodes/{node}/storage/{storage}/content/{volume}";
    check(Method::Get, "/version", Some(("/version", &[])));
    check(Method::Get, "version/", Some(("/version", &[])));
    check(
        Method::Get,
        "/nodes/pve1/qemu/100/config",
        Some(("/nodes/{node}/qemu/{vmid}/config", &["pve1", "100"])),
    );
    check(
        Method::Get,
        "/nodes/a/storage/b/content/b:backup/c.zst",
        Some((volume, &["a", "b", "b:backup/c.zst"])),
    );
    check(
        Method::Get,
        "/nodes/a/storage/b/content/b%3Abackup%2Fc.zst",
        Some((volume, &["a", "b", "b:backup/c.zst"])),
    );
    check(
        Method::Get,
        "/cluster/firewall/ipset/x/10.0.0.0/8",
        Some(("/cluster/firewall/ipset/{name}/{cidr}", &["x", "10.0.0.0/8"])),
    );
    check(Method::Get, "/cluster/ha/resources/vm%3a100", Some(("/cluster/ha/resources/{sid}", &["vm:100"])));
    check(
        Method::Get,
        "/access/users/a%zz@pve%C3%A9%FF",
        Some(("/access/users/{userid}", &["a%zz@pve\u{e9}\u{fffd}"])),
    );
    // A fixed segment takes precedence over a placeholder, even where both match.
    check(
        Method::Get,
        "/cluster/backup-info/not-backed-up",
        Some(("/cluster/backup-info/not-backed-up", &[])),
    );
    check(
        Method::Get,
        "/cluster/sdn/fabrics/node/all",
        Some(("/cluster/sdn/fabrics/node/{fabric_id}", &["all"])),
    );
    for stranger in ["/nope", "", "/", "//", "/nodes//qemu", "/nodes/pve1/storage/b/content/b/", "/version/x"]
    {
        if stranger == "/nodes/pve1/storage/b/content/b/" {
            check(Method::Get, stranger, Some((volume, &["pve1", "b", "b"])));
        } else {
            check(Method::Get, stranger, None);
        }
    }
    let Lookup::WrongMethod(methods) = api::find(Method::Put, "/version") else { panic!("PUT /version") };
    assert_eq!(methods, [Method::Get]);
}

#[test]
fn facts_are_read_as_they_stand() {
    let config = row(Method::Put, "/nodes/{node}/qemu/{vmid}/config");
    assert_eq!((config.name(), config.since(), config.returns()), ("update_vm", "6.4", "null"));
    assert!(config.proxied_by_node() && config.allow_token() && !config.open());
    let Privilege::Perm { path: "/vms/{vmid}", any: true, privileges, only_with: None } = config.privileges()
    else {
        panic!("{:?}", config.privileges());
    };
    assert!(privileges.contains(&"VM.Config.Disk"));
    let net = config.param("net31").unwrap();
    assert_eq!((net.name(), net.kind(), net.is_optional()), ("net[n]", "string", true));
    let keys: Vec<Param> = net.keys().unwrap().collect();
    let key = |name: &str| *keys.iter().find(|key| key.name() == name).unwrap();
    assert!(key("model").is_default_key());
    assert_eq!(key("virtio").alias(), Some(("macaddr", Some("model"))));
    assert_eq!(key("mtu").range(), (Some("1"), Some("65520")));
    assert_eq!(config.param("force").unwrap().requires(), Some("delete"));
    assert_eq!(config.param("vmid").unwrap().range(), (Some("100"), Some("999999999")));
    assert_eq!(config.param("digest").unwrap().length(), (None, Some(40)));
    assert_eq!(config.param("bootdisk").unwrap().pattern(), Some(r"(ide|sata|scsi|virtio)\d+"));
    assert_eq!(config.param("cores").unwrap().default(), Some("1"));
    for stranger in ["net", "net[n]", "net01", "netx", "net-1", "net1000", "xnet0", ""] {
        assert_eq!(config.param(stranger), None, "{stranger}");
    }
    assert_eq!(row(Method::Post, "/nodes/{node}/qemu").param("ha-managed").unwrap().since(), Some("9.2"));
    assert!(!row(Method::Put, "/access/password").allow_token());
    let clone = row(Method::Post, "/nodes/{node}/qemu/{vmid}/clone").privileges();
    assert!(matches!(clone, Privilege::And(parts) if matches!(&parts[1], Privilege::Or(_))));
    assert_eq!(row(Method::Post, "/access/ticket").privileges(), Privilege::World);
    assert_eq!(row(Method::Get, "/version").privileges(), Privilege::AnyUser);
    let unread: Vec<_> = api::rows()
        .filter(|row| matches!(row.privileges(), Privilege::Perm { path, .. } if !path.starts_with('/')))
        .collect();
    assert_eq!(unread, []);
}

#[test]
fn needed_parameters_are_enough_and_none_can_be_left_out() {
    for row in api::rows() {
        let call = valid_call(&row);
        assert_eq!(check(&row, &call), [], "{} {} {call:?}", row.method(), row.path());
        for param in row.params().iter().filter(|param| !param.is_optional()) {
            let without: Vec<_> = call.iter().filter(|(name, _)| name != param.name()).cloned().collect();
            let found = check(&row, &without);
            assert!(
                found
                    .iter()
                    .any(|violation| violation.kind == Kind::Missing && violation.param == param.name()),
                "{} {} without {}: {found:?}",
                row.method(),
                row.path(),
                param.name()
            );
        }
        let mut more = call.clone();
        more.push(("no-such-name".to_owned(), "1".to_owned()));
        let unknown = check(&row, &more).iter().filter(|violation| violation.kind == Kind::Unknown).count();
        assert_eq!(unknown, usize::from(!row.open()), "{} {}", row.method(), row.path());
    }
}

#[test]
fn every_parameter_takes_a_sample_and_every_number_refuses_a_word() {
    for row in api::rows() {
        for param in row.params() {
            let name = param.name().replace("[n]", "0");
            let decider = param
                .only_if()
                .map(|(name, mut values)| (name.to_owned(), values.next().unwrap().to_owned()));
            let with = |value: String| {
                let mut given = vec![(name.clone(), value)];
                given.extend(decider.clone());
                let mine = |violation: &Violation| {
                    let rest = violation.param.strip_prefix(&name);
                    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('['))
                        && violation.kind != Kind::Requires
                };
                check(&row, &given).into_iter().find(mine)
            };
            let found = with(sample(&param));
            assert_eq!(found, None, "{} {} {name}={}", row.method(), row.path(), sample(&param));
            if ["integer", "number", "boolean"].contains(&param.kind()) {
                let found = with("word".to_owned());
                assert_eq!(found.map(|violation| violation.kind), Some(Kind::Type), "{} {name}", row.path());
            }
        }
    }
}

#[test]
fn refusals_have_the_words_of_proxmox() {
    #[track_caller]
    fn check(method: Method, path: &str, params: &[(&str, &str)], expected: &[(&str, &str)]) {
        let Lookup::Found(found) = api::find(method, path) else { panic!("no {method} {path}") };
        let violations = found.check(params);
        let got: Vec<_> = violations.iter().map(|one| (one.param.as_str(), one.message.as_str())).collect();
        assert_eq!(got, expected);
    }
    const UNKNOWN: &str =
        "property is not defined in schema and the schema does not allow additional properties";
    const MISSING: &str = "property is missing and it is not optional";
    let config = "/nodes/pve1/qemu/101/config";
    let put =
        |params: &[(&str, &str)], expected: &[(&str, &str)]| check(Method::Put, config, params, expected);
    let net0 = |value: &str, expected: &str| {
        let expected = [("net0", expected)];
        let expected: &[_] = if expected[0].1.is_empty() { &[] } else { &expected };
        check(Method::Put, config, &[("net0", value)], expected);
    };

    // As recorded from a cluster.
    check(Method::Get, "/nodes/pve1/qemu", &[("nonsense", "1")], &[("nonsense", UNKNOWN)]);
    check(
        Method::Get,
        "/nodes/pve1/qemu/abc/config",
        &[],
        &[("vmid", "type check ('integer') failed - got 'abc'")],
    );
    check(
        Method::Post,
        "/nodes/pve1/qemu/101/status/shutdown",
        &[("forceStop", "true")],
        &[("forceStop", "type check ('boolean') failed - got 'true'")],
    );
    net0(
        "virtio,bridge=vmbr0,nonsense=1",
        &format!("invalid format - format error\nnet0.nonsense: {UNKNOWN}\n"),
    );

    check(Method::Post, "/nodes/pve1/qemu", &[], &[("vmid", MISSING)]);
    put(&[("cores", "0")], &[("cores", "value must have a minimum value of 1")]);
    put(&[("cpulimit", "128.5")], &[("cpulimit", "value must have a maximum value of 128")]);
    put(&[("cpulimit", "1e1"), ("balloon", "+0"), ("onboot", "1")], &[]);
    put(
        &[("bios", "efi")],
        &[("bios", "value 'efi' does not have a value in the enumeration 'seabios, ovmf'")],
    );
    put(&[("digest", &"a".repeat(41))], &[("digest", "value may only be 40 characters long")]);
    put(&[("force", "1")], &[("delete", "missing property - 'force' requires this property")]);
    put(&[("force", "1"), ("delete", "net0, net1")], &[]);
    put(&[("cores", "1"), ("cores", "2")], &[("cores", "type check ('integer') failed - got ARRAY")]);
    put(&[("delete", "net0,1")], &[("delete", "invalid format - invalid configuration ID '1'\n")]);
    check(
        Method::Get,
        "/nodes/pve_1/qemu/9/config",
        &[],
        &[
            ("node", "invalid format - value does not look like a valid node name\n"),
            ("vmid", "invalid format - value does not look like a valid VM ID\n"),
        ],
    );
    check(Method::Post, "/nodes/pve1/qemu/100/agent/exec", &[("command", "ls"), ("command", "-l")], &[]);
    check(
        Method::Post,
        "/cluster/mapping/dir",
        &[("id", "ab"), ("map", "node=pve1,path=/x"), ("map", "node=pve1")],
        &[("map[1]", &format!("invalid format - format error\nmap[1].path: {MISSING}\n"))],
    );

    // Inside property strings.
    net0("virtio=BC:24:11:00:00:01,bridge=vmbr0,firewall=yes,link_down=0", "");
    net0("model=virtio,macaddr=BC:24:11:00:00:01,,", "");
    net0("bridge=vmbr0", &format!("invalid format - format error\nnet0.model: {MISSING}\n"));
    net0("virtio,e1000", "invalid format - duplicate key in comma-separated list property: model\n");
    net0("virtio,e1000=BC:24:11:00:00:01", "invalid format - key alias 'model' is already defined\n");
    net0("virtio,=1", "invalid format - missing key in comma-separated list property\n");
    net0(
        "virtio,mtu=0,firewall=maybe",
        "invalid format - format error\nnet0.firewall: type check ('boolean') failed - got 'maybe'\n\
         net0.mtu: value must have a minimum value of 1\n",
    );
    net0(
        "virtio=x",
        "invalid format - format error\nnet0.macaddr: invalid format - value does not look like a valid unicast MAC \
         address\n\n",
    );
    put(&[("scsi3", "local-lvm:32,discard=on,ssd=1,size=32G")], &[]);
    put(&[("scsi3", "volume=local-lvm:32,iothread=true")], &[]);
    put(
        &[("audio0", "spice")],
        &[("audio0", "invalid format - value without key, but schema does not define a default key\n")],
    );
}

#[test]
fn the_script_writes_the_committed_table() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = root.join("../shared/pve-api");
    if !folder.exists() {
        eprintln!(
            "skipped: {}, from which scripts/make_api_table.py writes the table, is not here",
            folder.display()
        );
        return;
    }
    let output =
        Command::new("python3").arg(root.join("scripts/make_api_table.py")).arg(folder).arg("-").output();
    let Ok(output) = output else {
        eprintln!("skipped: python3, which runs scripts/make_api_table.py, is not installed");
        return;
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let written = String::from_utf8(output.stdout).unwrap();
    let mut differing = String::new();
    for (number, (old, new)) in
        api::table().lines().zip(written.lines()).enumerate().filter(|(_, (old, new))| old != new).take(3)
    {
        let _ = writeln!(differing, "line {}: {old:?} is now {new:?}", number + 1);
    }
    assert!(written == api::table(), "table.txt is stale; run scripts/make_api_table.py\n{differing}");
}
