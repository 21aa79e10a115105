//! Questions in users' words find the right method among the first five results; answers are small.

use proxmox_mcp::pve::api::search;

/// One question per line, with a tab and the method that answers it.
const QUESTIONS: &str = include_str!("../data/questions.txt");

#[test]
fn users_questions_find_the_method_among_the_first_five() {
    let questions: Vec<(&str, &str)> = QUESTIONS
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once('\t'))
        .collect();
    assert!(30 <= questions.len());
    let mut missed = Vec::new();
    for (question, wanted) in questions {
        let hits = search::methods(question);
        let lines: Vec<String> =
            hits.iter().take(5).map(|hit| format!("{} {}", hit.row.method(), hit.row.path())).collect();
        if !lines.iter().any(|line| line == wanted) {
            let place = hits
                .iter()
                .position(|hit| format!("{} {}", hit.row.method(), hit.row.path()) == wanted)
                .map_or("nowhere".into(), |place| (place + 1).to_string());
            missed.push(format!("{question}: {wanted} is {place}\n    {}", lines.join("\n    ")));
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn any_text_is_a_question() {
    for text in [
        "",
        " ",
        "?!",
        "ü é 漢字",
        "xyzzy",
        "s",
        "the of",
        "delete",
        "a-b_c/d{e}",
        "\0\n",
        &"disk ".repeat(200),
    ] {
        for hit in search::methods(text) {
            assert!(hit.score.is_finite(), "{text}: {hit:?}");
        }
    }
    assert!(search::methods("xyzzy").is_empty());
}
