use super::super::tests::found;
use super::*;

const A: &str = "by-id/usb-A-video-index0";
const B: &str = "by-path/platform-x-usb-0:1:1.0-video-index0";

fn binding(name: &str, device: &str) -> Binding {
    Binding {
        name: name.to_owned(),
        device: device.to_owned(),
    }
}

fn cameras(specs: &[&str]) -> Vec<CameraSpec> {
    specs
        .iter()
        .map(|spec| CameraSpec::parse(spec).unwrap())
        .collect()
}

fn names(cameras: &[CameraSpec]) -> Vec<&str> {
    cameras.iter().map(|camera| camera.name.as_str()).collect()
}

fn of(list: &[Binding]) -> Bindings {
    Bindings {
        list: Mutex::new(list.to_vec()),
        ..Bindings::default()
    }
}

fn expanded(
    known: &[Binding],
    given: Vec<CameraSpec>,
    found: &[Found],
) -> (Arc<Bindings>, Vec<CameraSpec>) {
    let bindings = Arc::new(of(known));
    let all = bindings.expand(given, found);
    (bindings, all)
}

#[test]
fn the_file_says_what_it_was_told_and_takes_no_nonsense() {
    let list = [binding("front", A), binding("cam2", B)];
    assert_eq!(parse(&show(&list)), list);
    let text =
        format!("# x\n\nfront   {A}  \nFront {B}\nrear /etc/passwd\nfront {B}\nrear {A}\nlonely\n");
    assert_eq!(parse(&text), [binding("front", A)]);
    assert!(parse("").is_empty());
    assert_eq!(BINDINGS_NAME.len(), BINDINGS_NEW.len());
}

#[test]
fn cameras_on_the_ribbon_cable_have_names_too() {
    const C: &str = "csi:/base/soc/i2c0mux/i2c@1/imx219@10";
    let list = [binding("front", C), binding("cam2", A)];
    assert_eq!(parse(&show(&list)), list);
    assert!(parse("front csi:\nrear csi:-x\ncam2 csi:a b\n").is_empty());
    // A line that names one, or the first whichever that is, keeps auto from it.
    for (line, free) in [
        ("x=csi:", false),
        ("x=csi:/base/soc/i2c0mux/i2c@1/imx219@10", false),
        ("x=csi:/base/soc/i2c0mux/i2c@0/imx219@10", true),
        ("x=sim:", true),
    ] {
        let (bindings, _) = expanded(&[], cameras(&[line, "front=auto"]), &[]);
        assert_eq!(bindings.is_free(&found(C)), free, "{line}");
        assert!(bindings.is_free(&found(A)), "{line}");
    }
}

#[test]
fn it_outlives_a_cut_at_any_moment() {
    let card = tempfile::tempdir().unwrap();
    assert_eq!(load(card.path()).unwrap(), []);
    let (old, new) = (
        [binding("front", A)],
        [binding("front", A), binding("cam2", B)],
    );
    store(card.path(), &old).unwrap();
    assert_eq!(load(card.path()).unwrap(), old);
    // Cut while the new one is written: half of it lies there.
    fs::write(
        card.path().join(BINDINGS_NEW),
        &show(&new)[..show(&new).len() - 9],
    )
    .unwrap();
    assert_eq!(load(card.path()).unwrap(), old);
    // Cut while it takes the other's place: that is gone already.
    fs::write(card.path().join(BINDINGS_NEW), show(&new)).unwrap();
    fs::remove_file(card.path().join(BINDINGS_NAME)).unwrap();
    assert_eq!(load(card.path()).unwrap(), new);
    store(card.path(), &new).unwrap();
    assert_eq!(load(card.path()).unwrap(), new);
    assert!(load(Path::new("/no/such/card")).is_err());
}

