use proptest::prelude::*;

use super::*;

#[test]
fn editors_encodings_are_read() {
    let text = "# für Oma\r\nname = \"küche\"\r\n";
    assert_eq!(decode(text.as_bytes()), text);
    let ansi: Vec<u8> = text.chars().map(|c| c as u8).collect();
    assert_eq!(decode(&ansi), text);
    for (mark, bytes) in [
        ([0xff, 0xfe], u16::to_le_bytes as fn(u16) -> [u8; 2]),
        ([0xfe, 0xff], u16::to_be_bytes),
    ] {
        let units: Vec<u8> = text.encode_utf16().flat_map(bytes).collect();
        let utf16 = [&mark[..], &units].concat();
        assert!(!is_torn(&utf16));
        assert_eq!(decode(&utf16), text);
    }
    assert_eq!(decode(b"price = \"5 \x80\""), "price = \"5 €\"");
    assert_eq!(
        make_sound("\u{feff}a = 1\n").ignored,
        [0; 0],
        "a byte order mark is no mistake"
    );
}

#[test]
fn torn_files_are_told_from_whole_ones() {
    for torn in [&b""[..], b"\n \r\n", &[0; 4096], b"a = 1\n\0\0\0"] {
        assert!(is_torn(torn) && !is_whole(torn));
    }
    assert!(is_whole(b"a = 1\n"));
    for cut_off in [&b"a = 1\nb"[..], b"a = \"x", b"a = 1", b"a = \xff\n"] {
        assert!(!is_torn(cut_off) && !is_whole(cut_off));
    }
}

/// What remains of a broken text, and the numbers of the lines it lost.
fn repaired(text: &str) -> (toml_edit::DocumentMut, Vec<usize>) {
    let sound = make_sound(text);
    let document = sound
        .text
        .parse()
        .unwrap_or_else(|error| panic!("{error}\n{}", sound.text));
    // Every line is still there, as it is or behind a #.
    let mut lines = sound.text.lines();
    for line in text.lines().filter(|line| !line.contains(char::is_control)) {
        assert!(
            lines.any(|there| there == line || there.strip_prefix('#') == Some(line)),
            "{line:?} is lost:\n{}",
            sound.text
        );
    }
    (document, sound.ignored)
}

#[test]
fn a_mistake_costs_its_line_and_no_other() {
    let (document, ignored) = repaired(
        "slots = 5\nname = \"my cam\n[web]\npassword = 'x\nenabled = true\n[wifi]\n\
         mode = \"off\"\nmode = \"off\"\n  nonsense\nchannel = 6",
    );
    assert_eq!(ignored, [2, 4, 8, 9]);
    assert_eq!(document["slots"].as_integer(), Some(5));
    assert_eq!(document["web"]["enabled"].as_bool(), Some(true));
    assert_eq!(document["wifi"]["mode"].as_str(), Some("off"));
    assert_eq!(document["wifi"]["channel"].as_integer(), Some(6));
}

#[test]
fn values_over_several_lines_stay_whole() {
    let (document, ignored) = repaired(
        "broken\nlist = [\n  1,\n  2,\n]\ntext = \"\"\"\nbroken too\n\"\"\"\nopen = [ 1,\nslots = 5\n",
    );
    assert_eq!(ignored, [1, 9]);
    assert_eq!(document["list"].as_array().unwrap().len(), 2);
    assert_eq!(document["text"].as_str(), Some("broken too\n"));
    assert_eq!(document["slots"].as_integer(), Some(5));
}

#[test]
fn the_reason_stands_before_the_line() {
    let sound = make_sound("a = 1\r\nb = \"x\r\n");
    let [a, why, b] = sound.text.lines().collect::<Vec<_>>()[..] else {
        panic!("{}", sound.text)
    };
    assert_eq!((a, b), ("a = 1", "#b = \"x"));
    assert!(
        why.starts_with("# picam cannot read the next line"),
        "{why}"
    );
    assert_eq!(sound.text.matches("\r\n").count(), 3);
}

#[test]
fn a_large_file_of_nonsense_does_not_take_forever() {
    let nonsense = "[ this is { no TOML\n".repeat(50_000);
    let start = std::time::Instant::now();
    let sound = make_sound(&nonsense);
    assert_eq!(sound.ignored.len(), 50_000);
    assert!(parse(&sound.text).is_ok());
    let took = start.elapsed();
    assert!(took.as_secs() < 20, "{took:?}");
}

/// Lines as people write them, right and wrong.
fn line() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{1,3} = [0-9]{1,3}",
        "\\[[a-z]{1,3}\\]",
        "\\[\\[[a-z]{1,3}\\]\\]",
        "[a-z]{1,3}\\.[a-z] = \"[a-z \\\\]{0,5}\"?",
        "[a-z]{1,3} = [\\[\\]{}\"',0-9= ]{0,8}",
        "#.{0,9}",
        ".{0,12}",
    ]
}

proptest! {
    #[test]
    fn any_bytes_become_toml(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let sound = make_sound(&decode(&bytes));
        prop_assert!(parse(&sound.text).is_ok());
        prop_assert_eq!(make_sound(&sound.text).text, sound.text);
    }

    #[test]
    fn any_text_becomes_toml(lines in proptest::collection::vec(line(), 0..20), end in "\r?\n") {
        let text = lines.join(&end);
        let sound = make_sound(&text);
        prop_assert!(parse(&sound.text).is_ok());
        if sound.ignored.is_empty() {
            prop_assert_eq!(sound.text, text);
        }
    }

    #[test]
    fn whole_lines_are_found(text in "[ab\n]{0,20}", a in 0..21_usize, b in 0..21_usize) {
        let (start, end) = (a.min(b).min(text.len()), a.max(b).min(text.len()));
        let lines = lines_of(&text, &(start..end));
        prop_assert!(lines.start <= start && end <= lines.end);
        prop_assert!(lines.start == 0 || text.as_bytes()[lines.start - 1] == b'\n');
        prop_assert!(lines.end == text.len() || text.as_bytes()[lines.end - 1] == b'\n');
    }
}
