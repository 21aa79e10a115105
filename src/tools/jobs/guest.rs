//! The properties of new guests: names, addresses and configuration keys.

use crate::{
    pve::Params,
    tools::{
        answer::Failure,
        jobs::{
            read::{bytes, gib, volumes},
            source::{Ground, Source},
        },
        param::Kind,
        run::Args,
    },
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value};
use std::net::IpAddr;

/// The keys for a VM's cloud-init drive; the first free one is used.
const CLOUDINIT: [&str; 4] = ["ide2", "ide0", "ide1", "ide3"];

/// The names of new guests: `web{n}` with 1, 2, 3 … for `{n}`, and two digits for `{nn}`.
///
/// # Errors
/// Fails if a name is not a valid host name.
pub fn names(pattern: &str, count: usize) -> Result<Vec<String>, Failure> {
    let numbered = pattern.contains("{n}") || pattern.contains("{nn}");
    let one = |number: usize| match (numbered, count) {
        (true, _) => pattern.replace("{nn}", &format!("{number:02}")).replace("{n}", &number.to_string()),
        (false, 1) => pattern.to_owned(),
        (false, _) => format!("{pattern}{number}"),
    };
    let names: Vec<String> = (1..=count).map(one).collect();
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    match names.iter().find(|name| !name.split('.').all(is_label)) {
        None => Ok(names),
        Some(wrong) => Err(Failure::new(format!(
            "`name` gives `{}`, but it must be a host name: letters, digits, hyphens and dots. Nothing was done.",
            wrong.escape_debug()
        ))),
    }
}

/// The address part of `ipconfig0` or of a container's `net0` for each guest: `ip=dhcp`, or consecutive addresses.
///
/// # Errors
/// Fails if `address` is not an address with a prefix length, or `gateway` not an address.
pub fn addresses(first: Option<&str>, gateway: Option<&str>, count: usize) -> Result<Vec<String>, Failure> {
    let Some(first) = first.filter(|text| *text != "dhcp") else { return Ok(vec!["ip=dhcp".into(); count]) };
    let wrong = || {
        Failure::new(format!(
            "`address` is `{}`, but it must be an address with its prefix length, such as 192.0.2.10/24, or dhcp; with `count` the next ones follow it. Nothing was done.",
            first.escape_debug()
        ))
    };
    let (address, length) = first.split_once('/').ok_or_else(wrong)?;
    let address: IpAddr = address.parse().map_err(|_| wrong())?;
    let length: u8 = length.parse().map_err(|_| wrong())?;
    if (if address.is_ipv4() { 32 } else { 128 }) < length {
        return Err(wrong());
    }
    let gateway: Option<IpAddr> = match gateway {
        None => None,
        Some(text) => Some(text.parse().map_err(|_| {
            Failure::new(format!(
                "`gateway` is `{}`, but it must be an address. Nothing was done.",
                text.escape_debug()
            ))
        })?),
    };
    let one = |number: usize| {
        let number = u32::try_from(number).ok()?;
        let next = match address {
            IpAddr::V4(address) => IpAddr::V4(u32::from(address).checked_add(number)?.into()),
            IpAddr::V6(address) => IpAddr::V6(u128::from(address).checked_add(number.into())?.into()),
        };
        let (ip, gw) = if next.is_ipv4() { ("ip", "gw") } else { ("ip6", "gw6") };
        let gateway = gateway.map_or_else(String::new, |gateway| format!(",{gw}={gateway}"));
        Some(format!("{ip}={next}/{length}{gateway}"))
    };
    (0..count).map(one).collect::<Option<Vec<_>>>().ok_or_else(wrong)
}

/// The configuration keys that all new guests have in common.
#[derive(Debug)]
pub struct Shape {
    /// The user who logs in.
    pub user: Option<String>,
    /// Memory, in bytes.
    pub memory: u64,
    /// The disk to grow, and its new size in GiB.
    pub resize: Option<(String, i64)>,
    sized: Params,
    more: Params,
    network: Option<String>,
    keys: Option<String>,
    password: Option<String>,
    addressed: bool,
    /// The cloud-init drive to add if the template has none: key and value.
    drive: Option<(String, String)>,
}

impl Shape {
    /// Reads the keys from the arguments and the source.
    ///
    /// # Errors
    /// Fails if a disk would have to shrink.
    pub fn read(args: &Args, source: &Source, ground: &Ground) -> Result<Shape, Failure> {
        let none = Map::new();
        let config = if let Source::Template(_, config) = source { config } else { &none };
        let text = |name: &str| args.text(name).map(str::to_owned);
        let number = |value: &Value| value.as_u64().or_else(|| value.as_str()?.parse().ok());
        let mebibytes = args.int("memory").and_then(|memory| u64::try_from(memory).ok());
        let own = config.get("memory").and_then(number).unwrap_or(default_memory(source));
        let asks = ["user", "sshkeys", "password", "address"].iter().any(|name| args.get(name).is_some());
        let network =
            args.text("bridge").map(str::to_owned).or_else(|| args.int("vlan").map(|_| "vmbr0".into()));
        let tag = args.int("vlan").map_or_else(String::new, |vlan| format!(",tag={vlan}"));
        Ok(Shape {
            user: text("user").or_else(|| config.get("ciuser")?.as_str().map(str::to_owned)),
            memory: mebibytes.unwrap_or(own) << 20,
            resize: resize(args, source, config)?,
            sized: args.params(&["cores", "memory"]),
            more: args.params(&["config"]),
            network: network.map(|bridge| format!("bridge={bridge}{tag}")),
            keys: text("sshkeys"),
            password: text("password"),
            addressed: args.get("address").is_some(),
            drive: drive(source, config, ground).filter(|_| asks),
        })
    }

