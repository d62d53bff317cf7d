//! `picam picture`: how the pictures of a recorder's cameras look, and changing that while it records.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use picam_control::lock::Origin;
use picam_control::orders::Denied;
use picam_control::picture::{CameraPicture, PictureSource, Setting, Wanted, WantedBy};
use picam_control::status::StatusSource;
use picam_control::{RemoteRecorder, picture};

use super::failure::Failure;
use super::inspect::write_json;

/// Arguments of `picture`.
#[derive(Debug, Args)]
pub(crate) struct PictureArgs {
    /// Name or letter of the camera; without, all of them are shown
    #[arg(value_name = "CAMERA")]
    camera: Option<String>,
    /// What to change, such as brightness=20 or preset=night; KEY= goes back to what picam.toml says
    #[arg(value_name = "KEY=VALUE", value_parser = change)]
    changes: Vec<(String, Option<String>)>,
    /// The recorder's --control socket
    #[arg(long, value_name = "SOCKET")]
    recorder: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

fn change(text: &str) -> Result<(String, Option<String>), String> {
    let Some((key, value)) = text.split_once('=') else {
        return Err(format!("write {text}=VALUE"));
    };
    let value = (!value.is_empty()).then(|| value.to_owned());
    Ok((key.to_owned(), value))
}

/// Changes what is to be changed, and shows what is.
pub(crate) fn run(args: &PictureArgs) -> Result<(), Failure> {
    let socket = args.recorder.clone();
    let recorder = RemoteRecorder { socket };
    let cameras = match &args.camera {
        Some(camera) => vec![camera.clone()],
        None => cameras(&recorder)?,
    };
    let set: Wanted = args.changes.iter().cloned().collect();
    let mut all = Vec::new();
    for camera in &cameras {
        let answer = recorder.picture(camera, set.clone(), Origin::Owner);
        all.push(answer.map_err(failure)?);
    }
    let mut out = io::stdout().lock();
    match (args.json, &args.camera, &all[..]) {
        (true, Some(_), [one]) => write_json(&mut out, one)?,
        (true, _, all) => write_json(&mut out, &all)?,
        (false, _, all) => {
            for camera in all {
                show(&mut out, camera)?;
            }
            if !set.is_empty() {
                writeln!(
                    out,
                    "It holds until the recorder is started anew; lines in picam.toml, below that [[camera]], make it last."
                )?;
            }
        }
    }
    out.flush()?;
    Ok(())
}

fn failure(denied: Denied) -> Failure {
    Failure::new(format!("{}; {}", denied.reason, denied.remedy))
}

fn cameras(recorder: &RemoteRecorder) -> Result<Vec<String>, Failure> {
    let status = recorder
        .status()
        .map_err(|error| Failure::new(format!("{}; {}", error.reason, error.remedy)))?;
    let names = status.cameras.into_iter().map(|camera| camera.name);
    Ok(names.collect())
}

fn show(out: &mut impl Write, camera: &CameraPicture) -> io::Result<()> {
    let away = if camera.is_open {
        ""
    } else {
        ": it is not there now; what is wanted is set when it comes"
    };
    writeln!(out, "{} ({}){away}", camera.name, camera.letter)?;
    let (has, has_not): (Vec<&Setting>, Vec<_>) = camera
        .settings
        .iter()
        .partition(|setting| setting.is_available);
    for setting in has {
        show_setting(out, setting)?;
    }
    let names: Vec<&str> = has_not.iter().map(|setting| setting.key.as_str()).collect();
    if !names.is_empty() {
        writeln!(out, "  not on this camera: {}", names.join(", "))?;
    }
    for setting in has_not {
        if let Some(problem) = &setting.problem {
            let wanted = setting.wanted.as_deref().unwrap_or_default();
            writeln!(out, "    {}={wanted}: {problem}", setting.key)?;
        }
    }
    let reopens = camera.reopens.join(", ");
    writeln!(
        out,
        "  by opening it anew (the camera's source in picam.toml, then picam reload): {reopens}"
    )
}

fn show_setting(out: &mut impl Write, setting: &Setting) -> io::Result<()> {
    let now = setting.now.as_deref().unwrap_or("?");
    let ranges = setting.ranges.iter();
    let takes: Vec<String> = setting
        .words
        .iter()
        .cloned()
        .chain(ranges.map(|range| format!("{} to {}", range.least, range.most)))
        .collect();
    let by = match (&setting.wanted, setting.by) {
        (Some(wanted), Some(WantedBy::Change)) => format!("  [{wanted} until the next start]"),
        (Some(wanted), Some(WantedBy::Configuration)) => format!("  [{wanted} by picam.toml]"),
        _ => String::new(),
    };
    let default = setting.default.as_deref().unwrap_or("?");
    writeln!(
        out,
        "  {:<15} {now:<9} of {} (default {default}){by}",
        setting.key,
        takes.join(", ")
    )?;
    for picture::Control {
        name,
        least,
        most,
        now,
        ..
    } in &setting.controls
    {
        let now = now.map_or_else(|| "?".to_owned(), |now| now.to_string());
        writeln!(out, "    {name}: {now} ({least} to {most})")?;
    }
    match &setting.problem {
        Some(problem) => writeln!(out, "    {problem}"),
        None => Ok(()),
    }
}
