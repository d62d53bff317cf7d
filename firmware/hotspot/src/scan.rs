//! What `iw dev INTERFACE scan` prints.

use crate::channel::Channel;

/// No honest scan hears more.
const MAX_HEARD: usize = 512;

/// A network that was heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bss {
    /// Centre of its primary channel in MHz.
    pub frequency: u16,
    /// How loud, in dBm.
    pub signal_dbm: i16,
    /// Its name; `None` if it hides it or if it is no UTF-8.
    pub ssid: Option<String>,
}

impl Bss {
    /// Its channel, if an access point of ours could be on it.
    pub fn channel(&self) -> Option<Channel> {
        Channel::of_frequency(self.frequency)
    }

    /// Its channel's number if that is one of 2.4 GHz.
    pub(crate) fn channel_2_4(&self) -> Option<u8> {
        let channel = self.channel()?;
        (!channel.is_5_ghz()).then(|| channel.number())
    }
}

/// Reads the output of `iw dev INTERFACE scan`. Networks without frequency or signal are left out.
///
/// Others write into that output: what they call their devices is printed as it came. All they can
/// reach is the choice among channels that are allowed anyway.
pub fn parse_scan(output: &str) -> Vec<Bss> {
    let mut heard = Vec::new();
    let mut current = Parts::default();
    for line in output.lines() {
        if line.starts_with("BSS ") {
            heard.extend(std::mem::take(&mut current).bss());
            if heard.len() >= MAX_HEARD {
                return heard;
            }
        } else if let Some((key, value)) = line
            .strip_prefix('\t')
            .and_then(|line| line.split_once(": "))
        {
            match key {
                "freq" => current.frequency = whole(value),
                "signal" => current.signal = whole(value.trim_end_matches(" dBm")),
                "SSID" => current.ssid = unescape(value),
                _ => {}
            }
        }
    }
    heard.extend(current.bss());
    heard
}

/// Whether the output of `iw phy NAME info` lists a channel of 5 GHz. Whether it is allowed is the
/// country's business: iw calls channels disabled as long as the country has not been set.
pub fn lists_5_ghz(output: &str) -> bool {
    let mut channels = output
        .lines()
        .filter_map(|line| line.trim().strip_prefix("* "));
    channels.any(|line| {
        let mut words = line.split(' ');
        let frequency = words.next().and_then(whole);
        words.next() == Some("MHz") && frequency.is_some_and(|mhz| (5160..5900).contains(&mhz))
    })
}

#[derive(Default)]
struct Parts {
    frequency: Option<i16>,
    signal: Option<i16>,
    ssid: Option<String>,
}

impl Parts {
    fn bss(self) -> Option<Bss> {
        Some(Bss {
            frequency: self.frequency.and_then(|mhz| mhz.try_into().ok())?,
            signal_dbm: self.signal?,
            ssid: self.ssid.filter(|ssid| !ssid.is_empty()),
        })
    }
}

/// The whole part of `2437`, `2437.0` or `-47.00`.
fn whole(number: &str) -> Option<i16> {
    number.split('.').next()?.trim().parse().ok()
}

/// Undoes iw's escapes: `\xHH` for everything but printable ASCII, and for `\` itself.
fn unescape(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\\x") {
        bytes.extend_from_slice(before.as_bytes());
        let digits = after.get(..2)?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        rest = after.get(2..)?;
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    // As printed by iw 5.19 (Debian 12), shortened; the frequency of the second as by iw 6.9.
    const SCAN: &str = "\
BSS 3c:a6:2f:11:22:33(on wlan0) -- associated
\tlast seen: 1134.412s [boottime]
\tTSF: 1134412000 usec (0d, 00:18:54)
\tfreq: 2437
\tbeacon interval: 100 TUs
\tcapability: ESS Privacy ShortSlotTime (0x0411)
\tsignal: -47.00 dBm
\tlast seen: 120 ms ago
\tInformation elements from Probe Response frame:
\tSSID: Caf\\xc3\\xa9 \\x5c1
\tSupported rates: 1.0* 2.0* 5.5* 11.0* 18.0 24.0 36.0 54.0
\tDS Parameter set: channel 6
\tRSN:\t * Version: 1
\t\t * Group cipher: CCMP
BSS 3c:a6:2f:11:22:34(on wlan0)
\tfreq: 5180.0
\tsignal: -71.50 dBm
\tSSID: \\x00\\x00
BSS 3c:a6:2f:11:22:35(on wlan0)
\tfreq: 2412
\tSSID: no signal
BSS 3c:a6:2f:11:22:36(on wlan0)
\tfreq: 2462
\tsignal: -80.00 dBm
\tSSID: 
";

    #[test]
    fn reads_what_iw_prints() {
        let heard = parse_scan(SCAN);
        let [cafe, zeros, hidden] = &heard[..] else {
            panic!("{heard:?}")
        };
        assert_eq!((cafe.frequency, cafe.signal_dbm), (2437, -47));
        assert_eq!(cafe.ssid.as_deref(), Some("Caf\u{e9} \\1"));
        assert_eq!((zeros.frequency, zeros.signal_dbm), (5180, -71));
        assert_eq!(zeros.ssid.as_deref(), Some("\0\0"));
        assert_eq!(hidden.channel().map(Channel::number), Some(11));
        assert_eq!(hidden.ssid, None);
        assert_eq!(cafe.channel_2_4(), Some(6));
        assert_eq!(zeros.channel_2_4(), None);
    }

    #[test]
    fn bands_are_told_apart() {
        let low = "\tBand 1:\n\t\tFrequencies:\n\t\t\t* 2412 MHz [1] (20.0 dBm)\n";
        assert!(!lists_5_ghz(low));
        assert!(!lists_5_ghz("\t\t\t* 5.5 Mbps\n\t\t * 5180 hours\n"));
        for line in [
            "\t\t\t* 5180 MHz [36] (20.0 dBm)\n",
            "\t\t\t* 5180.0 MHz [36] (disabled)\n",
        ] {
            assert!(lists_5_ghz(&format!("{low}{line}")), "{line}");
        }
    }

    #[test]
    fn a_flood_of_networks_is_cut() {
        let one = "BSS 00:00:00:00:00:00(on wlan0)\n\tfreq: 2437\n\tsignal: -50.00 dBm\n";
        assert_eq!(parse_scan(&one.repeat(10_000)).len(), MAX_HEARD);
    }

    proptest! {
        #[test]
        fn any_output_is_read(lines in "((BSS |\tfreq: |\tsignal: |\tSSID: |)\\PC{0,12}\n){0,20}") {
            let _ = parse_scan(&lines);
        }

        #[test]
        fn names_are_read_back(name in "\\PC{1,16}") {
            let escaped: String = name
                .bytes()
                .map(|byte| match byte {
                    b'\\' => "\\x5c".to_owned(),
                    0x20..=0x7e => char::from(byte).to_string(),
                    _ => format!("\\x{byte:02x}"),
                })
                .collect();
            prop_assert_eq!(unescape(&escaped), Some(name));
        }
    }
}
