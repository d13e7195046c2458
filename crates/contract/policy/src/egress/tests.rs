//! Who may be reached: spellings, rules, addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;

use super::*;

/// How a text is read as a target.
#[track_caller]
fn reads(text: &str, expected: &str) {
    let told = match text.parse::<Target>() {
        Ok(Target { host: Host::Name(name), port }) => format!("name {name} {port}"),
        Ok(Target { host: Host::Address(address), port }) => format!("address {address} {port}"),
        Err(Refusal::NotAHost { .. }) => "no host".to_owned(),
        Err(Refusal::OddSpelling { .. }) => "odd".to_owned(),
        Err(other) => other.to_string(),
    };
    assert_eq!(told, expected, "{text}");
}

#[test]
fn a_host_has_one_spelling() {
    reads("example.org:443", "name example.org 443");
    reads("EXAMPLE.org.:80", "name example.org 80");
    reads("a_b.x-y.example:1", "name a_b.x-y.example 1");
    reads("93.184.216.34:443", "address 93.184.216.34 443");
    reads("[2606:2800:220:1::1]:443", "address 2606:2800:220:1::1 443");
    for odd in [
        "2130706433:80",
        "0x7f000001:80",
        "0x7f.0.0.1:80",
        "017700000001:80",
        "0177.0.0.1:80",
        "127.1:80",
        "127.0.1:80",
        "1.2.3.4.5:80",
        "example.1:80",
        "example.0x1:80",
        "0x:80",
        "127.0.0.1.:80",
        "127.0.0.01:80",
        "[127.0.0.1]:80",
        "[::1%lo]:80",
        "[::1:80",
    ] {
        reads(odd, "odd");
    }
    for wrong in [
        "localhost:80",
        "intranet:80",
        "exa mple.org:80",
        "user@example.org:80",
        "example.org",
        "example.org:",
        "example.org:0",
        "example.org:+80",
        "example.org:65536",
        "example..org:80",
        ".example.org:80",
        "example.org/x:80",
        "exämple.org:80",
        "example。org:80",
        "127。0。0。1:80",
        "１２７.0.0.1:80",
        "ex%61mple.org:80",
        "::1:80",
        ":80",
        "evil.org\0.example.org:80",
        "evil.org\r\nx:80",
    ] {
        reads(wrong, "no host");
    }
}

#[track_caller]
fn grants(rule: &str, target: &str, expected: bool) {
    let rule: HostRule = rule.parse().unwrap();
    assert_eq!(rule.grants(&target.parse().unwrap()), expected, "{rule} {target}");
    assert_eq!(rule.to_string().parse::<HostRule>().unwrap(), rule);
}

#[test]
fn a_rule_grants_what_it_names() {
    for (rule, target, expected) in [
        ("example.org", "example.org:443", true),
        ("example.org", "EXAMPLE.org.:80", true),
        ("example.org", "example.org:22", false),
        ("example.org", "www.example.org:443", false),
        ("example.org", "example.org.evil.net:443", false),
        ("example.org", "evilexample.org:443", false),
        ("example.org:8443", "example.org:8443", true),
        ("example.org:8443", "example.org:443", false),
        ("*.Example.org", "a.b.example.org:443", true),
        ("*.example.org", "example.org:443", false),
        ("*.example.org", "evilexample.org:443", false),
        ("*", "anything.net:443", true),
        ("*", "anything.net:25", false),
        ("93.184.216.34", "93.184.216.34:80", true),
        ("[2606:2800:220:1::1]:99", "[2606:2800:220:1:0:0:0:1]:99", true),
    ] {
        grants(rule, target, expected);
    }
    for wrong in
        ["", "*.", "a*.org", "*.*.org", "127.1", "localhost", "x.org:0", "x.org:ssh", "*.1"]
    {
        assert!(wrong.parse::<HostRule>().is_err(), "{wrong}");
    }
}

#[track_caller]
fn is(address: &str, expected: Reach) {
    assert_eq!(reach(address.parse().unwrap()), expected, "{address}");
}

#[test]
fn what_is_at_an_address() {
    for public in [
        "1.1.1.1",
        "93.184.216.34",
        "172.15.0.1",
        "172.32.0.1",
        "100.63.0.1",
        "100.128.0.1",
        "11.0.0.1",
        "223.255.255.255",
        "2606:4700::1111",
        "2a00::1",
    ] {
        is(public, Reach::Public);
    }
    for loopback in ["127.0.0.1", "127.255.255.255", "0.0.0.0", "0.1.2.3", "::1", "::"] {
        is(loopback, Reach::Loopback);
    }
    for private in [
        "10.1.2.3",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "100.64.0.1",
        "fc00::1",
        "fdff::1",
        "fec0::1",
    ] {
        is(private, Reach::Private);
    }
    for link in ["169.254.0.1", "169.254.1.1", "fe80::1", "febf::1"] {
        is(link, Reach::LinkLocal);
    }
    for metadata in [
        "169.254.169.254",
        "169.254.170.2",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "fd00:ec2::254",
    ] {
        is(metadata, Reach::Metadata);
    }
    for many in ["224.0.0.1", "239.255.255.250", "ff02::1"] {
        is(many, Reach::Multicast);
    }
    for embedded in [
        "::ffff:127.0.0.1",
        "::ffff:8.8.8.8",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b:1::1",
        "2002:7f00:1::",
        "2001:0:1::",
        "::ffff:0:7f00:1",
    ] {
        is(embedded, Reach::Embedded);
    }
    for reserved in [
        "192.0.2.1",
        "198.51.100.1",
        "203.0.113.1",
        "198.18.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "2001:db8::1",
        "3fff::1",
        "100::1",
        "4000::1",
        "5f00::1",
    ] {
        is(reserved, Reach::Reserved);
    }
}

