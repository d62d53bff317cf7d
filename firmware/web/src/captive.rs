//! What phones and computers ask, when they join a network, to find out whether it leads to the
//! internet. The hotspot does not, and says it does: a phone that hears otherwise leaves it again
//! (`docs/hotspot.md`).
//!
//! These requests come under names of others, which the hotspot's DNS points at the camera. Only
//! under those names they are answered, so that no address of the page is shadowed. The answers are
//! constants, and need no session.

use std::net::{IpAddr, SocketAddr};

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HOST, LOCATION};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// The address of this machine that a client has connected to, known to every request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Local(pub(crate) SocketAddr);

/// What is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    /// Status 204.
    NoContent,
    /// Status 200.
    Text(&'static str),
    /// Status 200.
    Html(&'static str),
}
use Answer::{Html, NoContent, Text};

/// Everything that is asked under the same names.
struct Probes {
    hosts: &'static [&'static str],
    paths: &'static [(&'static str, Answer)],
}

// No byte more or less: Apple's assistant opens its sheet for any other page.
const APPLE: Answer = Html("<HTML><HEAD><TITLE>Success</TITLE></HEAD><BODY>Success</BODY></HTML>");
const FIREFOX: Answer = Html(
    "<meta http-equiv=\"refresh\" content=\"0;url=https://support.mozilla.org/kb/captive-portal\"/>",
);
const NETWORK_MANAGER: Answer = Text("NetworkManager is online\n");
const KINDLE: Answer = Html("<html><body>\n81ce4465-7167-4dcb-835b-dcc9e44c112a\n</body></html>\n");

/// `docs/hotspot.md` has the source of each.
const PROBES: [Probes; 11] = [
    Probes {
        hosts: &["captive.apple.com"],
        paths: &[
            ("/hotspot-detect.html", APPLE),
            ("/library/test/success.html", APPLE),
        ],
    },
    Probes {
        hosts: &[
            "connectivitycheck.gstatic.com",
            "connectivitycheck.android.com",
            "clients3.google.com",
            "play.googleapis.com",
            "www.gstatic.com",
        ],
        paths: &[("/generate_204", NoContent), ("/gen_204", NoContent)],
    },
    Probes {
        hosts: &[
            "connectivitycheck.platform.hicloud.com",
            "connect.rom.miui.com",
            "connectivity.samsung.com.cn",
            "conn1.oppomobile.com",
            "conn2.oppomobile.com",
            "wifi.vivo.com.cn",
        ],
        paths: &[("/generate_204", NoContent)],
    },
    Probes {
        hosts: &["www.msftconnecttest.com"],
        paths: &[("/connecttest.txt", Text("Microsoft Connect Test"))],
    },
    Probes {
        hosts: &["www.msftncsi.com"],
        paths: &[("/ncsi.txt", Text("Microsoft NCSI"))],
    },
    Probes {
        hosts: &["detectportal.firefox.com"],
        paths: &[
            ("/success.txt", Text("success\n")),
            ("/canonical.html", FIREFOX),
        ],
    },
    Probes {
        hosts: &["nmcheck.gnome.org"],
        paths: &[("/check_network_status.txt", NETWORK_MANAGER)],
    },
    Probes {
        hosts: &["network-test.debian.org"],
        paths: &[("/nm", NETWORK_MANAGER)],
    },
    Probes {
        hosts: &["ping.archlinux.org"],
        paths: &[("/nm-check.txt", NETWORK_MANAGER)],
    },
    Probes {
        hosts: &["connectivity-check.ubuntu.com"],
        paths: &[("/", NoContent)],
    },
    Probes {
        hosts: &["spectrum.s3.amazonaws.com"],
        paths: &[
            ("/kindle-wifi/wifistub.html", KINDLE),
            ("/kindle-wifi/wifistub-eink.html", KINDLE),
        ],
    },
];

/// The names under which probes come: the hotspot's DNS points them, and nothing else of others, at
/// the camera.
pub fn probe_hosts() -> Vec<&'static str> {
    let hosts = PROBES.iter().flat_map(|probes| probes.hosts);
    hosts.copied().collect()
}

