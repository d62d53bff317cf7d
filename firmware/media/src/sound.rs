//! How sound is coded.

/// How the sound of a source is coded, which does not change while it is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SoundFormat {
    /// What a unit holds.
    pub codec: SoundCodec,
    /// Samples a second.
    pub rate: u32,
    /// Channels.
    pub channels: u16,
}

/// What a unit of sound holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SoundCodec {
    /// Some milliseconds of PCM, 16 bits signed little-endian, channels interleaved.
    Pcm16,
}
