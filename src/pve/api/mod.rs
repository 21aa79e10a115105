//! The table of the Proxmox VE API: every path, method and parameter, and the checks that follow from it.
//!
//! Knows nothing of connections: it says what the API would accept, not what a cluster holds.
//!
//! What each method does to a cluster is in [`effect`].
//!
//! `table.txt` is written by `scripts/make_api_table.py` and searched as it stands. The binary
//! carries it packed, in a sixth of the room; who first looks something up unpacks it, in about a millisecond.
//! Fields are parted by tabs, and the first character of a line says what it is:
//!
//! | line | meaning |
//! | --- | --- |
//! | `/nodes/{node}/…` | a path; sorted, so that a fixed segment comes before `{hole}`, which may be anything |
//! | `GET name field…` | a method of that path, with its name (`-` if it has none) |
//! | tab `name type field…` | a parameter of the method above, or a key of the format or set above |
//! | tab `&name` | all parameters of that set, shared with other methods |
//! | `{name} type field…` | what `{name}` in a path is, unless the method has a line of its own for it |
//! | `@name` | a property string (`key=value,…`); its keys follow |
//! | `&name` | a set of parameters; they follow |
//! | `#` | a remark |
//!
//! Fields of a method: `from 7.4` (first version that has it, else 6.4), `at node` (carried out by the node that this
//! parameter names), `notoken` (refused to API tokens), `open` (parameters that are not listed are let through),
//! `may …` (who may call it, see [`Privilege`]), `-> array` (what it returns, in a word).
//!
//! Fields of a parameter, in this order: the type (`string`, `integer`, `number`, `boolean`, `any`, `alias`, in
//! brackets when it may be repeated, with `?` when it may be left out), `1..9` (range), `len 2..8` (length in
//! characters), `of a|b` (choices), `<pve-node` (a format by Proxmox's name for it), `@qemu.net` (a property string),
//! `~…` (pattern), `=…` (default), `key` (the key whose name may be left out), `as file` (another name of that key),
//! `as macaddr/model` (likewise, and its own name becomes the value of `model`), `needs delete` (only together with
//! that parameter), `if protocol=bgp|ospf` (only then), `from 8.4` (first version that has it, when later than the
//! method's). A name that ends in `[n]` is a numbered family: `net[n]` stands for net0, net1, …; the table does not
//! know the last number. Several lines of one name are alternatives that differ in their `if`.
//!
//! Versions are 6.4, 7.4, 8.4 and 9.2; methods that 9.2 no longer has are not in the table.

mod age;
mod check;
pub mod effect;
mod format;
mod param;
mod place;
mod privilege;
mod property;
mod row;
pub mod search;
pub mod urlencoded;
mod value;
pub mod words;

pub use age::later_than_server;
pub use check::{Kind, Violation};
pub use param::Param;
pub use place::Place;
pub use privilege::Privilege;
pub use row::Row;
pub use value::push;

use crate::pve::Method;
use flate2::read::DeflateDecoder;
use percent_encoding::percent_decode_str;
use std::{borrow::Cow, collections::HashMap, io::Read, sync::LazyLock};

/// The table, packed by `build.rs`.
const PACKED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/table.deflate"));

/// The table itself, as written by the script.
static TABLE: LazyLock<String> = LazyLock::new(|| {
    let mut text = String::with_capacity(PACKED.len() * 6);
    DeflateDecoder::new(PACKED)
        .read_to_string(&mut text)
        .expect("the table was packed for this very program");
    text
});

/// What is known of property strings beyond the table.
const FORMATS: &str = include_str!("formats.txt");

/// Holes whose value may contain slashes: volume names (`backup/vzdump-….zst`) and networks (`10.0.0.0/8`). They are
/// always the last segment.
const SPANNING: [&str; 2] = ["cidr", "volume"];

/// So many paths are quicker to scan than to narrow.
const FEW: usize = 4;

/// A path, and the block of its methods.
type Path = (&'static str, &'static str);

/// The paths, and behind them what methods share. Only the place of the cut is remembered.
static PARTS: LazyLock<(&str, &str)> = LazyLock::new(|| {
    let table = table();
    let cut = table.find("\n{").map_or(table.len(), |newline| newline + 1);
    let start = table.find("\n/").map_or(cut, |newline| newline + 1);
    (&table[start..cut], &table[cut..])
});

/// Every path in order.
static PATHS: LazyLock<Vec<Path>> = LazyLock::new(|| blocks(PARTS.0, |first| first == b'/').collect());

/// The lines under each `@name` and `&name`.
static SHARED: LazyLock<HashMap<&str, &str>> =
    LazyLock::new(|| blocks(PARTS.1, |first| first != b'\t').collect());

/// The table as the script writes it.
#[must_use]
pub fn table() -> &'static str {
    &TABLE
}

/// What the API has at a path.
#[derive(Clone, Debug)]
pub enum Lookup {
    /// The method exists.
    Found(Found),
    /// The path exists, with these methods only.
    WrongMethod(Vec<Method>),
    /// There is no such path.
    NoSuchPath,
}

