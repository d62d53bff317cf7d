//! The filters of `/api/segments`.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use picam_library::{Listing, Segment, unwrap_sequence};
use picam_ring::{Class, SegmentId, is_camera_letter};
use serde::Deserialize;

use crate::error::ApiError;

/// Segments of an answer when the request does not say.
const DEFAULT_LIMIT: usize = 100;
/// Most segments of an answer.
const MAX_LIMIT: usize = 5000;

/// The query string as it came.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    camera: Option<String>,
    class: Option<String>,
    locked: Option<String>,
    day: Option<String>,
    from: Option<String>,
    to: Option<String>,
    limit: Option<String>,
    before: Option<String>,
}

/// What to list.
#[derive(Debug)]
pub(crate) struct Filter {
    camera: Option<char>,
    class: Option<Class>,
    locked: Option<bool>,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    limit: usize,
    before: Option<SegmentId>,
}

impl TryFrom<Params> for Filter {
    type Error = ApiError;

    fn try_from(params: Params) -> Result<Self, ApiError> {
        let day = params.day.as_deref().map(day).transpose()?;
        let (day_from, day_to) = day.unzip();
        let from = params.from.as_deref().map(moment).transpose()?;
        let to = params.to.as_deref().map(moment).transpose()?;
        Ok(Self {
            camera: params.camera.as_deref().map(camera).transpose()?,
            class: params.class.as_deref().map(class).transpose()?,
            locked: params.locked.as_deref().map(locked).transpose()?,
            from: day_from.max(from),
            to: [day_to, to].into_iter().flatten().min(),
            limit: limit(params.limit.as_deref(), DEFAULT_LIMIT, MAX_LIMIT)?,
            before: before(params.before.as_deref(), "a segment")?,
        })
    }
}

impl Filter {
    /// The segments to list and, if there are more, the id that the next page lies before.
    pub(crate) fn select<'a>(&self, listing: &'a Listing) -> (Vec<&'a Segment>, Option<&'a str>) {
        let all = listing.segments.iter().map(AsRef::as_ref);
        let start = self
            .before
            .map_or(0, |before| start_behind(listing, before));
        let mut matching = all.skip(start).filter(|segment| self.matches(segment));
        let page: Vec<_> = matching.by_ref().take(self.limit).collect();
        let more = matching.next().is_some();
        let next = page.last().filter(|_| more).map(|last| last.id.as_str());
        (page, next)
    }

    fn matches(&self, segment: &Segment) -> bool {
        let timed = self.from.is_some() || self.to.is_some();
        self.camera.is_none_or(|camera| segment.camera == camera)
            && self.class.is_none_or(|class| segment.class == class)
            && self.locked.is_none_or(|locked| segment.locked == locked)
            // Of a segment without a time nobody can say that it lies within one.
            && (!timed || segment.start.is_some())
            && self.from.is_none_or(|from| segment.start >= Some(from))
            && self.to.is_none_or(|to| segment.start < Some(to))
    }
}

/// Where the page behind `before` starts. The segment itself may be gone: then it is where it
/// would have stood.
fn start_behind(listing: &Listing, before: SegmentId) -> usize {
    let segments = &listing.segments;
    let id = before.to_string();
    if let Some(at) = segments.iter().position(|segment| segment.id == id) {
        return at + 1;
    }
    // Each volume counts on its own.
    let volume = before.volume;
    let mut own = segments.iter().filter(|segment| segment.volume == volume);
    let newest = own.next().map_or(0, |segment| segment.sequence);
    let sequence = unwrap_sequence(before.sequence, newest);
    let mut all = segments.iter();
    let behind = all.position(|s| s.volume == volume && s.sequence < sequence);
    behind.unwrap_or(segments.len())
}

pub(crate) fn camera(text: &str) -> Result<char, ApiError> {
    match text.as_bytes() {
        [letter] if is_camera_letter(letter.to_ascii_uppercase()) => {
            Ok(char::from(letter.to_ascii_uppercase()))
        }
        _ => Err(bad("camera", text, "one letter, such as F")),
    }
}

fn class(text: &str) -> Result<Class, ApiError> {
    let known = Class::ALL.into_iter();
    let mut named = known.filter(|class| class.to_string() == text);
    named
        .next()
        .ok_or_else(|| bad("class", text, "normal, event, parking or manual"))
}

fn locked(text: &str) -> Result<bool, ApiError> {
    match text {
        "1" => Ok(true),
        "0" => Ok(false),
        _ => Err(bad("locked", text, "1 for what is kept, or 0")),
    }
}

/// A day of UTC, as the moments it lies between.
fn day(text: &str) -> Result<(Timestamp, Timestamp), ApiError> {
    let between = || {
        let day: Date = text.parse().ok()?;
        let start = day.to_zoned(TimeZone::UTC).ok()?.timestamp();
        let end = day.tomorrow().ok()?.to_zoned(TimeZone::UTC).ok()?;
        Some((start, end.timestamp()))
    };
    between().ok_or_else(|| bad("day", text, "a day of UTC, such as 2026-11-20"))
}

fn moment(text: &str) -> Result<Timestamp, ApiError> {
    let wanted = "a moment with its zone, such as 2026-11-20T11:08:00Z";
    text.parse().map_err(|_| bad("from or to", text, wanted))
}

/// How many of a list are wanted.
pub(crate) fn limit(text: Option<&str>, default: usize, most: usize) -> Result<usize, ApiError> {
    let Some(text) = text else { return Ok(default) };
    match text.parse() {
        Ok(limit) if (1..=most).contains(&limit) => Ok(limit),
        _ => Err(bad("limit", text, &format!("a number from 1 to {most}"))),
    }
}

/// What the wanted part of a list lies behind: `of` what it is the id.
pub(crate) fn before(text: Option<&str>, of: &str) -> Result<Option<SegmentId>, ApiError> {
    let wanted = || format!("the id of {of}, such as F000123");
    let id = |text| SegmentId::parse(text).ok_or_else(|| bad("before", text, &wanted()));
    text.map(id).transpose()
}

pub(crate) fn bad(name: &str, text: &str, wanted: &str) -> ApiError {
    let shown: String = text.chars().take(40).collect();
    ApiError::bad_request(format!("{name} is {shown:?}"), format!("give {wanted}"))
}
