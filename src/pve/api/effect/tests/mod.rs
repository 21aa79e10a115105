//! The effects of requests: each condition of the rows, each spelling of what is touched.
//!
//! A request is one line: method, path, and each parameter after two blanks.

mod classes;
mod table;
mod touches;

use super::*;

/// Parses a request from its line and reads its effect.
fn effect_of(line: &str) -> Result<Effect, String> {
    let mut parts = line.split("  ");
    let (method, path) = parts.next().unwrap().split_once(' ').unwrap();
    let mut params = Params::new();
    for part in parts {
        let (name, value) = part.split_once('=').unwrap();
        params.push(name, value);
    }
    read(Method::from_word(method).unwrap(), path, &params)
}

fn effect(line: &str) -> Effect {
    effect_of(line).unwrap_or_else(|error| panic!("{line}: {error}"))
}

/// A request's classes as keywords. A class that depends on the state of the cluster has a question mark.
fn classes(line: &str) -> String {
    let effect = effect(line);
    let word = |class: Class| {
        let sure = effect.reasons.iter().any(|reason| reason.class == class && !reason.if_present);
        format!("{}{}", class.word(), if sure { "" } else { "?" })
    };
    effect.classes().into_iter().map(word).collect::<Vec<_>>().join(" ")
}

/// What a request touches, as `role what`, in order.
fn touches(line: &str) -> String {
    let shown = effect(line).touches.iter().map(show).collect::<Vec<_>>();
    shown.join(", ")
}

fn show(touched: &Touched) -> String {
    use crate::pve::values::Node;
    let node = |node: &Node| match node {
        Node::Named(name) => name.clone(),
        Node::Localhost => "(localhost)".to_owned(),
    };
    let what = match &touched.what {
        Touch::Guest(vmid) => format!("guest {vmid}"),
        Touch::Node(name) => format!("node {}", node(name)),
        Touch::Pool(name) => format!("pool {name}"),
        Touch::Storage(name) => format!("storage {name}"),
        Touch::Volume(volume) => {
            let guests: Vec<String> = volume.guests().map(|vmid| vmid.to_string()).collect();
            format!(
                "volume {} of {}",
                volume.name,
                if guests.is_empty() { "nobody".into() } else { guests.join("+") }
            )
        }
        Touch::GuestsOfNode(name) => format!("guests of node {}", node(name)),
        Touch::GuestsOfPool(name) => format!("guests of pool {name}"),
        Touch::GuestsOfStorage(name) => format!("guests of storage {name}"),
        Touch::Job(id) => format!("job {id}"),
        Touch::EveryGuest => "every guest".to_owned(),
        Touch::EveryNode => "every node".to_owned(),
        Touch::Cluster => "cluster".to_owned(),
        Touch::Everything => "everything".to_owned(),
        Touch::Unreadable { name } => format!("unreadable {name}"),
    };
    format!("{} {what}", format!("{:?}", touched.role).to_lowercase())
}

#[test]
fn control_characters_are_refused_where_no_free_text_belongs() {
    for (line, words) in [
        (
            "PUT /nodes/pve1/qemu/105/config  delete=description\0scsi3",
            "`delete` contains a control character or a line break",
        ),
        (
            "PUT /nodes/pve1/qemu/105/config  name=web\n01",
            "`name` contains a control character or a line break",
        ),
        ("PUT /nodes/pve1/qemu/105/config  tags=a\u{9b}b", "`tags`"),
        ("PUT /nodes/pve1/qemu/105/config  description=a\u{1b}[2J", "only tabs and line breaks are allowed"),
        ("PUT /nodes/pve1/qemu/105/config  na\nme=x", "`na\\nme`"),
        ("POST /nodes/pve1/stopall  vms=100\t105", "`vms`"),
        ("POST /nodes/pve1%0a/stopall", "`node`"),
        ("POST /nobody/knows  x=a\0", "`x`"),
        ("POST /storage  content=images\nbackup", "`content`"),
    ] {
        let said = effect_of(line).expect_err(line);
        assert!(said.contains(words), "{line:?}: {said}");
        assert!(said.ends_with('.') && !said.contains(['\n', '\0']), "{said:?}");
    }
    for line in [
        "PUT /nodes/pve1/qemu/105/config  description=two\nlines\tand\r\nmore",
        "PUT /nodes/pve1/lxc/200/config  description=two\nlines",
        "POST /nodes/pve1/qemu/105/agent/exec  command=sh  command=-c  command=a\nb  input-data=x\ny",
        "POST /nodes/pve1/qemu/105/agent/file-write  file=/x  content=a\nb",
        "PUT /nodes/pve1/storage/local/content/backup%2Fvzdump-qemu-105-x.vma  notes=a\nb",
        "POST /nodes/pve1/lxc  vmid=201  ostemplate=local:vztmpl/x.tar  ssh-public-keys=a\nb",
        "POST /nodes/pve1/certificates/custom  certificates=a\nb  key=c\nd",
        "POST /nodes/pve1/hosts  data=127.0.0.1 localhost\n",
        "PUT /cluster/options  consent-text=a\nb",
    ] {
        effect(line);
    }
}

#[test]
fn a_path_that_nobody_knows_may_be_anything() {
    let effect = effect("POST /nodes/pve1/nobody/knows  vmid=100");
    assert_eq!(effect.classes().len(), 7);
    assert!(effect.touches_everything());
    assert!(!effect.is(Class::Read));
}

#[test]
fn reasons_say_which_parameters_they_are_about() {
    let effect = effect(
        "PUT /nodes/pve1/qemu/105/config  delete=net0,scsi1;description  scsi2=local-lvm:8  scsi3=local-lvm:vm-106-disk-0",
    );
    let by = |class: Class, words: &str| {
        let reason = effect.reasons.iter().find(|reason| reason.class == class && reason.why.contains(words));
        reason.unwrap_or_else(|| panic!("{words}: {:?}", effect.reasons)).by.join(" ")
    };
    assert_eq!(by(Class::Interrupt, "network card"), "net0");
    assert_eq!(by(Class::Destroy, "disk is taken"), "scsi1");
    assert_eq!(by(Class::Destroy, "not the guest's own"), "scsi3");
    assert_eq!(by(Class::Interrupt, "at this key"), "scsi2 scsi3");
}
