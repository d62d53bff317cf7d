//! What picam knows of accelerometers on an I²C bus, by their data sheets: registers, and bytes into g.
//!
//! Each is set to about 100 measurements a second, ±16 g, and to put them into its queue (FIFO), which drops the oldest when
//! it is full. Nobody has to be on time then.

use embedded_hal::i2c::{I2c, SevenBitAddress};

use super::MotionError;

/// A chip that picam knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chip {
    /// ST LIS3DH, and its successor LIS2DH12.
    Lis3dh,
    /// Analog Devices ADXL345.
    Adxl345,
    /// TDK InvenSense MPU-6050, MPU-6500 and MPU-9250.
    Mpu6050,
}

/// What one look at the queue gave.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Read {
    /// Measurements that came.
    pub count: usize,
    /// Whether the queue was full, so that some may be lost.
    pub overrun: bool,
}

/// Three axes of 16 bits.
const AXES: usize = 6;
/// The deepest queue that is read at once: 1024 bytes of an MPU-6050 are read in several goes.
const MOST: usize = 32;

impl Chip {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Lis3dh, Self::Adxl345, Self::Mpu6050];

    /// As in the configuration.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Lis3dh => "lis3dh",
            Self::Adxl345 => "adxl345",
            Self::Mpu6050 => "mpu6050",
        }
    }

    /// Addresses that it can have; the first is that of most boards.
    pub const fn addresses(self) -> [u8; 2] {
        match self {
            Self::Lis3dh => [0x18, 0x19],
            Self::Adxl345 => [0x53, 0x1d],
            Self::Mpu6050 => [0x68, 0x69],
        }
    }

    /// Where it says what it is, and what it may say.
    const fn identity(self) -> (u8, &'static [u8]) {
        match self {
            Self::Lis3dh => (0x0f, &[0x33]),
            Self::Adxl345 => (0x00, &[0xe5]),
            // 6050, 6500, 9250, 9255.
            Self::Mpu6050 => (0x75, &[0x68, 0x70, 0x71, 0x73]),
        }
    }

    /// Registers to write, in order.
    const fn settings(self) -> &'static [[u8; 2]] {
        match self {
            Self::Lis3dh => &[
                // Bypass empties the queue.
                [0x2e, 0x00],
                // 100 Hz, all axes; no filter; no interrupt; whole samples, ±16 g, 12 bits; queue on; stream.
                [0x20, 0x57],
                [0x21, 0x00],
                [0x22, 0x00],
                [0x23, 0xb8],
                [0x24, 0x40],
                [0x2e, 0x80],
            ],
            Self::Adxl345 => &[
                // Standby and bypass while it is set.
                [0x2d, 0x00],
                [0x38, 0x00],
                // 100 Hz; full resolution, ±16 g; no interrupts; stream; measure.
                [0x2c, 0x0a],
                [0x31, 0x0b],
                [0x2e, 0x00],
                [0x38, 0x9f],
                [0x2d, 0x08],
            ],
            Self::Mpu6050 => &[
                // Awake, by the gyroscope's clock; 1 kHz through a filter of 44 Hz, every tenth; ±16 g.
                [0x6b, 0x01],
                [0x1a, 0x03],
                [0x19, 0x09],
                [0x1c, 0x18],
                // The newer ones have a filter of its own for acceleration; on a 6050 nothing is there.
                [0x1d, 0x03],
                // Queue off, emptied, acceleration alone, on.
                [0x6a, 0x00],
                [0x6a, 0x04],
                [0x23, 0x08],
                [0x6a, 0x40],
            ],
        }
    }

    /// Finds out that it is there, and sets it up.
    pub(super) fn begin<B: I2c<SevenBitAddress>>(
        self,
        bus: &mut B,
        address: u8,
    ) -> Result<(), MotionError> {
        let (register, known) = self.identity();
        let mut said = [0];
        bus.write_read(address, &[register], &mut said)
            .map_err(silent)?;
        let [said] = said;
        if !known.contains(&said) {
            return Err(MotionError::Other { chip: self, said });
        }
        for setting in self.settings() {
            bus.write(address, setting).map_err(silent)?;
        }
        Ok(())
    }

    /// Takes what its queue has, the oldest first, in g.
    pub(super) fn read<B: I2c<SevenBitAddress>>(
        self,
        bus: &mut B,
        address: u8,
        into: &mut Vec<[f32; 3]>,
    ) -> Result<Read, MotionError> {
        match self {
            Self::Lis3dh => read_lis3dh(bus, address, into),
            Self::Adxl345 => read_adxl345(bus, address, into),
            Self::Mpu6050 => read_mpu(bus, address, into),
        }
    }

    /// The most that it can feel, g: more is said by no sound bus.
    const fn most_g(self) -> f32 {
        match self {
            // 12 bits of 12 mg.
            Self::Lis3dh => 24.6,
            Self::Adxl345 => 16.1,
            Self::Mpu6050 => 16.0,
        }
    }

    /// Whether these bytes came from a chip, and not from a bus that is held high or low.
    fn plausible(self, [x, y, z]: [f32; 3], raw: &[u8]) -> bool {
        let held = |byte: u8| raw.iter().all(|&other| other == byte);
        let most = self.most_g();
        !held(0) && !held(0xff) && [x, y, z].iter().all(|g| g.abs() <= most)
    }
}

