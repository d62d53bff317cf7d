//! Who is at the other end of the socket, and what they may.

use std::io;
use std::os::unix::net::UnixStream;

use rustix::net::sockopt::socket_peercred;
use rustix::process::geteuid;

use crate::message::Right;

/// Where users have their numbers.
const USERS: &str = "/etc/passwd";

/// Who may do more than ask. Root and the recorder's own user may do everything.
#[derive(Debug, Clone, Default)]
pub struct Peers {
    commanders: Vec<u32>,
    pages: Vec<u32>,
    without_own: bool,
}

impl Peers {
    /// From names or numbers of users; those that do not exist are said, and left out.
    pub fn of(commanders: &[String], pages: &[String]) -> Self {
        let known = std::fs::read_to_string(USERS).unwrap_or_default();
        let uids = |users: &[String], option: &str| {
            let uid = |user: &String| {
                let uid = uid_of(user, &known);
                if uid.is_none() {
                    tracing::error!("there is no user '{user}', so it may only ask; see {option}");
                }
                uid
            };
            users.iter().filter_map(uid).collect()
        };
        Self {
            commanders: uids(commanders, "--commander"),
            pages: uids(pages, "--page-user"),
            without_own: false,
        }
    }

    /// Root and these as the page, and not whoever runs this.
    pub fn only(pages: &[String]) -> Self {
        Self {
            without_own: true,
            ..Self::of(&[], pages)
        }
    }

    /// Whether a user has a right.
    pub fn allow(&self, uid: u32, right: Right) -> bool {
        self.has(uid, geteuid().as_raw(), right)
    }

    fn has(&self, uid: u32, own: u32, right: Right) -> bool {
        let everything = uid == 0 || (uid == own && !self.without_own);
        everything
            || match right {
                Right::Ask => true,
                Right::Page => self.pages.contains(&uid),
                Right::Command => self.commanders.contains(&uid),
                Right::Own => false,
            }
    }
}

/// Whose process is behind a connection. It cannot choose what the kernel says of it.
pub fn user_of(stream: &UnixStream) -> io::Result<u32> {
    Ok(socket_peercred(stream)?.uid.as_raw())
}

/// The number of a user, by the lines of passwd(5).
fn uid_of(user: &str, known: &str) -> Option<u32> {
    if let Ok(uid) = user.parse() {
        return Some(uid);
    }
    known.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let uid = fields.nth(1)?;
        (name == user).then(|| uid.parse().ok()).flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_found_by_name_or_number() {
        let known = "root:x:0:0:root:/root:/bin/sh\npicam-time:x:804:804::/:\nodd\n";
        assert_eq!(uid_of("picam-time", known), Some(804));
        assert_eq!(uid_of("picam", known), None);
        assert_eq!(uid_of("801", known), Some(801));
        assert_eq!(uid_of("-1", known), None);
    }

    #[test]
    fn everybody_has_the_rights_they_were_given_and_no_other() {
        let peers = Peers {
            commanders: vec![804],
            pages: vec![801],
            without_own: false,
        };
        let rights = [Right::Ask, Right::Page, Right::Command, Right::Own];
        for (uid, has) in [
            (0, [true; 4]),
            (800, [true; 4]),
            (801, [true, true, false, false]),
            (804, [true, false, true, false]),
            (65_534, [true, false, false, false]),
        ] {
            assert_eq!(rights.map(|right| peers.has(uid, 800, right)), has, "{uid}");
        }
        let only = Peers::only(&["801".to_owned()]);
        let all = [0, 800, 801, 804, 65_534].into_iter();
        let may: Vec<u32> = all.filter(|&uid| only.has(uid, 800, Right::Page)).collect();
        assert_eq!(may, [0, 801]);
    }
}
