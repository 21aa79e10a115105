//! The rows themselves: what the build rejects, how many methods have each class, how a method is shown.

use super::*;
use crate::pve::api::{self, effect::grammar::parse};

const WORDS: &str = "words @net \"a network card\" net[n]\n";

/// The table of an API with two methods, for tables of effects with errors.
const API: &str = "# A remark.\n/a/{vmid}\nGET\tread\nPUT\tchange\n\t&shared\n\tdelete\tstring?\n\tnet[n]\tstring?\t@net\n\ttarget\tstring?\t<pve-node\n\
                   {vmid}\tinteger\n@net\n\tbridge\tstring?\n\tlink_down\tboolean?\n&shared\n\tforce\tboolean?\n";

#[track_caller]
fn problem(rows: &str) -> String {
    let text = format!("{WORDS}{rows}");
    match parse(&[("rows.txt", &text)]) {
        Err(why) => why,
        Ok(table) => proof::problems(API, &table).join(" "),
    }
}

#[test]
fn the_build_refuses_rows_that_do_not_fit() {
    let get = "GET /a/{vmid}  read\n";
    let put = "PUT /a/{vmid}  change\n    on node target as destination\n";
    assert_eq!(problem(&format!("{get}{put}")), "");
    for (rows, words) in [
        (get.to_owned(), "`PUT /a/{vmid}` is a method of the API and has no row"),
        (format!("{get}{get}{put}"), "`GET /a/{vmid}` has two rows"),
        (format!("{get}{put}GET /b  read\n"), "`GET /b` has a row, but the API has no such method"),
        (format!("{get}PUT /a/{{vmid}}  change\n"), "does not say what its parameter `target` names"),
        (format!("{get}{put}    on guest {{id}}\n"), "names the placeholder `{id}`"),
        (format!("{get}{put}    on guest other\n"), "names the parameter `other`"),
        (format!("{get}{put}    text other\n"), "names the parameter `other`"),
        (format!("{get}{put}    destroy when other on -- Lost.\n"), "names the parameter `other`"),
        (format!("{get}{put}    destroy when delete names other -- Lost.\n"), "names the parameter `other`"),
        (format!("{get}{put}    interrupt when net[n].speed on -- Off.\n"), "the key `speed`"),
        (format!("{get}{put}    change when force on -- Off.\n"), "raises to `read` or `change`"),
        (format!("GET /a/{{vmid}}  change\n{put}"), "uses `change` for a GET"),
        (format!("{get}PUT /a/{{vmid}}  read\n"), "uses `read` for a method other than GET"),
        (format!("{get}{put}text other\n"), "`text` names `other`"),
        ("GET /a/{vmid}  reed\n".to_owned(), "rows.txt, line 2: `reed` is not a class"),
        ("GOT /a/{vmid}  read\n".to_owned(), "`GOT` is not a method"),
        ("GET a  read\n".to_owned(), "after the method must come a path"),
        ("GET /a\n".to_owned(), "after the path must come classes"),
        ("GET /a  destroy\n".to_owned(), "needs a reason"),
        ("    destroy\n".to_owned(), "belongs to a method or a set above it"),
        (format!("{put}    destroy -- Lost.\n"), "needs a condition"),
        (format!("{put}    destroy when force on\n"), "needs a reason"),
        (format!("{put}    destroy when force on -- lost\n"), "must be a sentence"),
        (format!("{put}    destroy when force is\n"), "is not a condition"),
        (format!("{put}    destroy when @card -- Lost.\n"), "`@card` is not among the words"),
        (format!("{put}    on gues target\n"), "`gues` is not a kind"),
        (format!("{put}    on guest target as goal\n"), "`goal` is not a role"),
        (format!("{put}    on guest\n"), "needs the names"),
        (format!("{put}    on cluster target\n"), "reads no value"),
        (format!("{put}    uses nothing\n"), "there is no set `nothing`"),
        (format!("{put}    aside target\n"), "needs a reason"),
    ] {
        let said = problem(&rows);
        assert!(said.contains(words), "{rows}\n  {said}");
    }
}

