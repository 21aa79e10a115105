//! The parser of the table of effects. `build.rs` includes this file too, so it must not use the rest of the crate.
//! Independent of the methods of the API and of requests.

use super::terms::{CLASSES, Class, HOLES, KINDS, Kind, ROLES, Role};

/// A condition on one or several parameters. If there are several, one is sufficient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Test<'t> {
    /// Parameters (`net[n]` for a family), or placeholders in braces.
    pub(super) names: Vec<&'t str>,
    /// The key of a property string that the test is about, if any.
    pub(super) key: Option<&'t str>,
    pub(super) is: Is<'t>,
    /// The condition as written in the table.
    pub(super) text: &'t str,
}

/// A condition on a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Is<'t> {
    Given,
    Missing,
    On,
    Off,
    NotOn,
    OneOf(Vec<&'t str>),
    NoneOf(Vec<&'t str>),
    Names(Vec<&'t str>),
    GetsOther,
    GetsPath,
    /// What the request names exists already. This depends on the state of the cluster.
    Present,
}

/// Tests that must all hold.
pub(super) type When<'t> = Vec<Test<'t>>;

/// Additional classes, and the condition under which a request has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Raise<'t> {
    pub(super) classes: Vec<Class>,
    pub(super) when: When<'t>,
    pub(super) why: &'t str,
}

/// Which placeholders or parameters name something that is touched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Touches<'t> {
    pub(super) kind: Kind,
    pub(super) names: Vec<&'t str>,
    pub(super) role: Role,
    pub(super) when: When<'t>,
}

/// The lines below a method or a set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Body<'t> {
    pub(super) raises: Vec<Raise<'t>>,
    pub(super) touches: Vec<Touches<'t>>,
    /// Parameters that are free text.
    pub(super) texts: Vec<&'t str>,
    /// Parameters that do not name something touched, although their names or formats look like it.
    pub(super) aside: Vec<&'t str>,
}

/// One or several methods, of one or several paths, with the same effects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row<'t> {
    pub(super) methods: Vec<&'t str>,
    /// The path as written; `qemu|lxc` stands for two paths.
    pub(super) path: &'t str,
    pub(super) classes: Vec<Class>,
    pub(super) why: &'t str,
    pub(super) body: Body<'t>,
}

/// A name for a list of parameters: `words @net "a network card" net[n]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Words<'t> {
    pub(super) name: &'t str,
    pub(super) label: &'t str,
    pub(super) words: Vec<&'t str>,
}

/// The whole table.
#[derive(Debug, Default)]
pub(super) struct Table<'t> {
    pub(super) rows: Vec<Row<'t>>,
    pub(super) words: Vec<Words<'t>>,
    /// Parameters that are free text in every method.
    pub(super) texts: Vec<&'t str>,
    sets: Vec<(&'t str, Body<'t>)>,
}

impl Row<'_> {
    /// The paths that it applies to.
    pub(super) fn paths(&self) -> Vec<String> {
        let mut paths = vec![String::new()];
        for segment in self.path.split('/').skip(1) {
            let longer = |path: &String| -> Vec<String> {
                segment.split('|').map(|one| format!("{path}/{one}")).collect()
            };
            paths = paths.iter().flat_map(longer).collect();
        }
        paths
    }

    /// The placeholders of its path.
    pub(super) fn holes(&self) -> impl Iterator<Item = &str> {
        self.path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
    }

    /// The placeholders of its path whose names determine what is touched: the last one is the target, the others are
    /// where that is. A line of the row about a placeholder takes precedence.
    pub(super) fn touched_holes(&self) -> Vec<(Kind, &str, Role)> {
        // A line about the guests of a node is not about the node itself.
        let is_said = |one: &Touches<'_>| {
            !matches!(one.kind, Kind::NodeGuests | Kind::PoolGuests | Kind::StorageGuests)
        };
        let said = |hole: &str| {
            let lines = self.body.touches.iter().filter(|one| is_said(one));
            lines.flat_map(|one| &one.names).any(|name| placeholder_of(name) == Some(hole))
        };
        let kind = |hole: &str| HOLES.iter().find(|(name, _)| *name == hole).map(|(_, kind)| *kind);
        let mut found: Vec<_> = self.holes().filter_map(|hole| Some((kind(hole)?, hole, Role::At))).collect();
        if let Some((_, _, role)) = found.last_mut() {
            *role = Role::Target;
        }
        found.retain(|(_, hole, _)| !said(hole));
        found
    }
}

