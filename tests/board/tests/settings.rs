//! Settings that are changed from the page: who has the file, and what becomes of it. Long form.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod common;

use common::*;
use picam_testkit::steps::Steps;

const CURL: &str = "curl -sS -m 200 -b /run/jar -c /run/jar";
const JSON: &str = "-H 'content-type: application/json'";
const PAGE: &str = "http://127.0.0.1";

#[test]
fn the_page_changes_settings_and_sees_no_secret() {
    let Some((image, run)) = prepare_long("settings", "settings that are changed from the page")
    else {
        return;
    };
    let board = start(&image, new_card(&image, &run), &run, "");
    let mut shell = board.shell("settings").unwrap();
    await_recorder(&mut shell);
    let mut steps = Steps::default();
    let login = |password: &str| {
        format!(
            "{CURL} -f -o /dev/null {JSON} -d '{{\"password\":\"{password}\"}}' {PAGE}/api/login"
        )
    };
    steps.step("shown without secrets", || {
        shell
            .until("the page", &login("emulated board"), ALL_UP)
            .unwrap();
        let text = shell.ok(&format!("{CURL} {PAGE}/api/settings")).unwrap();
        let seen: serde_json::Value =
            serde_json::from_str(text.trim()).unwrap_or_else(|e| panic!("{e}: {text}"));
        assert_eq!(seen["values"]["wifi.country"], "DE", "{text}");
        assert_eq!(seen["secrets"]["wifi.passphrase"], true, "{text}");
        assert!(
            !text.contains("emulated board") && !text.contains("argon2"),
            "{text}"
        );
    });
    steps.step("the page's user gets at neither file nor state", || {
        let enter = "pid=$(systemctl show -P MainPID picam-web); nsenter -t $pid -m setpriv --reuid picam-web --regid picam-web --groups picam";
        for path in ["/boot/picam.toml", "/state/page-key"] {
            assert_ne!(shell.run(&format!("{enter} cat {path}")).unwrap().code, 0, "{path}");
        }
        // Nor does any program that needs neither, root's or not: an empty directory that nobody may enter.
        shell
            .until("the hotspot", "systemctl is-active picam-hostapd", ALL_UP)
            .unwrap();
        for unit in ["picam-record", "systemd-networkd", "picam-hostapd"] {
            let seen = format!("pid=$(systemctl show -P MainPID {unit}); test $pid -gt 0 && nsenter -t $pid -m stat -c %a /boot /state");
            assert_eq!(shell.ok(&seen).unwrap().trim(), "0\n0", "{unit}");
        }
        // The radio has its part, which root alone reads, and came up with it.
        let part = shell.ok("stat -c '%a %u' /run/picam-card/hotspot.toml; cat /run/picam-card/hotspot.toml").unwrap();
        assert!(part.starts_with("600 0") && part.contains("passphrase = ") && !part.contains("argon2"), "{part}");
        // The network's and the clock's users get no answer, either.
        let ask = "printf '{\"ask\":\"settings\"}\\n' | setpriv --reuid picam-time --regid picam-time --groups picam-web nc.openbsd -U -N /run/picam-settings.sock";
        let said = shell.ok(ask).unwrap();
        assert!(said.contains("may not see"), "{said}");
    });
    steps.step("a support file, downloaded and on the card", || {
        let file = shell.ok(&format!("{CURL} {PAGE}/api/support")).unwrap();
        for wanted in [
            "picam support file",
            "\"clock_known\"",
            "== Saved log",
            "/dev/mmcblk0",
        ] {
            assert!(file.contains(wanted), "{wanted}: {file}");
        }
        assert!(
            !file.contains("emulated board") && !file.contains("$argon2"),
            "{file}"
        );
        let code = format!("{CURL} -o /dev/null -w '%{{http_code}}' -X POST {PAGE}/api/support");
        assert_eq!(shell.ok(&code).unwrap().trim(), "204");
        let card = shell
            .ok("head -1 /boot/picam-support.txt; findmnt -n -o OPTIONS /boot")
            .unwrap();
        assert!(
            card.contains("picam support file") && card.contains("ro,"),
            "{card}"
        );
    });
    steps.step("changed, and the partition is read-only again", || {
        let change = |set: &str| format!("{CURL} -o /run/said -w '%{{http_code}}' -X PATCH {JSON} -d '{{\"set\":{{{set}}}}}' {PAGE}/api/settings; echo; cat /run/said");
        let said = shell.ok(&change("\"device.name\":\"van\",\"web.password\":\"another one\"")).unwrap();
        assert!(said.starts_with("204"), "{said}");
        let file = shell.ok("cat /boot/picam.toml").unwrap();
        assert!(file.contains("name = \"van\"") && !file.contains("another one"), "{file}");
        assert!(file.contains("They are no secrets"), "its comments are gone: {file}");
        let mount = shell.ok("findmnt -n -o OPTIONS /boot").unwrap();
        assert!(mount.starts_with("ro,"), "{mount}");
        // The new password holds at once, the old one no more.
        shell.until("the new password", &login("another one"), ALL_UP).unwrap();
        assert_ne!(shell.run(&login("emulated board")).unwrap().code, 0);
        let said = shell.ok(&change("\"shares.event\":\"0\"")).unwrap();
        assert!(said.starts_with("401") || said.starts_with("422"), "{said}");
    });
    steps.step("it holds from the next start on", || {
        let (card, _) = board.pull().unwrap();
        let board = start(&image, card, &run, "");
        let mut shell = board.shell("again").unwrap();
        await_recorder(&mut shell);
        shell
            .until(
                "the name",
                "test \"$(cat /proc/sys/kernel/hostname)\" = van",
                ALL_UP,
            )
            .unwrap();
        shell
            .until("the new password", &login("another one"), ALL_UP)
            .unwrap();
    });
    steps.end();
}
