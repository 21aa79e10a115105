//! Answers with a list, with the columns, page and format that the call asked for.

use crate::tools::{
    answer::{
        Outcome,
        record::Record,
        table::{self, Column, Selection},
    },
    run::{Args, Context},
};

/// Answers with a list, according to the arguments of the call and the settings.
///
/// # Errors
/// Fails if a column is asked for that no row has.
pub fn answer(context: &Context<'_>, args: &Args, records: &[Record<'_>], columns: &[Column]) -> Outcome {
    answer_with(context, args, records, columns, &[])
}

/// Like [`answer`], with sentences about what is missing from the list.
///
/// # Errors
/// Fails if a column is asked for that no row has.
pub fn answer_with(
    context: &Context<'_>,
    args: &Args,
    records: &[Record<'_>],
    columns: &[Column],
    missing: &[String],
) -> Outcome {
    let selection = Selection {
        fields: args.texts("fields").collect(),
        conditions: args.texts("where").collect(),
        offset: args.count("offset").unwrap_or(0),
        limit: args.count("limit").unwrap_or(records.len()),
        max_bytes: context.config.max_answer_bytes,
        format: context.config.list_format,
    };
    table::write(&selection, records, columns, missing)
}
