//! Where a request comes from: the socket's address, unless proxies that the operator named pass on another's.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use axum::http::HeaderMap;

const FORWARDED_FOR: &str = "x-forwarded-for";

/// The addresses whose `X-Forwarded-For` is believed (`TRUSTED_PROXIES`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<Network>);

/// An address with how many of its leading bits count, all of them as IPv6.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Network {
    bits: u128,
    prefix: u32,
}

/// What is wrong with a list of proxies.
#[derive(Debug, PartialEq, Eq)]
pub struct NotANetwork(String);

impl fmt::Display for NotANetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(text) = self;
        write!(
            f,
            "{text:?} is no address or network; write 10.0.0.5 or 10.0.0.0/8, with commas between"
        )
    }
}

impl FromStr for TrustedProxies {
    type Err = NotANetwork;

    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let parts = text
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty());
        parts
            .map(Network::from_str)
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

impl FromStr for Network {
    type Err = NotANetwork;

    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let wrong = || NotANetwork(text.to_owned());
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let longest: u32 = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            None => longest,
            Some(text) => text
                .parse()
                .ok()
                .filter(|bits| *bits <= longest)
                .ok_or_else(wrong)?,
        };
        Ok(Self {
            bits: bits(address),
            prefix: prefix + (128 - longest),
        })
    }
}

impl Network {
    fn contains(self, address: IpAddr) -> bool {
        let differing = self.bits ^ bits(address);
        differing.leading_zeros() >= self.prefix
    }
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

impl TrustedProxies {
    fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }

    /// The nearest address, counted from the socket back through `X-Forwarded-For`, that is no trusted
    /// proxy. What lies beyond it, or does not parse, anybody can have written.
    pub(super) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let lines: Vec<_> = headers.get_all(FORWARDED_FOR).iter().collect();
        let mut nearest = peer.to_canonical();
        // As bytes: what somebody wrote further left may be no text, and takes nothing of ours along.
        let hops = lines.iter().rev().map(|line| line.as_bytes());
        let mut hops = hops.flat_map(|line| line.rsplit(|byte| *byte == b','));
        while self.trusts(nearest) {
            match hops.next().and_then(parse_hop) {
                Some(hop) => nearest = hop.to_canonical(),
                None => break,
            }
        }
        nearest
    }
}

/// An address as proxies write it: bare, or with a port.
fn parse_hop(bytes: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(bytes).ok()?.trim();
    let with_port = |_| text.parse::<SocketAddr>().map(|address| address.ip());
    text.parse().or_else(with_port).ok()
}

#[cfg(test)]
mod tests {
    use rand::RngExt as _;

    use super::*;

    fn client(trusted: &str, peer: &str, lines: &[&[u8]]) -> String {
        let mut headers = HeaderMap::new();
        for line in lines {
            let value = axum::http::HeaderValue::from_bytes(line).unwrap();
            headers.append(FORWARDED_FOR, value);
        }
        let trusted: TrustedProxies = trusted.parse().unwrap();
        trusted.client(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn nobody_is_believed_unless_named() {
        assert_eq!(client("", "203.0.113.9", &[b"1.1.1.1"]), "203.0.113.9");
        assert_eq!(
            client("10.0.0.0/8", "203.0.113.9", &[b"1.1.1.1"]),
            "203.0.113.9"
        );
    }

    #[test]
    fn the_nearest_address_that_is_no_proxy_counts() {
        let trusted = "10.0.0.0/8, 192.0.2.7, fd00::/8";
        for (peer, lines, expected) in [
            ("10.1.2.3", &[&b"203.0.113.9"[..]][..], "203.0.113.9"),
            (
                "10.1.2.3",
                &[b"6.6.6.6, 203.0.113.9, 192.0.2.7"],
                "203.0.113.9",
            ),
            (
                "10.1.2.3",
                &[b"6.6.6.6", b"203.0.113.9, 10.9.9.9"],
                "203.0.113.9",
            ),
            ("::ffff:10.1.2.3", &[b"203.0.113.9:4711"], "203.0.113.9"),
            ("fd00::1", &[b"[2001:db8::5]:443"], "2001:db8::5"),
            ("10.1.2.3", &[], "10.1.2.3"),
            ("10.1.2.3", &[b"10.0.0.1"], "10.0.0.1"),
        ] {
            assert_eq!(client(trusted, peer, lines), expected, "{peer} {lines:?}");
        }
    }

    /// Whatever somebody sends, what the first proxy of ours writes behind it counts.
    #[test]
    fn nobody_hides_behind_what_he_sends() {
        const PIECES: [&[u8]; 12] = [
            b"203.0.113.1",
            b"10.0.0.1",
            b"::ffff:10.0.0.1",
            b"[::1]:80",
            b",",
            b" ",
            b"\t",
            b"unknown",
            b"\xff",
            b"999.999.999.999",
            b"2001:db8::1%eth0",
            b"\"",
        ];
        let mut random = rand::rng();
        for _ in 0..1000 {
            let mut line = Vec::new();
            for _ in 0..random.random_range(0..12) {
                line.extend(PIECES[random.random_range(0..PIECES.len())]);
            }
            let trusted = "10.0.0.0/8";
            let ours = b"192.0.2.9, 10.0.0.2".as_slice();
            let appended = [line.as_slice(), b",", ours].concat();
            for lines in [&[line.as_slice(), ours][..], &[appended.as_slice()]] {
                let client = client(trusted, "10.0.0.3", lines);
                assert_eq!(client, "192.0.2.9", "{}", line.escape_ascii());
            }
            // Who reaches us without a proxy is who he is.
            assert_eq!(client(trusted, "198.51.100.7", &[&line]), "198.51.100.7");
        }
    }

    #[test]
    fn what_does_not_parse_ends_the_chain() {
        for line in [
            &b"unknown"[..],
            b"",
            b",,,",
            b"1.1.1.1, \xff\xfe",
            b"1.1.1.1, 999.1.1.1",
            b"_hidden",
        ] {
            assert_eq!(
                client("10.0.0.0/8", "10.1.2.3", &[line]),
                "10.1.2.3",
                "{line:?}"
            );
        }
    }

    #[test]
    fn a_list_of_networks_is_read_or_refused() {
        for text in ["", "10.0.0.1", "10.0.0.0/8,::1/128 , fd00::/7", "0.0.0.0/0"] {
            assert!(text.parse::<TrustedProxies>().is_ok(), "{text:?}");
        }
        for text in ["yes", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0", "::/129", "1"] {
            assert!(text.parse::<TrustedProxies>().is_err(), "{text:?}");
        }
    }
}
