//! Who a client is, as far as its address says.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// The address of the client, known to every request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// What counts as one client: whoever has one IPv6 address has the whole /64 of it.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64).into(),
        v4 => v4,
    }
}
