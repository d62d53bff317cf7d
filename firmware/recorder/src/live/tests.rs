use std::io::Read;
use std::time::{Duration, Instant};

use picam_control::live::{Config, HEADER_LEN, Header, Kind, PictureHead};
use picam_media::{AccessUnit, Codec, ParameterSets, Start};
use picam_time::BootNs;

use super::*;

fn sets(width: u16) -> Arc<ParameterSets> {
    Arc::new(ParameterSets {
        codec: Codec::H264,
        vps: Vec::new(),
        sps: vec![vec![0x67, 1]],
        pps: vec![vec![0x68]],
        width,
        height: 360,
        frame_ticks: None,
    })
}

fn unit(n: u64, start: Start, sets: &Arc<ParameterSets>) -> AccessUnit {
    AccessUnit {
        data: vec![n as u8; 1000],
        dts: 3000 * n as i64,
        pts: 3000 * n as i64 + 6000,
        start,
        captured: BootNs::ZERO + Duration::from_millis(33) * n as u32,
        parameter_sets: Some(sets.clone()),
        ..AccessUnit::new()
    }
}

#[derive(Debug, PartialEq)]
enum Message {
    Config(u16),
    Picture { n: i64, start: bool, dropped: u32 },
    Nothing,
    End,
}

fn read(stream: &mut UnixStream) -> Message {
    let mut header = [0; HEADER_LEN];
    stream.read_exact(&mut header).unwrap();
    let Header { kind, len } = Header::parse(header).unwrap();
    let mut body = vec![0; len];
    stream.read_exact(&mut body).unwrap();
    match kind {
        Kind::Config => Message::Config(Config::parse(&body).unwrap().width),
        Kind::Picture { start } => {
            let (head, data) = PictureHead::parse(&body).unwrap();
            let n = head.dts / 3000;
            assert_eq!((head.pts, data), (head.dts + 6000, &[n as u8; 1000][..]));
            let dropped = head.dropped;
            Message::Picture { n, start, dropped }
        }
        Kind::Nothing => Message::Nothing,
        Kind::End => Message::End,
    }
}

/// Waits until so many watch.
fn until(live: &Live, viewers: usize) {
    let began = Instant::now();
    while live.viewers.load(Ordering::Relaxed) != viewers {
        assert!(began.elapsed() < Duration::from_secs(30));
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_viewer_is_told_what_comes_and_what_was_left_out() {
    let (mut feeder, tap) = tap();
    let live = Live::of(vec![('F', tap)]);
    let mut stream = live.follow('F').unwrap();
    assert_eq!(read(&mut stream), Message::Nothing);
    let (small, large) = (sets(640), sets(1280));
    let picture = |n, start, dropped| Message::Picture { n, start, dropped };
    feeder.offer(&unit(0, Start::Idr, &small));
    feeder.offer(&unit(1, Start::None, &small));
    assert_eq!(read(&mut stream), Message::Config(640));
    assert_eq!(read(&mut stream), picture(0, true, 0));
    assert_eq!(read(&mut stream), picture(1, false, 0));
    // Another size in the middle of a group: nothing of it can be shown before the next.
    feeder.offer(&unit(2, Start::None, &large));
    feeder.offer(&unit(3, Start::None, &large));
    feeder.offer(&unit(4, Start::Idr, &large));
    assert_eq!(read(&mut stream), Message::Config(1280));
    assert_eq!(read(&mut stream), picture(4, true, 2));
    drop(feeder);
    assert_eq!(read(&mut stream), Message::End);
    until(&live, 0);
    let denied = live.follow('F').unwrap_err();
    assert_eq!(denied.why, Why::Unavailable);
}

#[test]
fn viewers_are_counted_and_a_dead_one_is_noticed() {
    let (mut feeder, tap) = tap();
    let live = Live::of(vec![('F', tap)]);
    assert_eq!(live.follow('R').unwrap_err().why, Why::NoCamera);
    let mut streams: Vec<_> = (0..MAX_VIEWERS)
        .map(|_| live.follow('F').unwrap())
        .collect();
    let denied = live.follow('F').unwrap_err();
    assert_eq!(denied.why, Why::Unavailable);
    assert!(denied.reason.contains("8 viewers"), "{denied}");
    // Nobody has to feed for that: they are told that nothing came, and are not there to be told.
    drop(streams.split_off(2));
    until(&live, 2);
    let three = sets(640);
    for n in 0..3 {
        feeder.offer(&unit(n, Start::Idr, &three));
    }
    for stream in &mut streams {
        while read(stream) != Message::Config(640) {}
        assert!(matches!(read(stream), Message::Picture { start: true, .. }));
    }
    drop(streams);
    until(&live, 0);
}

#[test]
fn whoever_never_reads_costs_the_others_nothing() {
    let (mut feeder, tap) = tap();
    let live = Live::of(vec![('F', tap)]);
    let _silent = live.follow('F').unwrap();
    let mut stream = live.follow('F').unwrap();
    // It is there once it is told that nothing came.
    assert_eq!(read(&mut stream), Message::Nothing);
    let sets = sets(640);
    let mut next = None;
    // Far more than sockets hold.
    for n in 0..3000 {
        let start = if n % 30 == 0 { Start::Idr } else { Start::None };
        let offered = Instant::now();
        feeder.offer(&unit(n, start, &sets));
        assert!(offered.elapsed() < Duration::from_secs(5), "it waited");
        loop {
            let message = read(&mut stream);
            if let Message::Picture { n, dropped, .. } = message {
                assert_eq!(dropped, 0);
                assert!(next.is_none_or(|next| next == n), "{next:?} {n}");
                next = Some(n + 1);
                break;
            }
        }
    }
    assert_eq!(next, Some(3000));
}