    /// The configuration changes for a clone.
    #[must_use]
    pub fn changes(&self, kind: Kind, address: &str) -> Params {
        let mut params = self.sized.clone();
        match kind {
            Kind::Vm => {
                if let Some((key, drive)) = &self.drive {
                    params.push(key, drive);
                }
                if let Some(network) = &self.network {
                    params.push("net0", format!("virtio,{network}"));
                }
                let asks = self.keys.is_some() || self.password.is_some() || self.addressed;
                self.cloud(&mut params, if asks { Some(address) } else { None });
            }
            Kind::Container if self.network.is_some() || self.addressed => {
                params.push("net0", self.card(address));
            }
            Kind::Container => {}
        }
        self.further(params)
    }

    /// The parameters that create a guest.
    #[must_use]
    pub fn creation(&self, source: &Source, storage: &str, vmid: i64, name: &str, address: &str) -> Params {
        let mut params = Params::new().with("vmid", vmid);
        let sized = |params: &mut Params| {
            self.sized.iter().for_each(|(name, value)| params.push(name, value));
            if params.get("memory").is_none() {
                params.push("memory", self.memory >> 20);
            }
        };
        match source {
            Source::Container(volume) => {
                params = params.with("hostname", name).with("ostemplate", volume).with("unprivileged", 1);
                sized(&mut params);
                let size = self.resize.as_ref().map_or(8, |(_, size)| *size);
                params = params.with("rootfs", format!("{storage}:{size}")).with("net0", self.card(address));
                if let Some(keys) = &self.keys {
                    params.push("ssh-public-keys", keys);
                }
                if let Some(password) = &self.password {
                    params.push("password", password);
                }
            }
            Source::Iso(volume) => {
                params = params.with("name", name).with("ostype", "l26").with("scsihw", "virtio-scsi-single");
                sized(&mut params);
                let size = self.resize.as_ref().map_or(32, |(_, size)| *size);
                params = params
                    .with("agent", 1)
                    .with("net0", self.virtio())
                    .with("scsi0", format!("{storage}:{size}"))
                    .with("ide2", format!("{volume},media=cdrom"))
                    .with("boot", "order=scsi0;ide2");
            }
            Source::Image(_) | Source::Template(..) => {
                params = params.with("name", name).with("ostype", "l26").with("scsihw", "virtio-scsi-single");
                sized(&mut params);
                params = params.with("agent", 1).with("net0", self.virtio());
                if let Source::Image(volume) = source {
                    params.push("scsi0", format!("{storage}:0,import-from={volume}"));
                }
                params = params
                    .with(CLOUDINIT[0], format!("{storage}:cloudinit"))
                    .with("boot", "order=scsi0")
                    .with("serial0", "socket")
                    .with("vga", "serial0");
                self.cloud(&mut params, Some(address));
            }
        }
        self.further(params)
    }

    fn virtio(&self) -> String {
        format!("virtio,{}", self.network.as_deref().unwrap_or("bridge=vmbr0"))
    }

    /// The network interface of a container, with its address.
    fn card(&self, address: &str) -> String {
        format!("name=eth0,{},{address}", self.network.as_deref().unwrap_or("bridge=vmbr0"))
    }

    /// Adds the cloud-init keys.
    fn cloud(&self, params: &mut Params, address: Option<&str>) {
        if let Some(user) = &self.user {
            params.push("ciuser", user);
        }
        if let Some(password) = &self.password {
            params.push("cipassword", password);
        }
        if let Some(keys) = &self.keys {
            // Proxmox expects them percent-encoded within the value.
            params.push("sshkeys", utf8_percent_encode(keys.trim(), NON_ALPHANUMERIC));
        }
        if let Some(address) = address {
            params.push("ipconfig0", address);
        }
    }

    /// Adds the further keys of the call, which take precedence over the default ones.
    fn further(&self, params: Params) -> Params {
        let ours = params.iter().filter(|(name, _)| self.more.get(name).is_none());
        let all = ours.chain(self.more.iter());
        all.fold(Params::new(), |params, (name, value)| params.with(name, value))
    }

    /// The disk to grow in a step of its own; other sources create it with the right size.
    #[must_use]
    pub fn grows(&self, source: &Source) -> Option<&(String, i64)> {
        let made_so = matches!(source, Source::Iso(_) | Source::Container(_));
        self.resize.as_ref().filter(|_| !made_so)
    }
}

