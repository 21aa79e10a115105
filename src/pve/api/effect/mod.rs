//! Determines what a request does from the request alone: its classes with the reasons, and everything that it touches.
//!
//! `rows/` contains the data in a form for review, with one row for each method. `rows/words.txt` explains the
//! keywords, and `build.rs` rejects a table that does not match the API. The state of the cluster is not used: what
//! depends on it is marked ([`Reason::if_present`], [`Touch::depends_on_cluster`]). A value that cannot be parsed counts as
//! touching everything.

mod grammar;
mod judge;
#[cfg(test)]
mod proof;
mod shown;
mod terms;
mod touch;

pub use shown::{PossibleClass, possible};
pub use terms::{Class, Role};
pub use touch::{Touch, Touched};

use super::{Lookup, Row, find};
use crate::pve::{Method, Params, values};
use flate2::read::DeflateDecoder;
use judge::Request;
use std::{io::Read, sync::LazyLock};

/// The rows, compressed by `build.rs`.
const PACKED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/effects.deflate"));

/// The rows as text. Decompressing them takes about a millisecond.
static TEXT: LazyLock<String> = LazyLock::new(|| {
    let mut text = String::with_capacity(PACKED.len() * 6);
    DeflateDecoder::new(PACKED)
        .read_to_string(&mut text)
        .expect("the rows were packed for this very program");
    text
});

/// The rows, and a sorted index of them by path and method.
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

/// Reads the table, if nobody has yet: some milliseconds.
pub fn prepare() {
    LazyLock::force(&EFFECTS);
}

/// What a request does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect {
    /// Its classes, each with a reason. A class may have several reasons.
    pub reasons: Vec<Reason>,
    /// Everything that it touches.
    pub touches: Vec<Touched>,
}

/// Why a request has a class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// The class.
    pub class: Class,
    /// A sentence on what is changed, lost or cut off. Empty for `read` and `change`.
    pub why: &'static str,
    /// The parameters that cause the class, such as `scsi0`; empty if the method itself does.
    pub by: Vec<String>,
    /// Whether it applies only if what the request names exists already and is different, which depends on the state of
    /// the cluster. Until that has been checked, it counts as applying.
    pub if_present: bool,
}

impl Effect {
    /// Whether it has a class.
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

    /// The guests that the request names in any way, with their roles. Guests that depend on the state of the cluster
    /// are not included.
    pub fn guests(&self) -> impl Iterator<Item = (u32, Role)> {
        self.touches.iter().flat_map(Touched::guests)
    }

    /// Whether it may touch anything, for example because a value cannot be parsed.
    #[must_use]
    pub fn touches_everything(&self) -> bool {
        self.touches
            .iter()
            .any(|touched| matches!(touched.what, Touch::Everything | Touch::Unreadable { .. }))
    }

    /// The effect of an unknown path: every class except `read`.
    fn unknown() -> Effect {
        use Class::{Change, Destroy, Execute, Interrupt, Outbound, Rights, Unguard};
        let reason = |class| Reason {
            class,
            why: "This path is unknown here, so it may do anything.",
            by: Vec::new(),
            if_present: false,
        };
        Effect {
            reasons: [Change, Interrupt, Destroy, Rights, Execute, Outbound, Unguard].map(reason).into(),
            touches: vec![Touched { what: Touch::Everything, role: Role::Target }],
        }
    }
}

/// Determines what a request does. `path` is below `/api2/json`, with percent-encoded segments; the file of an upload
/// is ignored.
///
/// # Errors
/// A name or value contains a control character, which Proxmox never needs and which could hide what follows.
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

/// Whether a GET of that path only reads, regardless of its parameters.
#[must_use]
pub fn only_reads(path: &str) -> bool {
    let Lookup::Found(found) = find(Method::Get, path) else { return false };
    let row = row_of(&found.row);
    row.classes == [Class::Read] && row.body.raises.is_empty()
}

/// The row in the table of effects for a method.
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
            "`{}` contains a control character; only tabs and line breaks are allowed.",
            name.escape_debug()
        )),
        Some((name, _)) => Err(format!(
            "`{}` contains a control character or a line break; it must be plain text on one line.",
            name.escape_debug()
        )),
    }
}

/// Whether a name in a request matches a name in the table, in which `net[n]` stands for net0, net1, ….
pub(super) fn answers(defined: &str, name: &str) -> bool {
    grammar::answers(defined, name)
}

#[cfg(test)]
mod tests;
