//! What was reported is what is shown.

use picam_control::orders::Order;
use picam_control::status::{CameraState, CameraStatus, Losses, StatusSource, VolumeState};
use picam_media::{AccessUnit, Codec, ParameterSets};
use picam_time::AGREEMENT;

use super::*;

/// So many seconds after booting.
fn at(seconds: u64) -> BootNs {
    BootNs::from_secs(seconds)
}

fn front(parts: &Parts) -> CameraStatus {
    parts.status.status().unwrap().cameras.swap_remove(0)
}

fn faults(parts: &Parts) -> Vec<String> {
    let card = parts.status.status().unwrap().card;
    card.faults.into_iter().map(|fault| fault.message).collect()
}

fn unit(dts: i64) -> AccessUnit {
    AccessUnit {
        dts,
        ..AccessUnit::new()
    }
}

fn frames(frames: u32) -> Counters {
    Counters {
        frames,
        ..Counters::default()
    }
}

#[test]
fn before_anything_is_delivered_nothing_is_made_up() {
    let directory = tempfile::tempdir().unwrap();
    let parts = parts(&plan(directory.path()));
    let camera = front(&parts);
    assert_eq!((camera.name.as_str(), camera.letter), ("front", 'F'));
    assert_eq!(camera.source, "not opened yet");
    assert_eq!((camera.state, camera.fault), (CameraState::Starting, None));
    assert_eq!(
        (camera.width, camera.height, camera.fps),
        (None, None, None)
    );
    assert_eq!((camera.segment, camera.last_durable_ms_ago), (None, None));
    assert_eq!(camera.ring.slot_size, SLOT_SIZE);
    assert!(!parts.status.all_under_way());
    let status = parts.status.status().unwrap();
    assert_eq!((status.uptime_s, parts.status.now()), (100.0, at(100)));
    assert!(!status.clock_known && status.paused_s.is_none());
    // The directory is not there yet.
    assert!(faults(&parts)[0].contains("cannot be read"));
    assert_eq!(status.volumes.len(), 1);
    assert_eq!(status.volumes[0].state, VolumeState::Away);
}

#[test]
fn a_sources_pictures_give_size_and_rate() {
    let directory = tempfile::tempdir().unwrap();
    let parts = parts(&plan(directory.path()));
    let report = &parts.reports[0];
    report.source_opened("a camera".into());
    let sets = Arc::new(ParameterSets {
        codec: Codec::H264,
        vps: Vec::new(),
        sps: Vec::new(),
        pps: Vec::new(),
        width: 640,
        height: 480,
        frame_ticks: None,
    });
    report.delivered(&AccessUnit {
        parameter_sets: Some(sets),
        dropped_before: 2,
        ..unit(0)
    });
    assert_eq!(front(&parts).fps, None);
    report.delivered(&unit(3_000));
    assert_eq!(front(&parts).fps, Some(30.0));
    report.delivered(&AccessUnit {
        dropped_before: 3,
        ..unit(7_800)
    });
    // 3000 less a sixteenth, and a sixteenth of 4800.
    assert_eq!(front(&parts).fps, Some(90_000.0 / 3_113.0));
    // Opened anew, its clock begins anew.
    report.source_opened("another".into());
    report.delivered(&unit(0));
    let camera = front(&parts);
    assert_eq!(camera.fps, Some(90_000.0 / 3_113.0));
    assert_eq!((camera.width, camera.height), (Some(640), Some(480)));
    assert_eq!(
        (camera.source.as_str(), camera.dropped_encoder),
        ("another", 5)
    );
    report.lost_in_queue();
    report.lost_in_queue();
    assert_eq!(front(&parts).dropped_queue, 2);
}

#[test]
fn progress_counts_segments_and_losses() {
    let directory = tempfile::tempdir().unwrap();
    let parts = parts(&plan(directory.path()));
    let report = &parts.reports[0];
    report.progress(&frames(0), at(0), Some(0));
    assert_eq!(front(&parts).state, CameraState::Starting);
    let total = Counters {
        frames: 5,
        lost_card: 1,
        lost_room: 2,
        lost_undecodable: 3,
        lost_side: 4,
        stream_damage: 6,
        times_changed: 7,
        ..Counters::default()
    };
    report.progress(&total, at(98), Some(0));
    let camera = front(&parts);
    assert_eq!(camera.state, CameraState::Recording);
    assert_eq!((camera.frames, camera.segments), (5, 0));
    assert_eq!(camera.segment.as_deref(), Some("F000000"));
    assert_eq!(camera.last_durable_ms_ago, Some(2_000));
    let lost = Losses {
        card: 1,
        room: 2,
        undecodable: 3,
        side: 4,
        stream_damage: 6,
        times_changed: 7,
    };
    assert_eq!(camera.lost, lost);
    // Nothing new is durable; the next segments, and none, and one again.
    for (segment, finished) in [
        (Some(0), 0),
        (Some(1), 1),
        (None, 2),
        (None, 2),
        (Some(3), 2),
    ] {
        report.progress(&total, at(0), segment);
        let camera = front(&parts);
        assert_eq!(camera.segments, finished, "{segment:?}");
        assert_eq!(camera.last_durable_ms_ago, Some(2_000));
    }
    assert!(!parts.status.all_under_way());
    parts.reports[1].progress(&frames(1), at(1), None);
    assert!(parts.status.all_under_way());
    let pulses = parts.status.pulses();
    assert_eq!(pulses.len(), 2);
    assert_eq!((pulses[0].durable_until, pulses[0].ended), (at(98), false));
}

