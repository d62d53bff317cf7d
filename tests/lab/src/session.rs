//! What is recorded in the laboratory, and the judging of it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::analysis::{Analysis, Results};
use crate::blklog::Log;
use crate::guest::{Guest, Kit, Recording};
use crate::judge::{Player, Segments};
use crate::recorders::{End, Peer, Phase, Ring, peer_job, picam_job};
use crate::source::{Source, Style};

/// What everything is done with.
#[derive(Debug, Clone)]
pub struct Bench {
    /// What guests are made of.
    pub kit: Kit,
    /// The laboratory's own program.
    pub program: PathBuf,
    /// picam's.
    pub picam: PathBuf,
}

/// One of so many different contents that players are shown is decoded whole.
const DECODE_EVERY: usize = 10;
/// Length of the footage disk.
const DISK: u64 = 320 << 20;

/// What a kernel says whose filesystem has met something that should not be.
const KERNEL_COMPLAINTS: [&str; 3] = ["EXFAT-fs (vda): error", "WARNING: CPU", "Call Trace"];

/// What picam is put through.
#[derive(Debug, Clone)]
pub struct Trial {
    /// What it is called.
    pub name: &'static str,
    /// How many cameras.
    pub cameras: usize,
    /// Its runs.
    pub phases: Vec<Phase>,
    /// The footage of each camera and phase.
    pub style: Style,
}

impl Trial {
    fn new(
        name: &'static str,
        cameras: usize,
        phases: Vec<Phase>,
        bit_rate: u32,
        part_s: u32,
    ) -> Self {
        let parts = (phases.len() * cameras) as u32;
        Self {
            name,
            cameras,
            phases,
            style: Style {
                bit_rate,
                part_s,
                parts,
            },
        }
    }

    /// One camera at 8 Mbit/s, in a ring of six segments of some seconds: filled for the first time and recycled,
    /// killed, stopped, unmounted, and at last with smaller slots, so that every old one is removed and made anew.
    pub fn one_camera(part_s: u32) -> Self {
        let phase = |end, slot_mib| Phase {
            end,
            ring: Ring {
                segment_s: 4,
                files: 6,
                slot_mib,
            },
            dated_late: false,
        };
        let phases = vec![
            phase(End::Killed, 6),
            phase(End::Remounted, 6),
            phase(End::Played, 5),
        ];
        Self::new("one camera", 1, phases, 8_000_000, part_s)
    }

    /// Two cameras at 6 Mbit/s each into one disk, whose segments learn what time it is only later, as on a device.
    pub fn two_cameras(part_s: u32) -> Self {
        let phase = |end| Phase {
            end,
            ring: Ring {
                segment_s: 4,
                files: 5,
                slot_mib: 4,
            },
            dated_late: true,
        };
        Self::new(
            "two cameras, dated late",
            2,
            vec![phase(End::Killed), phase(End::Played)],
            6_000_000,
            part_s,
        )
    }

    fn dated_late(&self) -> bool {
        self.phases.iter().any(|phase| phase.dated_late)
    }
}

/// A recording with what it was made of.
#[derive(Debug)]
pub struct Recorded {
    /// The recording.
    pub recording: Recording,
    /// What was fed.
    pub source: Source,
    cameras: usize,
    sealed: bool,
}

/// What judging it cost.
#[derive(Debug, Clone, Copy, Default)]
pub struct Judged {
    /// Contents that ffprobe was asked about.
    pub probed: usize,
    /// Of which ffmpeg decoded so many whole.
    pub decoded: usize,
}

impl Bench {
    /// Lets picam go through a trial.
    ///
    /// # Errors
    /// What went wrong, and what the guest said.
    pub fn record(&self, trial: &Trial) -> Result<Recorded, String> {
        let source = Source::make(trial.style);
        let job = picam_job(&source, trial.cameras, &trial.phases, &self.picam);
        let seconds = trial.style.part_s * trial.phases.len() as u32;
        let recording = self.run(job, Path::new("/"), seconds)?;
        let console = &recording.console;
        if KERNEL_COMPLAINTS
            .iter()
            .any(|complaint| console.contains(complaint))
        {
            return Err(format!("the guest's kernel complains\n{console}"));
        }
        Ok(Recorded {
            recording,
            source,
            cameras: trial.cameras,
            sealed: !trial.dated_late(),
        })
    }

    /// Lets another recorder record so many seconds.
    ///
    /// # Errors
    /// What went wrong, and what the guest said.
    pub fn record_peer(
        &self,
        peer: Peer,
        seconds: u32,
        ring: Ring,
        synced: bool,
    ) -> Result<Recorded, String> {
        let source = Source::make(Style {
            bit_rate: 8_000_000,
            part_s: seconds,
            parts: 1,
        });
        let root = self.kit.peers_root();
        let job = peer_job(peer, &source, ring, synced, &self.program);
        let recording = self.run(job, &root, seconds)?;
        if recording.feeds.is_empty() {
            return Err(format!(
                "the guest did not say when its camera began\n{}",
                recording.console
            ));
        }
        Ok(Recorded {
            recording,
            source,
            cameras: 1,
            sealed: false,
        })
    }

    pub(crate) fn run(&self, job: String, root: &Path, seconds: u32) -> Result<Recording, String> {
        let guest = Guest {
            kit: &self.kit,
            disk_len: DISK,
            root,
            program: &self.program,
            job,
            patience: Duration::from_secs(u64::from(seconds) * 2 + 240),
        };
        guest.run()
    }
}

impl Recorded {
    /// The same as if the disk had never been told to flush, or had taken no notice.
    pub fn without_flushes(mut self) -> Self {
        let Recording { log, times, .. } = &mut self.recording;
        let mut kept = log
            .entries
            .iter()
            .map(|entry| entry.kind != crate::blklog::Kind::Flush);
        times.retain(|_| kept.next().unwrap_or(true));
        let Log { entries, .. } = log;
        entries.retain(|entry| entry.kind != crate::blklog::Kind::Flush);
        self
    }

    fn analysis(&self, states: usize, seed: u64, mounts: usize) -> Analysis<'_> {
        Analysis {
            recording: &self.recording,
            source: &self.source,
            cameras: self.cameras,
            sealed: self.sealed,
            states,
            seed,
            mounts,
        }
    }

    /// Judges so many disks as what picam left.
    pub fn judge(
        &self,
        states: usize,
        seed: u64,
        mounts: usize,
        scratch: &Path,
    ) -> (Results, Judged) {
        let mut segments = Segments::new(&self.source.footage, scratch.to_owned(), DECODE_EVERY);
        let results = self
            .analysis(states, seed, mounts)
            .run(&mut segments, scratch);
        let Segments {
            probed, decoded, ..
        } = segments;
        (results, Judged { probed, decoded })
    }

    /// Judges so many disks as what anybody left.
    pub fn judge_peer(&self, states: usize, seed: u64, scratch: &Path) -> Results {
        let mut player = Player::new(&self.source.footage, scratch.to_owned());
        self.analysis(states, seed, 0).run(&mut player, scratch)
    }
}
