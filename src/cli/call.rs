//! `call`: runs one tool from a shell.

use crate::{
    cancel::Cancel,
    cli::{USAGE, parse::Options, spark},
    mcp::{Answer, Asking, Call, Question, Reaction, Task, Toolbox},
    setup::show,
    tools::{
        catalog::{does, entry::Entry},
        toolbox::Tools,
    },
};
use serde_json::{Map, Value};
use std::{
    io::{self, IsTerminal, Read, Write},
    process::ExitCode,
};

/// What a tool does to the cluster, in a word.
pub(super) fn effect(entry: &Entry) -> &'static str {
    does::of(entry).verb()
}

/// Whether the output is a table for people.
pub(super) fn prints_table(options: &Options) -> bool {
    !options.has("--json") && (options.has("--table") || io::stdout().is_terminal())
}

pub(super) fn run(options: &Options, tools: &Tools) -> ExitCode {
    let (name, pairs) = options.words.split_first().expect("`call` was parsed with a tool's name");
    let mut arguments = match arguments(pairs, &mut io::stdin()) {
        Ok(arguments) => arguments,
        Err(problem) => {
            eprintln!("proxmox-mcp: {problem}");
            return ExitCode::from(USAGE);
        }
    };
    if options.has("--dry-run") {
        arguments.insert("dry_run".into(), true.into());
    }
    if let Err(problem) = tools.order(name, &arguments) {
        eprintln!("proxmox-mcp: {problem} See `proxmox-mcp tools`.");
        return ExitCode::from(USAGE);
    }
    match waited(tools, name, arguments) {
        Answer::Data(data) | Answer::DataWithMeta(data, _) | Answer::DataWithPicture(data, _) => {
            match serde_json::from_str::<Value>(data.get()) {
                Ok(answer) if prints_table(options) => {
                    print!("{}{}", spark::lines(&answer), show::text(&answer));
                }
                _ => println!("{data}"),
            }
            ExitCode::SUCCESS
        }
        Answer::Failure(sentences)
        | Answer::Ask { question: Question { message: sentences, .. }, .. }
        | Answer::Task(Task { message: sentences, .. }) => {
            eprintln!("{sentences}");
            ExitCode::FAILURE
        }
    }
}

/// Asks the user at the terminal, as a client with elicitation does.
fn ask(question: &Question) -> Reaction {
    // Text from the cluster must not control the terminal; the line breaks are ours.
    let message: String =
        question.message.chars().filter(|letter| !letter.is_control() || *letter == '\n').collect();
    eprint!("{message}\n> ");
    let mut line = String::new();
    match io::stdin().read_line(&mut line) {
        Ok(count) if 0 < count && !line.trim().is_empty() => {
            Reaction::Accept(Map::from_iter([(question.field.to_owned(), line.trim().into())]))
        }
        _ => Reaction::Decline,
    }
}

/// Runs the tool; on a terminal, a line on stderr shows its progress and is erased at the end.
fn waited(tools: &Tools, name: &str, arguments: Map<String, Value>) -> Answer {
    let mut call = Call::detached(Cancel::new());
    if io::stdin().is_terminal() && io::stderr().is_terminal() {
        call = call.with_asking(Asking::Now(&ask));
    }
    if !io::stderr().is_terminal() {
        return tools.call(&call, name, arguments);
    }
    let tell = |done: f64, total: Option<f64>, message: &str| {
        let _ = write!(io::stderr(), "\r{}\x1b[K", progress(done, total, message))
            .and_then(|()| io::stderr().flush());
    };
    let answer = tools.call(&call.with_progress(&tell), name, arguments);
    let _ = write!(io::stderr(), "\r\x1b[K");
    answer
}

/// The text of that line: without control characters that a cluster might send, and at most 78 characters.
fn progress(done: f64, total: Option<f64>, message: &str) -> String {
    let share = match total {
        Some(total) if 0.0 < total => format!("{:3.0} % ", (done / total * 100.0).min(100.0)),
        // Without a total, `done` is the time that has passed, in seconds.
        _ => format!("{done:3.0} s "),
    };
    let words: String =
        message.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    format!("{share}{words}").chars().take(78).collect()
}

/// `key=value` is text (a tool takes `"100"` for 100), `key:=json` is JSON, `-` is a JSON object on standard input.
/// Later ones override earlier ones.
fn arguments(pairs: &[String], input: &mut impl Read) -> Result<Map<String, Value>, String> {
    let mut arguments = Map::new();
    for pair in pairs {
        if pair == "-" {
            let mut text = String::new();
            input
                .read_to_string(&mut text)
                .map_err(|error| format!("Standard input cannot be read: {error}."))?;
            let object: Map<String, Value> = serde_json::from_str(&text)
                .map_err(|error| format!("Standard input is not a JSON object: {error}."))?;
            arguments.extend(object);
            continue;
        }
        let Some((key, value)) = pair.split_once('=') else {
            return Err(format!(
                "`{pair}` is not an argument; write key=value, key:=json, or - for standard input."
            ));
        };
        let value = match key.strip_suffix(':') {
            None => Value::from(value),
            Some(key) => serde_json::from_str(value)
                .map_err(|error| format!("The value of `{key}` is not JSON: {error}."))?,
        };
        arguments.insert(key.strip_suffix(':').unwrap_or(key).to_owned(), value);
    }
    Ok(arguments)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn arguments_are_text_json_or_an_object_on_standard_input() {
        let words = ["a=1=2", "-", "b:=[1]", "c:=\"x\""].map(str::to_owned);
        let read = arguments(&words, &mut &br#"{"a": 3, "d": true}"#[..]).unwrap();
        assert_eq!(Value::Object(read), json!({"a": 3, "d": true, "b": [1], "c": "x"}));
        for (word, input, expected) in [
            ("a", "", "not an argument"),
            ("a:=x", "", "not JSON"),
            ("-", "[]", "not a JSON object"),
            ("-", "", "not a JSON object"),
        ] {
            let problem = arguments(&[word.to_owned()], &mut input.as_bytes()).unwrap_err();
            assert!(problem.contains(expected), "{word}: {problem}");
        }
    }

    #[test]
    fn progress_is_one_short_line() {
        assert_eq!(progress(5.0, Some(20.0), "copying"), " 25 % copying");
        assert_eq!(progress(5.0, None, "a\nb\x1b[2J"), "  5 s a b [2J");
        assert_eq!(progress(1.0, None, &"x".repeat(500)).len(), 78);
    }
}
