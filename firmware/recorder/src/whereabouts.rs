//! Where the car is, for whoever wants to know it now: read without a lock and without waiting.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use picam_media::{AccessUnit, TakenAt, UnitKind};
use picam_mp4::camm;
use picam_time::BootNs;

/// A place that is older than this is not where the car is any more.
const FRESH: Duration = Duration::from_secs(5);

/// The newest place that was measured. Clones are the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Whereabouts(Arc<ArcSwapOption<Place>>);

#[derive(Debug, Clone, Copy, PartialEq)]
struct Place {
    at: TakenAt,
    measured: BootNs,
}

impl Whereabouts {
    /// Takes note of what was measured, if it is a place.
    pub(crate) fn note(&self, unit: &AccessUnit) {
        if unit.kind != UnitKind::Motion {
            return;
        }
        if let Some(at) = place(&unit.data) {
            let measured = unit.captured;
            self.0.store(Some(Arc::new(Place { at, measured })));
        }
    }

    /// Where the car was at that moment, if that is known.
    pub(crate) fn at(&self, moment: BootNs) -> Option<TakenAt> {
        let place = self.0.load();
        let place = place.as_deref()?;
        let apart = moment.since(place.measured) + place.measured.since(moment);
        (apart <= FRESH).then_some(place.at)
    }
}

fn place(sample: &[u8]) -> Option<TakenAt> {
    if let Some(fix) = camm::Fix::from_sample(sample) {
        let [east, north, _] = fix.velocity.map(f64::from);
        return fix.is_usable().then_some(TakenAt {
            latitude: fix.latitude,
            longitude: fix.longitude,
            altitude: (fix.fix_type >= 3).then_some(f64::from(fix.altitude)),
            speed: Some(east.hypot(north)),
        });
    }
    let [latitude, longitude, altitude] = camm::position(sample)?;
    Some(TakenAt {
        latitude,
        longitude,
        altitude: Some(altitude),
        speed: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_holds_for_a_while() {
        let whereabouts = Whereabouts::default();
        let mut unit = AccessUnit::new();
        unit.begin(UnitKind::Motion);
        unit.captured = BootNs::from_secs(100);
        unit.data.extend(camm::position_sample(48.1, 11.5, 520.0));
        let at = |seconds| whereabouts.at(BootNs::from_secs(seconds));
        assert_eq!(at(100), None);
        whereabouts.clone().note(&unit);
        assert_eq!(at(104).unwrap().latitude, 48.1);
        assert_eq!((at(96).is_some(), at(94), at(106)), (true, None, None));
        // How the car is moved says nothing of where it is.
        unit.data.clear();
        unit.data.extend(camm::acceleration_sample([0.0, 0.0, 9.8]));
        unit.captured = BootNs::from_secs(200);
        whereabouts.note(&unit);
        assert_eq!(at(200), None);
    }
}
