//! Reads what the rules must know about a request and only the cluster can tell: its guests, and whether what it names
//! already exists. This takes at most one request more than the call sends anyway, at the same time as those.

use crate::{
    config::{Access, Selection},
    pve::{
        Method, Params, Reply,
        api::{
            self, Lookup,
            effect::{Class, Effect, Role, Touch},
        },
        values::Node,
    },
    sync::at_once,
    tools::{
        answer::{Failure, canonical::same, rows},
        run::{context::Context, find, request::Request, undo},
    },
};
use serde_json::{Map, Value};

/// A guest with the values that rules refer to.
#[derive(Clone, Debug)]
pub struct Known {
    /// Its VMID.
    pub vmid: u32,
    /// The node it is on.
    pub node: String,
    /// Its tags, in Proxmox's notation.
    pub tags: String,
    /// Its pool; empty if it has none.
    pub pool: String,
}

/// What was read from the cluster.
#[derive(Debug, Default)]
pub struct Seen {
    /// Whether the guests were read.
    pub listed: bool,
    /// The guests that this account can see, if they were needed.
    pub guests: Vec<Known>,
    /// Whether this account may see every guest, so that `guests` is complete; `false` if that was not needed.
    pub all: bool,
    /// What the path of a change answered before it, if that was needed.
    pub before: Option<Map<String, Value>>,
}

impl Seen {
    /// Returns the guest with that VMID.
    #[must_use]
    pub fn guest(&self, vmid: u32) -> Option<&Known> {
        self.guests.iter().find(|guest| guest.vmid == vmid)
    }
}

/// The classes of effects that the setting `protected` forbids.
pub const HELD: [Class; 4] = [Class::Interrupt, Class::Destroy, Class::Execute, Class::Unguard];

/// Reads what the settings make necessary, and removes the reasons that do not apply from `effect`. `known` is the
/// current answer of the path, if it was read already.
///
/// # Errors
/// Fails if the guests cannot be read, because the rules cannot be enforced then.
pub fn at(
    context: &Context<'_>,
    request: &Request,
    effect: &mut Effect,
    known: Option<Map<String, Value>>,
) -> Result<Seen, Failure> {
    let config = context.config;
    let changes = effect.classes() != [Class::Read];
    let held = effect.reasons.iter().any(|reason| HELD.contains(&reason.class));
    let protected = (held && !config.protected.is_empty()).then_some(&config.protected);
    let only = (changes && !config.only.is_empty()).then_some(&config.only);
    let listed = protected.is_some_and(|rules| asks_for_guests(rules, effect, false))
        || only.is_some_and(|rules| asks_for_guests(rules, effect, true));
    let has = |wanted: fn(&Touch) -> bool| {
        effect.touches.iter().any(|touched| touched.role != Role::Source && wanted(&touched.what))
    };
    let of_node = has(|touch| matches!(touch, Touch::GuestsOfNode(_)));
    let of_pool = has(|touch| matches!(touch, Touch::GuestsOfPool(_)));
    // Rules by node are about the node, whichever guests are on it.
    let beyond_nodes = |rules: &Selection| rules.needs_all_guests() || !rules.vmids.is_empty();
    let all = (of_node || of_pool)
        && (protected.is_some_and(Selection::needs_all_guests)
            || only.is_some_and(|rules| of_pool || beyond_nodes(rules)));
    let doubtful = effect.reasons.iter().any(|reason| reason.if_present);
    let of_config = request.path.ends_with("/config");
    let reads_before = known.is_none() && doubtful && of_config && protected.is_some();
    let reads_content = doubtful && !of_config && (protected.is_some() || config.access != Access::Full);
    let wanted: Vec<Wanted> = [
        (listed, Wanted::Guests),
        (all, Wanted::All),
        (reads_before, Wanted::Before),
        (reads_content, Wanted::Content),
    ]
    .into_iter()
    .filter_map(|(needed, what)| needed.then_some(what))
    .collect();
    let mut seen = Seen { listed, guests: Vec::new(), all: false, before: known };
    let mut there = None;
    for found in at_once(&wanted, |what| what.read(context, request)) {
        match found? {
            Found::Guests(guests) => seen.guests = guests,
            Found::All(all) => seen.all = all,
            Found::Before(before) => seen.before = before,
            Found::Content(content) => there = content,
        }
    }
    if doubtful {
        let settled = |by: &[String]| match (&seen.before, of_config) {
            (Some(before), true) => Some(by.iter().any(|key| is_replaced(request, key, before))),
            (None, true) => None,
            (_, false) => there,
        };
        effect.reasons.retain(|reason| !reason.if_present || settled(&reason.by) != Some(false));
    }
    Ok(seen)
}

/// What may have to be read.
enum Wanted {
    Guests,
    All,
    Before,
    Content,
}

enum Found {
    Guests(Vec<Known>),
    All(bool),
    Before(Option<Map<String, Value>>),
    Content(Option<bool>),
}

