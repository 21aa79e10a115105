//! `token-recipe`: the commands as last reviewed, and a check that the token they create has the needed privileges.

use crate::{golden::golden, setup_box::Home};
use proxmox_mcp::{
    config::Access,
    setup::{
        permissions::{Permissions, Reach},
        recipe::{Recipe, listed, privileges},
    },
};
use serde_json::{Map, Value, json};

fn recipe(access: Access, toolsets: &[&str]) -> Recipe {
    Recipe {
        access,
        toolsets: toolsets.iter().map(ToString::to_string).collect(),
        user: "mcp".into(),
        token: "assistant".into(),
        release: 9,
    }
}

#[test]
fn the_commands_are_as_they_were_read_last() {
    let home = Home::new();
    let mut text = String::new();
    for arguments in [
        &["token-recipe", "--access", "read-only"][..],
        &["token-recipe"],
        &["token-recipe", "--access", "full", "--toolsets", "all"],
        &["token-recipe", "--toolsets", "vms,agent", "--user", "ai@pam", "--token", "t", "--release", "8"],
    ] {
        let ran = home.run(arguments, "");
        assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
        text += &format!("$ proxmox-mcp {}\n{}\n", arguments.join(" "), ran.out);
    }
    golden("tests/golden/recipes.txt", &text);
}

#[test]
fn a_role_made_so_lacks_nothing() {
    for (access, toolsets) in [
        (Access::ReadOnly, &["core"][..]),
        (Access::Standard, &["core"]),
        (Access::ReadOnly, &["all"]),
        (Access::Full, &["all"]),
        (Access::Standard, &["vms", "tasks"]),
    ] {
        let recipe = recipe(access, toolsets);
        let names: Map<String, Value> =
            privileges(&recipe).into_iter().map(|name| (name.to_owned(), json!(1))).collect();
        let granted = Permissions(json!({"/": names}).as_object().unwrap().clone());
        for entry in listed(access, &recipe.toolsets) {
            let may = granted.may(&entry);
            assert_eq!(may.reach, Reach::Everywhere, "{}: {may:?}", entry.name);
        }
    }
}

#[test]
fn each_level_holds_the_one_below_and_reading_changes_nothing() {
    let reading = privileges(&recipe(Access::ReadOnly, &["core"]));
    let standard = privileges(&recipe(Access::Standard, &["core"]));
    assert!(reading.is_subset(&standard) && standard.contains("VM.PowerMgmt"));
    assert!(reading.iter().all(|name| name.ends_with(".Audit")), "{reading:?}");
    assert_eq!(standard, privileges(&recipe(Access::Full, &["core"])));
}

#[test]
fn wrong_names_and_words_are_refused() {
    let home = Home::new();
    for (arguments, words) in [
        (&["token-recipe", "--user", "a;rm -rf /"][..], "`--user` is `a;rm -rf /`"),
        (&["token-recipe", "--token", "$(x)"], "`--token`"),
        (&["token-recipe", "--access", "reading"], "read-only, standard, full"),
        (&["token-recipe", "--toolsets", "core,vm"], "Did you mean `vms`?"),
        (&["token-recipe", "--json"], "has no option `--json`"),
        (&["token-recipe", "x"], "takes no more arguments"),
    ] {
        let ran = home.run(arguments, "");
        assert!(
            ran.code == Some(2) && ran.err.contains(words) && ran.out.is_empty(),
            "{arguments:?}: {ran:?}"
        );
    }
}
