//! Who hangs is started again; who is killed harms nobody else.

use std::time::Duration;

use picam_board_tests::shell::Shell;
use picam_system_tests::card::Segment;
use picam_system_tests::frames::numbers;

use crate::common::*;
use picam_testkit::steps::Steps;

/// `CLOCK_BOOTTIME` of the board when the recorder was stopped, if it came to that.
pub type Stopped = Option<Duration>;

pub fn all(steps: &mut Steps, shell: &mut Shell) -> Stopped {
    steps.step("the page is killed ten times", || {
        let before = recorder(shell);
        let frames = frames_recorded(shell);
        shell
            .ok("for i in 1 2 3 4 5 6 7 8 9 10; do until p=$(systemctl show -P MainPID picam-web) && [ $p != 0 ]; do sleep 1; done; kill -9 $p; sleep 2; done")
            .unwrap();
        shell.until("the page", "systemctl is-active picam-web", ALL_UP).unwrap();
        assert_eq!(recorder(shell), before, "the recorder was started again");
        let status = status(shell);
        let camera = &status["status"]["cameras"][0];
        assert_eq!(camera["state"], "recording", "{status}");
        assert_eq!(camera["dropped_queue"], 0, "{status}");
        assert!(frames_recorded(shell) > frames + 50, "{status}");
    });
    let mut stopped = None;
    steps.step("a recorder that hangs is started again", || {
        let (pid, restarts) = recorder(shell);
        let text = shell.ok(&format!("kill -STOP {pid} && cat /proc/uptime")).unwrap();
        stopped = text.split_whitespace().next().map(|s| Duration::from_secs_f64(s.parse().unwrap()));
        let command = format!("until [ \"$(systemctl show -P MainPID picam-record)\" != {pid} ] && systemctl -q is-active picam-record; do sleep 1; done; cat /proc/uptime");
        let text = shell.run_for(&command, Duration::from_secs(300)).unwrap().text;
        let back: f64 = text.split_whitespace().next().unwrap().parse().unwrap();
        println!("recording again {:.1} s after the stop", back - stopped.unwrap().as_secs_f64());
        assert_eq!(recorder(shell).1, restarts + 1);
        std::thread::sleep(Duration::from_secs(15));
    });
    stopped
}

/// Process id and number of restarts.
fn recorder(shell: &mut Shell) -> (u32, u32) {
    let text = shell
        .ok("systemctl show -P MainPID -P NRestarts picam-record")
        .unwrap();
    let mut numbers = text.split_whitespace().map(|word| word.parse().unwrap());
    let restarts = numbers.next().unwrap();
    let pid = numbers.next().unwrap();
    // systemctl prints them in an order of its own.
    if restarts > pid {
        (restarts, pid)
    } else {
        (pid, restarts)
    }
}

fn frames_recorded(shell: &mut Shell) -> u64 {
    status(shell)["status"]["cameras"][0]["frames"]
        .as_u64()
        .unwrap()
}

/// What the hung recorder had not made durable when it was stopped.
pub fn judge(stopped: Stopped, all: &[Segment]) {
    let stopped = stopped.unwrap();
    // The last segment that began before, with all that it shows.
    let of_then = all
        .iter()
        .filter(|s| Duration::from_nanos(s.record.start_boot.0) < stopped);
    let last = of_then.max_by_key(|s| s.record.sequence).unwrap();
    let next = all
        .iter()
        .find(|s| s.record.sequence > last.record.sequence)
        .unwrap();
    let shown = numbers(&last.path, 320, 240);
    let pictures = shown.last().unwrap() - shown.first().unwrap() + 1;
    let end =
        Duration::from_nanos(last.record.start_boot.0) + Duration::from_millis(100) * pictures;
    let lost = stopped.saturating_sub(end);
    let again = Duration::from_nanos(next.record.start_boot.0).saturating_sub(stopped);
    println!(
        "{} ms before the stop were lost; the next picture was taken {:.1} s after it",
        lost.as_millis(),
        again.as_secs_f64()
    );
    assert!(lost <= Duration::from_millis(1100), "{lost:?}");
}
