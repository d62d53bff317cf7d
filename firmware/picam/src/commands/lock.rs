//! `picam lock`, `picam unlock` and `picam locks`.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use picam_control::lock::{LockOrder, Origin, Span};
use picam_control::orders::{OrderSpan, Save};
use picam_control::{Reply, Request};
use picam_library::When;

use super::failure::Failure;
use super::tell::told;
use crate::text;

/// Options of `lock`.
#[derive(Debug, clap::Args)]
pub(crate) struct LockArgs {
    /// The recorder's --control socket
    #[arg(long, value_name = "SOCKET")]
    pub(crate) recorder: PathBuf,
    /// From when on: 2026-11-20T11:08:00+01:00, or "2026-11-20 11:08:00" (UTC)
    #[arg(
        long,
        value_name = "TIME",
        requires = "to",
        required_unless_present_any = ["segment", "now"]
    )]
    pub(crate) from: Option<When>,
    /// Until when, an hour from now at most; written likewise
    #[arg(long, value_name = "TIME", requires = "from")]
    pub(crate) to: Option<When>,
    /// Instead of a time: what was recorded while this segment was, such as F000123
    #[arg(long, value_name = "SEGMENT", conflicts_with_all = ["from", "to"])]
    pub(crate) segment: Option<String>,
    /// Instead of a time: what just happened and what happens next, whatever time it is
    #[arg(long, conflicts_with_all = ["from", "to", "segment"])]
    pub(crate) now: bool,
    /// With --now: how much until now, 10m at most
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = seconds, requires = "now")]
    pub(crate) before: u32,
    /// With --now: how much from now on, 10m at most
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = seconds, requires = "now")]
    pub(crate) after: u32,
    /// Why, for whoever lists the locks
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(crate) reason: String,
    /// Id of the order: the same twice is one [default: a new one]
    #[arg(long, value_name = "ID")]
    pub(crate) id: Option<String>,
}

/// Has footage kept.
pub(crate) fn lock(args: &LockArgs) -> Result<(), Failure> {
    if args.now {
        return save(args);
    }
    let span = match (&args.segment, args.from, args.to) {
        (Some(segment), _, _) => OrderSpan::Segment(segment.clone()),
        (None, Some(When::Utc(from)), Some(When::Utc(to))) => OrderSpan::Utc { from, to },
        _ => {
            let message = "write both times as 2026-11-20T11:08:00+01:00, or in UTC as \"2026-11-20 11:08:00\"";
            return Err(Failure::usage(message));
        }
    };
    let id = args.id.clone().unwrap_or_else(new_id);
    let request = Request::Lock {
        id,
        span,
        reason: args.reason.clone(),
        origin: Origin::Owner,
    };
    told(&args.recorder, request).map(drop)
}

fn save(args: &LockArgs) -> Result<(), Failure> {
    let save = Save {
        id: args.id.clone().unwrap_or_else(new_id),
        before_s: args.before,
        after_s: args.after,
        reason: args.reason.clone(),
    };
    let origin = Origin::Owner;
    let Reply::Saved(saved) = told(&args.recorder, Request::Save { save, origin })? else {
        return Err(Failure::new("the recorder's answer makes no sense"));
    };
    let mut out = io::stdout().lock();
    for segment in &saved.held {
        writeln!(out, "{segment} is kept")?;
    }
    for segment in &saved.pending {
        writeln!(out, "{segment} will be kept in a moment")?;
    }
    let (before, after) = (text::seconds(saved.before_s), text::seconds(saved.after_s));
    writeln!(out, "kept: {before} until now, and {after} still to come")?;
    Ok(())
}

/// Whole seconds of a duration such as `60s` or `2m`.
fn seconds(text: &str) -> Result<u32, String> {
    let duration = crate::config::parse_duration(text)?;
    let seconds = u32::try_from(duration.as_secs()).ok();
    let whole = seconds.filter(|_| duration.subsec_nanos() == 0);
    let seconds = whole.filter(|seconds| *seconds <= Save::LONGEST_S);
    seconds.ok_or_else(|| format!("'{text}': write whole seconds, 10m at most"))
}

/// Ends what keeps segments.
pub(crate) fn unlock(recorder: &Path, segments: &[String]) -> Result<(), Failure> {
    for segment in segments {
        let segment = segment.clone();
        told(recorder, Request::Unlock { segment })?;
    }
    Ok(())
}

/// Lists the locks that are still being carried out.
pub(crate) fn list(recorder: &Path) -> Result<(), Failure> {
    let Reply::Locks(locks) = told(recorder, Request::Locks {})? else {
        return Err(Failure::new("the recorder's answer makes no sense"));
    };
    let mut out = io::stdout().lock();
    for lock in &locks {
        writeln!(out, "{}", line(lock))?;
    }
    Ok(())
}

fn line(lock: &LockOrder) -> String {
    let origin = match lock.origin {
        Origin::Page => "page",
        Origin::Button => "button",
        Origin::Impact => "impact",
        Origin::Owner => "owner",
    };
    let when = match lock.span {
        Span::Utc { from, to } => {
            format!("{} to {}", text::utc(from), text::utc(to))
        }
        Span::Boot { from, to, .. } => format!(
            "{} to {} after a boot",
            text::seconds(from.as_secs_f64()),
            text::seconds(to.as_secs_f64())
        ),
    };
    let LockOrder { id, reason, .. } = lock;
    format!("{id}: {when}, {origin}: {reason}")
}

fn new_id() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    format!("owner-{}", now.unwrap_or_default().as_nanos())
}
