//! Parses property strings such as `virtio,bridge=vmbr0`, with default keys and key aliases.

use super::Param;

/// Returns keys and values, with aliases replaced by the key's own name. Unknown keys are kept, for the check to
/// reject.
pub(super) fn parse<'a>(keys: &[Param], text: &'a str) -> Result<Vec<(&'a str, &'a str)>, String> {
    let mut values: Vec<(&str, &str)> = Vec::new();
    let mut put = |key: &'a str, value: &'a str| {
        if values.iter().any(|(known, _)| *known == key) {
            return Err(format!("duplicate key in comma-separated list property: {key}"));
        }
        values.push((key, value));
        Ok(())
    };
    let find = |name: &str| keys.iter().find(|key| key.name() == name);
    for part in text.split(',').filter(|part| !part.trim().is_empty()) {
        match part.split_once('=') {
            None => match keys.iter().find(|key| key.is_default_key()) {
                Some(key) => put(key.name(), part)?,
                None => return Err("value without key, but schema does not define a default key".to_owned()),
            },
            Some((name, value)) if name.is_empty() || value.is_empty() => {
                return Err("missing key in comma-separated list property".to_owned());
            }
            Some((name, value)) => {
                let alias = find(name).and_then(Param::alias);
                if let Some((_, Some(takes_name))) = alias {
                    put(takes_name, name)
                        .map_err(|_| format!("key alias '{takes_name}' is already defined"))?;
                }
                let name = alias.map_or(name, |(key, _)| key);
                let is_flag = find(name).is_some_and(|key| key.kind() == "boolean");
                put(name, if is_flag { flag(value) } else { value })?;
            }
        }
    }
    Ok(values)
}

/// Converts the booleans that property strings allow to 1 and 0; keeps anything else, for the type check to reject.
fn flag(value: &str) -> &str {
    match value.to_ascii_lowercase().as_str() {
        "1" | "on" | "yes" | "true" => "1",
        "0" | "off" | "no" | "false" => "0",
        _ => value,
    }
}
