//! Checks everything that a request affects against the settings `protected` and `only`. Decides with what was already
//! read and sends no requests; what is not known counts as affected.
//!
//! A pool includes its nested pools: `pool:dev` also names the guests of `dev/sub`.

use crate::{
    config::{Config, Selection},
    pve::{
        api::effect::{Class, Effect, Role, Touch},
        values::{self, Node},
    },
    tools::run::{
        look::{HELD, Known, Seen},
        request::Request,
    },
};

/// A request with what is known about it.
#[derive(Clone, Copy)]
pub struct Case<'a> {
    /// The request.
    pub request: &'a Request,
    /// What it does, without the effects that do not apply in this case.
    pub effect: &'a Effect,
    /// What was read from the cluster.
    pub seen: &'a Seen,
}

/// Returns the sentence that says which rule forbids the request, if one does.
#[must_use]
pub fn refusal(config: &Config, case: Case<'_>) -> Option<String> {
    if config.protected.is_empty() && config.only.is_empty() {
        return None;
    }
    let held = case.effect.reasons.iter().any(|reason| HELD.contains(&reason.class));
    let changes = case.effect.classes() != [Class::Read];
    let protects = held && !config.protected.is_empty();
    let limits = changes && !config.only.is_empty();
    if (protects || limits) && names_localhost(case.effect) {
        return Some(format!(
            "`localhost` is whichever node the request arrives at, so the settings `protected` and `only` cannot be enforced for {}; name the node.",
            case.request.title()
        ));
    }
    let protected = protects.then(|| protected(&config.protected, case)).flatten();
    protected.or_else(|| limits.then(|| outside(&config.only, case)).flatten())
}

fn names_localhost(effect: &Effect) -> bool {
    effect.touches.iter().any(|touched| {
        matches!(&touched.what, Touch::Node(Node::Localhost) | Touch::GuestsOfNode(Node::Localhost))
    })
}

/// The guests that a request affects.
enum Reach<'a> {
    /// These guests.
    Guests(Vec<u32>),
    /// These guests, and maybe others that this account cannot see.
    Seen(Vec<&'a Known>),
    /// Possibly any guest.
    Every,
    /// No guest.
    None,
}

fn reach<'a>(touch: &Touch, seen: &'a Seen) -> Reach<'a> {
    let those =
        |fits: &dyn Fn(&Known) -> bool| Reach::Seen(seen.guests.iter().filter(|guest| fits(guest)).collect());
    match touch {
        Touch::Guest(vmid) => Reach::Guests(vec![*vmid]),
        Touch::Volume(volume) => Reach::Guests(volume.owner.into_iter().collect()),
        Touch::GuestsOfNode(node) => those(&|guest| node.may_be(&guest.node)),
        Touch::GuestsOfPool(pool) => those(&|guest| values::pool_is_inside(&guest.pool, pool)),
        // To find out which guests these are would take a request for each storage or job.
        Touch::GuestsOfStorage(_) | Touch::Job(_) | Touch::EveryGuest => Reach::Every,
        Touch::Everything | Touch::Unreadable { .. } => Reach::Every,
        Touch::Node(_) | Touch::Pool(_) | Touch::Storage(_) | Touch::EveryNode | Touch::Cluster => {
            Reach::None
        }
    }
}

/// Returns whether a selection's pools include this pool.
fn has_pool(rules: &Selection, pool: &str) -> bool {
    rules.pools.iter().any(|named| values::pool_is_inside(pool, named))
}

fn unseen(vmid: u32, setting: &str, request: &Request) -> String {
    format!(
        "This account cannot see guest {vmid}, so it is not known whether the setting `{setting}` covers it, and {} is refused. \
         It stays refused until the account has VM.Audit on /vms/{vmid}.",
        request.title()
    )
}

fn unseen_ones(setting: &str, request: &Request) -> String {
    format!(
        "{} affects every guest of a node or pool, and this account may not see all guests, so it is not known whether the setting `{setting}` covers them, and it is refused. \
         It stays refused until the account has VM.Audit on /vms.",
        request.title()
    )
}

