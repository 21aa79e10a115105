//! README, `--help` and the example agree with the code.

use crate::golden::{golden, golden_section};
use proxmox_mcp::{
    cli,
    config::markdown_table,
    mcp::PromptArgument,
    tools::{Effect, resources::TEMPLATES, reviews::REVIEWS, spec::entries},
};
use std::fmt::Write;

#[test]
fn readme_lists_every_tool() {
    let mut table = String::from("| tool | what it does | effect | toolset |\n| --- | --- | --- | --- |\n");
    for entry in entries() {
        let effect = match entry.tool.effect {
            Effect::Read => "reads",
            Effect::Change => "changes",
            Effect::Disrupt => "interrupts",
            Effect::Destroy => "destroys",
        };
        let core = if entry.tool.core { ", core" } else { "" };
        writeln!(table, "| `{}` | {} | {effect} | {}{core} |", entry.name, entry.about(), entry.toolset)
            .unwrap();
    }
    golden_section("README.md", "tools", &table);
}

#[test]
fn readme_lists_every_prompt_and_resource() {
    let mut table = String::from("| prompt | arguments | what it does |\n| --- | --- | --- |\n");
    for prompt in REVIEWS.iter().map(|review| &review.prompt) {
        let argument = |argument: &PromptArgument| {
            format!("`{}`{}", argument.name, if argument.required { "" } else { " (optional)" })
        };
        let arguments: Vec<String> = prompt.arguments.iter().map(argument).collect();
        writeln!(table, "| `{}` | {} | {} |", prompt.name, arguments.join(", "), prompt.about).unwrap();
    }
    golden_section("README.md", "prompts", &table);
    let mut table = String::from("| resource | what is read there |\n| --- | --- |\n");
    for template in TEMPLATES {
        writeln!(table, "| `{}` | {} |", template.uri, template.about).unwrap();
    }
    golden_section("README.md", "resources", &table);
}

#[test]
fn readme_lists_every_key_of_the_configuration() {
    golden_section("README.md", "configuration", &markdown_table());
}

#[test]
fn help_is_as_it_was_read_last() {
    golden("tests/golden/help.txt", &cli::help());
}
