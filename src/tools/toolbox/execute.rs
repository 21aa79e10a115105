//! Runs what the row of a tool defines, and reports what was changed, or what would be changed in a dry run.

use crate::{
    pve::{Method, path},
    tools::{
        answer::{
            Failure, Outcome, answer, rows,
            table::{self, Column},
        },
        catalog::{entry::Entry, guest_change::about},
        param::{Effect, Kind},
        row::{Run, Tool},
        run::list,
        run::{
            args::Args, clusters::CLUSTER, context::Context, find, follow::follow, request::Request, undo,
            verdict::Verdict,
        },
    },
};
use serde_json::{Map, Value, json};

/// Runs what the row of a tool defines.
pub(super) fn run(context: &Context<'_>, entry: &Entry, args: &Args) -> Outcome {
    match entry.tool.run {
        Run::Api(method, template) => request(context, entry, method, template, args),
        Run::List(template, columns) => list(context, entry, template, columns, args),
        Run::With(run) => run(context, args),
        Run::Own(own) => own.run(context, args),
    }
}

/// Keeps the changes of a call, so that they can be undone, and writes its outcome to the audit log.
pub(super) fn finish(context: &Context<'_>, outcome: Outcome) -> Outcome {
    let ids = undo::keep(context, &context.drafts());
    let changed_in = context.cluster.filter(|_| context.effect != Effect::Read);
    let adds = !ids.is_empty() || changed_in.is_some();
    let outcome = outcome.and_then(|data| match adds.then(|| serde_json::from_str(data.get())) {
        Some(Ok(Value::Object(mut facts))) => {
            if !ids.is_empty() {
                facts.insert("undo".into(), ids.into());
            }
            // A later call that waits for the task or undoes the change must name the cluster again.
            if let Some(name) = changed_in {
                facts.insert(CLUSTER.into(), name.into());
            }
            answer(&facts)
        }
        _ => Ok(data),
    });
    if let Some(journal) = context.journal
        && !context.requests().is_empty()
    {
        journal.after(&outcome);
    }
    outcome
}

/// Returns the dry run's answer for a tool that is forbidden.
pub(super) fn would_refuse(why: &str) -> Outcome {
    answer(&json!({"dry_run": true, "would": "refuse", "why": why, "note": "Nothing was sent."}))
}

/// Returns what would have been sent; if that is nothing, the tool's own answer.
pub(super) fn dry_run(context: &Context<'_>, outcome: Outcome) -> Outcome {
    let requests: Vec<Value> = context.requests().iter().map(Request::to_json).collect();
    if requests.is_empty() {
        return outcome;
    }
    let mut facts =
        Map::from_iter([("dry_run".to_owned(), true.into()), ("requests".to_owned(), requests.into())]);
    let verdicts = context.verdicts();
    let refused = verdicts.iter().find_map(|verdict| match verdict {
        Verdict::Refuse(why) => Some(why.clone()),
        Verdict::Run | Verdict::Ask(_) => None,
    });
    let asked: Vec<&str> = verdicts
        .iter()
        .flat_map(|verdict| match verdict {
            Verdict::Ask(whys) => whys.as_slice(),
            Verdict::Run | Verdict::Refuse(_) => &[],
        })
        .copied()
        .collect();
    let (would, why) = match refused {
        Some(why) => ("refuse", why),
        None if !asked.is_empty() => ("ask", asked.join(" ")),
        None => ("run", String::new()),
    };
    facts.insert("would".into(), would.into());
    if !why.is_empty() {
        facts.insert("why".into(), why.into());
    }
    if let Err(Failure(why)) = outcome
        && would != "refuse"
    {
        facts.insert("then".into(), why.into());
    }
    facts.insert("note".into(), "Nothing was sent.".into());
    context.fit(facts)
}

/// Runs `work` with the filled-in path of a row, and with the guest that was found for it.
fn located<T>(
    context: &Context<'_>,
    template: &str,
    args: &Args,
    work: impl Fn(&str, Option<&find::Guest>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let work = |guest: Option<&find::Guest>| {
        let value_of = |hole: &str| match (hole, guest) {
            ("node", Some(guest)) => Some(guest.node.clone()),
            ("type", Some(guest)) => Some(guest.kind.api_type().to_owned()),
            _ => args.get(hole).map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned)),
        };
        work(&path::fill(template, value_of).map_err(Failure::new)?, guest)
    };
    match args.int("vmid") {
        Some(vmid) if template.contains("{node}") && template.contains("{vmid}") => {
            // A path that includes a kind of guest is for that kind only.
            let kind = context.kind.or_else(|| Kind::from_api_type(template.split('/').nth(3)?));
            if find::fails_without_guest(template) {
                return find::at(context, args, kind, 1, |guest| work(Some(guest)));
            }
            work(Some(&find::guest_of(context, vmid, args.text("node"), kind)?))
        }
        _ => work(None),
    }
}

/// Returns which arguments are sent as parameters: the row's own ones that are neither in the path nor filters.
fn sent(tool: &Tool, template: &str) -> Vec<&'static str> {
    let fills = |name: &str| template.contains(&format!("{{{name}}}"));
    tool.params.iter().filter(|param| !param.filter && !fills(param.name)).map(|param| param.name).collect()
}

/// Sends one request: the path is filled in, and the other arguments are sent as parameters.
fn request(context: &Context<'_>, entry: &Entry, method: Method, template: &str, args: &Args) -> Outcome {
    let params = args.params(&sent(entry.tool, template));
    located(context, template, args, |path, guest| {
        if method == Method::Get {
            let value = context.get(path, &params)?.value();
            return match guest {
                Some(guest) if value.is_null() => context.wrap(about(guest).into()),
                _ => context.wrap(value),
            };
        }
        let change = |facts: Map<String, Value>| {
            let value = context.change(method, path, &params)?.value();
            match value.as_str() {
                _ if context.dry => context.wrap(value),
                Some(upid) if entry.tool.task && upid.starts_with("UPID:") => {
                    follow(context, args, upid, facts)
                }
                _ if value.is_null() && !facts.is_empty() => context.wrap(facts.into()),
                _ => context.wrap(value),
            }
        };
        let Some(guest) = guest else { return change(Map::new()) };
        find::with_name(context, guest, || change(about(guest)))
    })
}

/// Sends one request for a list; its rows are filtered and shown with the row's columns.
fn list(context: &Context<'_>, entry: &Entry, template: &str, columns: &[Column], args: &Args) -> Outcome {
    let params = args.params(&sent(entry.tool, template));
    let reply = located(context, template, args, |path, _| context.get(path, &params))?;
    let mut records = rows(&reply)?;
    for param in entry.tool.params.iter().filter(|param| param.filter) {
        if let Some(wanted) = args.get(param.name) {
            let wanted = wanted.as_str().map_or_else(|| wanted.to_string(), str::to_owned);
            find::among(param.name, &wanted, &records)?;
            records.retain(|record| record.text(param.name) == wanted);
        }
    }
    if let Some(first) = columns.first() {
        table::sort(&mut records, &[first.name]);
    }
    list::answer(context, args, &records, columns)
}
