//! Which pictures lead the start before them, where the stream itself does not say.

use crate::{AccessUnit, Leading, Start};

/// Marks leading pictures by their times: what follows an open start in decoding order and is shown
/// before it. H.265 says so itself; in H.264 nothing else tells.
#[derive(Debug, Clone, Default)]
pub struct LeadingMarker {
    /// Presentation time of the last start, if pictures may lead it.
    open_start: Option<i64>,
    epoch: u32,
}

impl LeadingMarker {
    /// Sets [`AccessUnit::leading`] of the next unit in decoding order, whose times are known.
    pub fn mark(&mut self, unit: &mut AccessUnit) {
        if self.epoch != unit.epoch {
            self.epoch = unit.epoch;
            self.open_start = None;
        }
        match unit.start {
            Start::Idr => self.open_start = None,
            Start::Recovery | Start::Cra => self.open_start = Some(unit.pts),
            Start::None => {
                let leads = self.open_start.is_some_and(|start| unit.pts < start);
                if leads && unit.leading == Leading::No {
                    unit.leading = Leading::Skipped;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_before_an_open_start_leads_it() {
        let mut marker = LeadingMarker::default();
        let mut mark = |epoch, start, pts, leading| {
            let mut unit = AccessUnit {
                epoch,
                start,
                pts,
                leading,
                ..AccessUnit::new()
            };
            marker.mark(&mut unit);
            unit.leading
        };
        use Leading::{Decodable, No, Skipped};
        assert_eq!(mark(0, Start::None, 5, No), No);
        assert_eq!(mark(0, Start::Idr, 10, No), No);
        assert_eq!(mark(0, Start::None, 8, No), No);
        assert_eq!(mark(0, Start::Recovery, 40, No), No);
        assert_eq!(mark(0, Start::None, 20, No), Skipped);
        assert_eq!(mark(0, Start::None, 30, Decodable), Decodable);
        assert_eq!(mark(0, Start::None, 40, No), No);
        // Another epoch is another timeline.
        assert_eq!(mark(1, Start::None, 0, No), No);
        assert_eq!(mark(1, Start::Cra, 9, No), No);
        assert_eq!(mark(1, Start::None, 8, No), Skipped);
        assert_eq!(mark(1, Start::Idr, 20, No), No);
        assert_eq!(mark(1, Start::None, 19, No), No);
    }
}
