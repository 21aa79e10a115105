//! What a request does, told from the request alone: its classes with the reasons, and everything that it touches.
//!
//! `rows/` holds it for people to read and review, one row for each method; `rows/words.txt` explains the words, and
//! `build.rs` refuses a table that does not fit the API. Knows nothing of what a cluster holds: where only a look at it
//! tells ([`Reason::if_present`], [`Touch::needs_look`]), that is said. What cannot be read counts as touching
//! everything.

mod grammar;
mod judge;
#[cfg(test)]
mod proof;
mod shown;
mod terms;
mod touch;

pub use shown::{Possible, possible};
pub use terms::{Class, Role};
pub use touch::{Touch, Touched};

use super::{Lookup, Row, find};
use crate::pve::{Method, Params, values};
use flate2::read::DeflateDecoder;
use judge::Request;
use std::{io::Read, sync::LazyLock};

/// The rows, packed by `build.rs`.
const PACKED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/effects.deflate"));

/// The rows as text, in about a millisecond.
static TEXT: LazyLock<String> = LazyLock::new(|| {
    let mut text = String::with_capacity(PACKED.len() * 6);
    DeflateDecoder::new(PACKED)
        .read_to_string(&mut text)
        .expect("the rows were packed for this very program");
    text
});

/// The rows, and where each method's is: by path and method, in order.
struct Effects {
    table: grammar::Table<'static>,
    index: Vec<(String, &'static str, usize)>,
}

static EFFECTS: LazyLock<Effects> = LazyLock::new(|| {
    let table = grammar::parse(&[("effects", &TEXT)]).expect("build.rs has read these very rows");
    let mut index = Vec::new();
    for (at, row) in table.rows.iter().enumerate() {
        for path in row.paths() {
            index.extend(row.methods.iter().map(|method| (path.clone(), *method, at)));
        }
    }
    index.sort();
    Effects { table, index }
});

/// What a request does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect {
    /// Its classes, each with a reason. One class may have several.
    pub reasons: Vec<Reason>,
    /// Everything that it touches.
    pub touches: Vec<Touched>,
}

/// Why a request is of a class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// The class.
    pub class: Class,
    /// What is changed, lost or cut off, as a sentence. Empty for `read` and `change`.
    pub why: &'static str,
    /// The parameters that raise the class, such as `scsi0`; empty where the method itself does.
    pub by: Vec<String>,
    /// It holds only if what the request names is there already and is something else, which a look at the cluster
    /// tells. Until somebody has looked it counts as holding.
    pub if_present: bool,
}

impl Effect {
    /// Whether it is of a class.
    #[must_use]
    pub fn is(&self, class: Class) -> bool {
        self.reasons.iter().any(|reason| reason.class == class)
    }

    /// Its classes, in the order of [`Class`].
    #[must_use]
    pub fn classes(&self) -> Vec<Class> {
        let mut classes: Vec<Class> = self.reasons.iter().map(|reason| reason.class).collect();
        classes.sort_unstable();
        classes.dedup();
        classes
    }

    /// The guests that it names, in whatever way, and what each is to it. Guests that only a look at the cluster tells
    /// are not among them.
    pub fn guests(&self) -> impl Iterator<Item = (u32, Role)> {
        self.touches.iter().flat_map(Touched::guests)
    }

    /// Whether it may touch anything there is, because something in it cannot be read.
    #[must_use]
    pub fn touches_everything(&self) -> bool {
        self.touches
            .iter()
            .any(|touched| matches!(touched.what, Touch::Everything | Touch::Unreadable { .. }))
    }

    /// Of a path that nobody knows.
    fn unknown() -> Effect {
        use Class::{Change, Destroy, Execute, Interrupt, Outbound, Rights, Unguard};
        let reason = |class| Reason {
            class,
            why: "Nobody here knows what this path does, so it may be anything.",
            by: Vec::new(),
            if_present: false,
        };
        Effect {
            reasons: [Change, Interrupt, Destroy, Rights, Execute, Outbound, Unguard].map(reason).into(),
            touches: vec![Touched { what: Touch::Everything, role: Role::Target }],
        }
    }
}

/// What a request does. `path` is below `/api2/json`, its parts percent-encoded; the file that an upload sends along
/// does not matter.
///
/// # Errors
/// A sentence: a value has a control character in it, which nothing in Proxmox needs and which could hide what follows.
pub fn read(method: Method, path: &str, params: &Params) -> Result<Effect, String> {
    let Lookup::Found(found) = find(method, path) else {
        refuse_controls(&[], params.iter())?;
        return Ok(Effect::unknown());
    };
    let row = row_of(&found.row);
    let texts: Vec<&str> = EFFECTS.table.texts.iter().chain(&row.body.texts).copied().collect();
    let holes = found.values.iter().map(|(name, value)| (*name, value.as_str()));
    refuse_controls(&texts, holes.chain(params.iter()))?;
    let request = Request::new(row, &found, params);
    let mut reasons: Vec<Reason> = row
        .classes
        .iter()
        .map(|class| Reason { class: *class, why: row.why, by: Vec::new(), if_present: false })
        .collect();
    for raise in &row.body.raises {
        let Some(holds) = request.holds(&raise.when) else { continue };
        reasons.extend(raise.classes.iter().map(|class| Reason {
            class: *class,
            why: raise.why,
            by: holds.by.clone(),
            if_present: holds.if_present,
        }));
    }
    Ok(Effect { reasons, touches: touch::of(&request) })
}

/// Whether a GET of that path only reads, whatever its parameters are.
#[must_use]
pub fn only_reads(path: &str) -> bool {
    let Lookup::Found(found) = find(Method::Get, path) else { return false };
    let row = row_of(&found.row);
    row.classes == [Class::Read] && row.body.raises.is_empty()
}

/// The row of a method.
fn row_of(row: &Row) -> &'static grammar::Row<'static> {
    let wanted = (row.path(), row.method().word());
    let at = EFFECTS.index.binary_search_by(|(path, method, _)| (path.as_str(), *method).cmp(&wanted));
    let (_, _, row) = EFFECTS.index[at.expect("build.rs refuses methods without a row")];
    &EFFECTS.table.rows[row]
}

fn refuse_controls<'a>(
    texts: &[&str],
    mut values: impl Iterator<Item = (&'a str, &'a str)>,
) -> Result<(), String> {
    let is_text = |name: &str| texts.iter().any(|text| grammar::answers(text, name));
    let found = values
        .find(|(name, value)| values::has_control(name, false) || values::has_control(value, is_text(name)));
    match found {
        None => Ok(()),
        Some((name, _)) if is_text(name) => Err(format!(
            "`{}` has a control character in it; it may have tabs and line breaks, and no others.",
            name.escape_debug()
        )),
        Some((name, _)) => Err(format!(
            "`{}` has a control character or a line break in it; it must be plain text on one line.",
            name.escape_debug()
        )),
    }
}

/// Whether a name in a request is meant by a name of the table, in which `net[n]` stands for net0, net1, ….
pub(super) fn answers(defined: &str, name: &str) -> bool {
    grammar::answers(defined, name)
}

#[cfg(test)]
mod tests;
