//! `/api/track`: where the car was.

use std::sync::Mutex;
use std::time::Duration;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use picam_library::{Library, TrackError, TrackFormat, TrackQuery, TrackWriter, read_track};
use picam_time::UtcUs;
use serde::Deserialize;

use crate::app::App;
use crate::error::ApiError;
use crate::list::blocking;

/// The longest stretch of a single answer: a fix a second of it is 10 MB of GPX.
const LONGEST: Duration = Duration::from_secs(86_400);
/// One fix in this time.
const EVERY: Duration = Duration::from_secs(1);

/// Reading a day of footage keeps the card and the processor busy, and an answer is made in memory: one at a time.
static AT_WORK: Mutex<()> = Mutex::new(());

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    from: Option<String>,
    to: Option<String>,
    camera: Option<String>,
    format: Option<String>,
}

const REMEDY: &str = "give from and to, a day apart at most, such as from=2026-11-20T11:00:00Z&to=2026-11-20T12:00:00Z; format may be gpx, geojson or csv, and camera a name or a letter";

/// `GET /api/track`
pub(crate) async fn track(
    State(app): State<App>,
    params: Result<Query<Params>, QueryRejection>,
) -> Result<Response, ApiError> {
    let Query(params) = params.map_err(|error| ApiError::bad_request(error.body_text(), REMEDY))?;
    let (query, format) = asked(params)?;
    let text = blocking(&app.index, move |index| read(index, &query, format)).await?;
    let name = format!("inline; filename=\"track.{}\"", format.name());
    let headers = [
        (CONTENT_TYPE, format.media_type()),
        (CACHE_CONTROL, "private, no-cache"),
        (CONTENT_DISPOSITION, name.as_str()),
    ];
    Ok((headers, text).into_response())
}

fn asked(params: Params) -> Result<(TrackQuery, TrackFormat), ApiError> {
    let wrong = |what: &str| ApiError::bad_request(what, REMEDY);
    let moment = |text: Option<String>| {
        let time: Option<Timestamp> = text.as_deref().and_then(|text| text.parse().ok());
        time.map(|time| UtcUs(time.as_microsecond()))
    };
    let (from, to) = (moment(params.from), moment(params.to));
    let (Some(from), Some(to)) = (from, to) else {
        return Err(wrong("from or to is missing, or no moment with its zone"));
    };
    if from >= to || to.since(from) > LONGEST {
        return Err(wrong("to is not behind from, or more than a day"));
    }
    let wanted = params
        .format
        .as_deref()
        .unwrap_or(TrackFormat::GeoJson.name());
    let mut formats = TrackFormat::ALL.into_iter();
    let format = formats.find(|format| format.name() == wanted);
    let format = format.ok_or_else(|| wrong("format is not known"))?;
    let query = TrackQuery {
        camera: params
            .camera
            .map(|camera| camera.chars().take(64).collect()),
        from: Some(from),
        to: Some(to),
        every: EVERY,
    };
    Ok((query, format))
}

fn read(index: &Library, query: &TrackQuery, format: TrackFormat) -> Result<Vec<u8>, ApiError> {
    let Ok(_one_at_a_time) = AT_WORK.try_lock() else {
        let error = ApiError::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "another track is being read",
            "try again in some seconds",
        );
        return Err(error.retry_after(5));
    };
    let mut text = Vec::new();
    match read_track(&index.dirs(), query, TrackWriter::new(format, &mut text)) {
        Ok(_) => Ok(text),
        Err(TrackError::Read { source, .. }) => Err(ApiError::card(&source)),
        Err(TrackError::Camera(error)) => Err(ApiError::not_found(
            error.to_string(),
            "leave camera out, or take a name or letter that /api/segments lists",
        )),
        Err(TrackError::Write(error)) => {
            tracing::error!(%error, "a track failed");
            Err(ApiError::internal())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(from: &str, to: &str, format: Option<&str>) -> Params {
        Params {
            from: Some(from.into()),
            to: Some(to.into()),
            camera: None,
            format: format.map(Into::into),
        }
    }

    #[test]
    fn a_stretch_of_a_day_at_most_is_asked_for() {
        let day = ("2026-11-20T00:00:00Z", "2026-11-21T00:00:00Z");
        let (query, format) = asked(params(day.0, day.1, None)).unwrap();
        assert_eq!(format, TrackFormat::GeoJson);
        assert_eq!(query.to.unwrap().since(query.from.unwrap()), LONGEST);
        for (from, to, format) in [
            (day.0, "2026-11-21T00:00:01Z", None),
            (day.1, day.0, None),
            (day.0, day.0, None),
            (day.0, "2026-11-20", None),
            (day.0, day.1, Some("kml")),
        ] {
            assert!(
                asked(params(from, to, format)).is_err(),
                "{from} {to} {format:?}"
            );
        }
        assert!(asked(Params::default()).is_err());
    }
}