/// The default memory of a guest, in MiB.
fn default_memory(source: &Source) -> u64 {
    if source.kind() == Kind::Vm { 2048 } else { 512 }
}

/// The disk that a guest boots from, and the size it should have.
fn resize(
    args: &Args,
    source: &Source,
    config: &Map<String, Value>,
) -> Result<Option<(String, i64)>, Failure> {
    let Some(wanted) = args.int("disk_size") else { return Ok(None) };
    let Source::Template(template, _) = source else { return Ok(Some(("scsi0".into(), wanted))) };
    let disks: Vec<_> = volumes(config)
        .into_iter()
        .filter(|volume| {
            !volume.cd
                && ["scsi", "virtio", "sata", "ide", "rootfs"]
                    .iter()
                    .any(|family| volume.key.starts_with(family))
        })
        .collect();
    let order = config.get("boot").and_then(Value::as_str).unwrap_or_default();
    let boots = |key: &str| order.split(['=', ';', ',']).any(|part| part == key);
    let disk = disks.iter().find(|disk| boots(&disk.key)).or(disks.first()).ok_or_else(|| {
        Failure::new(format!("{} has no disk to resize. Nothing was done.", template.title()))
    })?;
    let size = u64::try_from(wanted).unwrap_or(0).saturating_mul(bytes("1G"));
    match size.cmp(&disk.size) {
        std::cmp::Ordering::Less => Err(Failure::new(format!(
            "`disk_size` is {wanted} GiB, but {} of the template has {} already, and a disk cannot shrink. Nothing was done.",
            disk.key,
            gib(disk.size)
        ))),
        std::cmp::Ordering::Equal => Ok(None),
        std::cmp::Ordering::Greater => Ok(Some((disk.key.clone(), wanted))),
    }
}

/// The cloud-init drive to add if a VM's template has none.
fn drive(source: &Source, config: &Map<String, Value>, ground: &Ground) -> Option<(String, String)> {
    let Source::Template(template, _) = source else { return None };
    let has = config.values().any(|value| value.as_str().is_some_and(|text| text.contains("cloudinit")));
    if template.kind != Kind::Vm || has {
        return None;
    }
    let key = CLOUDINIT.into_iter().find(|key| !config.contains_key(*key))?;
    let own = volumes(config).into_iter().find(|volume| !volume.cd).map(|volume| volume.storage);
    let storage = ground.storage.clone().or(own)?;
    Some((key.to_owned(), format!("{storage}:cloudinit")))
}

/// How to log in to a new guest.
#[derive(Debug)]
pub struct Login<'a> {
    /// The user who logs in.
    pub user: Option<&'a str>,
    /// Whether a key was given.
    pub keys: bool,
    /// What the guest was created from.
    pub source: &'a Source,
}

impl Login<'_> {
    /// The sentence for the answer.
    #[must_use]
    pub fn sentence(&self) -> String {
        if let Source::Iso(_) = self.source {
            return "The installer waits on the VM's screen: proxmox_get_vm_screen shows it, proxmox_get_console opens it.".into();
        }
        let key = if self.keys { "with the given key" } else { "with the credentials it was set up with" };
        match (self.user, self.source.kind()) {
            (Some(user), _) => format!("Log in with ssh {user}@ADDRESS, {key}."),
            (None, Kind::Container) => format!("Log in with ssh root@ADDRESS, {key}."),
            (None, Kind::Vm) => format!("Log in with ssh and the user of its image, {key}."),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{addresses, names};

    #[test]
    fn names_are_numbered() {
        for (pattern, count, expected) in [
            ("web", 1, Some("web")),
            ("web", 2, Some("web1 web2")),
            ("web{n}.example", 2, Some("web1.example web2.example")),
            ("w-{nn}", 2, Some("w-01 w-02")),
            ("", 1, None),
            ("a b", 1, None),
            ("-a", 1, None),
            ("a..b", 1, None),
        ] {
            let names = names(pattern, count).ok().map(|names| names.join(" "));
            assert_eq!(names.as_deref(), expected, "{pattern}");
        }
    }

    #[test]
    fn addresses_follow_one_another() {
        for (first, gateway, expected) in [
            (None, None, Some("ip=dhcp ip=dhcp")),
            (Some("dhcp"), None, Some("ip=dhcp ip=dhcp")),
            (
                Some("192.0.2.9/24"),
                Some("192.0.2.1"),
                Some("ip=192.0.2.9/24,gw=192.0.2.1 ip=192.0.2.10/24,gw=192.0.2.1"),
            ),
            (Some("2001:db8::f/64"), None, Some("ip6=2001:db8::f/64 ip6=2001:db8::10/64")),
            (Some("192.0.2.9"), None, None),
            (Some("192.0.2.9/33"), None, None),
            (Some("255.255.255.255/24"), None, None),
            (Some("192.0.2.9/24"), Some("x"), None),
        ] {
            let told = addresses(first, gateway, 2).ok().map(|all| all.join(" "));
            assert_eq!(told.as_deref(), expected, "{first:?}");
        }
    }
}
