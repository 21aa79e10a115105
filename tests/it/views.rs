//! The data of the views, from the sample cluster.

use proxmox_mcp::{
    cancel::Cancel,
    config::Config,
    demo::{Options, Server},
    mcp::{Answer, Call},
    tools::Tools,
};
use serde_json::{Value, json};

fn tools(server: &Server) -> Tools {
    let (id, secret) = server.token();
    Tools::new(Config::for_demo(server.address(), &id, secret.expose()))
}

#[track_caller]
fn ask(tools: &Tools, name: &str, arguments: Value) -> Value {
    let arguments = arguments.as_object().unwrap().clone();
    match tools.call_for_view(&Call::detached(Cancel::new()), name, arguments) {
        Answer::Data(data) => serde_json::from_str(data.get()).unwrap(),
        other => panic!("{name}: {other:?}"),
    }
}

/// A table's rows as objects.
fn objects(table: &Value) -> Vec<Value> {
    let columns: Vec<&str> =
        table["columns"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    let rows = table["rows"].as_array().unwrap().iter();
    rows.map(|row| {
        columns
            .iter()
            .zip(row.as_array().unwrap())
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect()
    })
    .collect()
}

#[test]
fn the_cluster_comes_as_a_whole() {
    let server = Server::start(Options { guests: 300, ..Options::default() }).unwrap();
    let data = ask(&tools(&server), "proxmox_view_cluster", json!({}));
    assert_eq!((&data["kind"], &data["quorate"]), (&json!("cluster"), &json!(true)));
    let guests = objects(&data["guests"]);
    // More than an answer for a model may contain: nothing is truncated here.
    assert_eq!(guests.len(), 300);
    let mail = guests.iter().find(|guest| guest["vmid"] == 105).unwrap();
    assert_eq!(
        (&mail["name"], &mail["type"], &mail["status"]),
        (&json!("mail01"), &json!("qemu"), &json!("running"))
    );
    assert!(mail["cpu"].is_number() && mail["maxmem"].as_u64().unwrap() == 4 << 30, "{mail}");
    assert!(objects(&data["nodes"]).iter().all(|node| node["maxmem"].is_number()));
    assert!(objects(&data["storage"]).iter().any(|storage| storage["shared"] == 1));
    assert!(data["attention"].is_array() && data["time"].as_u64().unwrap() > 1_700_000_000);
    // Two requests, however many guests there are, apart from those that a client makes on its own.
    let asked: Vec<String> = server.requests().iter().map(|seen| seen.path.clone()).collect();
    assert!(asked.len() <= 4, "{asked:?}");
}

#[test]
fn a_guest_comes_with_its_history_and_what_it_left_behind() {
    let server = Server::start(Options::default()).unwrap();
    let tools = tools(&server);
    for (vmid, kind) in [(105, "qemu"), (202, "lxc"), (100, "qemu")] {
        let data = ask(&tools, "proxmox_view_guest", json!({"vmid": vmid, "timeframe": "day"}));
        assert_eq!(
            (&data["kind"], &data["vmid"], &data["type"]),
            (&json!("guest"), &json!(vmid), &json!(kind))
        );
        let times = data["history"]["time"].as_array().unwrap();
        assert!((10..=240).contains(&times.len()), "{} points", times.len());
        for name in ["cpu", "mem", "netin", "netout", "diskread", "diskwrite"] {
            assert_eq!(data["history"][name].as_array().unwrap().len(), times.len(), "{name}");
        }
        assert!(data["snapshots"].as_array().unwrap().iter().any(|snapshot| snapshot["name"] == "current"));
        assert!(
            data["backups"].is_array() && data["tasks"].is_array() && data["config"].is_object(),
            "{data}"
        );
        assert!(data["config"].get("digest").is_none());
        let cpu: Vec<f64> =
            data["history"]["cpu"].as_array().unwrap().iter().filter_map(Value::as_f64).collect();
        let varies = cpu.iter().any(|value| (value - cpu[0]).abs() > 0.01);
        assert_eq!(varies, vmid != 100, "a running guest is never quite the same: {cpu:?}");
        assert!(cpu.iter().all(|value| (0.0..=1.0).contains(value)), "{cpu:?}");
    }
}

#[test]
fn the_lines_of_several_guests_come_at_once() {
    let server = Server::start(Options { guests: 100, ..Options::default() }).unwrap();
    let data = ask(&tools(&server), "proxmox_view_history", json!({"vmids": [105, 202, 999_999]}));
    let series = data["series"].as_object().unwrap();
    assert_eq!(series.keys().collect::<Vec<_>>(), ["105", "202"]);
    assert!(series.values().all(|line| line.as_array().unwrap().iter().any(Value::is_number)));
}

#[test]
fn they_are_no_tools_for_a_model() {
    use proxmox_mcp::mcp::Toolbox;
    let server = Server::start(Options::default()).unwrap();
    let tools = tools(&server);
    for name in ["proxmox_view_cluster", "proxmox_view_guest", "proxmox_view_history"] {
        assert!(tools.listed().all(|entry| entry.name != name));
        assert!(tools.order(name, &serde_json::Map::new()).is_err(), "{name}");
    }
    let call = Call::detached(Cancel::new());
    let other = tools.call_for_view(&call, "proxmox_delete_vm", serde_json::Map::new());
    assert!(matches!(other, Answer::Failure(_)));
}

#[test]
fn pictures_go_along_with_the_answers_of_tools() {
    use proxmox_mcp::mcp::Toolbox;
    let server = Server::start(Options::default()).unwrap();
    let tools = tools(&server);
    let call = Call::detached(Cancel::new());
    let run = |name: &str, arguments: Value| tools.call(&call, name, arguments.as_object().unwrap().clone());
    for (name, arguments) in [
        ("proxmox_get_vm_screen", json!({"vmid": 105})),
        ("proxmox_get_metrics", json!({"vmid": 105, "image": true})),
        ("proxmox_get_metrics", json!({"node": "pve1", "image": true, "theme": "dark", "timeframe": "week"})),
        ("proxmox_get_metrics", json!({"vmid": 202, "image": true, "metrics": "netin,cpu"})),
    ] {
        let Answer::DataWithPicture(data, png) = run(name, arguments.clone()) else {
            panic!("{name} {arguments}")
        };
        assert!(png.starts_with(b"\x89PNG\r\n\x1a\n") && png.len() <= 40 * 1024, "{} bytes", png.len());
        let data: Value = serde_json::from_str(data.get()).unwrap();
        if name == "proxmox_get_vm_screen" {
            let drawn = server.screen(105).unwrap();
            assert_eq!((&data["width"], &data["height"]), (&json!(drawn.width), &json!(drawn.height)));
            // Exactly the image that the sample cluster drew.
            assert!(png == drawn.png());
        }
    }
    let Answer::Data(_) = run("proxmox_get_metrics", json!({"vmid": 105})) else {
        panic!("a picture nobody asked for")
    };
    let Answer::Data(said) = run("proxmox_read_serial", json!({"vmid": 202, "seconds": 1})) else { panic!() };
    let said: Value = serde_json::from_str(said.get()).unwrap();
    assert!(said["text"].as_str().unwrap().ends_with("proxy01 login: "), "{said}");
    for (name, vmid, expected) in [
        ("proxmox_get_vm_screen", 202, "proxmox_read_serial"),
        ("proxmox_get_vm_screen", 100, "Start it first"),
        ("proxmox_read_serial", 200, "Start it first"),
        ("proxmox_read_serial", 105, "unable to find a serial interface"),
    ] {
        let Answer::Failure(sentences) = run(name, json!({"vmid": vmid})) else { panic!("{name} {vmid}") };
        assert!(sentences.contains(expected), "{sentences}");
    }
}
