//! Who gets in. Nobody does by default: beyond loopback there is no page and no byte without a
//! password.

mod checker;
mod gate;
mod login;
mod origin;
mod password;
mod sessions;
mod throttle;

use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub(crate) use gate::gate;
pub(crate) use login::{login, login_page, logout};
pub use password::{MIN_PASSWORD_LEN, PasswordError, PasswordHash, hash_password};

use checker::Checker;
use sessions::Sessions;
use throttle::Throttle;

/// What it takes to see footage.
#[derive(Debug, Clone)]
pub enum Access {
    /// Nothing, for whoever sits at this very machine. Only for a loopback address.
    LocalOpen,
    /// A password.
    Password(PasswordHash),
}

impl Access {
    /// Whether a server on `ip` may let people in this way.
    pub fn is_safe_on(&self, ip: IpAddr) -> bool {
        matches!(self, Self::Password(_)) || ip.to_canonical().is_loopback()
    }
}

/// How long one login lasts.
const SESSION_LIFETIME: Duration = Duration::from_secs(30 * 24 * 3600);

/// The state behind logging in.
#[derive(Debug)]
pub(crate) struct Auth {
    pub(crate) access: Access,
    sessions: Mutex<Sessions>,
    throttle: Mutex<Throttle>,
    checker: Checker,
}

impl Auth {
    pub(crate) fn new(access: Access) -> Self {
        Self {
            access,
            sessions: Mutex::new(Sessions::new(SESSION_LIFETIME)),
            throttle: Mutex::default(),
            checker: Checker::default(),
        }
    }

    // Both hold tables whose entries are replaced whole: a panic leaves nothing half done.
    fn sessions(&self) -> MutexGuard<'_, Sessions> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn throttle(&self) -> MutexGuard<'_, Throttle> {
        self.throttle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_access_is_for_this_machine_only() {
        for (ip, safe) in [
            ("127.0.0.1", true),
            ("127.8.9.1", true),
            ("::1", true),
            ("::ffff:127.0.0.1", true),
            ("0.0.0.0", false),
            ("::", false),
            ("192.168.4.1", false),
            ("::ffff:192.168.4.1", false),
        ] {
            assert_eq!(
                Access::LocalOpen.is_safe_on(ip.parse().unwrap()),
                safe,
                "{ip}"
            );
        }
    }
}