fn silent(error: impl std::fmt::Debug) -> MotionError {
    MotionError::Bus(format!("{error:?}"))
}

/// Decodes measurements, and counts those that a chip said.
fn decode(
    chip: Chip,
    raw: &[u8],
    word: impl Fn([u8; 2]) -> f32,
    into: &mut Vec<[f32; 3]>,
) -> Result<usize, MotionError> {
    let before = into.len();
    for sample in raw.as_chunks::<AXES>().0 {
        let [a, b, c, d, e, f] = *sample;
        let g = [[a, b], [c, d], [e, f]].map(&word);
        if !chip.plausible(g, sample) {
            into.truncate(before);
            return Err(MotionError::Garbage);
        }
        into.push(g);
    }
    Ok(into.len() - before)
}

/// FIFO_SRC_REG says how many wait; the address wraps at OUT_Z_H, so that one read takes them all.
fn read_lis3dh<B: I2c>(
    bus: &mut B,
    address: u8,
    into: &mut Vec<[f32; 3]>,
) -> Result<Read, MotionError> {
    let mut source = [0];
    bus.write_read(address, &[0x2f], &mut source)
        .map_err(silent)?;
    let [source] = source;
    let overrun = source & 0x40 != 0;
    let is_empty = source & 0x20 != 0;
    let waiting = match (overrun, is_empty) {
        // Both at once says no chip.
        (true, true) => return Err(MotionError::Garbage),
        // Five bits cannot say 32.
        (true, false) => MOST,
        (false, true) => 0,
        (false, false) => usize::from(source & 0x1f),
    };
    let mut raw = [0; MOST * AXES];
    let raw = raw.get_mut(..waiting * AXES).unwrap_or_default();
    if raw.is_empty() {
        return Ok(Read::default());
    }
    // Bit 7: the address counts up.
    bus.write_read(address, &[0x28 | 0x80], raw)
        .map_err(silent)?;
    // 12 bits at the top, 12 mg each (data sheet, table 4: high resolution, ±16 g).
    let word = |bytes| f32::from(i16::from_le_bytes(bytes) >> 4) * 0.012;
    let count = decode(Chip::Lis3dh, raw, word, into)?;
    Ok(Read { count, overrun })
}

/// Each read of the six data registers takes one off the queue.
fn read_adxl345<B: I2c>(
    bus: &mut B,
    address: u8,
    into: &mut Vec<[f32; 3]>,
) -> Result<Read, MotionError> {
    let mut status = [0];
    bus.write_read(address, &[0x39], &mut status)
        .map_err(silent)?;
    let [status] = status;
    let waiting = usize::from(status & 0x3f);
    if waiting > MOST + 1 || status & 0x40 != 0 {
        return Err(MotionError::Garbage);
    }
    // 32 in the queue, and one in the registers: it is full.
    let overrun = waiting >= MOST;
    let mut count = 0;
    for _ in 0..waiting {
        let mut raw = [0; AXES];
        bus.write_read(address, &[0x32], &mut raw).map_err(silent)?;
        // 1/256 g in full resolution (data sheet, table 1).
        let word = |bytes| f32::from(i16::from_le_bytes(bytes)) / 256.0;
        count += decode(Chip::Adxl345, &raw, word, into)?;
    }
    Ok(Read { count, overrun })
}

/// FIFO_COUNT says how many bytes wait. After an overflow nobody knows where a measurement begins: it is emptied.
fn read_mpu<B: I2c>(
    bus: &mut B,
    address: u8,
    into: &mut Vec<[f32; 3]>,
) -> Result<Read, MotionError> {
    let mut status = [0];
    bus.write_read(address, &[0x3a], &mut status)
        .map_err(silent)?;
    let [status] = status;
    if status == 0xff {
        return Err(MotionError::Garbage);
    }
    if status & 0x10 != 0 {
        for setting in [[0x6a, 0x00], [0x6a, 0x04], [0x6a, 0x40]] {
            bus.write(address, &setting).map_err(silent)?;
        }
        return Ok(Read {
            count: 0,
            overrun: true,
        });
    }
    let mut waiting = [0; 2];
    bus.write_read(address, &[0x72], &mut waiting)
        .map_err(silent)?;
    let waiting = usize::from(u16::from_be_bytes(waiting));
    if waiting > 1024 {
        return Err(MotionError::Garbage);
    }
    let mut raw = [0; MOST * AXES];
    // What is left waits for the next look.
    let len = (waiting / AXES).min(MOST) * AXES;
    let raw = raw.get_mut(..len).unwrap_or_default();
    if raw.is_empty() {
        return Ok(Read::default());
    }
    bus.write_read(address, &[0x74], raw).map_err(silent)?;
    let word = |bytes| f32::from(i16::from_be_bytes(bytes)) / 2048.0;
    let count = decode(Chip::Mpu6050, raw, word, into)?;
    Ok(Read {
        count,
        overrun: false,
    })
}
