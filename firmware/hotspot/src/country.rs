//! Which channels a country leaves to an access point.

use crate::channel::Channel;

/// What an access point may use: the highest channel of 2.4 GHz, whether 36 to 48 are free, and the
/// highest of 149 to 165 (0: none of them).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Bands {
    top: u8,
    low: bool,
    high: u8,
}

const fn bands(top: u8, low: bool, high: u8) -> Bands {
    Bands { top, low, high }
}

/// Of wireless-regdb 2026.05.30, 20 MHz wide. On 2.4 GHz: rules without DFS and NO-IR. On 5 GHz:
/// without NO-OUTDOOR as well, for a car is no building. A country that is missing there, or allows
/// nothing of 2.4 GHz without conditions (Togo), is missing here.
const COUNTRIES: [(Bands, &str); 6] = [
    (
        bands(11, true, 165),
        "AS BM DM DO FM GD GU HT MH MP NI PR PW US VI",
    ),
    (
        bands(13, false, 0),
        "AM BH EG FO GB GI GT ID IM KZ NA QA RU SM SY TR TZ UA VA YE",
    ),
    (
        bands(13, false, 165),
        "AD AL AT AU BA BD BE BG BO BR BZ CA CH CN CU CY CZ DE DK EC EE ES FI FR GR HK HU IE IL IS IT \
         LI LT LU LV MC MD ME MK MT MY NG NL NO PK PL PT RO SE SI SK VN",
    ),
    (
        bands(13, true, 0),
        "AF AI AN AW AZ BL BT BW BY DZ ET GE GF GL GP IR JO JP KE KH KW LK LS MA MF MQ MR MW OM PF PM \
         RE RS SA SR SX TD TN UZ VC WF WS YT ZA ZW",
    ),
    (bands(13, true, 161), "KN KP LC"),
    (
        bands(13, true, 165),
        "AE AR BB BF BN BS CF CI CL CO CR CX GH GY HN HR IN JM KR KY LB MN MO MU MV MX NP NZ PA PE PG \
         PH PY RW SG SN SV TC TH TT TW UG UY VE VU",
    ),
];

/// A regulatory domain that the kernel's database knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Country {
    code: [u8; 2],
    bands: Bands,
}

impl Country {
    /// The country of an ISO 3166-1 alpha-2 code in capitals; `None` if its rules are not known.
    pub fn find(code: &str) -> Option<Self> {
        let code: [u8; 2] = code.as_bytes().try_into().ok()?;
        let bands = COUNTRIES
            .iter()
            .find(|(_, codes)| codes.split(' ').any(|known| known.as_bytes() == code))
            .map(|(bands, _)| *bands)?;
        Some(Self { code, bands })
    }

    /// Every country there is.
    pub fn all() -> impl Iterator<Item = Self> {
        COUNTRIES
            .iter()
            .flat_map(|(_, codes)| codes.split(' '))
            .filter_map(Self::find)
    }

    /// Its two letters.
    pub fn code(&self) -> String {
        self.code.map(char::from).iter().collect()
    }

    /// Whether an access point in a car may use the channel there; `None` is anywhere.
    pub fn allows(country: Option<Self>, channel: Channel) -> bool {
        let bands = country.map_or(bands(11, false, 0), |country| country.bands);
        match channel.number() {
            number @ 1..=14 => number <= bands.top,
            36..=48 => bands.low,
            number => number <= bands.high,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_those_of_the_country() {
        for (code, allowed, refused) in [
            (Some("DE"), &[1, 11, 12, 13, 149, 165][..], &[36, 48][..]),
            (Some("US"), &[1, 11, 36, 48, 149, 165], &[12, 13]),
            (Some("JP"), &[1, 13, 36, 48], &[149, 165]),
            (Some("KN"), &[13, 36, 161], &[165]),
            (Some("GB"), &[13], &[36, 149]),
            (None, &[1, 11], &[12, 13, 36, 149]),
        ] {
            let country = code.map(|code| Country::find(code).unwrap());
            for &number in allowed {
                let channel = Channel::new(number).unwrap();
                assert!(Country::allows(country, channel), "{code:?} {number}");
            }
            for &number in refused {
                let channel = Channel::new(number).unwrap();
                assert!(!Country::allows(country, channel), "{code:?} {number}");
            }
        }
    }

    #[test]
    fn only_codes_of_two_known_capitals_are_countries() {
        for code in ["", "D", "de", "DEU", "XX", "00", "TG", "S ", " S", "\u{c4}"] {
            assert_eq!(Country::find(code), None, "{code}");
        }
        assert_eq!(Country::all().count(), 180);
        let mut codes: Vec<_> = Country::all().map(|country| country.code()).collect();
        codes.sort();
        codes.dedup();
        assert_eq!(codes.len(), 180);
    }
}
