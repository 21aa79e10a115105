//! `clusters`: several clusters in one file. Keys at the top level apply to all of them, except those for address and
//! login: a token must not be sent to another cluster's host. Does no input or output.

use super::keys::{self, KEYS, is_comment};
use serde_json::Value;

/// Keys for a cluster's address and login, which are never inherited from the top level.
const IDENTITY: [&str; 14] = [
    "host",
    "hosts",
    "port",
    "token_id",
    "token_secret",
    "user",
    "password",
    "realm",
    "totp",
    "ca_file",
    "fingerprint",
    "ssl_verify",
    "client_certificate",
    "client_key",
];

/// The pairs of an object, in order.
pub(super) type Pairs = Vec<(String, Value)>;

/// Splits the file's pairs into one set for each cluster, by name; `None` if there is no key `clusters`.
///
/// # Errors
/// `clusters` is not valid: the ends of sentences that begin with "In `file`, ".
pub(super) fn split(pairs: &Pairs) -> Result<Option<Vec<(String, Pairs)>>, Vec<String>> {
    let Some((_, clusters)) = pairs.iter().find(|(key, _)| key == "clusters") else { return Ok(None) };
    let Value::Object(clusters) = clusters else {
        return Err(vec!["`clusters` must be an object that maps each cluster's name to its keys.".into()]);
    };
    if clusters.keys().all(|name| is_comment(name)) {
        return Err(vec!["`clusters` is empty; name at least one cluster.".into()]);
    }
    let mut problems = Vec::new();
    let mut shared: Pairs = Vec::new();
    for (key, value) in pairs.iter().filter(|(key, _)| key != "clusters" && key != "cluster") {
        if IDENTITY.contains(&key.as_str()) {
            problems.push(format!("`{key}` is at the top level; it belongs in one of the `clusters`."));
        } else {
            shared.push((key.clone(), value.clone()));
        }
    }
    let mut files = Vec::new();
    for (name, own) in clusters.iter().filter(|(name, _)| !is_comment(name)) {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if name.is_empty() || name == "all" || !name.chars().all(plain) {
            problems.push(format!(
                "`clusters.{}` is not a valid cluster name: use letters, digits, `-` and `_`, but not `all`.",
                name.escape_debug()
            ));
        }
        let Value::Object(own) = own else {
            problems.push(format!(
                "`clusters.{}` must be an object with the keys of that cluster.",
                name.escape_debug()
            ));
            continue;
        };
        let foreign = own.keys().filter(|key| keys::find(key).is_some_and(|key| !key.per_cluster));
        problems.extend(foreign.map(|key| {
            format!("`clusters.{name}.{key}` applies to the whole server; it belongs at the top level.")
        }));
        let mut file: Pairs = shared.iter().filter(|(key, _)| !own.contains_key(key)).cloned().collect();
        file.extend(own.iter().map(|(key, value)| (key.clone(), value.clone())));
        files.push((name.clone(), file));
    }
    let default = pairs.iter().find(|(key, _)| key == "cluster").map(|(_, value)| value);
    if default.is_some_and(|default| !default.is_string()) {
        problems.push("`cluster` must be the name of one of `clusters`.".into());
    }
    let default = default.and_then(Value::as_str);
    if let Some(default) = default {
        match files.iter().position(|(name, _)| name == default) {
            Some(place) => files[..=place].rotate_right(1),
            None => {
                let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
                problems.push(format!(
                    "`cluster` is `{}`, which is not one of {}.",
                    default.escape_debug(),
                    names.join(", ")
                ));
            }
        }
    }
    debug_assert!(IDENTITY.iter().all(|key| KEYS.iter().any(|row| row.name == *key && row.per_cluster)));
    if problems.is_empty() { Ok(Some(files)) } else { Err(problems) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pairs(value: Value) -> Pairs {
        let Value::Object(object) = value else { panic!() };
        object.into_iter().collect()
    }

    #[test]
    fn what_is_shared_is_taken_over_and_what_identifies_is_not() {
        let file = pairs(json!({
            "timeout": 20, "access": "read-only", "cluster": "prod",
            "clusters": {"lab": {"host": "a", "access": "full"}, "prod": {"host": "b"}}
        }));
        let files = split(&file).unwrap().unwrap();
        assert_eq!(files[0].0, "prod", "the default comes first");
        assert_eq!(files[1].1, pairs(json!({"timeout": 20, "host": "a", "access": "full"})));
        assert!(split(&pairs(json!({"host": "a"}))).unwrap().is_none());
        for (wrong, words) in [
            (json!({"clusters": []}), "must be an object"),
            (json!({"clusters": {}}), "is empty"),
            (json!({"clusters": {"//lab": {"host": "a"}}}), "is empty"),
            (json!({"cluster": 5, "clusters": {"lab": {}}}), "must be the name"),
            (json!({"host": "a", "clusters": {"lab": {}}}), "`host` is at the top level"),
            (json!({"clusters": {"all": {}}}), "not a valid cluster name"),
            (json!({"clusters": {"lab": 5}}), "must be an object"),
            (json!({"clusters": {"lab": {"toolsets": []}}}), "top level"),
            (json!({"cluster": "x", "clusters": {"lab": {}}}), "not one of lab"),
        ] {
            let problems = split(&pairs(wrong)).unwrap_err();
            assert!(problems[0].contains(words), "{problems:?}");
        }
    }
}
