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
mod token;

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
pub use token::{TokenHash, make_token};

use checker::Checker;
use throttle::Throttle;

/// What it takes to see footage.
#[derive(Debug, Clone)]
pub enum Access {
    /// Nothing, for whoever sits at this very machine. Only for a loopback address.
    LocalOpen,
    /// A password: whoever knows it is the owner.
    Password(PasswordHash),
    /// One for the owner, and one for those who may only look.
    Passwords {
        /// Of the owner.
        owner: PasswordHash,
        /// Of viewers.
        viewer: PasswordHash,
    },
}

impl Access {
    /// Whether a server on `ip` may let people in this way.
    pub fn is_safe_on(&self, ip: IpAddr) -> bool {
        self.has_password() || ip.to_canonical().is_loopback()
    }

    /// Whether anybody has to log in.
    pub(crate) fn has_password(&self) -> bool {
        self.password_of(Role::Owner).is_some()
    }

    /// The password that makes somebody this, if there is one.
    fn password_of(&self, role: Role) -> Option<&PasswordHash> {
        match (self, role) {
            (Self::LocalOpen, _) | (Self::Password(_), Role::Viewer) => None,
            (Self::Password(owner) | Self::Passwords { owner, .. }, Role::Owner) => Some(owner),
            (Self::Passwords { viewer, .. }, Role::Viewer) => Some(viewer),
        }
    }

    /// What sessions of a role are bound to: with another owner's password all end, with another one of viewers theirs.
    fn seal(&self, role: Role) -> Option<String> {
        let owner = self.password_of(Role::Owner)?.to_string();
        match role {
            Role::Owner => Some(owner),
            Role::Viewer => Some(format!("{owner}{}", self.password_of(Role::Viewer)?)),
        }
    }
}

/// The state behind logging in.
#[derive(Debug)]
pub(crate) struct Auth {
    pub(crate) access: Access,
    /// What lets a program in.
    token: Option<TokenHash>,
    sessions: Sessions,
    throttle: Mutex<Throttle>,
    checker: Checker,
}

impl Auth {
    pub(crate) fn new(access: Access, token: Option<TokenHash>, sessions: Sessions) -> Self {
        Self {
            access,
            token,
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
