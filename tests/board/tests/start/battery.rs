//! A battery that runs down: the owner is warned, the last file is finished, the board switches itself off.

use std::time::Duration;

use picam_board_tests::board::{Board, await_halt};
use picam_board_tests::shell::Shell;
use picam_testkit::steps::Steps;

use crate::common::*;
use crate::devices::set_gauge;

/// For a step that the guard holds for seconds of the board's.
const TIMEOUT: Duration = Duration::from_secs(300);
/// What the guard has said.
const SAID: &str = "journalctl --no-pager -o cat -u picam-guard";

/// Leaves the board halted.
pub fn all(steps: &mut Steps, board: &Board, shell: &mut Shell) {
    steps.step("the guard knows its start", || {
        let history = shell.ok("cat /state/guard/starts.json").unwrap();
        let boot_id = shell.ok("cat /proc/sys/kernel/random/boot_id").unwrap();
        let mine = format!("\"boot_id\":\"{}\",\"end\":null", boot_id.trim());
        assert!(history.contains(&mine), "{history}");
    });
    steps.step("a battery that is low is warned of", || {
        set_gauge(board, shell, 3_550, 12);
        let low = format!("{SAID} | grep -q 'the battery is low'");
        shell.until("the warning", &low, TIMEOUT).unwrap();
        let status = status(shell);
        assert_eq!(
            status["status"]["cameras"][0]["state"], "recording",
            "{status}"
        );
    });
    steps.step("a battery that is empty ends it", || {
        shell.ok("dmesg -n 7").unwrap();
        set_gauge(board, shell, 3_300, 3);
        await_halt(shell, TIMEOUT).unwrap();
    });
}
