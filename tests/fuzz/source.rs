//! Interprets bytes as choices: numbers, words, JSON values. A changed byte is another choice, so the result is always
//! well-formed and mostly nearly valid.

use proxmox_mcp::tools::param::{Param, Shape};
use serde_json::{Map, Value, json};

/// Text that has caused injection bugs in other programs: paths, headers, queries, forms, templates, scripts.
pub const NASTY: &[&str] = &[
    "",
    ".",
    "..",
    "/",
    "//",
    "../..",
    "%2e%2e",
    "%2F",
    "%252F",
    "%",
    "%0d%0a",
    "\r\n",
    "\r\nHost: evil",
    "\n",
    "\0",
    "?",
    "?a=b",
    "#",
    "&",
    ";",
    "=",
    "a=b&c=d",
    "a;b",
    "\\",
    "\\..\\",
    " ",
    "+",
    "\t",
    "\u{7f}",
    "\u{85}",
    "\u{202e}",
    "\u{feff}",
    "é",
    "日本",
    "𝒳",
    "{node}",
    "{",
    "}",
    "{}",
    "{{x}}",
    "$(id)",
    "`id`",
    "'",
    "\"",
    "<b>",
    ",",
    ",,",
    "|",
    "*",
    "~",
    "^",
    ":",
    "@",
    "!",
    "null",
    "true",
    "-1",
    "0",
    "00",
    "+1",
    "1e3",
    "1.5",
    "NaN",
    "0x10",
    "99999999999999999999",
    "-9223372036854775808",
    "٣",
];

/// Text that is valid somewhere in the sample cluster.
pub const FITTING: &[&str] = &[
    "pve1",
    "pve2",
    "pve3",
    "100",
    "101",
    "106",
    "200",
    "900",
    "local",
    "shared",
    "local-lvm",
    "vmbr0",
    "web01",
    "running",
    "stopped",
    "shared:iso/debian-13-netinst.iso",
    "shared:backup/vzdump-qemu-100-2026_11_20-01_00_00.vma.zst",
    "local:iso/a.iso",
    "shared:vztmpl/alpine-3.20-tiny_3.20_amd64.tar.zst",
    "root@pam",
    "alice@pve",
    "root@pam!demo",
    "dev",
    "prod",
    "admin",
    "10.0.0.0/8",
    "10.0.0.1",
    "scsi0",
    "net0",
    "virtio,bridge=vmbr0",
    "local-lvm:4",
    "status=running",
    "vmid!=100",
    "name~web",
    "name,vmid",
    "1",
    "yes",
    "before-update",
    "status",
    "config",
    "current",
    "options",
    "rules",
    "groups",
    "login",
    "domains",
    "dns",
    "index",
    "agent",
    "content",
    "upload",
    "tfa",
    "resources",
    "manual-status",
    "local",
    "vm:100",
    "vm",
    "resource",
    "user",
    "group",
    "alias",
    "ipset",
    "in",
    "ACCEPT",
    "uptime",
    "df -h",
    "en",
    "day",
    "AVERAGE",
    "UPID:pve1:000002AE:000ADB4F:6B00EC8C:qmstart:100:root@pam:",
    "/nodes/{node}/qemu/{vmid}/config",
    "/nodes/pve1/qemu/100",
    "/cluster/resources",
    "/storage/{storage}",
    "/access/users",
    "resize disk",
    "4G",
    "+4G",
    "GET",
    "PUT",
    "DELETE",
];

/// Reads choices from an input; after its end every choice is the first one.
pub struct Source<'a> {
    bytes: &'a [u8],
}

impl<'a> Source<'a> {
    pub fn new(bytes: &'a [u8]) -> Source<'a> {
        Source { bytes }
    }

    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub fn rest(&self) -> &'a [u8] {
        self.bytes
    }