/// Name and path of every probe that has an answer of its own, for documentation to be checked
/// against.
pub fn probe_routes() -> Vec<(&'static str, &'static str)> {
    let of = |probes: &Probes| {
        let Probes { hosts, paths } = *probes;
        let paths = move |host| paths.iter().map(move |(path, _)| (host, *path));
        hosts.iter().copied().flat_map(paths)
    };
    PROBES.iter().flat_map(of).collect()
}

/// Answers probes, and sends whoever comes under their names for anything else to the page. All
/// other requests go on.
pub(crate) async fn answer(request: Request, next: Next) -> Response {
    let Some(probes) = named(request.headers()).and_then(find) else {
        return next.run(request).await;
    };
    let path = request.uri().path();
    let known = probes.paths.iter().find(|(known, _)| *known == path);
    let asks = matches!(*request.method(), Method::GET | Method::HEAD);
    let mut response = match known {
        Some((_, answer)) if asks => answer.into_response(),
        _ => to_page(request.extensions().get()),
    };
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The name that a request was sent to, without port.
fn named(headers: &HeaderMap) -> Option<&str> {
    let mut hosts = headers.get_all(HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        return None;
    };
    let host = host.to_str().ok()?;
    let name = host.split_once(':').map_or(host, |(name, _)| name);
    Some(name.strip_suffix('.').unwrap_or(name))
}

fn find(name: &str) -> Option<&'static Probes> {
    PROBES.iter().find(|probes| {
        let mut hosts = probes.hosts.iter();
        hosts.any(|host| host.eq_ignore_ascii_case(name))
    })
}

impl IntoResponse for &Answer {
    fn into_response(self) -> Response {
        // NetworkManager is content with this header alone (nm-connectivity.c).
        let online = (
            HeaderName::from_static("x-networkmanager-status"),
            HeaderValue::from_static("online"),
        );
        let (kind, body) = match *self {
            NoContent => return (StatusCode::NO_CONTENT, [online]).into_response(),
            Text(body) => ("text/plain", body),
            Html(body) => ("text/html", body),
        };
        let kind = (CONTENT_TYPE, HeaderValue::from_static(kind));
        ([kind, online], body).into_response()
    }
}

/// To the page by the camera's address, not by its name: not every phone finds names in `.local`.
fn to_page(local: Option<&Local>) -> Response {
    let location = local.and_then(|local| HeaderValue::try_from(page(local.0)).ok());
    let Some(location) = location else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::FOUND;
    response.headers_mut().insert(LOCATION, location);
    response
}

fn page(local: SocketAddr) -> String {
    // A socket of both families shows an IPv4 client's end as IPv6.
    let host = match local.ip().to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    };
    match local.port() {
        80 => format!("http://{host}/"),
        port => format!("http://{host}:{port}/"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_where_the_client_has_come_to() {
        for (local, page_at) in [
            ("192.168.66.1:80", "http://192.168.66.1/"),
            ("[::ffff:192.168.66.1]:80", "http://192.168.66.1/"),
            ("127.0.0.1:8080", "http://127.0.0.1:8080/"),
            ("[fd00::1]:80", "http://[fd00::1]/"),
        ] {
            assert_eq!(page(local.parse().unwrap()), page_at);
        }
    }

    #[test]
    fn names_are_compared_whole_and_without_port() {
        let found = |host: &'static str| {
            let headers = HeaderMap::from_iter([(HOST, HeaderValue::from_static(host))]);
            named(&headers).and_then(find).is_some()
        };
        for host in [
            "captive.apple.com",
            "Captive.Apple.COM",
            "captive.apple.com.",
            "captive.apple.com:80",
        ] {
            assert!(found(host), "{host}");
        }
        for host in [
            "",
            "apple.com",
            "x.captive.apple.com",
            "captive.apple.com.evil.example",
            "192.168.66.1",
            "picam.local",
            "[::1]:80",
        ] {
            assert!(!found(host), "{host}");
        }
        let mut two = HeaderMap::new();
        two.append(HOST, HeaderValue::from_static("captive.apple.com"));
        two.append(HOST, HeaderValue::from_static("captive.apple.com"));
        assert_eq!(named(&two), None);
        assert_eq!(named(&HeaderMap::new()), None);
    }

    #[test]
    fn no_name_stands_twice() {
        let mut hosts = probe_hosts();
        let count = hosts.len();
        hosts.sort_unstable();
        hosts.dedup();
        assert_eq!(hosts.len(), count);
    }
}
