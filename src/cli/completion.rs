//! Shell completion. The scripts ask the binary for candidates, so they are right for every version and contain no
//! lists; the candidates come from the tables of commands and tools.

use crate::{
    cli::table::{COMMANDS, Command, Flag, GLOBAL, Takes, find, words},
    tools::{
        catalog::index::{entries, named},
        param::Shape,
    },
};

/// The hidden command that prints candidates. Its arguments are the words before the cursor, then the word at the
/// cursor.
pub(super) const ASK: &str = "__complete";

const BASH: &str = r#"# proxmox-mcp completion for bash: eval "$(proxmox-mcp completion bash)"
_proxmox_mcp() {
    local line="${COMP_LINE:0:COMP_POINT}" last="${COMP_WORDS[COMP_CWORD]}" current kept candidate
    local -a parts
    current="${line##*[[:space:]]}"
    read -ra parts <<<"$line"
    [ -n "$current" ] || parts+=("")
    # bash splits words at `=` and `:` and replaces only the last part; the text before it stays on the line.
    case $last in = | : | :=) last= ;; esac
    kept="${current%"$last"}"
    COMPREPLY=()
    while IFS=$'\t' read -r candidate _; do
        COMPREPLY+=("${candidate#"$kept"}")
    done < <("${parts[0]/#\~/$HOME}" __complete "${parts[@]:1}" 2>/dev/null)
    case "${COMPREPLY[0]}" in *=) compopt -o nospace 2>/dev/null ;; esac
}
complete -o default -F _proxmox_mcp proxmox-mcp
"#;

