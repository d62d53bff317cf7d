//! Lines that are files, and how lines are written.

use super::*;

#[test]
fn lines_are_read_as_they_are_shown() {
    for text in ["off", "17", "0", "27", "/dev/gpiochip1:3", "sim:/run/led"] {
        assert_eq!(text.parse::<LineSpec>().unwrap().to_string(), text);
    }
}

#[test]
fn other_lines_are_refused_with_examples() {
    for text in [
        "",
        "on",
        "28",
        "-1",
        "+5",
        "17.0",
        "GPIO17",
        "/dev/gpiochip0",
        "/dev/gpiochip:1",
        "/dev/gpiochip1:1024",
        "/dev/mem:1",
        "/dev/gpiochip0/../mem:1",
        "gpiochip0:1",
        "sim:",
        "sim:led",
    ] {
        let error = text.parse::<LineSpec>().unwrap_err().to_string();
        assert!(error.contains("is no line: write"), "{text}: {error}");
    }
}

#[test]
fn a_simulated_line_is_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("line");
    let spec = LineSpec::Sim { path: path.clone() };
    let mut seen = input(&spec, false, "test").unwrap().unwrap();
    assert!(!seen.is_active().unwrap(), "it is not there");
    let mut driven = output(&spec, false, "test").unwrap().unwrap();
    for active in [true, false, true] {
        driven.set(active).unwrap();
        assert_eq!(seen.is_active().unwrap(), active);
    }
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    let said = seen.is_active().unwrap_err().to_string();
    assert!(said.contains("line cannot be used"), "{said}");
}

#[test]
fn a_line_that_is_not_there_is_an_error_that_names_it() {
    assert!(input(&LineSpec::Off, true, "test").unwrap().is_none());
    assert!(output(&LineSpec::Off, true, "test").unwrap().is_none());
    let nowhere = "/dev/gpiochip999:1".parse().unwrap();
    for said in [
        input(&nowhere, true, "test").map(drop).unwrap_err(),
        output(&nowhere, false, "test").map(drop).unwrap_err(),
    ] {
        assert!(
            said.to_string()
                .starts_with("/dev/gpiochip999:1 cannot be used: "),
            "{said}"
        );
    }
}