#[test]
fn sets_and_alternatives_are_written_out() {
    let rows = "set lost\n    destroy when force on -- It is lost.\nGET /x/a|b/{vmid}  read\n    uses lost\n";
    let table = parse(&[("words", WORDS), ("rows", rows)]).unwrap();
    assert_eq!(table.rows[0].paths(), ["/x/a/{vmid}", "/x/b/{vmid}"]);
    assert_eq!(table.rows[0].body.raises[0].why, "It is lost.");
}

/// How many methods have a class: always, and only under a condition. This shows the side effects of a changed row.
#[test]
fn classes_are_counted() {
    let count = |class: Class| {
        let of = |always: bool| {
            let is = |row: &Row| {
                let mut whens =
                    possible(row).into_iter().filter(|one| one.class == class).map(|one| one.when);
                let least = whens.any(|when| when.is_none());
                let any = possible(row).iter().any(|one| one.class == class);
                if always { least } else { any && !least }
            };
            api::rows().filter(is).count()
        };
        (class.word(), of(true), of(false))
    };
    use Class::{Change, Destroy, Execute, Interrupt, Outbound, Read, Rights, Unguard};
    let counts = [Read, Change, Interrupt, Destroy, Rights, Execute, Outbound, Unguard].map(count);
    assert_eq!(counts, COUNTS);
}

const COUNTS: [(&str, usize, usize); 8] = [
    ("read", 335, 0),
    ("change", 119, 0),
    ("interrupt", 107, 43),
    ("destroy", 96, 28),
    ("rights", 38, 8),
    ("execute", 23, 8),
    ("outbound", 50, 17),
    ("unguard", 2, 7),
];

#[test]
fn every_method_can_be_read_and_shown() {
    for row in api::rows() {
        let path = row.path().split('/').map(|part| if part.starts_with('{') { "100" } else { part });
        let path = path.collect::<Vec<_>>().join("/");
        let effect = read(row.method(), &path, &Params::new()).unwrap();
        assert!(!effect.reasons.is_empty() && !effect.touches.is_empty(), "{} {path}", row.method());
        let can = possible(&row);
        assert!(effect.reasons.iter().all(|reason| can.iter().any(|one| one.why == reason.why)), "{path}");
        for one in &can {
            let explained = matches!(one.class, Class::Read | Class::Change) || one.why.ends_with('.');
            assert!(explained, "{} {path}: {one:?}", row.method());
        }
    }
}

#[test]
fn a_delete_destroys_unless_it_only_ends_something() {
    let mild: Vec<_> = api::rows()
        .filter(|row| row.method() == Method::Delete)
        .filter(|row| !possible(row).iter().any(|one| one.class == Class::Destroy && one.when.is_none()))
        .map(|row| row.path())
        .collect();
    assert_eq!(mild, ["/cluster/sdn/lock", "/nodes/{node}/network", "/nodes/{node}/tasks/{upid}"]);
}

#[test]
fn conditions_are_told_in_words() {
    let shown = |method, path| {
        let row = api::find_template(method, path).unwrap();
        let line = |one: PossibleClass| match one.when {
            None => format!("{}: {}", one.class.word(), one.why),
            Some(when) => format!("{} {when}: {}", one.class.word(), one.why),
        };
        possible(&row).into_iter().map(line).collect::<Vec<_>>()
    };
    let config = shown(Method::Put, "/nodes/{node}/qemu/{vmid}/config");
    for expected in [
        "change: ",
        "execute with `hookscript`: A program of the node runs whenever the guest starts or stops.",
        "interrupt with `link_down` of a network card (`net[n]`) on: The network card is cut off.",
        "interrupt when `delete` names a network card: The network card is taken from the guest.",
        "destroy with `protection` off: The guest and its disks can be deleted.",
        "interrupt with a network card (`net[n]`) and when that exists already: The network card that the guest has at this key is replaced.",
    ] {
        assert!(config.iter().any(|line| line == expected), "{expected}\n{config:#?}");
    }
    let sync = shown(Method::Post, "/access/domains/{realm}/sync");
    assert!(
        sync.iter().any(|line| line
            .starts_with("destroy with `remove-vanished` other than none and without `dry-run` on: ")),
        "{sync:#?}"
    );
}