#[test]
fn the_fault_nearest_the_source_is_shown() {
    let directory = tempfile::tempdir().unwrap();
    let parts = parts(&plan(directory.path()));
    let report = &parts.reports[0];
    let fault = || front(&parts).fault.map(|fault| fault.message);
    report.progress(&frames(1), at(1), None);
    report.card_failed("the card".into(), "replace it");
    assert_eq!(fault().as_deref(), Some("the card"));
    report.stream_failed("the stream".into());
    assert_eq!(fault().as_deref(), Some("the stream"));
    report.source_failed("the source".into());
    assert_eq!(fault().as_deref(), Some("the source"));
    assert_eq!(front(&parts).state, CameraState::Fault);
    assert_eq!(parts.status.pulses()[0].fault_beats, 3);
    report.source_opened("again".into());
    assert_eq!(fault().as_deref(), Some("the stream"));
    report.stream_works();
    assert_eq!(fault().as_deref(), Some("the card"));
    report.card_works();
    assert_eq!(
        (fault(), front(&parts).state),
        (None, CameraState::Recording)
    );
    report.card_failed("the card".into(), "replace it");
    report.source_ended();
    report.progress(&frames(2), at(2), None);
    assert_eq!(front(&parts).state, CameraState::Ended);
    assert!(parts.status.pulses()[0].ended);
}

#[test]
fn a_source_that_ends_at_once_holds_nobody_up() {
    let directory = tempfile::tempdir().unwrap();
    let parts = parts(&plan(directory.path()));
    parts.reports[0].source_ended();
    assert!(!parts.status.all_under_way());
    parts.reports[1].source_ended();
    assert!(parts.status.all_under_way());
}

#[test]
fn what_the_housekeeper_finds_is_said_of_its_volume_alone() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join("footage")).unwrap();
    let parts = parts(&RecordPlan {
        warnings: vec!["no such key".into()],
        ..plan(directory.path())
    });
    assert_eq!(faults(&parts), ["no such key"]);
    parts.status.card_is_forged(Volume::Usb);
    parts.status.slot_is_rotten(Volume::Usb);
    parts.status.card_full(Volume::Usb, Some("full".into()));
    assert_eq!(faults(&parts), ["no such key"]);
    parts.status.card_is_forged(Volume::Card);
    parts.status.slot_is_rotten(Volume::Card);
    parts.status.slot_is_rotten(Volume::Card);
    parts.status.card_full(Volume::Card, Some("no room".into()));
    let said = faults(&parts);
    assert!(said[0].contains("smaller than it says"), "{said:?}");
    assert!(
        said[1].starts_with("2 segments were found damaged"),
        "{said:?}"
    );
    assert_eq!(said[2..], ["no room", "no such key"]);
    parts.status.card_full(Volume::Card, None);
    assert_eq!(faults(&parts).len(), 3);
    // What lies in the way.
    std::fs::create_dir(
        directory
            .path()
            .join("footage/free_video_slot_F-_000000.bin"),
    )
    .unwrap();
    let said = faults(&parts);
    assert!(
        said[0].starts_with("1 entries") && said[0].contains("free_video_slot"),
        "{said:?}"
    );
    let status = parts.status.status().unwrap();
    assert_eq!(status.card.unusable, 1);
    assert!(status.card.total > status.card.available && status.card.available > 0);
    assert_eq!(status.volumes[0].total, status.card.total);
}

#[test]
fn a_ring_is_shown_as_it_lies_there() {
    let directory = tempfile::tempdir().unwrap();
    let parts = parts(&plan(directory.path()));
    let (slots, _recorder) = parts.record(3);
    std::fs::write(directory.path().join("footage/holiday.jpg"), [0; 7]).unwrap();
    parts.status.aged(b'F');
    parts.status.aged(b'X');
    let status = parts.status.status().unwrap();
    let ring = &status.cameras[0].ring;
    assert_eq!((ring.failed, ring.aged, ring.classes.normal), (0, 1, 4));
    assert_eq!(ring.slots, ring.spare + 4);
    assert_eq!(status.cameras[1].ring.aged, 0);
    assert!(!ring.warnings.iter().any(|said| said.contains("set aside")));
    assert!(status.cameras[1].ring.warnings[0].contains("no slot"));
    assert_eq!(
        (status.card.foreign_files, status.card.foreign_bytes),
        (1, 7)
    );
    assert_eq!(status.volumes[0].state, VolumeState::Recording);
    let newest = slots.ring(b'F', |ring| ring.newest().map(|newest| newest.slot()));
    slots.set_aside(newest.unwrap());
    let ring = front(&parts).ring;
    assert_eq!(ring.failed, 1);
    assert!(
        ring.warnings
            .iter()
            .any(|said| said.starts_with("1 slots failed"))
    );
}

