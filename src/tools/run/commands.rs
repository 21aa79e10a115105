//! The setting `exec_allow`: which programs a request may run in guests, whichever API path it uses. Does no I/O.

use crate::{
    pve::api::effect::{Class, Effect},
    tools::run::{pattern::fits, request::Request},
};

/// Returns the sentence that says why a request may not run its program; `None` if it may, or runs no program.
#[must_use]
pub fn refusal(allowed: &[String], request: &Request, effect: &Effect) -> Option<String> {
    if allowed.is_empty() || !effect.is(Class::Execute) {
        return None;
    }
    let Some(program) = request.program() else {
        return Some(format!(
            "The setting `exec_allow` lists the only commands that may run, and {} could run or write anything, so it is refused.",
            request.title()
        ));
    };
    let line = match program.as_slice() {
        ["/bin/sh", "-c", line]
        | ["cmd.exe", "/d", "/c", line]
        | ["powershell.exe", "-NoProfile", "-NonInteractive", "-Command", line] => (*line).to_owned(),
        // A command line with quotes, split into words at them.
        ["cmd.exe", "/d", "/c", "call", words @ ..] => words.join(" "),
        words => words.join(" "),
    };
    if allowed.iter().any(|pattern| allows(pattern, &line)) {
        return None;
    }
    Some(format!(
        "`{}` is not one of the commands that the setting `exec_allow` lists: {}.",
        line.escape_debug(),
        allowed.join(", ")
    ))
}

/// Returns whether a pattern allows a command; they are compared word by word. `*` matches part of one plain word:
/// shell syntax (`;`, `|`, `$`, quotes, a line break …), an option instead of an argument, and `..` are only allowed
/// where the pattern itself has them.
fn allows(pattern: &str, command: &str) -> bool {
    let plain =
        |part: &str| part.chars().all(|letter| letter.is_alphanumeric() || "./_-:=@,+%".contains(letter));
    let word_fits = |(pattern, word): (&str, &str)| {
        let option = pattern.starts_with('*') && word.starts_with('-');
        let climbs = word.contains("..") && !pattern.contains("..");
        fits(pattern, word, plain) && !(pattern.contains('*') && (option || climbs))
    };
    let (patterns, words) = (pattern.split(' '), command.split(' '));
    patterns.clone().count() == words.clone().count() && patterns.zip(words).all(word_fits)
}

#[cfg(test)]
mod tests {
    use super::allows;

    #[test]
    fn a_star_is_a_part_of_one_plain_word() {
        for (pattern, command, expected) in [
            ("df -h", "df -h", true),
            ("df -h", "df -h /", false),
            ("systemctl status *", "systemctl status nginx.service", true),
            ("systemctl status *", "systemctl status nginx; reboot", false),
            ("systemctl status *", "systemctl status nginx;reboot", false),
            ("systemctl status *", "systemctl status $(reboot)", false),
            ("systemctl status *", "systemctl status x\nreboot", false),
            ("systemctl status *", "systemctl status x\treboot", false),
            ("systemctl status *", "systemctl restart nginx", false),
            ("systemctl status *", "systemctl status -H root@evil x", false),
            ("systemctl status *", "systemctl status --host=root@evil", false),
            ("systemctl status nginx-*", "systemctl status nginx-1", true),
            ("cat /var/log/*.log | tail -n *", "cat /var/log/a.log | tail -n 5", true),
            ("cat /var/log/*.log | tail -n *", "cat /var/log/a.log;x.log | tail -n 5", false),
            ("cat /var/log/*.log", "cat /var/log/nginx/a.log", true),
            ("cat /var/log/*.log", "cat /var/log/../../etc/shadow /var/log/x.log", false),
            ("cat /var/log/*.log", "cat /var/log/../../root/x.log", false),
            ("ls ../*", "ls ../x", true),
            ("*", "echo \"x\"", false),
            ("", "", true),
        ] {
            assert_eq!(allows(pattern, command), expected, "{pattern} / {command}");
        }
    }
}
