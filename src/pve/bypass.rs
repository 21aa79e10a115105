//! Which hosts are reached without the proxy, by the rules of `NO_PROXY`. Pure functions.

use std::net::IpAddr;

/// Whether a rule matches `host`. A rule is `*`, a domain name (which also covers its subdomains, with or without a
/// leading dot), an address, or a network such as `192.0.2.0/24`. A rule may end with `:port`, which must then match
/// too. Loopback hosts are always direct: to a proxy, `localhost` would be the proxy itself.
pub(super) fn is_direct(host: &str, port: u16, rules: &[String]) -> bool {
    let here =
        host.parse::<IpAddr>().map_or(host.eq_ignore_ascii_case("localhost"), |host| host.is_loopback());
    here || rules.iter().any(|rule| fits(rule.trim(), host, port))
}

fn fits(rule: &str, host: &str, port: u16) -> bool {
    if rule == "*" {
        return true;
    }
    let address = host.parse::<IpAddr>().ok();
    if let Some((network, bits)) = rule.split_once('/') {
        let network = network.parse::<IpAddr>().ok();
        return matches!((address, network, bits.parse()), (Some(host), Some(network), Ok(bits)) if contains(network, bits, host));
    }
    let bare = rule.trim_start_matches('[').trim_end_matches(']');
    if let Ok(named) = bare.parse::<IpAddr>() {
        return address == Some(named);
    }
    if let Some((name, digits)) = rule.rsplit_once(':') {
        return digits.parse() == Ok(port) && !name.is_empty() && fits(name, host, port);
    }
    let name =
        rule.trim_start_matches('*').trim_start_matches('.').trim_end_matches('.').to_ascii_lowercase();
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    !name.is_empty()
        && host.strip_suffix(&name).is_some_and(|before| before.is_empty() || before.ends_with('.'))
}

fn contains(network: IpAddr, bits: u32, host: IpAddr) -> bool {
    let (network, host, width) = match (network, host) {
        (IpAddr::V4(network), IpAddr::V4(host)) => {
            (u128::from(network.to_bits()), u128::from(host.to_bits()), 32)
        }
        (IpAddr::V6(network), IpAddr::V6(host)) => (network.to_bits(), host.to_bits(), 128),
        _ => return false,
    };
    match bits {
        0 => true,
        bits if bits <= width => (network ^ host) >> (width - bits) == 0,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_name_hosts_domains_addresses_and_networks() {
        for (rule, host, expected) in [
            ("*", "anything", true),
            ("pve.example", "pve.example", true),
            ("PVE.Example", "pve.example.", true),
            ("example", "pve.example", true),
            (".example", "pve.example", true),
            ("*.example", "pve.example", true),
            ("ample", "pve.example", false),
            ("pve.example", "example", false),
            ("pve.example:8006", "pve.example", true),
            ("pve.example:443", "pve.example", false),
            ("192.0.2.1", "192.0.2.1", true),
            ("192.0.2.1", "192.0.2.10", false),
            ("192.0.2.1:8006", "192.0.2.1", true),
            ("192.0.2.0/24", "192.0.2.255", true),
            ("192.0.2.0/24", "192.0.3.1", false),
            ("0.0.0.0/0", "192.0.3.1", true),
            ("192.0.2.0/33", "192.0.2.0", false),
            ("::1", "::1", true),
            ("[::1]", "::1", true),
            ("[2001:db8::1]:8006", "2001:db8::1", true),
            ("2001:db8::/32", "2001:db8:1::2", true),
            ("2001:db8::/32", "2001:db9::", false),
            ("192.0.2.0/24", "pve.example", false),
            ("", "pve.example", false),
            (":8006", "pve.example", false),
            ("", "127.0.0.1", true),
            ("", "::1", true),
            ("", "LocalHost", true),
            ("/", "pve.example", false),
        ] {
            assert_eq!(is_direct(host, 8006, &[rule.to_owned()]), expected, "{rule} {host}");
        }
        assert!(!is_direct("pve", 8006, &[]));
    }
}