fn protected(rules: &Selection, case: Case<'_>) -> Option<String> {
    let Case { request, effect, seen } = case;
    let title = request.title();
    // A request that only removes protection is judged guest by guest.
    let strips =
        effect.reasons.iter().all(|reason| !HELD.contains(&reason.class) || reason.class == Class::Unguard);
    for touched in effect.touches.iter().filter(|touched| !matches!(touched.role, Role::Source | Role::At)) {
        let named =
            |what: &str| Some(format!("{what} is named in the setting `protected`, so {title} is refused."));
        match &touched.what {
            Touch::Node(node) | Touch::GuestsOfNode(node) if touched.role == Role::Target => {
                if let Some(name) = rules.nodes.iter().find(|name| node.may_be(name)) {
                    return named(&format!("Node `{name}`"));
                }
            }
            Touch::Pool(pool)
                if touched.role == Role::Target
                    && !strips
                    && rules.pools.iter().any(|name| {
                        values::pool_is_inside(name, pool) || values::pool_is_inside(pool, name)
                    }) =>
            {
                return named(&format!("Pool `{pool}`"));
            }
            Touch::EveryNode if !rules.nodes.is_empty() => {
                return named(&format!("Node `{}`", rules.nodes[0]));
            }
            Touch::Cluster if !rules.tags.is_empty() && effect.is(Class::Unguard) => {
                return Some(format!(
                    "The setting `protected` names guests by their tags, and {title} changes who may set tags; it is refused."
                ));
            }
            _ => {}
        }
        match reach(&touched.what, seen) {
            Reach::None => {}
            Reach::Every => {
                return Some(format!(
                    "{title} may affect any guest, also those that the setting `protected` names, so it is refused."
                ));
            }
            Reach::Guests(_) if touched.role == Role::New => {}
            Reach::Guests(vmids) => {
                for vmid in vmids {
                    let refused = guest_is_held(rules, case, vmid, seen.guest(vmid), strips);
                    if refused.is_some() {
                        return refused;
                    }
                }
            }
            Reach::Seen(guests) => {
                let lost = rules.vmids.iter().find(|(first, last)| {
                    let is_seen = |vmid: i64| seen.guests.iter().any(|guest| i64::from(guest.vmid) == vmid);
                    first == last && !is_seen(*first)
                });
                if let Some((vmid, _)) = lost.filter(|_| !seen.all) {
                    return Some(unseen(u32::try_from(*vmid).unwrap_or_default(), "protected", request));
                }
                if rules.needs_all_guests() && !seen.all {
                    return Some(unseen_ones("protected", request));
                }
                for guest in guests {
                    let refused = guest_is_held(rules, case, guest.vmid, Some(guest), strips);
                    if refused.is_some() {
                        return refused;
                    }
                }
            }
        }
    }
    None
}

/// Returns the sentence that says that a guest is protected against this request, if it is.
fn guest_is_held(
    rules: &Selection,
    case: Case<'_>,
    vmid: u32,
    known: Option<&Known>,
    strips: bool,
) -> Option<String> {
    let title = case.request.title();
    let by_number = rules.has_vmid(i64::from(vmid));
    if by_number && !strips {
        return Some(format!("Guest {vmid} is named in the setting `protected`, so {title} is refused."));
    }
    if !rules.needs_inventory() {
        return None;
    }
    let Some(known) = known else { return (!by_number).then(|| unseen(vmid, "protected", case.request)) };
    let (by_tag, by_pool) = (rules.has_tag(&known.tags), has_pool(rules, &known.pool));
    let held = match strips {
        false => by_tag || by_pool,
        // It may lose a tag or pool, as long as another one still protects it.
        true => {
            let keeps_tag = by_tag && rules.has_tag(&tags_after(case.request, known));
            let keeps_pool = by_pool && stays_in_pools(rules, case);
            let strips_tags = by_tag && !keeps_tag;
            let strips_pool = by_pool && !keeps_pool;
            !by_number && (strips_tags || strips_pool)
        }
    };
    held.then(|| {
        format!("Guest {vmid} has a tag or pool that the setting `protected` names, so {title} is refused.")
    })
}

/// Returns the tags that a guest has after the request.
fn tags_after(request: &Request, known: &Known) -> String {
    let deleted = request.params.iter().filter(|(name, _)| *name == "delete");
    let mut deleted = deleted.flat_map(|(_, list)| values::split_list(list));
    match request.params.get("tags") {
        Some(tags) => tags.to_owned(),
        None if deleted.any(|name| name == "tags") => String::new(),
        None => known.tags.clone(),
    }
}

/// Returns whether guests that a request moves between pools stay in pools that the rules name.
fn stays_in_pools(rules: &Selection, case: Case<'_>) -> bool {
    let of_pool = case.effect.touches.iter().find_map(|touched| match &touched.what {
        Touch::Pool(pool) if touched.role == Role::Target => Some(pool),
        _ => None,
    });
    // A request that is not about a pool moves no guest.
    let Some(pool) = of_pool else { return true };
    let leaves = case.request.params.get("delete").is_some_and(values::may_be_on);
    !leaves && has_pool(rules, pool)
}

/// Returns why a request is outside `only`, if it is.
fn outside(rules: &Selection, case: Case<'_>) -> Option<String> {
    let kinds = [
        (!rules.vmids.is_empty(), "VMIDs", Kind::Vmids),
        (!rules.nodes.is_empty(), "nodes", Kind::Nodes),
        (!rules.pools.is_empty(), "pools", Kind::Pools),
        (!rules.tags.is_empty(), "tags", Kind::Tags),
    ];
    for (_, word, kind) in kinds.into_iter().filter(|(named, ..)| *named) {
        match inside(rules, case, kind) {
            Ok(true) => {}
            Ok(false) => {
                return Some(format!(
                    "{} is outside the {word} that the setting `only` names.",
                    case.request.title()
                ));
            }
            Err(Unseen::Guest(vmid)) => return Some(unseen(vmid, "only", case.request)),
            Err(Unseen::Some) => return Some(unseen_ones("only", case.request)),
        }
    }
    None
}

