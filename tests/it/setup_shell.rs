//! `tools`, `call` and completion, as used in a shell.

use crate::setup_box::Home;
use serde_json::Value;
use std::{path::Path, process::Command};

#[test]
fn answers_are_json_in_a_pipe_and_tables_when_asked_for() {
    let home = Home::new();
    let (json, table) = (["demo", "call", "--json"], ["demo", "call", "--table"]);
    let list = ["proxmox_list_vms", "limit:=2", "fields=vmid,name,maxmem"];
    let ran = home.run(&[&json[..], &list].concat(), "");
    assert!(serde_json::from_str::<Value>(&ran.out).unwrap()["columns"].is_array());
    let ran = home.run(&[&table[..], &list].concat(), "");
    let mut lines = ran.out.lines();
    assert_eq!(lines.next(), Some("VMID  NAME      MAXMEM"), "{ran:?}");
    assert_eq!(lines.next(), Some(" 100  web01  160.0 MiB"), "{ran:?}");
    let ran = home.run(&["demo", "tools", "--table"], "");
    let line = ran.out.lines().find(|line| line.starts_with("proxmox_stop_vm ")).unwrap();
    assert!(
        line.contains("interrupts  Power off a VM at once") && ran.out.starts_with("CLUSTER\n"),
        "{ran:?}"
    );
    let ran = home.run(&["demo", "tools"], "");
    assert!(serde_json::from_str::<Value>(&ran.out).unwrap().is_array());
}

