//! Samples of the text track.

/// The longest text in bytes: its length has 16 bits.
const MAX_LEN: usize = u16::MAX as usize;

/// Appends a `tx3g` sample that shows `text` (3GPP TS 26.245 5.17); what is too long is cut off between characters.
pub fn write_sample(text: &str, out: &mut Vec<u8>) {
    let text = text
        .get(..text.floor_char_boundary(MAX_LEN))
        .unwrap_or_default();
    out.extend((text.len() as u16).to_be_bytes());
    out.extend(text.as_bytes());
}

/// Appends a sample that shows a place, such as `47 km/h  50.32890 6.94470`. Metres a second; degrees.
pub fn write_place(speed: f64, latitude: f64, longitude: f64, out: &mut Vec<u8>) {
    let kmh = speed * 3.6;
    write_sample(&format!("{kmh:.0} km/h  {latitude:.5} {longitude:.5}"), out);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_stands_behind_its_length() {
        let mut out = vec![9];
        write_sample("47 km/h", &mut out);
        assert_eq!(out, b"\x09\0\x0747 km/h");
        out.clear();
        write_place(13.0, 50.3289, -6.9447, &mut out);
        assert_eq!(out, b"\0\x1a47 km/h  50.32890 -6.94470");
        out.clear();
        write_sample(&"é".repeat(40_000), &mut out);
        assert_eq!((out.len(), &out[..2]), (2 + 65_534, &[0xff, 0xfe][..]));
    }
}
