//! Where a request comes from: whether another website is behind it.

use std::net::{Ipv4Addr, Ipv6Addr};

use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, HeaderName, Uri};

/// Whether the request may change something. Browsers say where a POST comes from, in
/// `Sec-Fetch-Site` (to trustworthy addresses) or `Origin` (always); other programs send neither
/// and cannot be made to send somebody's cookie.
pub(super) fn is_same_site(headers: &HeaderMap) -> bool {
    let site = headers.get(HeaderName::from_static("sec-fetch-site"));
    if let Some(site) = site {
        return site == "same-origin" || site == "none";
    }
    let Some(origin) = headers.get(ORIGIN) else {
        return true;
    };
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let origin = origin
        .to_str()
        .ok()
        .and_then(|origin| origin.strip_prefix("http://"));
    matches!((origin, host), (Some(origin), Some(host)) if origin.eq_ignore_ascii_case(host))
}

/// Whether the request was meant for this machine by name. Another website can point its own name
/// at 127.0.0.1 (DNS rebinding), and its scripts would then be same-origin; but the browser still
/// says which name it was sent to.
pub(super) fn names_this_machine(uri: &Uri, headers: &HeaderMap) -> bool {
    is_sent_to(uri, headers, is_local)
}

/// Whether the request was meant for a name that only this network can point at a camera: an address, a
/// name without a dot, one of a zone that nobody can register, or the machine's own. A password alone
/// does not keep another website, under a name of its own, from trying passwords.
pub(super) fn names_this_network(uri: &Uri, headers: &HeaderMap) -> bool {
    is_sent_to(uri, headers, is_of_network)
}

fn is_sent_to(uri: &Uri, headers: &HeaderMap, is_ours: impl Fn(&str) -> bool) -> bool {
    let mut hosts = headers.get_all(HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        return false;
    };
    let absolute = uri.authority().map(|authority| authority.as_str());
    host.to_str().is_ok_and(&is_ours) && absolute.is_none_or(is_ours)
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

/// Zones that are each network's own: RFC 6761, 6762, 8375, ICANN's `.internal`, and what routers use.
const PRIVATE_ZONES: [&str; 7] = [
    ".local",
    ".localhost",
    ".internal",
    ".home.arpa",
    ".lan",
    ".home",
    ".localdomain",
];

fn is_of_network(host: &str) -> bool {
    let name = without_port(host);
    if let Some(v6) = name.strip_prefix('[') {
        let v6 = v6.strip_suffix(']').unwrap_or_default();
        return v6.parse::<Ipv6Addr>().is_ok();
    }
    let name = name.strip_suffix('.').unwrap_or(name);
    let lower = name.to_ascii_lowercase();
    let own = || {
        rustix::system::uname()
            .nodename()
            .to_str()
            .is_ok_and(|own| lower == own)
    };
    let plain = !name.is_empty() && !name.contains('.');
    plain
        || name.parse::<Ipv4Addr>().is_ok()
        || PRIVATE_ZONES.iter().any(|zone| lower.ends_with(zone))
        || own()
}

fn is_local(host: &str) -> bool {
    let name = without_port(host);
    name.eq_ignore_ascii_case("localhost") || name == "127.0.0.1" || name == "[::1]"
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn headers(list: &[(&'static str, &'static str)]) -> HeaderMap {
        list.iter()
            .map(|(name, value)| {
                (
                    HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            })
            .collect()
    }

    #[test]
    fn other_websites_cannot_post() {
        let host = ("host", "192.168.4.1:8080");
        for (rest, same) in [
            (&[][..], true),
            (&[("origin", "http://192.168.4.1:8080")], true),
            (&[("origin", "http://192.168.4.1")], false),
            (&[("origin", "https://192.168.4.1:8080")], false),
            (&[("origin", "http://evil.example")], false),
            (&[("origin", "null")], false),
            (
                &[("origin", "null"), ("sec-fetch-site", "same-origin")],
                true,
            ),
            (&[("sec-fetch-site", "none")], true),
            (&[("sec-fetch-site", "cross-site")], false),
            (&[("sec-fetch-site", "same-site")], false),
        ] {
            let all = [&[host], rest].concat();
            assert_eq!(is_same_site(&headers(&all)), same, "{rest:?}");
        }
        assert!(!is_same_site(&headers(&[("origin", "http://a")])));
    }

    #[test]
    fn no_name_of_the_internet_is_of_this_network() {
        let here = Uri::from_static("/");
        for (host, ours) in [
            ("192.168.66.1", true),
            ("192.168.66.1:80", true),
            ("8.8.8.8", true),
            ("[fd00::1]:8080", true),
            ("picam", true),
            ("picam:80", true),
            ("Picam.LOCAL", true),
            ("picam.local.:80", true),
            ("picam.home.arpa", true),
            ("localhost:8080", true),
            ("evil.example", false),
            ("picam.evil.example:80", false),
            ("192.168.66.1.evil.example", false),
            ("picam.local.evil.example", false),
            ("evillocal.example", false),
            ("[evil.example]", false),
            ("", false),
            (".", false),
            ("0x7f.1", false),
        ] {
            let found = names_this_network(&here, &headers(&[("host", host)]));
            assert_eq!(found, ours, "{host}");
        }
        let elsewhere = Uri::from_static("http://evil.example/");
        assert!(!names_this_network(
            &elsewhere,
            &headers(&[("host", "picam.local")])
        ));
        assert!(!names_this_network(&here, &HeaderMap::new()));
    }

    #[test]
    fn only_local_names_are_local() {
        let here = Uri::from_static("/");
        for (host, local) in [
            ("localhost", true),
            ("LOCALHOST:8080", true),
            ("127.0.0.1:8080", true),
            ("[::1]:8080", true),
            ("[::1]", true),
            ("evil.example", false),
            ("evil.example:8080", false),
            ("127.0.0.1.evil.example", false),
            ("localhost.evil.example:80", false),
            ("", false),
        ] {
            assert_eq!(
                names_this_machine(&here, &headers(&[("host", host)])),
                local,
                "{host}"
            );
        }
        assert!(!names_this_machine(&here, &HeaderMap::new()));
        let elsewhere = Uri::from_static("http://evil.example/");
        assert!(!names_this_machine(
            &elsewhere,
            &headers(&[("host", "localhost")])
        ));
        let mut two = headers(&[("host", "localhost")]);
        two.append(HOST, HeaderValue::from_static("evil.example"));
        assert!(!names_this_machine(&here, &two));
    }
}
