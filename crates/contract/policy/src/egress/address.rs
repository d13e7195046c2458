//! What is at an address.
//!
//! Sources: the special-purpose registries of IANA (RFC 6890 and what was registered since), and the addresses at
//! which clouds tell a machine its secrets.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What is at an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// The public network.
    Public,
    /// This machine.
    Loopback,
    /// A network of its owner.
    Private,
    /// The cable or the air next to this machine.
    LinkLocal,
    /// Where a cloud tells its machines their secrets.
    Metadata,
    /// Many machines at once.
    Multicast,
    /// An IPv4 address in the clothes of another family: some programs look at the one, some at the other.
    Embedded,
    /// Documentation, benchmarks, protocols, the future, or nothing.
    Reserved,
}

impl fmt::Display for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Public => "public",
            Self::Loopback => "this machine",
            Self::Private => "a private network",
            Self::LinkLocal => "a link-local address",
            Self::Metadata => "a cloud's metadata service",
            Self::Multicast => "a multicast address",
            Self::Embedded => "an IPv4 address inside an IPv6 one",
            Self::Reserved => "a reserved address",
        })
    }
}

/// Metadata services. Some lie in ranges that are public or private by their number.
const METADATA: &[Ipv4Addr] = &[
    Ipv4Addr::new(169, 254, 169, 254),
    Ipv4Addr::new(169, 254, 170, 2),
    Ipv4Addr::new(100, 100, 100, 200),
    Ipv4Addr::new(168, 63, 129, 16),
    Ipv4Addr::new(192, 0, 0, 192),
];

/// The same over IPv6.
const METADATA_6: &[Ipv6Addr] = &[
    Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254),
    Ipv6Addr::new(0xfd20, 0x00ce, 0, 0, 0, 0, 0, 0x0254),
];

/// Networks by their first address and the length of their prefix. The first that matches counts.
const V4: &[(Ipv4Addr, u8, Reach)] = &[
    (Ipv4Addr::new(0, 0, 0, 0), 8, Reach::Loopback),
    (Ipv4Addr::new(10, 0, 0, 0), 8, Reach::Private),
    (Ipv4Addr::new(100, 64, 0, 0), 10, Reach::Private),
    (Ipv4Addr::new(127, 0, 0, 0), 8, Reach::Loopback),
    (Ipv4Addr::new(169, 254, 0, 0), 16, Reach::LinkLocal),
    (Ipv4Addr::new(172, 16, 0, 0), 12, Reach::Private),
    (Ipv4Addr::new(192, 0, 0, 0), 24, Reach::Reserved),
    (Ipv4Addr::new(192, 0, 2, 0), 24, Reach::Reserved),
    (Ipv4Addr::new(192, 88, 99, 0), 24, Reach::Reserved),
    (Ipv4Addr::new(192, 168, 0, 0), 16, Reach::Private),
    (Ipv4Addr::new(198, 18, 0, 0), 15, Reach::Reserved),
    (Ipv4Addr::new(198, 51, 100, 0), 24, Reach::Reserved),
    (Ipv4Addr::new(203, 0, 113, 0), 24, Reach::Reserved),
    (Ipv4Addr::new(224, 0, 0, 0), 4, Reach::Multicast),
    (Ipv4Addr::new(240, 0, 0, 0), 4, Reach::Reserved),
];

const V6: &[(Ipv6Addr, u8, Reach)] = &[
    (Ipv6Addr::UNSPECIFIED, 128, Reach::Loopback),
    (Ipv6Addr::LOCALHOST, 128, Reach::Loopback),
    (Ipv6Addr::new(0, 0, 0, 0, 0, 0, 0, 0), 96, Reach::Embedded),
    (Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0), 96, Reach::Embedded),
    (Ipv6Addr::new(0, 0, 0, 0, 0xffff, 0, 0, 0), 96, Reach::Embedded),
    (Ipv6Addr::new(0x0064, 0xff9b, 0, 0, 0, 0, 0, 0), 32, Reach::Embedded),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16, Reach::Embedded),
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 32, Reach::Embedded),
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23, Reach::Reserved),
    (Ipv6Addr::new(0x2001, 0x0db8, 0, 0, 0, 0, 0, 0), 32, Reach::Reserved),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20, Reach::Reserved),
    (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3, Reach::Public),
    (Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7, Reach::Private),
    (Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10, Reach::LinkLocal),
    (Ipv6Addr::new(0xfec0, 0, 0, 0, 0, 0, 0, 0), 10, Reach::Private),
    (Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0), 8, Reach::Multicast),
];

/// What is at an address. Nothing but [`Reach::Public`] is connected to.
#[must_use]
pub fn reach(address: IpAddr) -> Reach {
    match address {
        IpAddr::V4(address) if METADATA.contains(&address) => Reach::Metadata,
        IpAddr::V4(address) => find(V4, Reach::Public, |network, length| {
            let mask = u32::MAX.checked_shl(32 - u32::from(length)).unwrap_or(0);
            network.to_bits() & mask == address.to_bits() & mask
        }),
        IpAddr::V6(address) if METADATA_6.contains(&address) => Reach::Metadata,
        // Outside of what is handed out there is nothing public.
        IpAddr::V6(address) => find(V6, Reach::Reserved, |network, length| {
            let mask = u128::MAX.checked_shl(128 - u32::from(length)).unwrap_or(0);
            network.to_bits() & mask == address.to_bits() & mask
        }),
    }
}

fn find<A: Copy>(
    table: &[(A, u8, Reach)],
    otherwise: Reach,
    holds: impl Fn(A, u8) -> bool,
) -> Reach {
    table
        .iter()
        .find(|(network, length, _)| holds(*network, *length))
        .map_or(otherwise, |(_, _, reach)| *reach)
}