#[test]
fn arguments_come_from_words_and_standard_input() {
    let home = Home::new();
    let call = |arguments: &[&str], input: &str| {
        let ran = home.run(&[&["demo", "call", "proxmox_list_vms"], arguments].concat(), input);
        (ran.code, ran.out + &ran.err)
    };
    let (code, text) = call(&["-"], r#"{"status": "running", "limit": 1, "fields": "name"}"#);
    assert!(code == Some(0) && text.starts_with(r#"{"columns":["name"],"rows":[["mail01"]]"#), "{text}");
    let (code, text) = call(&["-", "limit=2"], r#"{"limit": 1}"#);
    assert!(code == Some(0) && text.contains("web01") && text.contains("db01"), "{text}");
    let (code, text) = call(&["-"], "[1]");
    assert!(code == Some(2) && text.contains("not a JSON object"), "{text}");
    let (code, text) = call(&["nonsense"], "");
    assert!(code == Some(2) && text.contains("key=value"), "{text}");
}

/// A dry run is requested by the tool's own argument `dry_run`.
#[test]
fn a_dry_run_changes_nothing() {
    let home = Home::new();
    let ran = home.run(&["demo", "call", "--dry-run", "proxmox_start_vm", "vmid=100"], "");
    assert!(
        !ran.out.contains("qmstart") && (ran.out + &ran.err).contains("dry_run"),
        "{}",
        ran.code.unwrap()
    );
}

/// Asks a shell for completions of a line; `None` if the shell is not installed and not required.
fn complete(shell: &str, script: &str) -> Option<Vec<String>> {
    let binary = env!("CARGO_BIN_EXE_proxmox-mcp");
    let script = script.replace("BINARY", &format!("'{binary}'"));
    let output = match Command::new(shell).args(["-c", &script]).env("HOME", "/nonexistent").output() {
        Ok(output) => output,
        Err(_) => {
            let demanded = std::env::var("SHELLS").unwrap_or_default();
            assert!(!demanded.split(' ').any(|name| name == shell), "there is no {shell}");
            println!("skipped: there is no {shell}");
            return None;
        }
    };
    assert!(output.status.success(), "{output:?}");
    Some(String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect())
}

#[track_caller]
fn check(line: &str, parts: &[&str], expected: &[&str]) {
    let words: Vec<String> = parts.iter().map(|part| format!("'{part}'")).collect();
    let script = format!(
        "source <(BINARY completion bash); complete -p proxmox-mcp >/dev/null || exit 1
         COMP_LINE='{line}'; COMP_POINT=${{#COMP_LINE}}
         COMP_WORDS=({}); COMP_CWORD=$(({} - 1)); PATH=\"$(dirname BINARY):$PATH\"
         _proxmox_mcp; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        words.join(" "),
        parts.len()
    );
    let Some(found) = complete("bash", &script) else { return };
    for word in expected {
        assert!(found.iter().any(|one| one == word), "`{line}`: no {word} in {found:?}");
    }
}

/// bash splits words at `=`, `:` and blanks, and replaces only the last part.
#[test]
fn bash_completes_commands_tools_arguments_and_choices() {
    check("proxmox-mcp ch", &["proxmox-mcp", "ch"], &["check"]);
    check("proxmox-mcp ", &["proxmox-mcp", ""], &["init", "token-recipe", "demo"]);
    check(
        "proxmox-mcp call proxmox_list_v",
        &["proxmox-mcp", "call", "proxmox_list_v"],
        &["proxmox_list_vms"],
    );
    let vms = ["proxmox-mcp", "demo", "call", "proxmox_list_vms"];
    check("proxmox-mcp demo call proxmox_list_vms sta", &[&vms[..], &["sta"]].concat(), &["status="]);
    check(
        "proxmox-mcp demo call proxmox_list_vms status=",
        &[&vms[..], &["status", "="]].concat(),
        &["running", "stopped"],
    );
    check(
        "proxmox-mcp demo call proxmox_list_vms status=r",
        &[&vms[..], &["status", "=", "r"]].concat(),
        &["running"],
    );
    check("proxmox-mcp --log=d", &["proxmox-mcp", "--log", "=", "d"], &["debug"]);
    check("proxmox-mcp init --client ", &["proxmox-mcp", "init", "--client", ""], &["zed", "cursor"]);
}

#[test]
fn the_other_scripts_are_read_by_their_shells() {
    complete(
        "zsh",
        "autoload -Uz compinit && compinit -D -u; source <(BINARY completion zsh) && [[ $_comps[proxmox-mcp] == _proxmox_mcp ]]",
    );
    let line = "BINARY completion fish | source; set -x PATH (dirname BINARY) $PATH; complete -C 'proxmox-mcp call proxmox_list_vms status=r'";
    if let Some(found) = complete("fish", line) {
        assert_eq!(found, ["status=running"]);
    }
}

/// Existing completions for other programs still work.
#[test]
fn nushell_completes_beside_other_completers() {
    let home = Home::new();
    let file = home.path("completion.nu");
    let ran = home.run(&["completion", "nushell"], "");
    std::fs::write(&file, ran.out).unwrap();
    let script = format!(
        "$env.config.completions.external.completer = {{|words| [$'other ($words.0)'] }}
         source '{}'
         let ask = $env.config.completions.external.completer
         print (do $ask [BINARY call proxmox_list_vms 'status=r'] | get value | str join)
         print (do $ask [BINARY call proxmox_start ''] | describe)
         print (do $ask [BINARY demo call proxmox_list_vms ''] | get value | where $it == 'limit=' | str join)
         print (do $ask [git sta] | str join)",
        file.display()
    );
    if let Some(found) = complete("nu", &script) {
        assert_eq!(found, ["status=running", "nothing", "limit=", "other git"]);
    }
}

/// PowerShell passes the line as written; the empty word under the cursor must arrive, too.
#[test]
fn powershell_completes_words_and_arguments() {
    let script = "BINARY completion powershell | Out-String | Invoke-Expression
         foreach ($line in 'BINARY call proxmox_list_vms status=r', 'BINARY demo call proxmox_list_vms li', 'BINARY completion ') {
             (TabExpansion2 $line $line.Length).CompletionMatches | ForEach-Object CompletionText
         }";
    let folder = Path::new(env!("CARGO_BIN_EXE_proxmox-mcp")).parent().unwrap();
    let script = format!(
        "$env:PATH = '{}' + [IO.Path]::PathSeparator + $env:PATH\n{}",
        folder.display(),
        script.replace("BINARY", "proxmox-mcp")
    );
    if let Some(found) = complete("pwsh", &script) {
        assert_eq!(
            found,
            ["status=running", "limit=", "bash", "zsh", "fish", "powershell", "nushell"],
            "{script}"
        );
    }
}

/// On a terminal `call` shows a table and, while it waits, a progress line that is removed afterwards.
#[test]
fn on_a_terminal_there_are_tables_and_progress() {
    let call = format!("'{}' demo call proxmox_shutdown_vm vmid=105", env!("CARGO_BIN_EXE_proxmox-mcp"));
    let output =
        Command::new("script").args(["-qec", &call, "/dev/null"]).env("HOME", "/nonexistent").output();
    let Ok(output) = output else {
        println!("skipped: there is no `script`");
        return;
    };
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && text.contains("\r\u{1b}[K") && text.contains("vmid"), "{text:?}");
    assert!(!text.contains("{\""), "{text:?}");
}
