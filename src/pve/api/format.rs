//! Checks Proxmox's named formats, as far as their rules are simple and certain (PVE::JSONSchema). Others are accepted.

use crate::pve::values::{self, is_label, split_list};
use std::net::{Ipv4Addr, Ipv6Addr};

/// Checks a value against a format. The error is Proxmox's message without the last newline. A format that ends in
/// `-list` accepts several values, one that ends in `-opt` also an empty one.
pub(super) fn check(name: &str, value: &str) -> Result<(), String> {
    if let Some(single) = name.strip_suffix("-list") {
        return split_list(value).try_for_each(|part| single_value(single, part));
    }
    match name.strip_suffix("-opt") {
        Some(_) if value.is_empty() => Ok(()),
        Some(single) => single_value(single, value),
        None => single_value(name, value),
    }
}

fn single_value(name: &str, value: &str) -> Result<(), String> {
    let looks_like = |fits: bool, what: &str| {
        if fits { Ok(()) } else { Err(format!("value does not look like a valid {what}")) }
    };
    let (ipv4, ipv6) = (value.parse::<Ipv4Addr>().is_ok(), value.parse::<Ipv6Addr>().is_ok());
    match name {
        "pve-vmid" => looks_like(values::vmid(value).is_ok(), "VM ID"),
        "pve-node" => looks_like(is_label(value), "node name"),
        "dns-name" => looks_like(value.split('.').all(is_label), "DNS name"),
        "ipv4" => looks_like(ipv4, "IPv4 address"),
        "ipv6" => looks_like(ipv6, "IPv6 address"),
        "ip" => looks_like(ipv4 || ipv6, "IP address"),
        "CIDRv4" => looks_like(is_network(value, true), "IPv4 CIDR network"),
        "CIDRv6" => looks_like(is_network(value, false), "IPv6 CIDR network"),
        "CIDR" => looks_like(is_network(value, true) || is_network(value, false), "CIDR network"),
        "mac-addr" => looks_like(is_mac(value), "unicast MAC address"),
        "disk-size" => looks_like(is_disk_size(value), &format!("disk size: {value}")),
        "address" if ipv4 || ipv6 || value.split('.').all(is_label) => Ok(()),
        "address" => Err(format!("value does not look like a valid address: {value}")),
        "pve-configid" if !is_config_id(value) => Err(format!("invalid configuration ID '{value}'")),
        "pve-storage-id" if values::storage(value).is_err() => {
            Err(format!("storage ID '{value}' contains illegal characters"))
        }
        _ => Ok(()),
    }
}

/// A letter, and at least one letter, digit, `_` or `-`.
fn is_config_id(value: &str) -> bool {
    1 < value.len()
        && value.starts_with(|first: char| first.is_ascii_alphabetic())
        && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

/// An address, a slash and a prefix length of at least 8.
fn is_network(value: &str, version_4: bool) -> bool {
    let Some((address, prefix)) = value.split_once('/') else { return false };
    let is_address =
        if version_4 { address.parse::<Ipv4Addr>().is_ok() } else { address.parse::<Ipv6Addr>().is_ok() };
    let most = if version_4 { 32 } else { 128 };
    is_address
        && prefix.bytes().all(|byte| byte.is_ascii_digit())
        && prefix.parse().is_ok_and(|bits| (8..=most).contains(&bits))
}

/// Six pairs of hexadecimal digits, the first of them even.
fn is_mac(value: &str) -> bool {
    let pairs: Vec<&str> = value.split(':').collect();
    let is_pair = |pair: &&str| pair.len() == 2 && pair.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_unicast = || u8::from_str_radix(pairs[0], 16).is_ok_and(|first| first % 2 == 0);
    pairs.len() == 6 && pairs.iter().all(is_pair) && is_unicast()
}

/// An integer or decimal number with an optional suffix K, M, G or T.
fn is_disk_size(value: &str) -> bool {
    let number = value.strip_suffix(['K', 'M', 'G', 'T']).unwrap_or(value);
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    number
        .split_once('.')
        .map_or_else(|| digits(number), |(whole, fraction)| digits(whole) && digits(fraction))
}
