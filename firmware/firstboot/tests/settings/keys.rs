// Included by the tests of public.rs, too.
/// Some keys, as picam's table has them.
pub(crate) const KEYS: &[Key] = &[
    key("", "slots", Access::Card),
    key("shares", "event", Access::Card),
    key("camera", "name", Access::Card),
    key("camera", "source", Access::Card),
    key("camera", "password", Access::Secret),
    key("retention", "max-age", Access::Card),
    key("device", "name", Access::Page),
    key("device", "time-zone", Access::Page),
    key("device", "factory-reset", Access::Card),
    key("device", "format-disk", Access::Card),
    key("wifi", "mode", Access::Page),
    key("wifi", "country", Access::Page),
    key("wifi", "ssid", Access::Page),
    key("wifi", "channel", Access::Card),
    key("wifi", "passphrase", Access::PageSecret),
    key("wifi.network", "ssid", Access::Card),
    key("wifi.network", "passphrase", Access::Secret),
    key("web", "enabled", Access::Card),
    key("web", "listen", Access::Card),
    key("web", "password", Access::PageSecret),
    key("web", "password-hash", Access::Hash),
    key("web", "viewer-password", Access::PageSecret),
    key("web", "viewer-password-hash", Access::Hash),
    key("web", "token-hash", Access::Hash),
    key("log", "format", Access::Page),
    key("log", "level", Access::Page),
];

const fn key(section: &'static str, name: &'static str, access: Access) -> Key {
    Key {
        section,
        name,
        access,
    }
}
