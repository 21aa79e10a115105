//! One tool under one name: a row of the catalog, or one half of a row that is two tools.

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

/// One tool under one name: half of a row that is two tools, or a whole row.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The row.
    pub tool: &'static Tool,
    /// The tool's name.
    pub name: &'static str,
    /// Which half it is.
    pub kind: Option<Kind>,
    /// The toolset it belongs to.
    pub toolset: &'static str,
}

impl Entry {
    /// The description, the guest's word filled in.
    #[must_use]
    pub fn about(&self) -> String {
        self.tool.about.replace("{guest}", self.kind.map_or("guest", Kind::word))
    }

    /// The sentence that says which setting of a cluster forbids it.
    #[must_use]
    pub fn forbidden_in(&self, cluster: &Cluster) -> Option<String> {
        cluster.forbidden(self.name, self.tool.effect == Effect::Read)
    }

    /// `Start VM` for `proxmox_start_vm`.
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

    /// Its parameters, those left out that only the other half of the row has.
    pub fn params(&self) -> impl Iterator<Item = &'static Param> + Clone + use<> {
        let (tool, kind) = (self.tool, self.kind);
        tool.all_params().filter(move |param| param.only.is_none_or(|only| kind == Some(only)))
    }

    /// Whether a name is a parameter of the method behind the tool, of which a call may have been given these arguments.
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
