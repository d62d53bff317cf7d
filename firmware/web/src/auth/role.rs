//! What somebody who is let in may do.

use axum::http::Method;

/// Who somebody is to the camera.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// May do everything that the page offers.
    Owner,
    /// May look, and end the own session.
    Viewer,
}

/// What only the owner may look at.
const OWNERS: [&str; 2] = ["/api/settings", "/api/support"];

impl Role {
    pub(super) const ALL: [Self; 2] = [Self::Owner, Self::Viewer];

    /// Whether a request is within what the role may do.
    pub(crate) fn may(self, method: &Method, path: &str) -> bool {
        match self {
            Self::Owner => true,
            // Settings are the owner's, also to look at.
            Self::Viewer => (method.is_safe() && !OWNERS.contains(&path)) || path == "/api/logout",
        }
    }

    /// Its name in a session.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Viewer => "viewer",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn viewers_look_and_leave() {
        for (method, path, may) in [
            (Method::GET, "/api/segments", true),
            (Method::HEAD, "/api/segments/F000123/file", true),
            (Method::POST, "/api/logout", true),
            (Method::POST, "/api/logout-everywhere", false),
            (Method::DELETE, "/api/segments/F000123", false),
            (Method::POST, "/api/segments/F000123/restore", false),
            (Method::GET, "/api/segments/F000123/first", true),
            (Method::GET, "/api/clip", true),
            (Method::GET, "/api/archive", true),
            (Method::POST, "/api/saves", false),
            (Method::GET, "/api/cameras/F/picture", true),
            (Method::PATCH, "/api/cameras/F/picture", false),
            (Method::GET, "/api/stills", true),
            (Method::HEAD, "/api/stills/100F0001", true),
            (Method::POST, "/api/cameras/F/stills", false),
            (Method::POST, "/api/locks", false),
            (Method::POST, "/api/pause", false),
            (Method::POST, "/api/resume", false),
            (Method::GET, "/api/settings", false),
            (Method::PATCH, "/api/settings", false),
            (Method::GET, "/api/support", false),
            (Method::HEAD, "/api/support", false),
            (Method::POST, "/api/support", false),
        ] {
            assert_eq!(Role::Viewer.may(&method, path), may, "{method} {path}");
            assert!(Role::Owner.may(&method, path));
        }
    }
}
