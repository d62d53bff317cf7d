//! Conditional requests (RFC 9110 section 13): whether a cached copy is still good, and whether a
//! range may continue an earlier download.

use std::time::SystemTime;

use axum::http::HeaderMap;
use axum::http::header::{
    IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE,
};

/// What tells one version of a file from another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Validators {
    /// Strong entity tag, with its quotes.
    pub etag: String,
    /// When the bytes last changed; `None` while they still do.
    pub modified: Option<SystemTime>,
}

impl Validators {
    /// Of a version with this tag, without quotes.
    pub fn new(tag: &str, modified: Option<SystemTime>) -> Self {
        Self {
            etag: format!("\"{tag}\""),
            modified,
        }
    }

    /// Whether the client wants only a version that this is not: 412. Goes before everything else.
    pub fn precondition_failed(&self, headers: &HeaderMap) -> bool {
        let mut tags = headers.get_all(IF_MATCH).iter().peekable();
        if tags.peek().is_some() {
            let mut tags = tags
                .filter_map(|value| value.to_str().ok())
                .flat_map(|list| list.split(','));
            // A weak tag names no bytes, and matches nothing.
            return !tags.any(|tag| matches!(tag.trim(), tag if tag == "*" || tag == self.etag));
        }
        let since = headers.get(IF_UNMODIFIED_SINCE);
        let since = since.and_then(|value| httpdate::parse_http_date(value.to_str().ok()?).ok());
        match (self.modified, since) {
            (Some(modified), Some(since)) => seconds(modified) > seconds(since),
            _ => false,
        }
    }

    /// Whether the client's copy is current: 304.
    pub fn not_modified(&self, headers: &HeaderMap) -> bool {
        let mut tags = headers.get_all(IF_NONE_MATCH).iter().peekable();
        if tags.peek().is_some() {
            // The date is only looked at when there is no tag.
            return tags
                .filter_map(|value| value.to_str().ok())
                .flat_map(|list| list.split(','))
                .map(str::trim)
                .any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == self.etag);
        }
        let since = headers.get(IF_MODIFIED_SINCE);
        let since = since.and_then(|value| httpdate::parse_http_date(value.to_str().ok()?).ok());
        match (self.modified, since) {
            (Some(modified), Some(since)) => seconds(modified) <= seconds(since),
            _ => false,
        }
    }

    /// Whether `Range` is to be honoured. A client that resumes a download sends what it knows of
    /// the file in `If-Range`; if that is no longer true it gets the whole file instead.
    pub fn range_allowed(&self, headers: &HeaderMap) -> bool {
        let Some(value) = headers.get(IF_RANGE) else {
            return true;
        };
        let Ok(value) = value.to_str() else {
            return false;
        };
        if value == self.etag {
            return true;
        }
        let date = httpdate::parse_http_date(value).ok();
        matches!((self.modified, date), (Some(modified), Some(date))
            if seconds(modified) == seconds(date))
    }
}

/// HTTP dates have whole seconds.
fn seconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{HeaderName, HeaderValue};
    use std::time::Duration;

    const DATE: &str = "Fri, 20 Nov 2026 11:08:00 GMT";
    const EARLIER: &str = "Fri, 20 Nov 2026 11:07:59 GMT";
    const LATER: &str = "Fri, 20 Nov 2026 11:08:01 GMT";

    fn validators() -> Validators {
        let modified = SystemTime::UNIX_EPOCH + Duration::from_millis(1_795_172_880_700);
        Validators {
            etag: "\"7b-1000-f\"".into(),
            modified: Some(modified),
        }
    }

    fn with(name: HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_str(value).unwrap())])
    }

    #[test]
    fn a_matching_tag_means_not_modified() {
        for (value, same) in [
            ("\"7b-1000-f\"", true),
            ("W/\"7b-1000-f\"", true),
            ("\"x\", \"7b-1000-f\"", true),
            ("*", true),
            ("\"7b-1000-r\"", false),
            ("7b-1000-f", false),
        ] {
            let headers = with(IF_NONE_MATCH, value);
            assert_eq!(validators().not_modified(&headers), same, "{value}");
        }
    }

    #[test]
    fn the_date_counts_only_without_a_tag() {
        assert!(validators().not_modified(&with(IF_MODIFIED_SINCE, DATE)));
        assert!(validators().not_modified(&with(IF_MODIFIED_SINCE, LATER)));
        assert!(!validators().not_modified(&with(IF_MODIFIED_SINCE, EARLIER)));
        assert!(!validators().not_modified(&with(IF_MODIFIED_SINCE, "yesterday")));
        let mut both = with(IF_MODIFIED_SINCE, LATER);
        both.insert(IF_NONE_MATCH, HeaderValue::from_static("\"other\""));
        assert!(!validators().not_modified(&both));
    }

    #[test]
    fn another_version_than_the_one_asked_for_is_refused() {
        for (value, failed) in [
            ("\"7b-1000-f\"", false),
            ("\"x\", \"7b-1000-f\"", false),
            ("*", false),
            ("W/\"7b-1000-f\"", true),
            ("\"7b-1000-r\"", true),
            ("", true),
        ] {
            let headers = with(IF_MATCH, value);
            assert_eq!(
                validators().precondition_failed(&headers),
                failed,
                "{value}"
            );
        }
        for (value, failed) in [(DATE, false), (LATER, false), (EARLIER, true), ("x", false)] {
            let headers = with(IF_UNMODIFIED_SINCE, value);
            assert_eq!(
                validators().precondition_failed(&headers),
                failed,
                "{value}"
            );
        }
        // The date counts only without a tag, and only against a date.
        let mut both = with(IF_UNMODIFIED_SINCE, EARLIER);
        both.insert(IF_MATCH, HeaderValue::from_static("*"));
        assert!(!validators().precondition_failed(&both));
        let growing = Validators {
            modified: None,
            ..validators()
        };
        assert!(!growing.precondition_failed(&with(IF_UNMODIFIED_SINCE, EARLIER)));
        assert!(!validators().precondition_failed(&HeaderMap::new()));
    }

    #[test]
    fn a_range_continues_only_the_same_version() {
        assert!(validators().range_allowed(&HeaderMap::new()));
        for (value, allowed) in [
            ("\"7b-1000-f\"", true),
            ("W/\"7b-1000-f\"", false),
            ("\"7b-1000-r\"", false),
            (DATE, true),
            (LATER, false),
            (EARLIER, false),
            ("rubbish", false),
        ] {
            let headers = with(IF_RANGE, value);
            assert_eq!(validators().range_allowed(&headers), allowed, "{value}");
        }
    }

    #[test]
    fn a_growing_file_has_no_date() {
        let growing = Validators {
            modified: None,
            ..validators()
        };
        assert!(!growing.range_allowed(&with(IF_RANGE, DATE)));
        assert!(!growing.not_modified(&with(IF_MODIFIED_SINCE, LATER)));
    }
}
