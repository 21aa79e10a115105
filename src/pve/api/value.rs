//! Converts JSON values to the text form of Proxmox parameters.

use super::Param;
use crate::pve::Params;
use serde_json::Value;

/// Adds a parameter in the form that its definition `param` requires: a boolean as 1 or 0, a list as one parameter per
/// item or, if it is a string, separated by commas, an object as `key=value,…`. `null` adds nothing. Without a
/// definition, the form is guessed from the value.
pub fn push(params: &mut Params, param: Option<&Param>, name: &str, value: &Value) {
    match value {
        Value::Null => {}
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| text(param, item)).collect();
            let as_text = param.is_some_and(|param| {
                !param.is_list() && param.format().is_some_and(|name| name.ends_with("-list"))
            });
            if as_text {
                params.push(name, items.join(","));
            } else {
                items.iter().for_each(|item| params.push(name, item));
            }
        }
        value => params.push(name, text(param, value)),
    }
}

fn text(param: Option<&Param>, value: &Value) -> String {
    match (param.map(Param::kind), value) {
        (Some("boolean"), Value::String(word)) => match word.trim().to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" => "1".into(),
            "false" | "no" | "off" => "0".into(),
            _ => word.trim().into(),
        },
        (Some("integer"), Value::Number(number)) => match number.as_f64() {
            // Some clients send all numbers as floating point.
            Some(float) if float.fract() == 0.0 && float.abs() < 1e15 && !number.is_i64() => {
                format!("{float:.0}")
            }
            _ => number.to_string(),
        },
        (Some("integer" | "number"), Value::String(word)) => word.trim().into(),
        (_, value) => plain(value),
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::Bool(flag) => u8::from(*flag).to_string(),
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        Value::Number(number) => number.to_string(),
        // Inside a property string, lists are separated by semicolons.
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(";"),
        Value::Object(keys) => {
            let pairs = keys.iter().filter(|(_, value)| !value.is_null());
            pairs.map(|(key, value)| format!("{key}={}", plain(value))).collect::<Vec<_>>().join(",")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pve::{Method, api::find_template};
    use serde_json::json;

    #[test]
    fn values_are_written_as_proxmox_takes_them() {
        let row = find_template(Method::Put, "/nodes/{node}/qemu/{vmid}/config").unwrap();
        for (name, value, expected) in [
            ("onboot", json!(true), "onboot=1"),
            ("onboot", json!("no"), "onboot=0"),
            ("onboot", json!(1), "onboot=1"),
            ("cores", json!(2.0), "cores=2"),
            ("cores", json!(" 2 "), "cores=2"),
            ("delete", json!(["a", "b"]), "delete=a%2Cb"),
            ("description", json!(null), ""),
            ("description", json!(7), "description=7"),
            (
                "net0",
                json!({"model": "virtio", "firewall": true, "x": null}),
                "net0=model%3Dvirtio%2Cfirewall%3D1",
            ),
            ("unknown", json!(["a", 1]), "unknown=a&unknown=1"),
        ] {
            let mut params = Params::new();
            push(&mut params, row.param(name).as_ref(), name, &value);
            assert_eq!(params.encode(), expected, "{name}: {value}");
        }
    }
}