const ZSH: &str = r##"#compdef proxmox-mcp
# proxmox-mcp completion for zsh: source <(proxmox-mcp completion zsh), or save it as _proxmox-mcp in $fpath
_proxmox_mcp() {
    local line name
    local -a closed open
    for line in "${(@f)$("${words[1]/#\~/$HOME}" __complete "${(@)words[2,CURRENT-1]}" "$PREFIX" 2>/dev/null)}"; do
        [[ -n $line ]] || continue
        name="${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}"
        if [[ ${line%%$'\t'*} == *= ]]; then open+=("$name"); else closed+=("$name"); fi
    done
    if (( $#open + $#closed == 0 )); then
        _files
        return
    fi
    (( $#closed )) && _describe -t words 'word' closed
    (( $#open )) && _describe -t arguments 'argument' open -S ''
    return 0
}
if [[ $funcstack[1] == _proxmox_mcp ]]; then _proxmox_mcp "$@"; else compdef _proxmox_mcp proxmox-mcp; fi
"##;

const FISH: &str = r"# proxmox-mcp completion for fish: proxmox-mcp completion fish | source
function __proxmox_mcp_candidates
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l found ($words[1] __complete $words[2..-1] $current 2>/dev/null)
    if test (count $found) -gt 0
        printf '%s\n' $found
    else
        __fish_complete_path $current
    end
end
complete -c proxmox-mcp -f -a '(__proxmox_mcp_candidates)'
";

const POWERSHELL: &str = r#"# proxmox-mcp completion for PowerShell: proxmox-mcp completion powershell | Out-String | Invoke-Expression
Register-ArgumentCompleter -Native -CommandName 'proxmox-mcp', 'proxmox-mcp.exe' -ScriptBlock {
    param($current, $line, $cursor)
    $words = @($line.CommandElements | Where-Object { $_.Extent.StartOffset -lt $cursor } | ForEach-Object {
        if ($_ -is [System.Management.Automation.Language.StringConstantExpressionAst]) { $_.Value } else { $_.Extent.Text }
    })
    $before = @($words | Select-Object -Skip 1)
    if ($current) {
        $before = @($before | Select-Object -SkipLast 1)
    }
    # Before 7.3, and if configured so, PowerShell drops an empty argument that is not quoted twice.
    if (-not $current -and "$PSNativeCommandArgumentPassing" -in '', 'Legacy') {
        $current = '""'
    }
    & $words[0] __complete @before $current 2>$null | ForEach-Object {
        $word, $about = $_ -split "`t", 2
        if (-not $about) {
            $about = $word
        }
        [System.Management.Automation.CompletionResult]::new($word, $word, 'ParameterValue', $about)
    }
}
"#;

const NUSHELL: &str = r#"# proxmox-mcp completion for nushell: proxmox-mcp completion nushell | save ($nu.user-autoload-dirs.0 | path join proxmox-mcp.nu)
let proxmox_mcp_others = $env.config.completions.external.completer?
$env.config.completions.external.completer = {|words|
    if ($words.0 | path parse | get stem) == "proxmox-mcp" {
        let found = do { ^$words.0 __complete ...($words | skip 1) } | complete | get stdout | lines | split column "\t" value description
        if ($found | is-empty) { null } else { $found }
    } else if $proxmox_mcp_others != null {
        do $proxmox_mcp_others $words
    }
}
"#;

/// The script for a shell.
pub(super) fn script(shell: &str) -> &'static str {
    match shell {
        "zsh" => ZSH,
        "fish" => FISH,
        "powershell" => POWERSHELL,
        "nushell" => NUSHELL,
        _ => BASH,
    }
}

/// A candidate and its description.
pub(super) type Candidate = (String, String);

/// The candidates for the word at the cursor, after these words (without the program's name).
pub(super) fn candidates(before: &[String], current: &str) -> Vec<Candidate> {
    let mut found = all(before, current);
    found.retain(|(word, _)| word.starts_with(current));
    found
}

fn all(before: &[String], current: &str) -> Vec<Candidate> {
    let (mut command, mut rest, mut demo): (Option<&Command>, Vec<&str>, bool) = (None, Vec::new(), false);
    let mut waiting: Option<&Flag> = None;
    for word in before {
        if waiting.take().is_some() {
            continue;
        }
        match (command, word.as_str()) {
            (_, flag) if flag.starts_with("--") => {
                waiting = known(command, flag).filter(|flag| !matches!(flag.takes, Takes::Nothing));
            }
            (None, "demo") if !demo => demo = true,
            (None, name) => match find(name) {
                Some(found) => command = Some(found),
                None => return Vec::new(),
            },
            (Some(_), word) => rest.push(word),
        }
    }
    if let Some(flag) = waiting {
        return values("", flag.takes, current);
    }
    if let Some((name, value)) = current.split_once('=').filter(|(name, _)| name.starts_with("--")) {
        let takes = known(command, name).map_or(Takes::Nothing, |flag| flag.takes);
        return values(&format!("{name}="), takes, value);
    }
    if current.starts_with('-') {
        let own = command.map_or(&[][..], |command| command.flags);
        return own.iter().chain(GLOBAL).map(|flag| (flag.name.into(), flag.about.into())).collect();
    }
    match command {
        None => {
            let commands = COMMANDS.iter().filter(|command| !(demo && command.name == "demo"));
            commands.map(|command| (command.name.into(), command.about.into())).collect()
        }
        Some(command) => match (command.takes, rest.split_first()) {
            (Takes::Call, None) => entries().map(|entry| (entry.name.to_owned(), entry.about())).collect(),
            (Takes::Call, Some((tool, given))) => arguments(tool, given, current),
            (takes, None) => values("", takes, current),
            _ => Vec::new(),
        },
    }
}

fn known(command: Option<&Command>, name: &str) -> Option<&'static Flag> {
    let own = command.map_or(&[][..], |command| command.flags);
    // Before the command is known, the options of all commands are accepted.
    let any = COMMANDS.iter().filter(|_| command.is_none()).flat_map(|command| command.flags);
    let own =
        COMMANDS.iter().flat_map(|all| all.flags).filter(|flag| own.iter().any(|one| one.name == flag.name));
    GLOBAL.iter().chain(own).chain(any).find(|flag| flag.name == name)
}

/// The words that an option takes; for a list, each word is appended to what is already typed.
fn values(prefix: &str, takes: Takes, current: &str) -> Vec<Candidate> {
    let kept = match takes {
        Takes::Words(_) => current.rfind(',').map_or("", |comma| &current[..=comma]),
        _ => "",
    };
    words(takes).into_iter().map(|word| (format!("{prefix}{kept}{word}"), String::new())).collect()
}

/// The arguments of a tool that are not given yet, or the choices for the one that is being typed.
fn arguments(tool: &str, given: &[&str], current: &str) -> Vec<Candidate> {
    let Some(entry) = named(tool) else { return Vec::new() };
    if let Some((name, _)) = current.split_once('=') {
        let (name, json) = name.strip_suffix(':').map_or((name, ""), |name| (name, ":"));
        let param = entry.params().find(|param| param.name == name);
        let choices: &[&str] = match param.map(|param| (param.shape, param.usual)) {
            Some((Shape::OneOf(words), _) | (Shape::Text, words)) if json.is_empty() => words,
            Some((Shape::Flag, _)) => &["true", "false"],
            _ => &[],
        };
        return choices.iter().map(|word| (format!("{name}{json}={word}"), String::new())).collect();
    }
    let is_given = |name: &str| {
        given.iter().any(|word| word.split('=').next().map(|key| key.trim_end_matches(':')) == Some(name))
    };
    entry
        .params()
        .filter(|param| !is_given(param.name))
        .map(|param| {
            let about = if param.required { "required" } else { "" };
            let about = if param.about.is_empty() { about } else { param.about };
            (format!("{}=", param.name), about.to_owned())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, expected: &[&str], not: &[&str]) {
        let mut words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let current = words.pop().unwrap_or_default();
        let found: Vec<String> = candidates(&words, &current).into_iter().map(|(word, _)| word).collect();
        for word in expected {
            assert!(found.iter().any(|one| one == word), "`{line}`: no {word} in {found:?}");
        }
        for word in not {
            assert!(!found.iter().any(|one| one == word), "`{line}`: {word} in {found:?}");
        }
        assert_eq!(expected.is_empty(), found.is_empty(), "`{line}`: {found:?}");
    }

    #[test]
    fn what_may_follow_is_known_everywhere() {
        check("", &["call", "check", "demo"], &["--json"]);
        check("c", &["call", "check", "completion"], &["demo"]);
        check("demo ", &["call", "tools"], &["demo"]);
        check("--", &["--config", "--log"], &["--json"]);
        check("tools --", &["--json", "--table", "--log"], &["--dry-run"]);
        check("--log ", &["debug", "info"], &["call"]);
        check("--log=d", &["--log=debug"], &["--log=info"]);
        check("--log debug ch", &["check"], &[]);
        check("--config ", &[], &[]);
        check("completion ", &["bash", "fish", "nushell", "powershell", "zsh"], &[]);
        check("completion bash ", &[], &[]);
        check("token-recipe --toolsets core,vm", &["core,vms"], &["core,tasks", "vms"]);
        check("init --client claude-", &["claude-code", "claude-desktop"], &["zed"]);
        check("nonsense ", &[], &[]);
    }

    #[test]
    fn tools_arguments_and_choices_come_from_the_rows() {
        check("call proxmox_list_v", &["proxmox_list_vms"], &["proxmox_list_nodes"]);
        check("demo call --json proxmox_start", &["proxmox_start_vm", "proxmox_start_container"], &[]);
        check("call proxmox_list_vms ", &["status=", "node=", "limit="], &["status=running"]);
        check("call proxmox_list_vms status=running limit:=3 ", &["node="], &["status=", "limit="]);
        check("call proxmox_get_guest_state what=n", &["what=network"], &["what=pending"]);
        check("call proxmox_shutdown_vm forceStop=", &["forceStop=true", "forceStop=false"], &[]);
        check("call proxmox_shutdown_vm forceStop:=t", &["forceStop:=true"], &[]);
        check("call proxmox_list_vms --d", &["--dry-run"], &[]);
        check("call proxmox_none ", &[], &[]);
    }
}
