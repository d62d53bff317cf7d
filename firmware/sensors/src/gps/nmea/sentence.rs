//! Sentences, cut out of a receiver's bytes.

use nmea::sentences::parse_gll;
use nmea::{Error, NmeaSentence, ParseResult, SentenceType};
use picam_time::BootNs;

/// The longest that the crate reads; NMEA 3.01 allows 82, and receivers exceed it.
const LONGEST: usize = nmea::SENTENCE_MAX_LEN;

/// Puts bytes together to sentences. A sentence begins at a `$` and ends before a control character; whatever else comes
/// between them is skipped.
#[derive(Debug, Clone)]
pub(super) struct Sentences {
    line: String,
    /// When its `$` came; `None` outside of a sentence.
    began: Option<BootNs>,
    broken: u64,
}

impl Default for Sentences {
    fn default() -> Self {
        Self {
            line: String::with_capacity(LONGEST),
            began: None,
            broken: 0,
        }
    }
}

impl Sentences {
    /// Sentences that broke off, or were too long.
    pub(super) const fn broken(&self) -> u64 {
        self.broken
    }

    /// Takes bytes that came at `now`; hands over each sentence without its end, and when it began.
    pub(super) fn push(&mut self, bytes: &[u8], now: BootNs, mut each: impl FnMut(&str, BootNs)) {
        for &byte in bytes {
            match (byte, self.began) {
                (b'$', began) => {
                    self.broken += u64::from(began.is_some());
                    self.line.clear();
                    self.line.push('$');
                    self.began = Some(now);
                }
                (_, None) => {}
                (b'\r' | b'\n', Some(began)) => {
                    self.began = None;
                    each(&self.line, began);
                }
                (b' '..=b'~', Some(_)) if self.line.len() < LONGEST => {
                    self.line.push(char::from(byte))
                }
                // Binary in the midst of it, or no end.
                (_, Some(_)) => {
                    self.began = None;
                    self.broken += 1;
                }
            }
        }
    }
}

/// What a sentence says.
pub(super) fn parse(line: &str) -> Result<ParseResult, Error<'_>> {
    let said = nmea::parse_str(line);
    if said.is_err()
        && is_sound(line)
        && let Ok(sentence) = nmea::parse_nmea_sentence(line)
        && sentence.message_id == SentenceType::GLL
    {
        // Before NMEA 2.3 it ended without a mode, which the crate does not read.
        let data = format!("{},", sentence.data);
        let whole = NmeaSentence {
            data: &data,
            ..sentence
        };
        if let Ok(gll) = parse_gll(whole) {
            return Ok(ParseResult::GLL(gll));
        }
    }
    said
}

/// Whether the checksum of a sentence holds, whatever it says.
pub(super) fn is_sound(line: &str) -> bool {
    let sound = || {
        let (said, sum) = line.strip_prefix('$')?.split_once('*')?;
        let sum = u8::from_str_radix(sum.get(..2)?, 16).ok()?;
        Some(said.bytes().fold(0, |sum, byte| sum ^ byte) == sum)
    };
    sound().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cut(pieces: &[&[u8]]) -> (Vec<String>, u64) {
        let mut sentences = Sentences::default();
        let mut all = Vec::new();
        for (n, piece) in (1..).zip(pieces) {
            sentences.push(piece, BootNs::from_secs(n), |line, _| {
                all.push(line.to_owned())
            });
        }
        (all, sentences.broken())
    }

    #[test]
    fn sentences_come_out_of_pieces_noise_and_binary() {
        let whole: (Vec<String>, u64) = (vec!["$GPGGA,1*00".into(), "$GPRMC*00".into()], 0);
        let bytes: &[u8] = b"\xb5\x62\x01\x07junk$GPGGA,1*00\r\n\0\xff$GPRMC*00\n";
        assert_eq!(cut(&[bytes]), whole);
        for at in 0..bytes.len() {
            assert_eq!(cut(&[&bytes[..at], &bytes[at..]]), whole);
        }
    }

    #[test]
    fn what_breaks_off_is_counted_and_the_next_is_read() {
        let next = vec!["$GPRMC*00".to_owned()];
        for broken in [
            &b"$GPGGA,123"[..],
            b"$GPGGA,12\xb53*00",
            b"$GPGGA\0*00",
            &[b"$GPGGA", [b'1'; LONGEST].as_slice()].concat(),
        ] {
            assert_eq!(cut(&[broken, b"$GPRMC*00\r\n"]), (next.clone(), 1));
        }
        let longest = [b"$".as_slice(), &[b'1'; LONGEST - 1], b"\n"].concat();
        assert_eq!(cut(&[&longest]).1, 0);
    }

    #[test]
    fn a_sentence_began_when_its_first_byte_came() {
        let mut sentences = Sentences::default();
        let mut began = Vec::new();
        for (n, piece) in (1..).zip([&b"noise$GP"[..], b"GGA", b"\r\n$G", b"\n"]) {
            sentences.push(piece, BootNs::from_secs(n), |_, at| began.push(at));
        }
        assert_eq!(began, [BootNs::from_secs(1), BootNs::from_secs(3)]);
    }

    #[test]
    fn a_checksum_holds_or_does_not() {
        // From gpsd's log of a NEO-M8N.
        assert!(is_sound("$GNVTG,,T,,M,0.117,N,0.216,K,A*3F"));
        for wrong in [
            "$GNVTG,,T,,M,0.117,N,0.216,K,A*3E",
            "$GNVTG",
            "$GNVTG*",
            "$GNVTG*3",
            "",
            "$*xy",
        ] {
            assert!(!is_sound(wrong), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_a_sentence_too_long(bytes in proptest::collection::vec(prop_oneof![Just(b'$'), Just(b'\n'), any::<u8>()], 0..600)) {
            let (all, _) = cut(&[&bytes]);
            prop_assert!(all.iter().all(|line| line.len() <= LONGEST && line.starts_with('$')));
        }
    }
}
