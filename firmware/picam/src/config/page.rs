//! Who may see the page.

use picam_web::{Access, PasswordError, PasswordHash};

use super::keys::Web;
use super::secret::Secret;

/// Whether the page shows footage only to whom it may.
pub(crate) fn is_safe(web: &Web) -> bool {
    has_owner(web) || Access::LocalOpen.is_safe_on(web.listen.ip())
}

/// Whether somebody has to log in.
pub(crate) fn has_owner(web: &Web) -> bool {
    web.password.is_some() || web.password_hash.is_some()
}

pub(super) fn has_viewer(web: &Web) -> bool {
    web.viewer_password.is_some() || web.viewer_password_hash.is_some()
}

/// What it takes to see footage. Passwords in plain words are hashed, which takes some tenths of a
/// second each.
pub(crate) fn access(
    web: &Web,
    hash: impl Fn(&str) -> Result<PasswordHash, PasswordError>,
) -> Result<Access, PasswordError> {
    let one = |password: &Option<Secret>, known: &Option<PasswordHash>| match password {
        Some(password) => hash(password.reveal()).map(Some),
        None => Ok(known.clone()),
    };
    let owner = one(&web.password, &web.password_hash)?;
    let viewer = one(&web.viewer_password, &web.viewer_password_hash)?;
    Ok(match (owner, viewer) {
        (Some(owner), Some(viewer)) => Access::Passwords { owner, viewer },
        (Some(owner), None) => Access::Password(owner),
        (None, _) => Access::LocalOpen,
    })
}
