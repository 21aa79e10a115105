//! Values that Proxmox expects and stores percent-encoded: parameters of the format `urlencoded`, such as a VM's
//! `sshkeys`, and keys of that format in property strings, such as a disk's `serial`. Callers may give
//! them encoded or not.

use super::Param;
use crate::pve::params::encode_into;

/// Which part of a parameter's value is encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Encoded {
    /// The whole value.
    Whole,
    /// The values of these keys of a property string.
    Keys(Vec<&'static str>),
}

/// The format's name in the table.
const FORMAT: &str = "urlencoded";
/// The maximum number of times that a given value is decoded, as it may have been encoded several times by mistake.
const MOST: usize = 3;

impl Encoded {
    /// Which part of a parameter is encoded, if any.
    #[must_use]
    pub fn of(param: &Param) -> Option<Encoded> {
        if param.format() == Some(FORMAT) {
            return Some(Encoded::Whole);
        }
        let keys = param.keys()?.filter(|key| key.format() == Some(FORMAT)).map(|key| key.name());
        Some(keys.collect()).filter(|keys: &Vec<_>| !keys.is_empty()).map(Encoded::Keys)
    }

    /// The value as Proxmox expects it, whether it was given raw or encoded.
    #[must_use]
    pub fn encode(&self, value: &str) -> String {
        self.each(value, |text| {
            let mut encoded = String::new();
            encode_into(&mut encoded, &raw(text));
            encoded
        })
    }

    /// The value in readable form.
    #[must_use]
    pub fn decode(&self, value: &str) -> String {
        self.each(value, |text| match (self, decoded(text)) {
            (_, None) => text.to_owned(),
            // A comma would split the property string.
            (Encoded::Keys(_), Some(plain)) if plain.contains(',') => text.to_owned(),
            (_, Some(plain)) => plain,
        })
    }

    fn each(&self, value: &str, change: impl Fn(&str) -> String) -> String {
        let Encoded::Keys(keys) = self else { return change(value) };
        let parts = value.split(',').map(|part| match part.split_once('=') {
            Some((key, inner)) if keys.contains(&key.trim()) => format!("{key}={}", change(inner)),
            _ => part.to_owned(),
        });
        parts.collect::<Vec<_>>().join(",")
    }
}

/// The raw value of a given text. A text with blanks is raw; a text in which every `%` begins an escape is decoded,
/// also if it was encoded twice, or with `+` for blanks.
fn raw(text: &str) -> String {
    let mut text = text.to_owned();
    for _ in 0..MOST {
        if text.contains(char::is_whitespace) || !text.contains('%') {
            break;
        }
        // Form encoding uses `+` for a blank; then there is no `%20`.
        let form = !text.contains("%20") && text.contains("%2B") | text.contains("%2F") && text.contains('+');
        let Some(plain) = decoded(&if form { text.replace('+', "%20") } else { text.clone() }) else { break };
        text = plain;
    }
    text
}

/// Percent-decodes a text; `None` if a `%` is not an escape, or if the result is not UTF-8.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = str::from_utf8(after.get(..2)?).ok()?;
        let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        bytes.push(u8::from_str_radix(digits, 16).ok().filter(|_| is_hex)?);
        rest = &after[2..];
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pve::{Method, api::find_template};

    fn of(name: &str) -> Option<Encoded> {
        let row = find_template(Method::Put, "/nodes/{node}/qemu/{vmid}/config").unwrap();
        Encoded::of(&row.param(name).unwrap())
    }

    #[test]
    fn the_table_says_what_is_encoded() {
        assert_eq!(of("sshkeys"), Some(Encoded::Whole));
        for name in ["scsi3", "virtio0", "sata0"] {
            assert_eq!(of(name), Some(Encoded::Keys(vec!["serial"])), "{name}");
        }
        let Some(Encoded::Keys(keys)) = of("ide0") else { panic!("ide0 has encoded keys") };
        assert!(keys.contains(&"model") && keys.contains(&"serial"), "{keys:?}");
        for name in ["description", "net0", "cores", "cipassword"] {
            assert_eq!(of(name), None, "{name}");
        }
    }

    #[test]
    fn however_a_value_is_given_it_is_sent_encoded_once() {
        let sent = "ssh-ed25519%20AAAA%2Bc1%2Fx%20me%40host";
        for given in [
            "ssh-ed25519 AAAA+c1/x me@host",
            sent,
            // Partly encoded, encoded twice, and form-encoded.
            "ssh-ed25519%20AAAA+c1/x%20me@host",
            "ssh-ed25519%2520AAAA%252Bc1%252Fx%2520me%2540host",
            "ssh-ed25519+AAAA%2Bc1%2Fx+me%40host",
            "ssh-ed25519%20AAAA%2bc1%2fx%20me%40host",
        ] {
            assert_eq!(Encoded::Whole.encode(given), sent, "{given}");
        }
        assert_eq!(Encoded::Whole.decode(sent), "ssh-ed25519 AAAA+c1/x me@host");
        for (given, sent) in [
            ("a b\nc d\n", "a%20b%0Ac%20d%0A"),
            ("100% sure", "100%25%20sure"),
            ("50%", "50%25"),
            ("plain-1.0_~", "plain-1.0_~"),
            ("é%zz", "%C3%A9%25zz"),
            ("", ""),
        ] {
            assert_eq!(Encoded::Whole.encode(given), sent, "{given}");
            assert_eq!(Encoded::Whole.encode(sent), sent, "{sent}");
            assert_eq!(Encoded::Whole.decode(sent), given);
        }
    }

    #[test]
    fn in_a_property_string_only_its_keys_are_encoded() {
        let serial = Encoded::Keys(vec!["serial"]);
        let (raw, sent) = ("a:vm-1-disk-0,serial=WD 1/2,size=8G", "a:vm-1-disk-0,serial=WD%201%2F2,size=8G");
        assert_eq!(serial.encode(raw), sent);
        assert_eq!(serial.encode(sent), sent);
        assert_eq!(serial.decode(sent), raw);
        assert_eq!(serial.decode("a:1,serial=x%2Cy"), "a:1,serial=x%2Cy", "a comma stays encoded");
        assert_eq!(serial.encode("a:b%20c,size=8G"), "a:b%20c,size=8G");
    }
}
