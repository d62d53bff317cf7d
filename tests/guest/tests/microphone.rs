//! A microphone by a real driver: ALSA's loopback, which hears what is played to it. One that nobody takes samples from, and
//! one that is pulled out.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use picam_guest_tests::Guest;
use picam_testkit::steps::Steps;
use picam_testkit::{binary, ffmpeg, judges};

/// Only what hangs reaches it.
const LONG: Duration = Duration::from_secs(240);
const UNBIND: &str = "echo -n snd_aloop.0 >/sys/bus/platform/drivers/snd_aloop/unbind";
const BIND: &str = "echo -n snd_aloop.0 >/sys/bus/platform/drivers/snd_aloop/bind";
/// Plays a beep a second, again whenever the player ends.
const PLAY: &str =
    "(while sleep 0.2; do aplay -q -D hw:Loopback,0,0 /out/beeps.wav; done) >/dev/null 2>&1 &";

#[test]
fn a_microphone_of_the_kernel_is_recorded() {
    if !judges::have("ffmpeg", "ffmpeg") || !judges::have("aplay", "alsa-utils") {
        return;
    }
    let Some(guest) = Guest::boot().unwrap() else {
        return;
    };
    let beeps = "-f lavfi -i aevalsrc=if(lt(mod(t\\,1)\\,0.1)\\,0.5*sin(2*PI*1000*t)\\,0):s=48000:d=600 -ac 1";
    ffmpeg::run(beeps, &guest.out().join("beeps.wav"));
    ffmpeg::run(
        "-f lavfi -i sine=duration=600 -ar 8000 -ac 1",
        &guest.out().join("slow.wav"),
    );
    let mut steps = Steps::default();
    steps.step("another rate is refused", || refused(&guest));
    steps.step("it listens", || listens(&guest));
    steps.step("what nobody took is counted, and sound goes on", || {
        overrun(&guest)
    });
    steps.step("it is pulled out, and comes back", || pulled_out(&guest));
    steps.step("what was recorded is sound", || judged(&guest));
    steps.end();
}

fn await_log(guest: &Guest, what: &str, times: usize) {
    let count = format!("test $(grep -c '{what}' /out/log) -ge {times}");
    guest.until(what, &count, LONG).unwrap();
}

fn await_segments(guest: &Guest, more: usize) {
    let files = "(ls /tmp/footage/*.mp4 2>/dev/null || true) | wc -l";
    let until: usize = guest.ok(files).unwrap().trim().parse().unwrap();
    let enough = format!("test $({files}) -ge {}", until + more);
    guest.until("segments", &enough, LONG).unwrap();
}

/// While 8000 samples a second are played to it, it hears no other.
fn refused(guest: &Guest) {
    guest.ok("modprobe snd_aloop").unwrap();
    guest
        .until("the device", "test -e /dev/snd/pcmC0D1c", LONG)
        .unwrap();
    guest
        .ok("aplay -q -D hw:Loopback,0,0 /out/slow.wav >/dev/null 2>&1 & echo $! >/tmp/slow")
        .unwrap();
    let played = "grep -q RUNNING /proc/asound/card0/pcm0p/sub0/status";
    guest.until("the slow sound", played, LONG).unwrap();
    guest
        .ok(&format!(
            "{} record --camera 'front=sim:?size=64x64&fps=5&gop=5&bitrate=100k' --microphone alsa:hw:Loopback,1,0 \
             --footage /tmp/footage --segment 4s --slots 60 --slot-size 1MiB >/out/log 2>&1 & echo $! >/tmp/pid",
            binary().display()
        ))
        .unwrap();
    await_log(
        guest,
        "samples a second, but 8000 at the most; write plughw:",
        1,
    );
    await_segments(guest, 1);
}

fn listens(guest: &Guest) {
    guest.ok("kill $(cat /tmp/slow)").unwrap();
    guest.ok(PLAY).unwrap();
    await_log(guest, "the microphone listens: 48000 Hz, channels: 1", 1);
    await_segments(guest, 2);
}

fn overrun(guest: &Guest) {
    guest
        .ok("kill -STOP $(cat /tmp/pid); sleep 4; kill -CONT $(cat /tmp/pid)")
        .unwrap();
    await_log(guest, "sound of the microphone was lost", 1);
    await_segments(guest, 2);
}

fn pulled_out(guest: &Guest) {
    guest.ok(UNBIND).unwrap();
    await_log(guest, "pictures are recorded without sound", 1);
    await_segments(guest, 2);
    guest.ok(BIND).unwrap();
    await_log(guest, "the microphone listens", 2);
    await_segments(guest, 2);
}

/// When a beep begins, in seconds of the file's sound.
fn beeps(file: &Path) -> Vec<f64> {
    let mut ffmpeg = Command::new("ffmpeg");
    let ffmpeg = ffmpeg.args(["-nostdin", "-v", "error", "-i"]).arg(file);
    let output = ffmpeg.args(["-map", "0:a:0", "-f", "s16le", "-"]).output();
    let samples = output.unwrap().stdout;
    let loud: Vec<bool> = samples
        .chunks_exact(96)
        .map(|ms| {
            ms.chunks_exact(2)
                .any(|s| i16::from_le_bytes([s[0], s[1]]).unsigned_abs() > 8000)
        })
        .collect();
    let rises = (100..loud.len()).filter(|&n| loud[n] && !loud[n - 100..n].contains(&true));
    rises.map(|n| n as f64 / 1000.0).collect()
}

fn judged(guest: &Guest) {
    guest
        .ok("kill -TERM $(cat /tmp/pid); for n in $(seq 100); do kill -0 $(cat /tmp/pid) 2>/dev/null || break; sleep 0.1; done; \
             cp -r /tmp/footage /out/")
        .unwrap();
    let footage = guest.out().join("footage");
    let check = Command::new(binary()).arg("check").arg(&footage).output();
    assert!(check.as_ref().unwrap().status.success(), "{check:?}");
    let entries = std::fs::read_dir(&footage).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|end| end == "mp4"));
    files.sort();
    let (mut with_sound, mut without, mut apart) = (0, 0, Vec::new());
    for file in &files {
        judges::ffmpeg_decodes(file).unwrap();
        let probe = judges::ffprobe(file, false).unwrap();
        let tracks = probe["streams"].as_array().unwrap().len();
        match tracks {
            1 => without += 1,
            _ => {
                with_sound += 1;
                let beeps = beeps(file);
                apart.extend(beeps.windows(2).map(|pair| pair[1] - pair[0]));
            }
        }
    }
    println!("{with_sound} segments with sound, {without} without; beeps are apart by {apart:?} s");
    // With it, without it while it was away, and with it again.
    assert!(with_sound >= 5 && without >= 1, "{with_sound} {without}");
    let good = apart.iter().filter(|s| (*s - 1.0).abs() < 0.01).count();
    assert!(good >= 5, "{apart:?}");
}