impl Wanted {
    fn read(&self, context: &Context<'_>, request: &Request) -> Result<Found, Failure> {
        Ok(match self {
            Wanted::Guests => Found::Guests(guests(context)?),
            Wanted::All => Found::All(sees_all(context)),
            Wanted::Before => Found::Before(undo::read(context, request)),
            Wanted::Content => Found::Content(is_there(context, request)),
        })
    }
}

/// Returns whether a rule cannot be enforced without reading the guests.
fn asks_for_guests(rules: &Selection, effect: &Effect, with_nodes: bool) -> bool {
    let names_guests = effect.guests().any(|(_, role)| role != Role::Source);
    let depends_on_cluster = effect.touches.iter().any(|touched| touched.what.depends_on_cluster());
    let by_guest = rules.needs_inventory() || (with_nodes && !rules.nodes.is_empty() && !has_place(effect));
    (names_guests && by_guest) || depends_on_cluster
}

/// Returns whether the only affected guest is the one in the path, which also names its node.
fn has_place(effect: &Effect) -> bool {
    let mut guests = effect.touches.iter().filter(|touched| touched.guests().next().is_some());
    let at_node = effect
        .touches
        .iter()
        .any(|touched| touched.role == Role::At && matches!(touched.what, Touch::Node(_)));
    let alone = guests.next().is_none_or(|touched| matches!(touched.what, Touch::Guest(_)));
    at_node && alone && guests.next().is_none()
}

/// Reads the guests that this account can see.
fn guests(context: &Context<'_>) -> Result<Vec<Known>, Failure> {
    known(&context.get("/cluster/resources", &Params::new().with("type", "vm"))?)
}

/// Returns the guests of an inventory.
///
/// # Errors
/// Fails if it is not a list.
pub fn known(inventory: &Reply) -> Result<Vec<Known>, Failure> {
    let records = rows(inventory)?;
    let known = records.iter().filter(|record| find::is_guest(record)).filter_map(|record| {
        Some(Known {
            vmid: record.text("vmid").parse().ok()?,
            node: record.text("node").into_owned(),
            tags: record.text("tags").into_owned(),
            pool: record.text("pool").into_owned(),
        })
    });
    Ok(known.collect())
}

/// Adds the guests that a request creates, as they will be: a clone inherits the tags of its source.
pub fn made(request: &Request, effect: &Effect, there: &[Known], ahead: &mut Vec<Known>) {
    let source = effect.guests().find(|(_, role)| *role == Role::Source);
    let source = source.and_then(|(vmid, _)| there.iter().find(|guest| guest.vmid == vmid));
    let inherited = source.map(|guest| guest.tags.clone()).unwrap_or_default();
    let node = effect.touches.iter().find_map(|touched| match &touched.what {
        Touch::Node(Node::Named(name)) => Some(name.clone()),
        _ => None,
    });
    let target = request.params.get("target").map(str::to_owned);
    let param = |name: &str| request.params.get(name).unwrap_or_default().to_owned();
    for (vmid, _) in effect.guests().filter(|(_, role)| *role == Role::New) {
        let node = target.clone().or_else(|| node.clone()).unwrap_or_default();
        let tags = if request.params.get("tags").is_some() { param("tags") } else { inherited.clone() };
        ahead.push(Known { vmid, node, tags, pool: param("pool") });
    }
}

/// Returns whether this account's permissions let it see every guest: on `/vms`, and not reduced for any single guest.
/// If they cannot be read, the answer is no.
fn sees_all(context: &Context<'_>) -> bool {
    const AUDIT: &str = "VM.Audit";
    let Ok(reply) = context.get("/access/permissions", &Params::new()) else { return false };
    let value = reply.value();
    let Some(paths) = value.as_object() else { return false };
    // 1 if the permission propagates to paths below.
    let spreads = paths.get("/vms").is_some_and(|privileges| privileges[AUDIT] == 1);
    spreads
        && paths
            .iter()
            .all(|(path, privileges)| !path.starts_with("/vms/") || privileges.get(AUDIT).is_some())
}

/// Returns whether a key of a guest's configuration is already set to another value than the request sets.
fn is_replaced(request: &Request, key: &str, before: &Map<String, Value>) -> bool {
    let Some(old) = before.get(key) else { return false };
    let new = request.params.get(key).map(Value::from);
    !same(key, Some(old), new.as_ref())
}

/// Returns whether a file to upload or download is already on the storage; `None` if that cannot be found out.
fn is_there(context: &Context<'_>, request: &Request) -> Option<bool> {
    let Lookup::Found(found) = api::find(request.method, &request.path) else { return None };
    let (path, action) = request.path.rsplit_once('/')?;
    let (content, filename) = (request.params.get("content")?, request.params.get("filename")?);
    if request.method != Method::Post || !matches!(action, "upload" | "download-url") {
        return None;
    }
    let (_, storage) = found.values.iter().find(|(hole, _)| *hole == "storage")?;
    let volid = format!("{storage}:{content}/{filename}");
    let reply = context.get(&format!("{path}/content"), &Params::new().with("content", content)).ok()?;
    let records = rows(&reply).ok()?;
    Some(records.iter().any(|record| record.text("volid") == volid))
}
