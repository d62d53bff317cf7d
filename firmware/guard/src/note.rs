//! The file in which the guard says what it knows.

use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use picam_control::power::PowerNote;

/// Replaces the file as a whole; whoever reads it has the old or the new one. It lies in memory, and everybody may read it.
pub fn write_note(path: &Path, note: &PowerNote) -> io::Result<()> {
    let new = path.with_extension("new");
    let mut text = serde_json::to_vec(note)?;
    text.push(b'\n');
    let mut file = File::create(&new)?;
    file.set_permissions(Permissions::from_mode(0o644))?;
    file.write_all(&text)?;
    fs::rename(&new, path)
}

#[cfg(test)]
mod tests {
    use picam_control::power::{BatteryStatus, PowerStatus, read_power};
    use picam_time::BootNs;

    use super::*;

    #[test]
    fn whoever_reads_has_a_whole_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("status.json");
        let power = |n: usize| PowerStatus {
            battery: Some(BatteryStatus::unknown("x".repeat(n), "")),
            ends: Vec::new(),
        };
        let write = |n| {
            let at = BootNs::from_secs(1);
            write_note(
                &path,
                &PowerNote {
                    at,
                    power: power(n),
                },
            )
            .unwrap();
        };
        write(1);
        std::thread::scope(|scope| {
            let writer = scope.spawn(|| (0..500).for_each(|n| write(n * 40)));
            while !writer.is_finished() {
                assert!(read_power(&path, BootNs::from_secs(2)).is_some());
            }
        });
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o644);
        let gone = write_note(
            &dir.path().join("gone/status.json"),
            &PowerNote {
                at: BootNs(1),
                power: power(1),
            },
        );
        assert!(gone.is_err());
    }
}