/// The name in `{name}`.
pub(super) fn placeholder_of(name: &str) -> Option<&str> {
    name.strip_prefix('{')?.strip_suffix('}')
}

/// Whether a name in a request matches a name in the table, in which `net[n]` stands for net0, net1, ….
#[must_use]
pub(super) fn answers(defined: &str, name: &str) -> bool {
    let Some(family) = defined.strip_suffix("[n]") else { return defined == name };
    name.strip_prefix(family).is_some_and(|number| {
        let digits = number.len() <= 3 && number.bytes().all(|byte| byte.is_ascii_digit());
        digits && !number.is_empty() && (number == "0" || !number.starts_with('0'))
    })
}

/// Parses the table: files with their names, in order. Words and sets must come before the lines that use them.
///
/// # Errors
/// A line has a syntax error or an unknown word. The message contains file and line.
pub(super) fn parse<'t>(files: &[(&str, &'t str)]) -> Result<Table<'t>, String> {
    let mut table = Table::default();
    for (file, text) in files {
        let mut place = Place::Nowhere;
        for (at, line) in text.lines().enumerate() {
            let line = line.trim_end();
            if line.is_empty() || line.trim_start().starts_with('#') {
                continue;
            }
            read_line(&mut table, &mut place, line)
                .map_err(|why| format!("{file}, line {}: {why}, in `{}`", at + 1, line.trim_start()))?;
        }
    }
    Ok(table)
}

/// What indented lines belong to.
enum Place {
    Nowhere,
    Row,
    Set,
}

fn read_line<'t>(table: &mut Table<'t>, place: &mut Place, line: &'t str) -> Result<(), String> {
    if line.starts_with(' ') {
        let (line, why) = sentence(line.trim_start())?;
        // Taken out while lines are added, as they may refer to any other set.
        let body = match place {
            Place::Nowhere => return Err("an indented line belongs to a method or a set above it".to_owned()),
            Place::Row => table.rows.last_mut().map(|row| &mut row.body),
            Place::Set => table.sets.last_mut().map(|(_, body)| body),
        };
        let mut body = std::mem::take(body.expect("a place is set when its row or set is added"));
        let added = read_detail(table, &mut body, line, why);
        match place {
            Place::Set => table.sets.last_mut().expect("it was there above").1 = body,
            _ => table.rows.last_mut().expect("it was there above").body = body,
        }
        return added;
    }
    let (line, why) = sentence(line)?;
    let mut words = line.split_whitespace();
    match words.next().unwrap_or_default() {
        "words" => {
            let (name, rest) = line["words".len()..].trim_start().split_once(' ').unwrap_or_default();
            let (label, words) = rest
                .trim_start()
                .strip_prefix('"')
                .and_then(|rest| rest.split_once('"'))
                .ok_or("after the name must come a description in quotes")?;
            let words = words.split_whitespace().collect();
            table.words.push(Words { name, label, words });
            *place = Place::Nowhere;
        }
        "set" => {
            table.sets.push((words.next().ok_or("a set must have a name")?, Body::default()));
            *place = Place::Set;
        }
        "text" => {
            table.texts.extend(words);
            *place = Place::Nowhere;
        }
        methods => {
            let methods: Vec<&str> = methods.split('|').collect();
            if let Some(word) = methods.iter().find(|word| !["GET", "POST", "PUT", "DELETE"].contains(word)) {
                return Err(format!(
                    "`{word}` is not a method; a line begins with one, `words`, `set` or `text`"
                ));
            }
            let path = words
                .next()
                .filter(|path| path.starts_with('/'))
                .ok_or("after the method must come a path")?;
            let classes = words.map(class).collect::<Result<Vec<_>, _>>()?;
            if classes.is_empty() {
                return Err("after the path must come classes".to_owned());
            }
            if why.is_empty() && classes.iter().any(|class| !matches!(class, Class::Read | Class::Change)) {
                return Err("a class other than `read` and `change` needs a reason after `--`".to_owned());
            }
            table.rows.push(Row { methods, path, classes, why, body: Body::default() });
            *place = Place::Row;
        }
    }
    Ok(())
}

