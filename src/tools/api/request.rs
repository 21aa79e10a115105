//! A call of an API method, checked against the API table before anything is sent.

use crate::{
    pve::{
        Method, Params,
        api::{self, Kind, Place, Row, words},
        params::encode_into,
        path,
    },
    tools::{
        answer::Failure,
        param::Kind as GuestKind,
        run::{args::Args, context::Context, find, replaced, risk},
    },
};
use serde_json::{Map, Value};

/// A call that has been checked against the API table.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The method's row in the table; `None` for an unknown path that was let through.
    pub row: Option<Row>,
    /// The values of the path's placeholders.
    pub values: Vec<(String, String)>,
    /// The parameters that are not in the path.
    pub params: Params,
    /// The path with its placeholders: the row's, or the given one.
    template: String,
}

impl Request {
    /// Reads `method` (default GET), `path`, `arguments` and `unchecked`.
    ///
    /// # Errors
    /// Fails with a sentence for every problem of the path or the parameters, with the nearest valid name or value.
    pub fn read(args: &Args) -> Result<Request, Failure> {
        let method = args.text("method").and_then(Method::from_word).unwrap_or(Method::Get);
        let place = Place::read(args.text("path").unwrap_or_default()).map_err(Failure::new)?;
        let none = Map::new();
        let given = args.get("arguments").and_then(Value::as_object).unwrap_or(&none);
        let unchecked = args.flag("unchecked") == Some(true);
        let known = place.find(method);
        let found = match known {
            Ok(found) => found,
            Err(_) if unchecked => return unknown(method, &place, given),
            Err(sentence) => {
                return Err(Failure::new(format!(
                    "{sentence} proxmox_search_api finds methods by words. Nothing was sent; for a server newer than this \
                     table, repeat the call with `unchecked`: true."
                )));
            }
        };
        let row = found.row;
        if let Some(why) = risk::refusal(&row) {
            return Err(Failure::new(format!("`{method} {}` is not called here: {why}.", row.path())));
        }
        let mut values = Vec::new();
        for (name, value) in &found.values {
            let own = hole(value).is_none().then(|| value.clone());
            let other = given.get(*name).filter(|value| !value.is_null()).map(plain);
            match (own, other) {
                (Some(own), Some(other)) if own != other => {
                    return Err(Failure::new(format!(
                        "`{name}` is `{}` in the path and `{}` in `arguments`; give it once.",
                        own.escape_debug(),
                        other.escape_debug()
                    )));
                }
                (own, other) => values.extend(own.or(other).map(|value| ((*name).to_owned(), value))),
            }
        }
        let mut params = Params::new();
        for (name, value) in
            given.iter().filter(|(name, _)| !found.values.iter().any(|(hole, _)| hole == name))
        {
            api::push(&mut params, row.param(name).as_ref(), name, value);
        }
        // Values that a PUT would lose are sent along, unless they are given as null, which removes them.
        let gone = replaced::lost_unless_sent(&row)
            .iter()
            .filter(|name| given.get(**name).is_some_and(Value::is_null));
        let gone: Vec<&str> = gone.copied().collect();
        let request = Request { method, row: Some(row), values, params, template: row.path().to_owned() };
        if !unchecked {
            request.check(&row)?;
        }
        let mut request = request;
        if !gone.is_empty() {
            request.params.push("delete", gone.join(","));
        }
        Ok(request)
    }

    /// Returns whether the node must be looked up by the guest's VMID.
    #[must_use]
    pub fn lacks_node(&self) -> bool {
        let guest = ["/nodes/{node}/qemu/{vmid}", "/nodes/{node}/lxc/{vmid}"];
        guest.iter().any(|prefix| self.template.starts_with(prefix)) && self.value("node").is_none()
    }

