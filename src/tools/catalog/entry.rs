//! A tool under one name: a row of the catalog, or one of the two tools that a row defines for VMs and containers.

use crate::{
    pve::api::find_template,
    tools::{
        api::request as api,
        param::{Effect, Kind, Param},
        row::{Run, Tool},
        run::clusters::Cluster,
    },
};
use serde_json::{Map, Value};

/// A tool under one name: a whole row, or one of the two tools of a row.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The row of the catalog.
    pub tool: &'static Tool,
    /// The tool's name.
    pub name: &'static str,
    /// The kind of guest, if the row defines one tool for VMs and one for containers.
    pub kind: Option<Kind>,
    /// The toolset it belongs to.
    pub toolset: &'static str,
}

impl Entry {
    /// The description, with `{guest}` replaced by `VM` or `container`.
    #[must_use]
    pub fn about(&self) -> String {
        self.tool.about.replace("{guest}", self.kind.map_or("guest", Kind::word))
    }

    /// A sentence naming the setting of the cluster that forbids this tool, if one does.
    #[must_use]
    pub fn forbidden_in(&self, cluster: &Cluster) -> Option<String> {
        cluster.forbidden(self.name, self.tool.effect == Effect::Read)
    }

    /// The title, such as `Start VM` for `proxmox_start_vm`.
    #[must_use]
    pub fn title(&self) -> String {
        let words =
            self.name.strip_prefix("proxmox_").unwrap_or(self.name).split('_').map(|word| match word {
                "vm" => "VM".to_owned(),
                "vms" => "VMs".to_owned(),
                "api" => "API".to_owned(),
                "ha" => "HA".to_owned(),
                word => word.to_owned(),
            });
        let title = words.collect::<Vec<_>>().join(" ");
        let mut letters = title.chars();
        letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
    }

    /// Its parameters, without those that only the other tool of the row has.
    pub fn params(&self) -> impl Iterator<Item = &'static Param> + Clone + use<> {
        let (tool, kind) = (self.tool, self.kind);
        tool.all_params().filter(move |param| param.only.is_none_or(|only| kind == Some(only)))
    }

    /// Whether the API method behind the tool has a parameter of that name. For the API tools, the arguments of the
    /// call name the method.
    #[must_use]
    pub fn takes(&self, name: &str, given: &Map<String, Value>) -> bool {
        if let Some(row) = api::row_of(given).filter(|_| self.toolset == "api") {
            return row.open() || row.param(name).is_some();
        }
        let single = match self.tool.run {
            Run::Api(method, path) => Some((method, path)),
            _ => None,
        };
        let kinds: &[Kind] = match &self.kind {
            Some(kind) => std::slice::from_ref(kind),
            None => &[Kind::Vm, Kind::Container],
        };
        let mut methods = single.iter().chain(self.tool.behind);
        methods.any(|(method, path)| {
            kinds.iter().any(|kind| {
                let row = find_template(*method, &path.replace("{type}", kind.api_type()));
                row.is_some_and(|row| row.open() || row.param(name).is_some())
            })
        })
    }
}
