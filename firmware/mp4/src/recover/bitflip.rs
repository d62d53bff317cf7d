//! One flipped bit, found by its CRC-32.
//!
//! A CRC-32 (ISO 3309) tells any two single flips of less than 512 MiB apart, so what little is under one of
//! its own can be mended without a second copy. Taken for one flip, larger damage would be made larger: only
//! for header records and inits, of which one in a hundred thousand is long enough for that.

/// The polynomial, lowest power first.
const POLYNOMIAL: u32 = 0xedb8_8320;
/// More is not searched.
const MOST: usize = 16 * 1024;

/// Makes the CRC of `bytes` be `want` by turning one bit, if that is possible. Bytes whose CRC holds, or
/// whose `want` alone is one bit off, stay as they are; `true` in these cases, too.
pub(super) fn mend(bytes: &mut [u8], want: u32) -> bool {
    let syndrome = crc32fast::hash(bytes) ^ want;
    if syndrome.count_ones() <= 1 {
        return true;
    }
    if bytes.len() > MOST {
        return false;
    }
    // What a flip of each bit of a byte adds to the CRC, from the last byte to the first.
    let mut adds: [u32; 8] = std::array::from_fn(|bit| eight_steps(1 << bit));
    for byte in bytes.iter_mut().rev() {
        for (bit, add) in adds.iter_mut().enumerate() {
            if *add == syndrome {
                *byte ^= 1 << bit;
                return true;
            }
            *add = eight_steps(*add);
        }
    }
    false
}

/// Which bit, as byte and bit number, was flipped in the first `front` bytes of `len` whose CRC is off by
/// `syndrome`. None if it is not a single one in there.
pub(super) fn find_in_front(syndrome: u32, len: usize, front: usize) -> Option<(usize, u32)> {
    let mut adds: [u32; 8] = std::array::from_fn(|bit| eight_steps(1 << bit));
    for byte in (0..len).rev() {
        for (bit, add) in (0..).zip(&mut adds) {
            if *add == syndrome && byte < front {
                return Some((byte, bit));
            }
            *add = eight_steps(*add);
        }
    }
    None
}

fn eight_steps(crc: u32) -> u32 {
    (0..8).fold(crc, |crc, _| {
        (crc >> 1) ^ if crc & 1 == 1 { POLYNOMIAL } else { 0 }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_searched_than_has_a_checksum_of_its_own() {
        for (len, searched) in [(16_384, true), (16_385, false)] {
            let good = vec![7; len];
            let mut bytes = good.clone();
            bytes[3] ^= 8;
            let damaged = bytes.clone();
            assert_eq!(mend(&mut bytes, crc32fast::hash(&good)), searched);
            assert!(bytes == if searched { good } else { damaged });
        }
    }

    #[test]
    fn every_single_flip_is_undone_and_nothing_else_is_touched() {
        let good: Vec<u8> = (0..700u32).map(|n| (n * 31 % 251) as u8).collect();
        let crc = crc32fast::hash(&good);
        for bit in 0..good.len() * 8 {
            let mut bytes = good.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let syndrome = crc32fast::hash(&bytes) ^ crc;
            assert!(mend(&mut bytes, crc) && bytes == good, "bit {bit}");
            let found = Some((bit / 8, bit as u32 % 8)).filter(|_| bit < 300 * 8);
            assert_eq!(find_in_front(syndrome, good.len(), 300), found);
        }
        for bit in 0..32 {
            let mut bytes = good.clone();
            assert!(mend(&mut bytes, crc ^ 1 << bit) && bytes == good);
        }
        for at in 0..good.len() - 1 {
            let mut bytes = good.clone();
            bytes[at] ^= 0x18;
            bytes[at + 1] ^= 1;
            let damaged = bytes.clone();
            assert!(!mend(&mut bytes, crc) && bytes == damaged, "byte {at}");
        }
    }
}