    /// Returns the value of a placeholder of the path.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        self.values.iter().find(|(hole, _)| hole == name).map(|(_, value)| value.as_str())
    }

    /// Returns the value of a placeholder or parameter.
    #[must_use]
    pub fn any(&self, name: &str) -> Option<&str> {
        self.value(name).or_else(|| self.params.get(name))
    }

    /// Returns the path with its placeholders.
    #[must_use]
    pub fn template(&self) -> &str {
        &self.template
    }

    /// Returns the guest's kind, if the path is that of a guest or creates one.
    #[must_use]
    pub fn kind(&self) -> Option<GuestKind> {
        GuestKind::from_api_type(self.template.strip_prefix("/nodes/{node}/")?.split('/').next()?)
    }

    /// Returns the path as it is sent. Looks up the node of a guest if it is not given.
    ///
    /// # Errors
    /// Fails if there is no such guest, or if a value cannot be part of a path.
    pub fn path(&self, context: &Context<'_>) -> Result<String, Failure> {
        let mut node = self.value("node").map(str::to_owned);
        if self.lacks_node() {
            let vmid = self.value("vmid").and_then(|vmid| vmid.parse().ok()).unwrap_or_default();
            let kind = self.kind();
            node = Some(find::guest_of(context, vmid, None, kind)?.node);
        }
        let value_of = |hole: &str| match hole {
            "node" => node.clone(),
            hole => self.value(hole).map(str::to_owned),
        };
        path::fill(&self.template, value_of).map_err(Failure::new)
    }

    fn check(&self, row: &Row) -> Result<(), Failure> {
        let mut given: Vec<(&str, &str)> =
            self.values.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        if self.lacks_node() {
            given.push(("node", "found-later"));
        }
        given.extend(self.params.iter());
        let problems = row.check(&given);
        let value_of = |name: &str| {
            let (base, at) = name
                .split_once('[')
                .map_or((name, 0), |(base, rest)| (base, rest.trim_end_matches(']').parse().unwrap_or(0)));
            given.iter().filter(|(name, _)| *name == base).nth(at).map(|(_, value)| *value)
        };
        let mut sentences: Vec<String> =
            problems.iter().map(|problem| words::sentence(row, problem, value_of(&problem.param))).collect();
        // The filled-in path is checked as it will be sent, too: no value may change it into another path.
        if !problems.iter().any(|problem| problem.kind == Kind::Missing) {
            let filled = path::fill(&self.template, |hole| {
                let later = (hole == "node" && self.lacks_node()).then_some("found-later");
                self.value(hole).or(later).map(str::to_owned)
            });
            sentences.extend(filled.err());
        }
        if sentences.is_empty() {
            return Ok(());
        }
        Err(Failure::new(format!("{} Nothing was sent.", sentences.join(" "))))
    }
}

/// Returns the method that a call names by `method` and `path`.
#[must_use]
pub fn row_of(given: &Map<String, Value>) -> Option<Row> {
    let text = |name: &str| given.get(name).and_then(Value::as_str);
    let method = text("method").map_or(Some(Method::Get), Method::from_word)?;
    Some(Place::read(text("path")?).ok()?.find(method).ok()?.row)
}

/// Builds a request for a path that the table does not know, as it is written.
fn unknown(method: Method, place: &Place, given: &Map<String, Value>) -> Result<Request, Failure> {
    let (mut values, mut template) = (Vec::new(), String::new());
    for segment in place.segments() {
        template.push('/');
        match hole(segment) {
            Some(name) => {
                let value = given.get(name).filter(|value| !value.is_null()).ok_or_else(|| {
                    Failure::new(format!(
                        "`{}` is missing in `arguments`; it is a part of the path.",
                        name.escape_debug()
                    ))
                })?;
                values.push((name.to_owned(), plain(value)));
                template.push_str(segment);
            }
            None => encode_into(&mut template, segment),
        }
    }
    path::fill(&template, |hole| {
        values.iter().find(|(name, _)| name == hole).map(|(_, value)| value.clone())
    })
    .map_err(Failure::new)?;
    let mut params = Params::new();
    for (name, value) in given.iter().filter(|(name, _)| !values.iter().any(|(hole, _)| hole == *name)) {
        api::push(&mut params, None, name, value);
    }
    Ok(Request { method, row: None, values, params, template })
}

/// Returns the name in `{name}`.
fn hole(segment: &str) -> Option<&str> {
    segment.strip_prefix('{')?.strip_suffix('}')
}

/// Formats a value for a path.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
