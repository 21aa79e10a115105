//! What verification finds, and what it cannot find.

use super::*;
use crate::secret::Secret;
use std::fs;

fn plain(path: PathBuf) -> Audit {
    Audit::new(Place { path, seal: None, syslog: Vec::new() })
}

fn facts(call: &str, phase: &str) -> Map<String, Value> {
    Map::from_iter([("call".to_owned(), json!(call)), ("phase".to_owned(), json!(phase))])
}

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("proxmox-mcp-audit-{name}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// The parsed lines of a log.
type Lines = Vec<Map<String, Value>>;

#[test]
fn every_change_to_a_line_is_found() {
    let folder = folder("chain");
    let path = folder.join("audit.jsonl");
    for call in ["a", "b", "c"] {
        // A new process continues the log of the last one.
        let audit = plain(path.clone());
        audit.write(facts(call, "before")).unwrap();
        if call != "c" {
            audit.write(facts(call, "after")).unwrap();
        }
    }
    let verdict = verify(&path, None).unwrap();
    assert_eq!((verdict.lines, verdict.open), (5, vec!["c".to_owned()]));
    let whole = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = whole.lines().collect();
    let altered = folder.join("altered.jsonl");
    for gone in 0..4 {
        let rest: Vec<&str> =
            lines.iter().enumerate().filter(|(index, _)| *index != gone).map(|(_, line)| *line).collect();
        fs::write(&altered, rest.join("\n") + "\n").unwrap();
        assert!(verify(&altered, None).is_err(), "line {gone} missing");
        let changed = lines.iter().enumerate().map(|(index, line)| {
            if index == gone { line.replace("call", "cell") } else { (*line).to_owned() }
        });
        fs::write(&altered, changed.collect::<Vec<_>>().join("\n") + "\n").unwrap();
        assert!(verify(&altered, None).is_err(), "line {gone} changed");
    }
    fs::write(&altered, &whole[..whole.len() - 9]).unwrap();
    assert!(verify(&altered, None).unwrap_err().contains("Line 5"), "cut off");
    plain(altered.clone()).write(facts("d", "before")).unwrap();
    assert!(verify(&altered, None).unwrap_err().contains("Line 5"), "still shown after more was written");
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn many_writers_make_one_chain() {
    let folder = folder("writers");
    let path = folder.join("audit.jsonl");
    std::thread::scope(|scope| {
        for call in ["a", "b", "c", "d"] {
            let audit = plain(path.clone());
            scope.spawn(move || (0..10).for_each(|_| audit.write(facts(call, "before")).unwrap()));
        }
    });
    assert_eq!(verify(&path, None).unwrap().lines, 40);
    fs::rename(&path, folder.join("old.jsonl")).unwrap();
    plain(path.clone()).write(facts("e", "before")).unwrap();
    assert_eq!(verify(&path, None).unwrap().lines, 1, "a rotated log is followed by one of its own");
    fs::remove_dir_all(folder).unwrap();
}

#[cfg(unix)]
#[test]
fn the_file_is_for_its_owner_alone_and_a_wrong_place_is_told() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder("mode");
    let path = folder.join("audit.jsonl");
    plain(path.clone()).write(facts("a", "before")).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let error = plain(folder.join("none/audit.jsonl")).write(facts("a", "before")).unwrap_err();
    assert!(error.contains("cannot be written") && error.contains("nothing is changed"), "{error}");
    let full = plain("/dev/full".into()).write(facts("a", "before"));
    assert!(full.is_err(), "a full disk");
    fs::remove_dir_all(folder).unwrap();
}

/// A sealed log, and the key that an attacker does not have.
fn keyed(folder: &Path) -> (Audit, Seal, PathBuf) {
    let path = folder.join("audit.jsonl");
    let source =
        SealSource { key: SecretSource::Value(Secret::new("k".repeat(32))), counter: folder.join("counter") };
    let seal = source.open().unwrap();
    (Audit::new(Place { path: path.clone(), seal: Some(source), syslog: Vec::new() }), seal, path)
}

/// The whole hash chain recalculated, as anybody can do who may write to the file.
fn rechained(lines: &[Map<String, Value>]) -> String {
    let (mut prev, mut text) = (String::new(), String::new());
    for facts in lines {
        let mut facts = facts.clone();
        facts.insert("prev".into(), json!(prev));
        let line = Value::Object(facts).to_string();
        prev = line::hash(line.as_bytes());
        text.push_str(&(line + "\n"));
    }
    text
}

#[test]
fn a_forger_without_the_key_is_found_whatever_is_done_to_the_chain() {
    let folder = folder("forger");
    let (audit, seal, path) = keyed(&folder);
    for call in ["a", "b", "c"] {
        audit.write(facts(call, "before")).unwrap();
        audit.write(facts(call, "after")).unwrap();
    }
    let verdict = verify(&path, Some(&seal)).unwrap();
    assert_eq!((verdict.lines, verdict.sealed, verdict.counted), (6, 6, true));
    let whole = fs::read_to_string(&path).unwrap();
    let lines: Vec<Map<String, Value>> =
        whole.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let changed = |change: &dyn Fn(&mut Lines)| {
        let mut lines = lines.clone();
        change(&mut lines);
        rechained(&lines)
    };
    let unsealed = |lines: &mut Vec<Map<String, Value>>| {
        for line in lines {
            line.retain(|name, _| !matches!(name.as_str(), "seal" | "seq" | "log"));
        }
    };
    let cut: String = whole.lines().take(4).map(|line| format!("{line}\n")).collect();
    for (what, forged, word) in [
        ("a word changed", changed(&|lines| drop(lines[2].insert("call".into(), json!("x")))), "forged"),
        ("a line taken out", changed(&|lines| drop(lines.remove(2))), "forged"),
        ("a line made up", changed(&|lines| lines.insert(2, facts("x", "before"))), "forged"),
        ("the end cut off", cut, "cut off"),
        ("the end replaced", changed(&|lines| lines.truncate(4)), "cut off"),
    ] {
        fs::write(&path, forged).unwrap();
        let problem = verify(&path, Some(&seal)).unwrap_err();
        assert!(problem.contains(word), "{what}: {problem}");
        fs::write(&path, &whole).unwrap();
    }
    fs::write(&path, changed(&unsealed)).unwrap();
    assert!(verify(&path, Some(&seal)).unwrap_err().contains("No line"), "all seals taken off");
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn what_was_cut_off_before_more_was_written_stays_visible() {
    let folder = folder("alarm");
    let (audit, seal, path) = keyed(&folder);
    for call in ["a", "b"] {
        audit.write(facts(call, "before")).unwrap();
    }
    let whole = fs::read_to_string(&path).unwrap();
    fs::write(&path, whole.lines().next().unwrap().to_owned() + "\n").unwrap();
    audit.write(facts("c", "before")).unwrap();
    let verdict = verify(&path, Some(&seal)).unwrap();
    assert_eq!(verdict.lines, 3);
    assert!(verdict.alarms[0].contains("line 2 was the last one counted"), "{:?}", verdict.alarms);
    fs::rename(&path, folder.join("rotated.jsonl")).unwrap();
    audit.write(facts("d", "before")).unwrap();
    assert!(verify(&path, Some(&seal)).unwrap().counted);
    assert!(
        verify(&folder.join("rotated.jsonl"), Some(&seal)).unwrap().counted,
        "a rotated log is counted too"
    );
    fs::remove_file(folder.join("counter")).unwrap();
    assert!(verify(&path, Some(&seal)).unwrap_err().contains("has no record"));
    fs::remove_dir_all(folder).unwrap();
}

#[cfg(unix)]
#[test]
fn no_link_is_followed() {
    let folder = folder("link");
    let target = folder.join("target");
    fs::write(&target, "").unwrap();
    let path = folder.join("audit.jsonl");
    std::os::unix::fs::symlink(&target, &path).unwrap();
    assert!(plain(path).write(facts("a", "before")).unwrap_err().contains("link"));
    assert_eq!(fs::read_to_string(&target).unwrap(), "");
    fs::remove_dir_all(folder).unwrap();
}