#[test]
fn a_disk_that_is_away_is_said_to_be_with_the_reason_there_is() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join("footage")).unwrap();
    let note = directory.path().join("note");
    let parts = parts(&RecordPlan {
        disk: Some(directory.path().join("disk")),
        disk_note: Some(note.clone()),
        ..plan(directory.path())
    });
    assert_eq!(
        faults(&parts),
        ["there is no USB disk; the card is recorded to"]
    );
    let volumes = parts.status.status().unwrap().volumes;
    assert_eq!(
        (volumes[0].volume, volumes[0].state),
        (Volume::Usb, VolumeState::Away)
    );
    assert_eq!(
        (volumes[1].volume, volumes[1].state),
        (Volume::Card, VolumeState::Recording)
    );
    // A note of a disk that was pulled meanwhile says nothing.
    std::fs::write(&note, "/no/such/disk\nit holds a mail archive\nformat it\n").unwrap();
    assert_eq!(
        faults(&parts),
        ["there is no USB disk; the card is recorded to"]
    );
    std::fs::write(&note, "/dev/null\nit holds a mail archive\nformat it\n").unwrap();
    assert_eq!(faults(&parts), ["it holds a mail archive"]);
    parts.reports[0].progress(&frames(1), at(1), Some(4));
    assert_eq!(front(&parts).segment.as_deref(), Some("F000004"));
    parts.reports[0].records_to(Volume::Usb);
    assert_eq!(front(&parts).segment.as_deref(), Some("F000004u"));
    assert_eq!(parts.status.status().unwrap().card.volume, Volume::Usb);
    parts.reports[0].records_to(Volume::Card);
    assert_eq!(front(&parts).segment.as_deref(), Some("F000004"));
}

#[test]
fn a_pause_is_shown_until_it_is_over() {
    let directory = tempfile::tempdir().unwrap();
    let parts = parts(&plan(directory.path()));
    parts.reports[0].progress(&frames(1), at(1), None);
    parts
        .desk
        .order_of_page(Order::Pause { seconds: 5 })
        .unwrap();
    parts.clock.turn(SECOND / 2);
    assert_eq!(front(&parts).state, CameraState::Paused);
    assert_eq!(parts.status.status().unwrap().paused_s, Some(5));
    parts.clock.turn(5 * SECOND);
    assert_eq!(front(&parts).state, CameraState::Recording);
    assert_eq!(parts.status.status().unwrap().paused_s, None);
}

#[test]
fn a_better_clock_contradicts_a_worse_one_that_is_a_minute_off() {
    let directory = tempfile::tempdir().unwrap();
    let parts = parts(&plan(directory.path()));
    let status = &parts.status;
    let says = |utc| said(at(100), utc, TimeSource::Phone);
    assert_eq!(status.contradicts(&says(NOON)), None);
    status.set_time(said(at(100), NOON, TimeSource::Gps));
    let shown = status.status().unwrap();
    let clock = shown.clock.unwrap();
    assert!(shown.clock_known && !clock.confirmed);
    assert_eq!(clock.source, TimeSource::Gps);
    assert!(Arc::ptr_eq(&status.gps_shown(), &status.gps_shown()));
    let less = AGREEMENT - Duration::from_micros(1);
    for (off, better) in [(AGREEMENT, Some(TimeSource::Gps)), (less, None)] {
        assert_eq!(status.contradicts(&says(NOON + off)), better);
        assert_eq!(status.contradicts(&says(NOON - off)), better);
    }
}

#[test]
fn every_place_is_shown_with_what_it_is_for_now() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join("footage")).unwrap();
    // Something is always mounted there.
    let parts = parts(&RecordPlan {
        disk: Some("/proc".into()),
        ..plan(directory.path())
    });
    let states = || {
        let volumes = parts.status.status().unwrap().volumes;
        [volumes[0].state, volumes[1].state]
    };
    assert_eq!(states(), [VolumeState::Waiting, VolumeState::Recording]);
    assert_eq!(faults(&parts), [""; 0]);
    parts.volumes.refused(Volume::Usb);
    assert_eq!(states(), [VolumeState::Refused, VolumeState::Recording]);
    assert_eq!(faults(&parts).len(), 1);
    parts.reports[0].records_to(Volume::Usb);
    assert_eq!(states(), [VolumeState::Recording, VolumeState::Waiting]);
}
