//! What a card's first boot does, and every later boot checks in milliseconds.
//!
//! [`card`] makes the footage partition of the rest of the card. Its state is the partition table
//! itself: each step ends in the write of one sector, so a power cut leaves one state or the next.
//! [`disk`] does the same for a USB disk that its owner named.
//! [`settings`] sees to it that nobody gets in by default: it makes what nobody provisioned (Wi-Fi
//! passphrase, page password, machine id) and writes it where the card's owner finds it.
//!
//! Both are pure decisions with a thin shell: disk, files, programs and randomness are handed in.
//! What `picam.toml` means to recorder and page does not belong here.
//! `docs/first-boot.md` lists every step and what a cut there leaves.

mod bytes;
pub mod card;
pub mod disk;
pub mod settings;
