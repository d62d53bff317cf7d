//! How much of a segment still being recorded can be shown.

use std::io;

use picam_mp4::ReadAt;

/// The end of the last committed fragment of a recording slot: behind the init, every fragment is a
/// `moof` followed by an `mdat`, and the `free` behind the last one hides the rest of the slot.
/// What is being written there has not become a `moof` yet.
pub(crate) fn shown_end(file: &impl ReadAt, first: u64) -> io::Result<u64> {
    let size = file.size()?;
    let mut end = first.min(size);
    while let Some(moof) = box_end(file, end, b"moof", size)? {
        let Some(mdat) = box_end(file, moof, b"mdat", size)? else {
            break;
        };
        end = mdat;
    }
    Ok(end)
}

/// Where the box at `offset` ends, if it is of `kind` and within the file.
fn box_end(file: &impl ReadAt, offset: u64, kind: &[u8; 4], size: u64) -> io::Result<Option<u64>> {
    if size.saturating_sub(offset) < 8 {
        return Ok(None);
    }
    let mut header = [0; 8];
    file.read_exact_at(offset, &mut header)?;
    let [a, b, c, d, found @ ..] = header;
    let end = offset + u64::from(u32::from_be_bytes([a, b, c, d]));
    Ok((found == *kind && end >= offset + 8 && end <= size).then_some(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxed(kind: &[u8; 4], payload: usize) -> Vec<u8> {
        let mut bytes = (payload as u32 + 8).to_be_bytes().to_vec();
        bytes.extend(kind);
        bytes.resize(payload + 8, 0);
        bytes
    }

    #[test]
    fn ends_with_the_last_whole_fragment() {
        let fragment = [boxed(b"moof", 100), boxed(b"mdat", 900)].concat();
        let len = fragment.len() as u64;
        let two = [fragment.clone(), fragment.clone()].concat();
        let free = [two.clone(), boxed(b"free", 500)].concat();
        let bare_moof = [two.clone(), boxed(b"moof", 10), boxed(b"free", 9)].concat();
        let cut = [
            two.clone(),
            boxed(b"moof", 10),
            boxed(b"mdat", 99)[..50].to_vec(),
        ]
        .concat();
        for file in [two.clone(), free, bare_moof, cut] {
            assert_eq!(shown_end(&file, 0).unwrap(), 2 * len);
        }
        assert_eq!(shown_end(&two, len).unwrap(), 2 * len);
    }

    #[test]
    fn rubbish_ends_where_it_begins() {
        assert_eq!(shown_end(&vec![0u8; 4096], 512).unwrap(), 512);
        assert_eq!(shown_end(&vec![0u8; 10], 512).unwrap(), 10);
        assert_eq!(shown_end(&Vec::new(), 0).unwrap(), 0);
        // A size of 0 or 1 must not stall the walk.
        let stuck = [&[0, 0, 0, 0][..], b"moof", &[0; 32]].concat();
        assert_eq!(shown_end(&stuck, 0).unwrap(), 0);
    }
}
