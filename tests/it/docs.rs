//! The tables of README and docs/, and `--help`, agree with the code.

use crate::golden::{golden, golden_section};
use proxmox_mcp::{
    cli,
    config::{Access, markdown_table},
    mcp::PromptArgument,
    pve::api,
    setup::{
        clients::CLIENTS,
        recipe::{self, Recipe},
    },
    tools::{
        catalog::{does, index::entries},
        offers::{resources::TEMPLATES, reviews::REVIEWS},
    },
};
use std::{fmt::Write, fs, path::Path};

#[test]
fn tools_md_lists_every_tool() {
    let mut table = String::from("| tool | what it does | effect | toolset |\n| --- | --- | --- | --- |\n");
    for entry in entries() {
        let does = does::of(&entry);
        let effect = does.classes().iter().map(|class| class.word()).collect::<Vec<_>>().join(", ");
        let core = if entry.tool.core { ", core" } else { "" };
        writeln!(table, "| `{}` | {} | {effect} | {}{core} |", entry.name, entry.about(), entry.toolset)
            .unwrap();
    }
    golden_section("docs/tools.md", "tools", &table);
}

#[test]
fn tools_md_lists_every_prompt_and_resource() {
    let mut table = String::from("| prompt | arguments | what it does |\n| --- | --- | --- |\n");
    for prompt in REVIEWS.iter().map(|review| &review.prompt) {
        let argument = |argument: &PromptArgument| {
            format!("`{}`{}", argument.name, if argument.required { "" } else { " (optional)" })
        };
        let arguments: Vec<String> = prompt.arguments.iter().map(argument).collect();
        writeln!(table, "| `{}` | {} | {} |", prompt.name, arguments.join(", "), prompt.about).unwrap();
    }
    golden_section("docs/tools.md", "prompts", &table);
    let mut table = String::from("| resource | what is read there |\n| --- | --- |\n");
    for template in TEMPLATES {
        writeln!(table, "| `{}` | {} |", template.uri, template.about).unwrap();
    }
    golden_section("docs/tools.md", "resources", &table);
}

#[test]
fn configuration_md_lists_every_key() {
    golden_section("docs/configuration.md", "configuration", &markdown_table());
}

#[test]
fn clients_md_lists_every_client() {
    let mut table = String::from(
        "| client | `--client` | its file on Linux | key of the servers in it |\n| --- | --- | --- | --- |\n",
    );
    for client in CLIENTS {
        writeln!(
            table,
            "| {} | `{}` | `{}` | `{}` |",
            client.title, client.name, client.files[0], client.key
        )
        .unwrap();
    }
    golden_section("docs/clients.md", "clients", &table);
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
fn numbers_in_the_text_are_right() {
    let listed = entries().filter(|entry| entry.tool.core).count();
    let methods = api::rows().count();
    for (page, text) in [
        ("README.md", format!("There are {} tools", entries().count())),
        ("README.md", format!("the model is shown {listed} of them")),
        ("docs/tools.md", format!("the {methods} methods")),
    ] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(page);
        assert!(fs::read_to_string(path).unwrap().contains(&text), "{page} does not say \"{text}\"");
    }
}

// It names the places of files, which differ between systems.
#[cfg(not(windows))]
#[test]
fn help_is_as_it_was_read_last() {
    golden("tests/golden/help.txt", &cli::help());
}
