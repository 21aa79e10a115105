//! Paths of the API: filled templates, parsed paths, the table's matcher, checked values, task ids.

use crate::{
    Target,
    check::{self, kind, unescape},
    source::{FITTING, NASTY, Source},
};
use proxmox_mcp::pve::{
    Method, Params,
    api::{self, Lookup, Place, Row, words},
    path,
    task::Upid,
};
use std::{collections::BTreeMap, sync::LazyLock};

pub const TARGETS: &[Target] = &[
    Target { name: "templates", seeds: choices, words: &[], run: templates },
    Target { name: "places", seeds: path_seeds, words: WORDS, run: places },
    Target { name: "matcher", seeds: path_seeds, words: WORDS, run: matcher },
    Target { name: "values", seeds: choices, words: FITTING, run: values },
    Target { name: "tasks", seeds: task_seeds, words: TASK_WORDS, run: tasks },
];

const METHODS: [Method; 4] = [Method::Get, Method::Post, Method::Put, Method::Delete];

const WORDS: &[&str] = &[
    "/",
    "//",
    "/.",
    "/..",
    "%2F",
    "%2e%2e",
    "%25",
    "%",
    "%0a",
    "?",
    "#",
    "\\",
    "://",
    "/api2/json",
    "/api2/extjs",
    "{node}",
    "{vmid}",
    "/nodes",
    "/pve1",
    "/qemu",
    "/lxc",
    "/100",
    "/config",
    "/status/start",
    "/cluster",
    "/storage",
    "/content",
    "/local:iso/x.iso",
    "/access",
    "/users",
    "/firewall",
    "/rules/0",
    "/ipset",
    "/10.0.0.0/8",
    "/ceph",
    "/sdn",
    "/vnets",
    "/snapshot",
    "/agent",
    "/tasks",
    "/replication",
    "/acme",
    "/tfa",
    "é",
    "\u{202e}",
    "%ff",
    "\0",
];

static ROWS: LazyLock<Vec<Row>> = LazyLock::new(|| api::rows().collect());

fn choices() -> Vec<Vec<u8>> {
    let mut seeds: Vec<Vec<u8>> =
        (0..=255u8).map(|first| vec![first, first.wrapping_mul(7), 0, 0, 0, 0, 0, 0]).collect();
    seeds
        .extend((0..64u8).map(|step| (0..48u8).map(|at| at.wrapping_mul(step).wrapping_add(step)).collect()));
    seeds
}

fn path_seeds() -> Vec<Vec<u8>> {
    let filled = |path: &str| path.replace("{node}", "pve1").replace("{vmid}", "100").replace(['{', '}'], "");
    let mut seeds: Vec<Vec<u8>> =
        ROWS.iter().step_by(7).map(|row| format!("\0{}", filled(row.path())).into_bytes()).collect();
    seeds.extend(ROWS.iter().step_by(29).map(|row| format!("\0{}", row.path()).into_bytes()));
    seeds
}

/// A filled path leads to its template's row, and yields exactly the values that were filled in.
fn templates(input: &[u8]) -> u64 {
    let mut source = Source::new(input);
    let place = source.below(ROWS.len());
    let row = &ROWS[place];
    let mut given = Vec::new();
    let mut chosen = BTreeMap::new();
    for hole in row.path().split('{').skip(1).filter_map(|rest| rest.split('}').next()) {
        let value = source.text();
        given.push((hole, value.clone()));
        chosen.insert(hole, value);
    }
    match path::fill(row.path(), |hole| chosen.get(hole).cloned()) {
        Ok(path) => {
            check::path(&path);
            let Lookup::Found(found) = api::find(row.method(), &path) else {
                panic!("{path} of {} is not found", row.path())
            };
            // A value may equal a fixed word of a sibling (`/access/users/{userid}` knows none): then the depth is the
            // same, and the method is one of that very path.
            if found.row.path() == row.path() {
                let same = found.values.iter().map(|(name, value)| (*name, value.as_str()));
                assert!(
                    same.eq(given.iter().map(|(name, value)| (*name, value.as_str()))),
                    "{path}: {:?}",
                    found.values
                );
            } else {
                leads(row.path(), found.row.path(), &path);
            }
            kind((place, found.row.path() == row.path()))
        }
        Err(problem) => {
            check::sentences(&problem);
            kind((place, check::gist(&problem)))
        }
    }
}

/// Another row of the table may match only if a placeholder was filled with the fixed word of that row.
pub fn leads(template: &str, other: &str, path: &str) {
    let word = |text: &str| String::from_utf8(unescape(text)).expect("UTF-8");
    assert_eq!(
        template.split('/').count(),
        other.split('/').count(),
        "{path} of {template} leads to {other}"
    );
    for ((wanted, found), filled) in template.split('/').zip(other.split('/')).zip(path.split('/')) {
        let fits =
            wanted == found || wanted.starts_with('{') && (found.starts_with('{') || found == word(filled));
        assert!(fits, "{path} of {template} leads to {other}");
    }
}