#[test]
fn what_the_card_says_goes_before_what_was_found_without_it() {
    let card = tempfile::tempdir().unwrap();
    store(card.path(), &[binding("front", A)]).unwrap();
    // The card was not there when the recorder began, and another camera took the name.
    let bindings = of(&[binding("front", B), binding("cam2", A)]);
    bindings.merge_and_store(card.path()).unwrap();
    assert_eq!(load(card.path()).unwrap(), [binding("front", A)]);
    let bindings = of(&[binding("front", A), binding("cam2", B)]);
    bindings.merge_and_store(card.path()).unwrap();
    assert_eq!(
        load(card.path()).unwrap(),
        [binding("front", A), binding("cam2", B)]
    );
}

#[test]
fn a_lone_auto_camera_takes_one_and_the_rest_get_names() {
    let (bindings, all) = expanded(&[], cameras(&["front=auto"]), &[found(A), found(B)]);
    assert_eq!(names(&all), ["front", "cam2"]);
    // The first is taken when it is opened.
    assert_eq!(bindings.all(), [binding("cam2", B)]);
    let (_, none) = expanded(&[], cameras(&["front=auto"]), &[]);
    assert_eq!(names(&none), ["front"]);
}

#[test]
fn an_absent_camera_keeps_its_name_and_a_new_one_gets_another() {
    let known = [binding("front", A), binding("cam2", B)];
    let (_, all) = expanded(&known, cameras(&["front=auto"]), &[]);
    assert_eq!(names(&all), ["front", "cam2"]);
    let new = found("by-id/usb-C-video-index0");
    let (bindings, all) = expanded(&known, cameras(&["front=auto"]), &[found(B), new]);
    assert_eq!(names(&all), ["front", "cam2", "cam3"]);
    assert_eq!(bindings.all().len(), 3);
    // Asked once more, they are the same.
    assert_eq!(bindings.expand(cameras(&["front=auto"]), &[found(B)]), all);
}

#[test]
fn without_auto_nothing_is_added_and_what_a_line_names_is_not_taken() {
    let given = cameras(&["front=sim:", "rear=v4l2:/dev/null"]);
    let (_, all) = expanded(&[binding("cam2", B)], given.clone(), &[found(A)]);
    assert_eq!(all, given);
    let mut named = found(A);
    named.node = "/dev/null".into();
    let given = cameras(&["rear=v4l2:/dev/null", "front=auto"]);
    let (bindings, all) = expanded(&[], given, &[named.clone()]);
    assert_eq!(names(&all), ["rear", "front"]);
    assert!(!bindings.is_free(&named));
    assert!(bindings.is_free(&found(B)));
}

#[test]
fn a_hub_full_of_cameras_does_not_take_all_letters() {
    let many: Vec<Found> = (0..40)
        .map(|n| found(&format!("by-id/usb-{n}-video-index0")))
        .collect();
    let (_, all) = expanded(&[], cameras(&["front=auto"]), &many);
    assert_eq!(all.len(), MOST_CAMERAS);
}

#[test]
fn binding_is_written_down_without_waiting() {
    let card = tempfile::tempdir().unwrap();
    let bindings = Arc::new(Bindings::of(card.path()));
    bindings.bind("front", A);
    for _ in 0..600 {
        if load(card.path()).unwrap() == [binding("front", A)] {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("{:?}", load(card.path()));
}

#[test]
fn a_camera_that_comes_is_named_once_and_told_of() {
    use std::sync::atomic::{AtomicU32, Ordering};
    let bindings = Arc::new(of(&[binding("front", A)]));
    // Before anybody wants to know, it is named all the same.
    bindings.name_new(&[found(A), found(B)]);
    assert_eq!(bindings.all(), [binding("front", A), binding("cam2", B)]);
    let told = Arc::new(AtomicU32::new(0));
    let tells = told.clone();
    bindings.on_new(move || {
        tells.fetch_add(1, Ordering::SeqCst);
    });
    let third = found("by-id/usb-C-video-index0");
    for _ in 0..2 {
        bindings.name_new(&[found(B), third.clone()]);
        assert_eq!((bindings.all().len(), told.load(Ordering::SeqCst)), (3, 1));
    }
}