/// A kind of rule.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Vmids,
    Nodes,
    Pools,
    Tags,
}

/// What cannot be seen but would be needed.
enum Unseen {
    /// This guest.
    Guest(u32),
    /// Possibly some guests of a node or pool.
    Some,
}

/// Returns whether everything that a request affects is inside the rules of this kind, and whether it affects anything
/// at all. What is only read or copied may be anywhere.
///
/// # Errors
/// Fails if something that is needed cannot be seen.
fn inside(rules: &Selection, case: Case<'_>, kind: Kind) -> Result<bool, Unseen> {
    let mut about = false;
    for touched in case.effect.touches.iter().filter(|touched| touched.role != Role::Source) {
        let target = matches!(touched.role, Role::Target | Role::New | Role::Member);
        let fits = match &touched.what {
            Touch::Guest(vmid) => guest_is_inside(rules, case, kind, *vmid, touched.role)?,
            Touch::Volume(volume) => match volume.owner {
                Some(vmid) => guest_is_inside(rules, case, kind, vmid, touched.role)?,
                // It belongs to no guest; its node is checked separately.
                None if kind == Kind::Nodes => continue,
                None => !target,
            },
            Touch::Node(node) | Touch::GuestsOfNode(node) if kind == Kind::Nodes => {
                rules.nodes.iter().any(|name| node.may_be(name))
            }
            // Guests that this account cannot see are in the pool as well.
            Touch::GuestsOfPool(pool) if kind == Kind::Pools && !has_pool(rules, pool) => false,
            Touch::GuestsOfNode(_) | Touch::GuestsOfPool(_)
                if !case.seen.all && !is_of_pool(&touched.what, kind) =>
            {
                return Err(Unseen::Some);
            }
            Touch::GuestsOfNode(_) | Touch::GuestsOfPool(_) => match reach(&touched.what, case.seen) {
                Reach::Seen(guests) => {
                    let mut fit = !guests.is_empty();
                    for guest in guests {
                        fit &= guest_is_inside(rules, case, kind, guest.vmid, touched.role)?;
                    }
                    fit
                }
                _ => false,
            },
            Touch::Pool(pool) if kind == Kind::Pools => has_pool(rules, pool) && !leaves_pool(case),
            Touch::Storage(_) if kind == Kind::Nodes && has_node(case.effect) => continue,
            // This is only a location; rules of its own kind check it.
            Touch::Node(_) | Touch::Pool(_) | Touch::Storage(_) if !target => continue,
            _ => false,
        };
        if !fits {
            return Ok(false);
        }
        about = true;
    }
    Ok(about)
}

/// Returns whether these are the guests of a pool and the rules are by pool: then they are known to be in the pool,
/// even if they cannot be seen.
fn is_of_pool(touch: &Touch, kind: Kind) -> bool {
    kind == Kind::Pools && matches!(touch, Touch::GuestsOfPool(_))
}

/// Returns whether the request names a node, besides the storage on it.
fn has_node(effect: &Effect) -> bool {
    effect.touches.iter().any(|touched| matches!(touched.what, Touch::Node(_)))
}

/// Returns whether guests leave the pool that the request is about.
fn leaves_pool(case: Case<'_>) -> bool {
    case.effect.is(Class::Unguard) && case.request.params.get("delete").is_some_and(values::may_be_on)
}

/// Returns whether a guest is inside the rules, both before and after the request.
fn guest_is_inside(
    rules: &Selection,
    case: Case<'_>,
    kind: Kind,
    vmid: u32,
    role: Role,
) -> Result<bool, Unseen> {
    let params = &case.request.params;
    if kind == Kind::Vmids {
        return Ok(rules.has_vmid(i64::from(vmid)));
    }
    let known = case.seen.guest(vmid);
    if role == Role::New && known.is_none() {
        // A clone inherits the tags of its source.
        let source = case.effect.guests().find(|(_, role)| *role == Role::Source);
        let inherited = source.and_then(|(vmid, _)| case.seen.guest(vmid)).map(|guest| guest.tags.as_str());
        return Ok(match kind {
            Kind::Pools => params.get("pool").is_some_and(|pool| has_pool(rules, pool)),
            Kind::Tags => rules.has_tag(params.get("tags").or(inherited).unwrap_or_default()),
            Kind::Nodes | Kind::Vmids => true,
        });
    }
    match (kind, known) {
        // It is on the node in the path, or Proxmox refuses the request.
        (Kind::Nodes, None) if !case.seen.listed => Ok(true),
        (_, None) => Err(Unseen::Guest(vmid)),
        (Kind::Nodes, Some(known)) => {
            Ok(rules.nodes.iter().any(|name| name.eq_ignore_ascii_case(&known.node)))
        }
        (Kind::Tags, Some(known)) => {
            Ok(rules.has_tag(&known.tags) && rules.has_tag(&tags_after(case.request, known)))
        }
        (_, Some(known)) => Ok(has_pool(rules, &known.pool)),
    }
}