/// What is parsed as a path is one, and is parsed to the same result from the form in which it is sent.
fn places(input: &[u8]) -> u64 {
    let (method, text) = method_and_text(input);
    match Place::read(&text) {
        Ok(place) => {
            let encoded = place.encoded();
            check::path(&encoded);
            for segment in place.segments() {
                assert!(
                    !segment.contains(['/', '\\']) && !segment.chars().any(char::is_control),
                    "{segment:?}"
                );
            }
            // A first segment `api2` is taken as the prefix that clients write; it has no other meaning.
            if place.segments().first().is_none_or(|first| first != "api2") {
                assert_eq!(Place::read(&encoded).as_ref(), Ok(&place), "{encoded}");
            }
            // The search for the nearest path compares all paths, which is too slow for every input.
            if !matches!(api::find(method, &encoded), Lookup::NoSuchPath) || kind(input).is_multiple_of(512) {
                match place.find(method) {
                    Ok(found) => return kind((1, found.row.path(), method)),
                    Err(problem) => {
                        check::sentences(&problem);
                        return kind((2, check::gist(&problem)));
                    }
                }
            }
            kind((3, place.segments().len().min(12)))
        }
        Err(problem) => {
            assert!(problem.ends_with('.') && !problem.contains(['\n', '\r', '\0', '\u{1b}']), "{problem:?}");
            kind((4, check::gist(&problem)))
        }
    }
}

fn method_and_text(input: &[u8]) -> (Method, String) {
    let (first, rest) = input.split_first().map_or((0, input), |(first, rest)| (*first, rest));
    (METHODS[usize::from(first) % 4], String::from_utf8_lossy(rest).into_owned())
}

/// The binary search finds what a scan of the whole table finds: fixed words before placeholders, from the left.
fn matcher(input: &[u8]) -> u64 {
    let (method, text) = method_and_text(input);
    let found = api::find(method, &text);
    // If nothing matches, every template is examined; rarely enough to be fast, often enough to be meaningful.
    let look = !matches!(found, Lookup::NoSuchPath)
        || input.iter().map(|byte| usize::from(*byte)).sum::<usize>() % 8 == 0;
    let expected = if look { walk(&text) } else { None };
    match found {
        Lookup::Found(found) => {
            assert_eq!(Some(found.row.path()), expected, "{text:?}");
            assert_eq!(found.row.method(), method);
            for (name, value) in &found.values {
                assert!(!value.is_empty(), "{name} is empty in {text:?}");
            }
            kind((1, found.row.path(), method))
        }
        Lookup::WrongMethod(methods) => {
            assert!(!methods.is_empty() && !methods.contains(&method), "{text:?}");
            let template = expected.expect("the path is known");
            assert!(
                methods.iter().all(|method| api::find_template(*method, template).is_some()),
                "{template}"
            );
            kind((2, template))
        }
        Lookup::NoSuchPath => {
            assert_eq!(expected, None, "{text:?}");
            kind(3)
        }
    }
}

static TEMPLATES: LazyLock<Vec<(Vec<&'static str>, &'static str)>> = LazyLock::new(|| {
    let mut paths: Vec<&'static str> = ROWS.iter().map(Row::path).collect();
    paths.sort_unstable();
    paths.dedup();
    paths.into_iter().map(|path| (path.split('/').skip(1).collect(), path)).collect()
});

/// The template that a path belongs to, found by examining all of them.
fn walk(text: &str) -> Option<&'static str> {
    let text = text.trim_end_matches('/');
    let text = text.strip_prefix('/').unwrap_or(text);
    let segments: Vec<&str> = text.split('/').collect();
    let plain: Vec<String> = segments.iter().map(|segment| decoded(segment)).collect();
    let fits = |parts: &[&str]| {
        let spans = matches!(parts.last(), Some(&("{cidr}" | "{volume}")));
        let counts = if spans { parts.len() <= segments.len() } else { parts.len() == segments.len() };
        counts
            && parts.iter().zip(&segments).enumerate().all(|(at, (part, segment))| {
                let last = spans && at + 1 == parts.len();
                if part.starts_with('{') {
                    last || !segment.is_empty()
                } else {
                    part == segment || **part == plain[at]
                }
            })
            && !(spans && segments[parts.len() - 1..].join("/").is_empty())
    };
    // In every segment a fixed word takes precedence over a placeholder.
    let order = |parts: &[&str]| -> Vec<bool> { parts.iter().map(|part| part.starts_with('{')).collect() };
    TEMPLATES
        .iter()
        .filter(|(parts, _)| fits(parts))
        .min_by_key(|(parts, _)| order(parts))
        .map(|(_, path)| *path)
}

