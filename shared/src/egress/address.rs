//! Which addresses may be reached: only those of the public internet. A name and a literal are judged by the same table.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// IPv4 networks that are not the public internet (IANA's special-purpose registry), and one address that is a cloud's own.
const CLOSED_V4: &[(Ipv4Addr, u8)] = &[
    (Ipv4Addr::new(0, 0, 0, 0), 8),        // this network
    (Ipv4Addr::new(10, 0, 0, 0), 8),       // private
    (Ipv4Addr::new(100, 64, 0, 0), 10),    // carrier-grade NAT; Alibaba's metadata
    (Ipv4Addr::new(127, 0, 0, 0), 8),      // loopback; the Lambda Runtime API
    (Ipv4Addr::new(168, 63, 129, 16), 32), // Azure's host agent
    (Ipv4Addr::new(169, 254, 0, 0), 16),   // link-local; metadata of instances and containers
    (Ipv4Addr::new(172, 16, 0, 0), 12),    // private
    (Ipv4Addr::new(192, 0, 0, 0), 24),     // protocol assignments; Oracle's metadata
    (Ipv4Addr::new(192, 0, 2, 0), 24),     // documentation
    (Ipv4Addr::new(192, 88, 99, 0), 24),   // 6to4 relays
    (Ipv4Addr::new(192, 168, 0, 0), 16),   // private
    (Ipv4Addr::new(198, 18, 0, 0), 15),    // benchmarking
    (Ipv4Addr::new(198, 51, 100, 0), 24),  // documentation
    (Ipv4Addr::new(203, 0, 113, 0), 24),   // documentation
    (Ipv4Addr::new(224, 0, 0, 0), 3),      // multicast, reserved, broadcast
];

/// Inside `2000::/3`, the only IPv6 space that is handed out, networks that are special or carry an IPv4 address in them.
/// Mapped, NAT64, unique-local, link-local and multicast addresses lie outside of it.
const CLOSED_V6: &[(Ipv6Addr, u8)] = &[
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23), // protocol assignments, Teredo
    (Ipv6Addr::new(0x2001, 0x0db8, 0, 0, 0, 0, 0, 0), 32), // documentation
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16), // 6to4
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20), // documentation
];

/// Whether an address may be connected to.
pub(super) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(it) => {
            !CLOSED_V4.iter().any(|(net, bits)| same_prefix(&it.octets(), &net.octets(), *bits))
        }
        IpAddr::V6(it) => {
            same_prefix(&it.octets(), &[0x20], 3)
                && !CLOSED_V6.iter().any(|(net, bits)| same_prefix(&it.octets(), &net.octets(), *bits))
        }
    }
}

fn same_prefix(address: &[u8], network: &[u8], bits: u8) -> bool {
    let whole = usize::from(bits / 8);
    let rest = bits % 8;
    address[..whole] == network[..whole]
        && (rest == 0 || (address[whole] ^ network[whole]) >> (8 - rest) == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLOSED: &str = "\
        0.0.0.0 0.255.255.255 10.0.0.0 10.255.255.255 100.64.0.0 100.100.100.200 100.127.255.255 \
        127.0.0.1 127.255.255.255 168.63.129.16 169.254.169.254 169.254.170.2 172.16.0.0 172.31.255.255 \
        192.0.0.192 192.0.2.1 192.88.99.1 192.168.255.255 198.18.0.0 198.19.255.255 198.51.100.7 \
        203.0.113.7 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255 :: ::1 ::ffff:169.254.169.254 \
        ::ffff:8.8.8.8 ::127.0.0.1 64:ff9b::a9fe:a9fe 64:ff9b:1::1 100::1 2001::1 2001:1ff::1 \
        2001:db8::1 2002:7f00:1:: 2002:a9fe:a9fe::1 3fff::1 4000::1 fc00::1 fd00:ec2::254 fe80::1 \
        fec0::1 ff02::1 1fff::1";
    const OPEN: &str = "\
        1.0.0.0 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0 \
        168.63.129.15 168.63.129.17 169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0 192.0.1.0 \
        192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0 223.255.255.255 2000::1 2001:200::1 \
        2001:4860:4860::8888 2003::1 2606:4700::1111 3ffe::1";

    #[test]
    fn the_edges_of_every_closed_network_are_closed_and_their_neighbours_open() {
        for text in CLOSED.split_whitespace() {
            assert!(!is_public(text.parse().unwrap()), "{text} is open");
        }
        for text in OPEN.split_whitespace() {
            assert!(is_public(text.parse().unwrap()), "{text} is closed");
        }
    }
}
