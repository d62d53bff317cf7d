//! Who gets in. Nobody does by default: beyond loopback there is no page and no byte without a
//! password.

mod checker;
mod ended;
mod gate;
mod login;
mod origin;
mod password;
mod role;
mod sessions;
mod throttle;

use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

pub(crate) use gate::gate;
pub(crate) use login::{login, login_page, logout, logout_everywhere};
pub use password::{
    MIN_PASSWORD_LEN, PasswordError, PasswordHash, hash_password, hash_password_with,
};
pub use role::Role;
pub(crate) use sessions::Session;
pub use sessions::Sessions;

use checker::Checker;
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

/// The state behind logging in.
#[derive(Debug)]
pub(crate) struct Auth {
    pub(crate) access: Access,
    sessions: Sessions,
    throttle: Mutex<Throttle>,
    checker: Checker,
}

impl Auth {
    pub(crate) fn new(access: Access, sessions: Sessions) -> Self {
        Self {
            access,
            sessions,
            throttle: Mutex::default(),
            checker: Checker::default(),
        }
    }

    // It holds a table whose entries are replaced whole: a panic leaves nothing half done.
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