/// Percent-decoding that leaves invalid escapes unchanged.
fn decoded(text: &str) -> String {
    let mut out = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let digits = (*first == b'%')
            .then(|| after.get(..2))
            .flatten()
            .filter(|two| two.iter().all(u8::is_ascii_hexdigit));
        match digits
            .map(|two| u8::from_str_radix(str::from_utf8(two).expect("ASCII"), 16).expect("two digits"))
        {
            Some(byte) => {
                out.push(byte);
                rest = &after[2..];
            }
            None => {
                out.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Errors about parameters are complete sentences, valid parameters arrive unchanged, and unknown parameters are always
/// reported.
fn values(input: &[u8]) -> u64 {
    let mut source = Source::new(input);
    let place = source.below(ROWS.len());
    let row = &ROWS[place];
    let known = row.params();
    let mut params = Params::new();
    let mut stranger = None;
    for _ in 0..source.below(5) {
        if source.chance(24) || known.is_empty() {
            let name = (*source.pick(NASTY)).to_owned();
            if !known.iter().any(|param| param.answers_to(&name)) {
                params.push(&name, source.text());
                stranger = Some(name);
            }
            continue;
        }
        let param = source.pick(&known);
        let name = param.name().replace("[n]", "0");
        if source.chance(160) {
            let value = source.json(2);
            api::push(&mut params, Some(param), &name, &value);
        } else {
            let keys: Vec<_> = param.keys().into_iter().flatten().collect();
            let mut text = String::new();
            for _ in 0..=source.below(4) {
                let name = if keys.is_empty() { "" } else { source.pick(&keys).name() };
                text.push_str(&format!(
                    "{name}{}{},",
                    if source.chance(200) { "=" } else { "" },
                    source.text()
                ));
            }
            params.push(&name, text);
        }
    }
    check::form(&params.encode(), params.iter());
    let pairs: Vec<(&str, &str)> = params.iter().collect();
    let problems = row.check(&pairs);
    for problem in &problems {
        assert!(!problem.message.is_empty(), "{problem:?}");
        let given = pairs.iter().find(|(name, _)| *name == problem.param).map(|(_, value)| *value);
        let sentence = words::sentence(row, problem, given);
        assert!(!sentence.is_empty(), "{problem:?}");
    }
    if let Some(stranger) = stranger.filter(|_| !row.open()) {
        let told =
            problems.iter().any(|problem| problem.param == stranger && problem.kind == api::Kind::Unknown);
        assert!(told, "{} takes {stranger:?}: {problems:?}", row.path());
    }
    kind((place, problems.iter().map(|problem| problem.kind).take(3).collect::<Vec<_>>()))
}

const TASK_WORDS: &[&str] = &[
    ":",
    "::",
    "UPID:",
    "/",
    "..",
    "%2F",
    "pve1",
    "0000FFFF",
    "6B00EC8C",
    "\n",
    " ",
    "é",
    "root@pam",
    "root@pam!t",
    "qmstart",
    "-",
];

fn task_seeds() -> Vec<Vec<u8>> {
    [
        "UPID:pve1:000002AE:000ADB4F:6B00EC8C:qmstart:100:root@pam:",
        "UPID:pve-2:0000FFFF:0000000FF:FFFFFFFF:vzdump::root@pam!token:",
        "UPID:n:00000000:00000000:00000000:a:b:c:",
        "",
    ]
    .iter()
    .map(|text| text.as_bytes().to_vec())
    .collect()
}

/// A task id is accepted unchanged, and can be part of a path.
fn tasks(input: &[u8]) -> u64 {
    let text = String::from_utf8_lossy(input);
    match Upid::parse(&text) {
        Ok(upid) => {
            assert_eq!(upid.to_string(), text);
            let put = format!(":{}:{}:{}:", upid.kind, upid.id, upid.user);
            assert!(text.starts_with(&format!("UPID:{}:", upid.node)) && text.ends_with(&put), "{upid:?}");
            let path = path::fill("/nodes/{node}/tasks/{upid}/status", |hole| {
                Some(if hole == "node" { upid.node.clone() } else { upid.to_string() })
            })
            .expect("a task can be asked for");
            check::path(&path);
            let Lookup::Found(found) = api::find(Method::Get, &path) else {
                panic!("{path} is not in the table")
            };
            assert_eq!(found.row.path(), "/nodes/{node}/tasks/{upid}/status");
            assert_eq!(found.values[1].1, text);
            kind((1, upid.id.is_empty(), upid.user.contains('!'), upid.node.len().min(8)))
        }
        Err(problem) => {
            check::sentences(&problem);
            let parts: Vec<usize> = text.split(':').map(|part| part.len().min(9)).take(10).collect();
            kind((2, parts.len(), parts.iter().sum::<usize>()))
        }
    }
}
