//! Interrupted jobs: viewed, resumed by this process or another one, undone, cancelled.

use super::{changes, guests, quick, slow, with};
use proxmox_mcp::{
    cancel::Cancel,
    demo::Fault,
    mcp::{Answer, Call, Toolbox},
    tools::Tools,
};
use serde_json::{Map, Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

fn one() -> Value {
    json!({"template": 111, "name": "web", "cores": 4, "vmid": 900, "wait": 0})
}

fn folder(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("proxmox-mcp-jobs-{name}-{}", std::process::id()))
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        other => panic!("{other} is no object"),
    }
}

fn call(tools: &Tools, name: &str, arguments: Value) -> Result<Value, String> {
    match tools.call(&Call::detached(Cancel::new()), name, object(arguments)) {
        Answer::Data(data) => Ok(serde_json::from_str(data.get()).unwrap()),
        Answer::Failure(said) => Err(said),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_job_that_is_not_waited_for_is_gone_on_with() {
    let sample = slow(|_| {});
    let begun = sample.ok("proxmox_provision_vm", one());
    assert_eq!(begun["state"], "not finished", "{begun}");
    assert!(begun["note"].as_str().unwrap().contains("this process only"), "{begun}");
    assert_eq!(changes(&sample).len(), 1, "only the first step is sent");
    let id = begun["job"].clone();
    let list = sample.ok("proxmox_get_job", json!({}));
    assert_eq!(list["rows"][0][0], id, "{list}");
    let steps = sample.ok("proxmox_get_job", json!({"id": id}));
    assert_eq!(steps["rows"][1][2], "to do", "{steps}");
    sample.server.skip(60.0);
    let done = sample.ok("proxmox_continue_job", json!({"id": id, "wait": 600}));
    assert_eq!(done["state"], "done", "{done}");
    assert_eq!(changes(&sample).len(), 3, "no step is sent twice");
    sample.fails("proxmox_continue_job", json!({"id": id}), &["is over (done)", "Nothing was done"]);
    sample.fails("proxmox_continue_job", json!({"id": id, "back": true}), &["is done", "Nothing was done"]);
    sample.fails("proxmox_continue_job", json!({"id": "job-1"}), &["no job `job-1`"]);
}

#[test]
fn another_process_goes_on_with_it() {
    let folder = folder("process");
    let mut config = None;
    let sample = slow(|own| {
        own.state = Some(folder.clone());
        config = Some(own.clone());
    });
    let secret = with(&one(), json!({"password": "planted-password"}));
    for (arguments, words) in [(one(), None), (secret, Some("secret values"))] {
        let vmid = if words.is_none() { 900 } else { 901 };
        let begun = sample.ok("proxmox_provision_vm", with(&arguments, json!({"vmid": vmid})));
        let only_here = begun["note"].as_str().unwrap().contains("this process only");
        assert_eq!(only_here, words.is_some(), "{begun}");
        sample.server.skip(60.0);
        let other = Tools::new(config.clone().unwrap());
        let given = json!({"id": begun["job"], "wait": 600});
        match (call(&other, "proxmox_continue_job", given), words) {
            (Ok(done), None) => assert_eq!(done["state"], "done", "{done}"),
            (Err(said), Some(words)) => assert!(said.contains(words), "{said}"),
            (other, _) => panic!("{other:?}"),
        }
    }
    let written: String = fs::read_dir(folder.join("jobs"))
        .unwrap()
        .flat_map(|folder| fs::read_dir(folder.unwrap().path()).unwrap())
        .map(|file| fs::read_to_string(file.unwrap().path()).unwrap())
        .collect();
    assert!(written.contains("web") && !written.contains("planted-password"), "{written}");
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_job_is_taken_back_after_somebody_agreed() {
    let sample = slow(|_| {});
    let before = guests(&sample);
    let begun = sample.ok("proxmox_provision_vm", one());
    sample.server.skip(60.0);
    let back = json!({"id": begun["job"], "back": true, "wait": 600});
    let plan = sample.ok("proxmox_continue_job", back.clone());
    assert!(plan.to_string().contains("DELETE /nodes/pve3/qemu/900 purge=1"), "{plan}");
    assert!(plan["confirm"].is_string(), "{plan}");
    let taken = with(&back, json!({"confirm": plan["confirm"]}));
    let done = sample.ok("proxmox_continue_job", taken);
    assert_eq!(done["state"], "taken back", "{done}");
    assert_eq!(guests(&sample), before);
}

#[test]
fn a_cancelled_job_begins_no_further_step() {
    let sample = slow(|_| {});
    let cancel = Cancel::new();
    thread::scope(|scope| {
        scope.spawn(|| {
            let call = Call::detached(cancel.clone());
            let arguments = with(&one(), json!({"wait": 600}));
            sample.tools.call(&call, "proxmox_provision_vm", object(arguments))
        });
        while changes(&sample).is_empty() {
            thread::yield_now();
        }
        cancel.cancel();
    });
    let list = sample.ok("proxmox_get_job", json!({}));
    assert_eq!(list["rows"][0][2], "not finished", "{list}");
    let sent = changes(&sample).len();
    assert!(sent <= 1, "{sent}");
    sample.server.skip(60.0);
    let done = sample.ok("proxmox_continue_job", json!({"id": list["rows"][0][0], "wait": 600}));
    assert_eq!(done["state"], "done", "{done}");
    assert_eq!(changes(&sample).len(), 3, "{:?}", changes(&sample));
}

/// The file of a job stored in that folder.
fn file_of(folder: &Path) -> PathBuf {
    let folders = fs::read_dir(folder.join("jobs")).unwrap();
    let files = folders.flat_map(|folder| fs::read_dir(folder.unwrap().path()).unwrap());
    let mut paths = files.map(|file| file.unwrap().path());
    paths.find(|path| path.extension().is_some_and(|end| end == "json")).expect("a job is kept")
}

#[test]
fn what_a_process_was_sending_when_it_ended_is_not_sent_again() {
    let folder = folder("sending");
    let mut config = None;
    let sample = slow(|own| {
        own.state = Some(folder.clone());
        config = Some(own.clone());
    });
    // The job's file is read while the server waits for the answer to the first step.
    sample.server.faults().add("/clone", 1, Fault::Delay(Duration::from_secs(3)));
    let written = thread::scope(|scope| {
        scope.spawn(|| sample.call("proxmox_provision_vm", one()));
        while !sample.wire().iter().any(|line| line.contains("/clone")) {
            thread::yield_now();
        }
        fs::read_to_string(file_of(&folder)).unwrap()
    });
    assert!(written.contains("the server ended before the answer"), "{written}");
    fs::write(file_of(&folder), &written).unwrap();
    let sent = changes(&sample).len();
    let other = Tools::new(config.unwrap());
    let id = file_of(&folder).file_stem().unwrap().to_str().unwrap().to_owned();
    let said = call(&other, "proxmox_continue_job", json!({"id": id, "wait": 600})).unwrap_err();
    assert!(said.contains("it may have been done; look at it"), "{said}");
    assert_eq!(changes(&sample).len(), sent, "{said}");
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_secret_is_written_down_neither_before_nor_after_it_was_sent() {
    let folder = folder("secret");
    let sample = quick(|own| own.state = Some(folder.clone()));
    let arguments = with(&one(), json!({"password": "planted-password", "wait": 600}));
    assert_eq!(sample.ok("proxmox_provision_vm", arguments)["state"], "done");
    let written = fs::read_to_string(file_of(&folder)).unwrap();
    assert!(written.contains("clone 111 to 900") && !written.contains("planted-password"), "{written}");
    fs::remove_dir_all(folder).unwrap();
}
