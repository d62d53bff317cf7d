//! Who is at the other end of the socket, and whether they may command.

use std::io;
use std::os::unix::net::UnixStream;

use rustix::net::sockopt::socket_peercred;
use rustix::process::geteuid;

/// Where users have their numbers.
const USERS: &str = "/etc/passwd";

/// Who may change something: root, the recorder's own user, and these.
#[derive(Debug, Clone, Default)]
pub(crate) struct Commanders {
    uids: Vec<u32>,
    without_own: bool,
}

impl Commanders {
    /// From names or numbers of users; those that do not exist are said, and left out.
    pub(crate) fn of(users: &[String]) -> Self {
        let known = std::fs::read_to_string(USERS).unwrap_or_default();
        let uid = |user: &String| {
            let uid = uid_of(user, &known);
            if uid.is_none() {
                tracing::error!("there is no user '{user}', so it cannot command; see --commander");
            }
            uid
        };
        Self {
            uids: users.iter().filter_map(uid).collect(),
            without_own: false,
        }
    }

    /// Root and these, and not whoever runs this.
    pub(crate) fn only(users: &[String]) -> Self {
        Self {
            without_own: true,
            ..Self::of(users)
        }
    }

    /// Whether the process behind a connection may command. It cannot choose what the kernel says of it.
    pub(crate) fn include(&self, stream: &UnixStream) -> io::Result<bool> {
        let uid = socket_peercred(stream)?.uid.as_raw();
        Ok(self.has(uid, geteuid().as_raw()))
    }

    fn has(&self, uid: u32, own: u32) -> bool {
        uid == 0 || (uid == own && !self.without_own) || self.uids.contains(&uid)
    }
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
    fn root_the_own_user_and_those_named_may_command() {
        let commanders = Commanders {
            uids: vec![804],
            without_own: false,
        };
        let may: Vec<u32> = [0, 800, 801, 804, 65_534]
            .into_iter()
            .filter(|&uid| commanders.has(uid, 800))
            .collect();
        assert_eq!(may, [0, 800, 804]);
        let only = Commanders::only(&["801".to_owned()]);
        let all = [0, 800, 801, 804, 65_534].into_iter();
        let may: Vec<u32> = all.filter(|&uid| only.has(uid, 800)).collect();
        assert_eq!(may, [0, 801]);
    }
}