fn read_detail<'t>(
    table: &Table<'t>,
    body: &mut Body<'t>,
    line: &'t str,
    why: &'t str,
) -> Result<(), String> {
    let (subject, condition) =
        line.split_once(" when ").map_or((line, ""), |(subject, when)| (subject, when.trim()));
    let mut words = subject.split_whitespace();
    match words.next().unwrap_or_default() {
        "uses" => {
            let name = words.next().unwrap_or_default();
            let (_, set) =
                table.sets.iter().find(|(set, _)| *set == name).ok_or(format!("there is no set `{name}`"))?;
            body.raises.extend(set.raises.iter().cloned());
            body.touches.extend(set.touches.iter().cloned());
            body.texts.extend(&set.texts);
            body.aside.extend(&set.aside);
        }
        "text" => body.texts.extend(words),
        "aside" if why.is_empty() => return Err("`aside` needs a reason after `--`".to_owned()),
        "aside" => body.aside.extend(words),
        "on" => {
            let word = words.next().unwrap_or_default();
            let (_, kind, reads) = KINDS
                .iter()
                .find(|(known, ..)| *known == word)
                .ok_or(format!("`{word}` is not a kind of what is touched"))?;
            let rest: Vec<&str> = words.collect();
            let (from, role) = match rest.as_slice() {
                [from @ .., "as", role] => {
                    let known = ROLES.iter().find(|(known, _)| known == role);
                    (from, known.ok_or(format!("`{role}` is not a role"))?.1)
                }
                from => (from, Role::Target),
            };
            let mut names = Vec::new();
            for name in from {
                names.extend(words_of(table, name)?);
            }
            if names.is_empty() == *reads {
                let needs = if *reads { "needs the names of holes or parameters" } else { "reads no value" };
                return Err(format!("`{word}` {needs}"));
            }
            body.touches.push(Touches { kind: *kind, names, role, when: when(table, condition)? });
        }
        first => {
            let classes = [first].into_iter().chain(words).map(class).collect::<Result<Vec<_>, _>>()?;
            let when = when(table, condition)?;
            if when.is_empty() {
                return Err("an additional class needs a condition after `when`".to_owned());
            }
            if why.is_empty() {
                return Err("an additional class needs a reason after `--`".to_owned());
            }
            body.raises.push(Raise { classes, when, why });
        }
    }
    Ok(())
}

fn when<'t>(table: &Table<'t>, text: &'t str) -> Result<When<'t>, String> {
    text.split(" and ")
        .map(str::trim)
        .filter(|test| !test.is_empty())
        .map(|test| read_test(table, test))
        .collect()
}

fn read_test<'t>(table: &Table<'t>, text: &'t str) -> Result<Test<'t>, String> {
    let mut parts = text.split_whitespace();
    let subject = parts.next().unwrap_or_default();
    let rest: Vec<&str> = parts.collect();
    if subject == "present" && rest.is_empty() {
        return Ok(Test { names: Vec::new(), key: None, is: Is::Present, text });
    }
    let (subject, key) = subject.split_once('.').map_or((subject, None), |(name, key)| (name, Some(key)));
    let names = words_of(table, subject)?;
    let listed = |list: &'t str| list.split('|').collect::<Vec<_>>();
    let is = match rest.as_slice() {
        [] => Is::Given,
        ["missing"] => Is::Missing,
        ["on"] => Is::On,
        ["off"] => Is::Off,
        ["not", "on"] => Is::NotOn,
        ["is", values] => Is::OneOf(listed(values)),
        ["is", "not", values] => Is::NoneOf(listed(values)),
        ["names", words] => Is::Names(words_of(table, words)?),
        ["gets", "other"] => Is::GetsOther,
        ["gets", "path"] => Is::GetsPath,
        _ => return Err(format!("`{text}` is not a condition")),
    };
    Ok(Test { names, key, is, text })
}

/// The names that `a|@set` stands for.
fn words_of<'t>(table: &Table<'t>, text: &'t str) -> Result<Vec<&'t str>, String> {
    let mut found = Vec::new();
    for word in text.split('|') {
        if !word.starts_with('@') {
            found.push(word);
            continue;
        }
        let words = table.words.iter().find(|words| words.name == word);
        found.extend(&words.ok_or(format!("`{word}` is not among the words"))?.words);
    }
    Ok(found)
}

fn class(word: &str) -> Result<Class, String> {
    let known = CLASSES.iter().find(|(known, _)| *known == word);
    known.map(|(_, class)| *class).ok_or(format!("`{word}` is not a class"))
}

/// Splits off the sentence after `--`.
fn sentence(line: &str) -> Result<(&str, &str), String> {
    let Some((line, why)) = line.split_once(" -- ") else { return Ok((line, "")) };
    let why = why.trim();
    if !why.ends_with('.') || !why.starts_with(|first: char| first.is_ascii_uppercase()) {
        return Err("the text after `--` must be a sentence with a capital and a full stop".to_owned());
    }
    Ok((line.trim_end(), why))
}
