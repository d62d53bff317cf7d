//! What `man` and the shells make of what is written.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;
use std::process::Command;

use picam_testkit::judges::have;

fn written() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let status = Command::new(env!("CARGO_BIN_EXE_picam-manual"))
        .arg(dir.path())
        .status()
        .unwrap();
    assert!(status.success());
    dir
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn each_command_that_help_shows_has_a_page() {
    let dir = written();
    let pages = names(&dir.path().join("man"));
    for command in picam::cli::command()
        .get_subcommands()
        .filter(|command| !command.is_hide_set())
    {
        let page = format!("picam-{}.1", command.get_name());
        assert!(pages.contains(&page), "no {page} among {pages:?}");
    }
    let main = fs::read_to_string(dir.path().join("man/picam.1")).unwrap();
    assert!(main.contains(r"picam\-record(1)"), "{main}");
    assert!(main.contains("Exit codes"), "{main}");
}

#[test]
fn man_has_no_complaint() {
    if !have("man", "man-db") {
        return;
    }
    let dir = written();
    for page in names(&dir.path().join("man")) {
        let output = Command::new("man")
            .args(["--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z"])
            .arg(dir.path().join("man").join(&page))
            .env("MANWIDTH", "80")
            .output()
            .unwrap();
        assert!(output.status.success(), "{page}");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.is_empty(), "{page}: {said}");
    }
}

#[test]
fn bash_completes_commands_and_options() {
    let dir = written();
    assert_eq!(
        names(&dir.path().join("completions")),
        ["_picam", "picam.bash", "picam.fish"]
    );
    let complete = |words: &str, at: usize| {
        let script = format!(
            "source '{}/completions/picam.bash'; COMP_WORDS=({words}); COMP_CWORD={at}; \
             _picam picam \"${{COMP_WORDS[{at}]}}\" \"${{COMP_WORDS[{at}-1]}}\"; echo \"${{COMPREPLY[*]}}\"",
            dir.path().display()
        );
        let output = Command::new("bash").args(["-c", &script]).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    assert_eq!(complete("picam ins", 1), "inspect");
    assert_eq!(complete("picam record --seg", 2), "--segment");
}
