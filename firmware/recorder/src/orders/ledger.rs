//! Where orders are written down: one file beside the footage, which is on the card they are about.
//!
//! It holds two copies of which the newer whole one counts, and is written where it stands: no moment of a power cut
//! leaves neither. `docs/card-format.md` describes it.

use std::io;

use picam_mp4::layout::PAGE;
use picam_mp4::{Flush, ReadAt, SlotFile};
use picam_ring::{Directory, LEDGER_NAME};

use super::list::Orders;

/// Room for one copy in bytes, whole pages.
pub(super) const COPY: usize = 256 * 1024;
const MAGIC: &[u8; 8] = b"picamord";
/// Magic, serial number, length of the text, checksum of these three and the text.
const HEAD: usize = 24;

/// What is known of the file.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// Of the copy that counts; 0 if there is none.
    serial: u64,
}

impl Ledger {
    /// Reads what is written down. A file that is missing, or of which no copy is whole, holds nothing.
    pub(crate) fn load(directory: &impl Directory) -> io::Result<(Self, Orders)> {
        let file = match directory.open(LEDGER_NAME) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok((Self::default(), Orders::default()));
            }
            Err(error) => return Err(error),
        };
        let mut best = (0, Orders::default());
        let mut copy = vec![0; COPY];
        for which in 0..2 {
            match file.read_exact_at((which * COPY) as u64, &mut copy) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => break,
                Err(error) => return Err(error),
            }
            if let Some((serial, orders)) = decode(&copy).filter(|(serial, _)| *serial > best.0) {
                best = (serial, orders);
            }
        }
        let (serial, orders) = best;
        Ok((Self { serial }, orders))
    }

    /// Writes orders down; once it returns, they outlive a power cut. On an error it is not known whether they do, and the
    /// file must be loaded again.
    pub(crate) fn store(&mut self, directory: &impl Directory, orders: &Orders) -> io::Result<()> {
        let serial = self.serial + 1;
        let pages = encode(serial, orders)?;
        let mut file = match directory.open(LEDGER_NAME) {
            Ok(file) if file.size()? == 2 * COPY as u64 => file,
            Ok(file) => {
                // Somebody else's, or one that was cut off before it had its length.
                drop(file);
                directory.remove(LEDGER_NAME)?;
                make(directory)?
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => make(directory)?,
            Err(error) => return Err(error),
        };
        let at = (serial % 2) as usize * COPY;
        for (n, page) in pages.chunks(PAGE).enumerate() {
            file.write_at((at + n * PAGE) as u64, page)?;
        }
        // How far it was ever written may have changed.
        file.flush(Flush::All)?;
        self.serial = serial;
        Ok(())
    }
}

fn make<D: Directory>(directory: &D) -> io::Result<D::File> {
    let file = directory.create(LEDGER_NAME, 2 * COPY as u64)?;
    directory.sync()?;
    Ok(file)
}

fn encode(serial: u64, orders: &Orders) -> io::Result<Vec<u8>> {
    let text = serde_json::to_vec(orders)?;
    let mut copy = Vec::with_capacity((HEAD + text.len()).next_multiple_of(PAGE));
    copy.extend_from_slice(MAGIC);
    copy.extend_from_slice(&serial.to_be_bytes());
    copy.extend_from_slice(&(text.len() as u32).to_be_bytes());
    copy.extend_from_slice(&checksum(&copy, &text).to_be_bytes());
    copy.extend_from_slice(&text);
    if copy.len() > COPY {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    copy.resize(copy.len().next_multiple_of(PAGE), 0);
    Ok(copy)
}

fn checksum(head: &[u8], text: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(head);
    hasher.update(text);
    hasher.finalize()
}

fn decode(copy: &[u8]) -> Option<(u64, Orders)> {
    let (head, rest) = copy.split_first_chunk::<HEAD>()?;
    let (counted, stored) = head.split_at_checked(HEAD - 4)?;
    let (magic, numbers) = counted.split_first_chunk::<8>()?;
    let (serial, len) = numbers.split_first_chunk::<8>()?;
    let text = rest.get(..u32::from_be_bytes(len.try_into().ok()?) as usize)?;
    let sound = magic == MAGIC && stored == checksum(counted, text).to_be_bytes();
    let orders = serde_json::from_slice(text).ok().filter(|_| sound)?;
    Some((u64::from_be_bytes(*serial), orders))
}