    pub fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.bytes.split_first() else { return 0 };
        self.bytes = rest;
        *first
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        let mut number = usize::from(self.byte());
        if 256 < bound {
            number = number << 8 | usize::from(self.byte());
        }
        number % bound.max(1)
    }

    pub fn pick<'t, T>(&mut self, of: &'t [T]) -> &'t T {
        &of[self.below(of.len())]
    }

    pub fn chance(&mut self, in_256: u8) -> bool {
        self.byte() < in_256
    }

    /// The next bytes as text, preceded by its length.
    pub fn raw_text(&mut self) -> String {
        let length = self.below(24).min(self.bytes.len());
        let (text, rest) = self.bytes.split_at(length);
        self.bytes = rest;
        String::from_utf8_lossy(text).into_owned()
    }

    pub fn text(&mut self) -> String {
        match self.byte() {
            0..=99 => (*self.pick(FITTING)).to_owned(),
            100..=159 => (*self.pick(NASTY)).to_owned(),
            160..=199 => format!("{}{}", self.pick(FITTING), self.pick(NASTY)),
            200..=219 => format!("{}{}{}", self.pick(NASTY), self.pick(FITTING), self.pick(NASTY)),
            220..=249 => self.raw_text(),
            _ => self.pick(&["x", "é", ",", "../", "%2e"]).repeat(1 + 8 * self.below(64)),
        }
    }

    pub fn number(&mut self) -> i64 {
        match self.byte() {
            0..=127 => *self.pick(&[0, 1, 2, 8, 100, 101, 106, 200, 512, 900, 901, 9999]),
            128..=191 => {
                *self.pick(&[-1, i64::MAX, i64::MIN, 1 << 32, 1 << 53, 999_999_999, 1_000_000_000, 65_536])
            }
            _ => i64::from(self.byte()) << self.below(57),
        }
    }

    /// Any JSON value, nested at most this deep.
    pub fn json(&mut self, depth: usize) -> Value {
        match self.below(if depth == 0 { 6 } else { 9 }) {
            0 => self.text().into(),
            1 => self.number().into(),
            2 => json!(self.chance(128)),
            3 => Value::Null,
            4 => json!(*self.pick(&[0.5, 100.0, -0.0, 1e15, 1e300, 100.5, 18_446_744_073_709_551_615.0])),
            5 => json!(u64::MAX - u64::from(self.byte())),
            6 => (0..self.below(4)).map(|_| self.json(depth - 1)).collect(),
            _ => Value::Object((0..self.below(4)).map(|_| (self.text(), self.json(depth - 1))).collect()),
        }
    }

    /// A value for a parameter: mostly a valid one, sometimes any.
    pub fn value(&mut self, param: &Param) -> Value {
        if self.chance(32) {
            return self.json(2);
        }
        match param.shape {
            Shape::Int(least, most) => match self.byte() {
                0..=159 => self.number().clamp(least, most).into(),
                160..=191 => least.into(),
                192..=223 => most.to_string().into(),
                _ => self.number().into(),
            },
            Shape::Text => self.text().into(),
            Shape::Flag => {
                self.pick(&[json!(true), json!(false), json!("yes"), json!(0), json!("Off")]).clone()
            }
            Shape::OneOf(words) => match self.byte() {
                0..=199 => (*self.pick(words)).into(),
                200..=219 => self.pick(words).to_uppercase().into(),
                _ => self.text().into(),
            },
            Shape::Texts | Shape::Words => match self.byte() {
                0..=127 => (0..self.below(4)).map(|_| Value::from(self.text())).collect(),
                _ => self.text().into(),
            },
            Shape::Objects => (0..self.below(3)).map(|_| json!({self.text(): self.json(2)})).collect(),
            Shape::More => {
                Value::Object((0..self.below(5)).map(|_| (self.text(), self.json(2))).collect::<Map<_, _>>())
            }
        }
    }

    /// Arguments for these parameters: mostly the required ones, sometimes others, rarely an unknown one.
    pub fn arguments(&mut self, params: impl Iterator<Item = &'static Param>) -> Map<String, Value> {
        let mut arguments = Map::new();
        for param in params {
            if self.chance(if param.required { 244 } else { 80 }) {
                let value = self.value(param);
                arguments.insert(param.name.to_owned(), value);
            }
        }
        if self.chance(16) {
            arguments.insert(self.text(), self.json(2));
        }
        arguments
    }
}