/// A method, and what its path says.
#[derive(Clone, Debug)]
pub struct Found {
    /// The method.
    pub row: Row,
    /// The values of the holes of its path, percent-decoded, in the path's order.
    pub values: Vec<(&'static str, String)>,
}

impl Found {
    /// What Proxmox would refuse in a request with these parameters; those of the path are added.
    #[must_use]
    pub fn check(&self, params: &[(&str, &str)]) -> Vec<Violation> {
        let mut given: Vec<_> = self.values.iter().map(|(name, value)| (*name, value.as_str())).collect();
        given.extend_from_slice(params);
        self.row.check(&given)
    }
}

/// The method at a concrete path such as `/nodes/pve1/qemu/100/config`, without `/api2/json`. Segments may be
/// percent-encoded; a slash at the end does not count.
#[must_use]
pub fn find(method: Method, path: &str) -> Lookup {
    let path = path.trim_end_matches('/');
    let path = path.strip_prefix('/').unwrap_or(path);
    let Some((template, block)) = search(&PATHS, "/", path, path) else {
        return Lookup::NoSuchPath;
    };
    let Some(row) = row::rows_of(template, block).find(|row| row.method() == method) else {
        return Lookup::WrongMethod(row::rows_of(template, block).map(|row| row.method()).collect());
    };
    let mut values = Vec::new();
    walk(template, path, |name, value| values.push((name, decode(value).into_owned())));
    Lookup::Found(Found { row, values })
}

/// The method at a path as the table writes it, `/nodes/{node}/qemu/{vmid}/config`.
#[must_use]
pub fn find_template(method: Method, template: &str) -> Option<Row> {
    let at = PATHS.binary_search_by(|(path, _)| (*path).cmp(template)).ok()?;
    let (path, block) = PATHS[at];
    row::rows_of(path, block).find(|row| row.method() == method)
}

/// Every method, by path.
pub fn rows() -> impl Iterator<Item = Row> {
    PATHS.iter().flat_map(|(template, block)| row::rows_of(template, block))
}

/// The path that fits, and its block. `paths` all begin with `prefix`; `rest` is what `path` has left after as many
/// segments. Fixed segments are tried before holes, as Proxmox does.
fn search(paths: &'static [Path], prefix: &str, path: &str, rest: &str) -> Option<Path> {
    let scan =
        |paths: &'static [Path]| paths.iter().find(|(template, _)| walk(template, path, |_, _| ())).copied();
    if paths.len() < FEW {
        return scan(paths);
    }
    let (segment, rest) = first_segment(rest);
    let fixed = format!("{prefix}{}", decode(segment));
    let holes = under(paths, &format!("{prefix}{{"));
    let Some(rest) = rest else { return scan(under(paths, &fixed)).or_else(|| scan(holes)) };
    let fixed = fixed + "/";
    if let Some(found) = search(under(paths, &fixed), &fixed, path, rest) {
        return Some(found);
    }
    let (first, _) = holes.first()?;
    let end = prefix.len() + first.get(prefix.len()..)?.find('}')?;
    let hole = format!("{}/", &first[..=end]);
    let deeper = under(holes, &hole);
    // Holes of another name, or one that spans slashes, stand beside those under this one.
    search(deeper, &hole, path, rest).or_else(|| if deeper.len() < holes.len() { scan(holes) } else { None })
}

/// Those that begin with `prefix`. Paths are sorted by their bytes, so they stand together.
fn under(paths: &'static [Path], prefix: &str) -> &'static [Path] {
    let rest = &paths[paths.partition_point(|(path, _)| *path < prefix)..];
    &rest[..rest.partition_point(|(path, _)| path.starts_with(prefix))]
}

/// Cuts lines into blocks, each begun by a line whose first byte is a `head`'s: that line, and those under it.
fn blocks(
    text: &'static str,
    head: impl Fn(u8) -> bool,
) -> impl Iterator<Item = (&'static str, &'static str)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (first_line, below) = rest.split_once('\n')?;
        let mut end = 0;
        while end < below.len() && !head(below.as_bytes()[end]) {
            end += below[end..].find('\n').map_or(below.len() - end, |newline| newline + 1);
        }
        rest = &below[end..];
        Some((first_line, &below[..end]))
    })
}

/// The lines under `@name`, `&name`, among what methods share.
fn shared(head: &str) -> impl Iterator<Item = &'static str> + use<> {
    let lines = SHARED.get(head).copied().unwrap_or_default().lines();
    lines.map_while(|line| line.strip_prefix('\t'))
}

/// The line that says what `{name}` in a path is.
fn hole(name: &str) -> Option<&'static str> {
    PARTS.1.lines().find(|line| {
        line.strip_prefix('{')
            .and_then(|rest| rest.strip_prefix(name))
            .is_some_and(|rest| rest.starts_with('}'))
    })
}

/// The name in `{name}`.
fn hole_name(segment: &str) -> Option<&str> {
    segment.strip_prefix('{')?.strip_suffix('}')
}

/// Whether a path (without its first slash) fits a template; `seen` gets every hole with its undecoded value.
fn walk<'p>(template: &'static str, path: &'p str, mut seen: impl FnMut(&'static str, &'p str)) -> bool {
    let (mut template, mut path) = (template.strip_prefix('/').unwrap_or(template), path);
    loop {
        let (wanted, more_template) = first_segment(template);
        let (segment, more_path) = first_segment(path);
        match hole_name(wanted) {
            Some(name) if SPANNING.contains(&name) && more_template.is_none() => {
                seen(name, path);
                return !path.is_empty();
            }
            Some(_) if segment.is_empty() => return false,
            Some(name) => seen(name, segment),
            None if wanted != segment && wanted != decode(segment) => return false,
            None => {}
        }
        (template, path) = match (more_template, more_path) {
            (Some(template), Some(path)) => (template, path),
            (None, None) => return true,
            _ => return false,
        };
    }
}

fn first_segment(path: &str) -> (&str, Option<&str>) {
    path.split_once('/').map_or((path, None), |(segment, rest)| (segment, Some(rest)))
}

/// Undoes percent-encoding. What is not an escape stays; bytes that are no UTF-8 become U+FFFD.
fn decode(text: &str) -> Cow<'_, str> {
    percent_decode_str(text).decode_utf8_lossy()
}
