//! The whole API through four tools.

use crate::tools::{
    api::{call, look},
    param::{CONFIRM, DRY_RUN, Effect, FIELDS, LIMIT, OFFSET, Param, WAIT},
    row::Tool,
};

/// A path, filled in or as a template.
const PATH: Param = Param::text("path");
const ARGUMENTS: Param = Param::more("arguments").about("Method parameters.").apart();
/// The part of the answer to return, such as `a.b.0`.
const AT: Param = Param::text("at").optional();
/// Sends a path or parameters that the table of the API does not contain.
const UNCHECKED: Param = Param::flag("unchecked").unlisted();

/// The tools of this toolset.
pub const TOOLS: &[Tool] = &[
    Tool::with("proxmox_search_api", Effect::Read, look::search)
        .about("Search all 680 API methods for what other tools lack.")
        .params(&[Param::text("query"), FIELDS.unlisted(), LIMIT, OFFSET.unlisted()])
        .core(),
    Tool::with("proxmox_describe_api", Effect::Read, look::describe)
        .about("Parameters and privileges of an API method; with param, its keys (net0).")
        .params(&[
            PATH,
            Param::one_of("method", METHODS).optional(),
            Param::text("param").optional(),
            OFFSET.unlisted(),
        ])
        .core(),
    Tool::with("proxmox_get_api", Effect::Read, call::run)
        .about("GET any API path; `at` selects part of the answer (a.b.0).")
        .params(&[PATH, ARGUMENTS, AT, FIELDS, LIMIT, OFFSET, UNCHECKED])
        .core(),
    Tool::with("proxmox_call_api", Effect::Ask, call::run)
        .about("Call any API method that changes something.")
        .params(&[
            Param::one_of("method", CHANGING),
            PATH,
            ARGUMENTS,
            AT.unlisted(),
            FIELDS.unlisted(),
            LIMIT,
            OFFSET.unlisted(),
            UNCHECKED,
        ])
        .task()
        .core(),
];

const METHODS: &[&str] = &["GET", "POST", "PUT", "DELETE"];
const CHANGING: &[&str] = &["POST", "PUT", "DELETE"];

/// What a call of a tool from the configuration may contain besides the parameters of its method.
pub(in crate::tools) const CONTROLS: &[Param] =
    &[Param::text("method").optional(), PATH, ARGUMENTS, AT, FIELDS, LIMIT, OFFSET, WAIT, CONFIRM, DRY_RUN];