/// The decision about a target that leads to these addresses, with `example.org` and `*.example.org` granted.
#[track_caller]
fn decides(target: &str, addresses: &[&str], expected: &str) {
    let rules = ["example.org", "*.example.org", "127.0.0.1", "10.0.0.1"]
        .map(|rule| rule.parse::<HostRule>().unwrap());
    let addresses: Vec<IpAddr> = addresses.iter().map(|text| text.parse().unwrap()).collect();
    let told = match Screen::default().decide(&rules, &target.parse().unwrap(), &addresses) {
        Ok(allowed) => format!("{allowed:?}"),
        Err(refusal) => refusal.to_string(),
    };
    assert_eq!(told, expected);
}

#[test]
fn a_name_that_leads_inside_is_refused() {
    decides("example.org:443", &["1.1.1.1", "2606:4700::1"], "[1.1.1.1, 2606:4700::1]");
    decides("other.org:443", &["1.1.1.1"], "other.org:443 was not granted");
    decides("example.org:443", &[], "example.org:443 has no address");
    decides(
        "example.org:80",
        &["127.0.0.1"],
        "example.org:80 leads to 127.0.0.1, which is this machine",
    );
    decides(
        "a.example.org:80",
        &["1.1.1.1", "10.0.0.8"],
        "a.example.org:80 leads to 10.0.0.8, which is a private network",
    );
    decides(
        "example.org:80",
        &["169.254.169.254"],
        "example.org:80 leads to 169.254.169.254, which is a cloud's metadata service",
    );
    decides(
        "example.org:80",
        &["::ffff:1.1.1.1"],
        "example.org:80 leads to ::ffff:1.1.1.1, which is an IPv4 address inside an IPv6 one",
    );
    // Granted by its number, and still no way inside.
    decides(
        "127.0.0.1:80",
        &["127.0.0.1"],
        "127.0.0.1:80 leads to 127.0.0.1, which is this machine",
    );
    decides(
        "10.0.0.1:80",
        &["1.1.1.1"],
        "10.0.0.1:80 leads to 10.0.0.1, which is a private network",
    );
}

#[test]
fn what_a_person_named_as_their_own_may_be_inside_and_nobody_else() {
    let screen = Screen {
        own: vec!["127.0.0.1:9000".parse().unwrap(), "hooks.example.org".parse().unwrap()],
        ..Screen::default()
    };
    let check = |target: &str, address: &str, expected: &str| {
        let target: Target = target.parse().unwrap();
        let address: IpAddr = address.parse().unwrap();
        let rules = [HostRule::of(&target)];
        let told = match screen.decide(&rules, &target, &[address]) {
            Ok(allowed) => format!("{allowed:?}"),
            Err(refusal) => refusal.to_string(),
        };
        assert!(told.contains(expected), "{told}");
    };
    check("127.0.0.1:9000", "127.0.0.1", "[127.0.0.1]");
    check("127.0.0.1:9001", "127.0.0.1", "which is this machine");
    check("hooks.example.org:443", "10.0.0.8", "[10.0.0.8]");
    check("hooks.example.org:8443", "10.0.0.8", "which is a private network");
    check("hooks.example.org:443", "169.254.169.254", "which is a cloud's metadata service");
    check("other.example.org:443", "10.0.0.8", "which is a private network");
}

proptest! {
    /// Whatever is decided, nobody is let through to what is not public, and nobody who was not granted.
    #[test]
    fn nobody_gets_inside(bits in any::<u128>(), small in any::<u32>(), port in 1_u16.., name in "[a-z]{1,8}\\.(org|net)") {
        let rules = ["*.org".parse::<HostRule>().unwrap(), "*".parse().unwrap()];
        for address in [IpAddr::from(Ipv4Addr::from(small)), Ipv6Addr::from(bits).into(), Ipv4Addr::from(small).to_ipv6_mapped().into()] {
            let target = Target { host: Host::Name(name.clone()), port };
            let decided = Screen::default().decide(&rules, &target, std::slice::from_ref(&address));
            prop_assert_eq!(decided.is_ok(), reach(address) == Reach::Public && [80, 443].contains(&port));
            if let Ok(IpAddr::V4(v4)) = decided.map(|allowed| allowed[0]) {
                prop_assert!(!(v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_multicast() || v4.is_broadcast() || v4.is_documentation() || v4.is_unspecified()));
            }
        }
    }

    /// No text is read as an address in any spelling but its own.
    #[test]
    fn only_the_canonical_spelling_is_an_address(text in "[0-9a-fx.:\\[\\]]{1,24}") {
        if let Ok(Host::Address(address)) = text.parse::<Host>() {
            match address {
                IpAddr::V4(v4) => prop_assert_eq!(v4.to_string(), text),
                IpAddr::V6(v6) => prop_assert_eq!(format!("[{}]", text.trim_matches(['[', ']']).parse::<Ipv6Addr>().unwrap()), format!("[{v6}]")),
            }
        }
    }

    /// Reading never panics, and what it read reads the same again.
    #[test]
    fn reading_is_stable(text in "\\PC{0,40}") {
        if let Ok(target) = text.parse::<Target>() {
            prop_assert_eq!(target.to_string().parse::<Target>().unwrap(), target);
        }
        if let Ok(rule) = text.parse::<HostRule>() {
            prop_assert_eq!(rule.to_string().parse::<HostRule>().unwrap(), rule);
        }
    }
}
