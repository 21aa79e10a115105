//! JSON as Perl writes it: the keys of every object are in random order.

use crate::demo::chance::Rng;
use serde_json::Value;

/// Appends a value to the bytes.
pub(crate) fn write(value: &Value, chance: &mut Rng, out: &mut Vec<u8>) {
    match value {
        Value::Object(object) => {
            let mut entries: Vec<(&String, &Value)> = object.iter().collect();
            chance.shuffle(&mut entries);
            out.push(b'{');
            for (at, (key, value)) in entries.into_iter().enumerate() {
                if at != 0 {
                    out.push(b',');
                }
                plain(key, out);
                out.push(b':');
                write(value, chance, out);
            }
            out.push(b'}');
        }
        Value::Array(items) => {
            out.push(b'[');
            for (at, item) in items.iter().enumerate() {
                if at != 0 {
                    out.push(b',');
                }
                write(item, chance, out);
            }
            out.push(b']');
        }
        Value::String(text) => plain(text, out),
        Value::Null | Value::Bool(_) | Value::Number(_) => plain(value, out),
    }
}

/// Appends a value that is not an object or array.
fn plain(value: &(impl serde::Serialize + ?Sized), out: &mut Vec<u8>) {
    serde_json::to_writer(out, value).expect("texts and numbers can be written to memory");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::chance::RandomSource;
    use serde_json::json;

    #[test]
    fn all_orders_mean_the_same_and_are_not_the_same_bytes() {
        let value =
            json!({"a": [1, null, {"b": "\u{e4}\"\n", "c": 1.5, "d": {}}], "e": true, "f": [], "g": -1});
        let seed = RandomSource::new(11);
        let written: Vec<String> = (0..50)
            .map(|_| {
                let mut out = Vec::new();
                write(&value, &mut seed.next("x"), &mut out);
                String::from_utf8(out).unwrap()
            })
            .collect();
        assert!(written.iter().all(|text| serde_json::from_str::<Value>(text).unwrap() == value));
        for (first, second) in [("\"a\"", "\"e\""), ("\"b\"", "\"c\"")] {
            let before = |text: &&String| text.find(first) < text.find(second);
            let count = written.iter().filter(before).count();
            assert!((5..45).contains(&count), "{first} came before {second} in {count} of 50");
        }
    }
}
