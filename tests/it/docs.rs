//! README, `--help` and the example agree with the code.

use crate::golden::{golden, golden_section};
use proxmox_mcp::{
    cli,
    config::{Access, markdown_table},
    mcp::PromptArgument,
    setup::{
        clients::CLIENTS,
        recipe::{self, Recipe},
    },
    tools::{
        catalog::{does, index::entries},
        offers::{resources::TEMPLATES, reviews::REVIEWS},
    },
};
use std::fmt::Write;

#[test]
fn readme_lists_every_tool() {
    let mut table = String::from("| tool | what it does | effect | toolset |\n| --- | --- | --- | --- |\n");
    for entry in entries() {
        let does = does::of(&entry);
        let effect = does.classes().iter().map(|class| class.word()).collect::<Vec<_>>().join(", ");
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
fn readme_lists_every_client() {
    let mut table = String::from(
        "| client | `--client` | its file on Linux | where the server stands in it |\n| --- | --- | --- | --- |\n",
    );
    for client in CLIENTS {
        writeln!(
            table,
            "| {} | `{}` | `{}` | `{}` |",
            client.title, client.name, client.files[0], client.key
        )
        .unwrap();
    }
    golden_section("README.md", "clients", &table);
}

#[test]
fn readme_shows_the_recipe_for_reading() {
    let recipe = Recipe {
        access: Access::ReadOnly,
        toolsets: vec!["core".into()],
        user: "mcp@pve".into(),
        token: "assistant".into(),
        release: 9,
    };
    let text = recipe::text(&recipe);
    let commands: Vec<&str> = text.lines().filter(|line| line.starts_with("pveum ")).collect();
    golden_section("README.md", "recipe", &format!("```sh\n{}\n```\n", commands.join("\n")));
}

#[test]
fn help_is_as_it_was_read_last() {
    golden("tests/golden/help.txt", &cli::help());
}
