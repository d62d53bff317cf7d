//! What matters here of the keys of `picam.toml`. The table of all of them is picam's, which hands it over.

use super::edit::Place;

/// A key of `picam.toml`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// The section's name, `wifi.network` for a section in another; empty for the top of the file.
    pub section: &'static str,
    /// Its own name.
    pub name: &'static str,
    /// Who may see and change it.
    pub access: Access,
}

/// Who may see and change the value of a key. Whoever has the card may do all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Services see it. Nobody who has taken the page over can shrink what is kept, take a camera away or have a disk formatted:
    /// such keys take an edit of the card.
    Card,
    /// Services see it, and the page shows and changes it.
    Page,
    /// No service sees it.
    Secret,
    /// No service sees it. The page sets it, and tells whether it is set. If there is a key of that name and `-hash`, its hash
    /// is kept there instead.
    PageSecret,
    /// The hash of a secret. Services see it unless it is none: then it may be the secret itself, in the wrong place.
    Hash,
}

impl Access {
    /// Whether the page changes it.
    pub fn is_on_page(self) -> bool {
        matches!(self, Self::Page | Self::PageSecret)
    }

    fn is_secret(self) -> bool {
        matches!(self, Self::Secret | Self::PageSecret)
    }
}

impl Key {
    pub(super) fn place(&self) -> Place {
        Place {
            section: self.section,
            key: self.name,
        }
    }
}

pub(super) fn with(keys: &[Key], access: Access) -> impl Iterator<Item = Place> {
    let found = keys.iter().filter(move |key| key.access == access);
    found.map(Key::place)
}

/// The place of a key that the page may change, as `section.key`.
pub(super) fn on_page(keys: &[Key], full: &str) -> Option<Place> {
    let mut places = with(keys, Access::Page).chain(with(keys, Access::PageSecret));
    places.find(|place| place.full() == full)
}

/// Where the value of a key is kept.
pub(super) fn kept_as(keys: &[Key], place: Place) -> Place {
    let is_hash = |hash: &Place| {
        hash.section == place.section && hash.key.strip_suffix("-hash") == Some(place.key)
    };
    with(keys, Access::Hash).find(is_hash).unwrap_or(place)
}

/// Whether a section, or one in it, holds a secret. Any unknown key there may be a secret whose name has a slip in it.
pub(super) fn holds_secrets(keys: &[Key], section: &str) -> bool {
    inside(keys, section).any(|key| key.access.is_secret())
}

/// Whether such a section has a key or a section of that name that is no secret.
pub(super) fn is_plain(keys: &[Key], section: &str, name: &str) -> bool {
    let own = |key: &Key| key.name == name && !key.access.is_secret();
    inside(keys, section).any(|key| {
        let nested = key.section.strip_prefix(section).unwrap_or_default();
        own(key) || nested.strip_prefix('.') == Some(name)
    })
}

fn inside<'a>(keys: &'a [Key], section: &'a str) -> impl Iterator<Item = &'a Key> {
    keys.iter().filter(move |key| {
        let rest = key.section.strip_prefix(section);
        !section.is_empty() && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    })
}
