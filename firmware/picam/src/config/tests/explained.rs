//! What explains the keys, or changes them, against the table of them.

use super::*;

const DOCUMENTED: &str = include_str!("../../../../../docs/picam.toml");
const OWNERS: &str = include_str!("../../../../../board/boot/picam.toml");
const DEVICES: &str = include_str!("../../../../../board/rootfs/usr/share/picam/device.toml");
const FORM: &str = include_str!("../../../../web/page/settings.html");
const FORM_SCRIPT: &str = include_str!("../../../../web/page/settings.js");

/// Every key, as `section.key`.
fn all_keys() -> impl Iterator<Item = (String, &'static table::Key)> {
    keys::all().map(|(section, key)| (section.full(key.name), key))
}

#[test]
fn the_files_that_explain_the_keys_are_made_of_the_table() {
    assert_eq!(
        DOCUMENTED,
        example(None),
        "picam config example >docs/picam.toml"
    );
    assert_eq!(
        OWNERS,
        example(Some(&parse_config(DEVICES).config)),
        "picam config example --defaults board/rootfs/usr/share/picam/device.toml >board/boot/picam.toml"
    );
    let too_wide = |line: &&str| line.len() > 120 && !line.contains("password-hash =");
    assert_eq!(DOCUMENTED.lines().find(too_wide), None);
}

#[test]
fn the_form_has_what_the_page_may_change_and_warns_of_what_interrupts_it() {
    let fields = FORM.split("data-key=\"").skip(1);
    let mut fields: Vec<&str> = fields.filter_map(|rest| rest.split('"').next()).collect();
    // Networks are joined and left as wholes.
    fields.retain(|&key| key != "wifi.network");
    let on_page = all_keys().filter(|(_, key)| key.access.is_on_page());
    let mut on_page: Vec<String> = on_page.map(|(full, _)| full).collect();
    fields.sort_unstable();
    on_page.sort_unstable();
    assert_eq!(fields, on_page);
    let interrupting = all_keys().map(|(full, _)| full);
    let interrupting: Vec<String> = interrupting
        .filter(|full| interrupts_page(full))
        .map(|full| format!("\"{full}\""))
        .collect();
    let list = format!("[{}].filter((key) => key in", interrupting.join(", "));
    assert!(FORM_SCRIPT.contains(&list), "settings.js: {list}");
}

#[test]
fn whoever_has_the_page_cannot_take_footage_or_cameras_away() {
    let never = [
        "device.footage",
        "device.format-disk",
        "device.factory-reset",
        "web.enabled",
        "web.listen",
    ];
    let sections = ["device.", "wifi.", "web.", "log."];
    for (full, key) in all_keys().filter(|(_, key)| key.access.is_on_page()) {
        let in_section = sections.iter().any(|section| full.starts_with(section));
        assert!(
            in_section && !never.contains(&full.as_str()),
            "{full}: {key:?}"
        );
    }
}

#[test]
fn what_is_called_like_a_secret_is_one_and_no_service_sees_it() {
    for (full, key) in all_keys() {
        let is_secret = matches!(key.access, KeyAccess::Secret | KeyAccess::PageSecret);
        assert_eq!(
            is_secret,
            full.contains("pass") && !full.ends_with("-hash"),
            "{full}"
        );
        assert_eq!(
            key.access == KeyAccess::Hash,
            full.ends_with("-hash"),
            "{full}"
        );
        let section = full.rsplit_once('.').map_or("top", |(section, _)| section);
        let text = format!("[{section}]\n{} = \"xyzzy\"\n", key.name);
        let shown = public(text.as_bytes(), &card_keys());
        // What is no hash may be what it should be the hash of.
        assert_eq!(
            shown.contains("xyzzy"),
            !is_secret && key.access != KeyAccess::Hash,
            "{full}: {shown}"
        );
    }
}

#[test]
fn the_documented_file_states_the_defaults() {
    let parsed = parse_config(DOCUMENTED);
    assert_eq!(parsed.problems, []);
    let expected = Config {
        cameras: Some(vec![CameraSpec::parse(DEFAULT_CAMERA).unwrap()]),
        ..Config::default()
    };
    assert_eq!(parsed.config, expected);
}

#[test]
fn the_documented_file_names_every_key_and_its_examples_are_good() {
    // Examples stand behind `#` without a space.
    let examples: String = DOCUMENTED
        .lines()
        .map(|line| {
            line.strip_prefix('#')
                .filter(|rest| rest.starts_with(|c: char| c == '[' || c.is_ascii_lowercase()))
                .unwrap_or(line)
        })
        .map(|line| format!("{line}\n"))
        .collect();
    // A password goes with a network camera.
    let source = "name = \"front\"\n";
    let (before, behind) = examples.split_once(source).unwrap();
    let behind = behind.replacen("\"auto\"", "\"rtsp://user@camera/stream1\"", 1);
    let examples = [before, source, &behind].concat();
    let parsed = parse_config(&examples);
    assert_eq!(parsed.problems, []);
    let config = &parsed.config;
    assert_eq!(config.cameras.as_ref().map(Vec::len), Some(1));
    assert_eq!(config.wifi.networks.len(), 1);
    assert!(config.wifi.ssid.is_some() && config.wifi.passphrase.is_some());
    assert!(config.web.password.is_some());
    assert_eq!(
        parsed.config.retention.max_age,
        Some(Duration::from_secs(30 * 86_400))
    );
    assert!(parsed.config.web.password_hash.is_some());
}
