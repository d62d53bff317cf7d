//! What the camera says of itself: USB 2.0, chapter 9, and "USB Device Class Definition for Video Devices" 1.1 with its
//! payload documents "Motion-JPEG" and "Frame Based". Little-endian.

/// The format indices that streaming is negotiated with.
pub const MJPEG: u8 = 1;
/// H.264, as a frame-based format.
pub const H264: u8 = 2;
/// The entity that has the brightness.
pub const PROCESSING_UNIT: u8 = 3;
/// Bytes of one payload, header included: one bulk transfer of `uvcvideo`'s.
pub const MAX_PAYLOAD: u32 = 16 * 1024;

const CS_INTERFACE: u8 = 0x24;
const VIDEO: u8 = 0x0E;
const UVC_1_1: [u8; 2] = [0x10, 0x01];
const CLOCK_HZ: u32 = 48_000_000;
/// `H264` in the form that Microsoft's media types have.
const H264_GUID: [u8; 16] = *b"H264\x00\x00\x10\x00\x80\x00\x00\xAA\x00\x38\x9B\x71";

/// What makes one camera differ from another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Width and height of its pictures.
    pub size: (u16, u16),
    /// Pictures a second.
    pub fps: u32,
    /// Serial number, by which it is found again.
    pub serial: String,
}

impl Identity {
    /// Time from picture to picture in 100 ns.
    pub const fn interval(&self) -> u32 {
        10_000_000 / self.fps
    }

    /// The largest picture that the host must have room for.
    pub fn max_picture(&self) -> u32 {
        u32::from(self.size.0) * u32::from(self.size.1) * 2
    }
}

/// A descriptor: its length and what it holds.
fn descriptor(parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    let mut all = vec![body.len() as u8 + 1];
    all.extend(body);
    all
}

/// The device.
pub fn device() -> Vec<u8> {
    descriptor(&[
        &[1],
        &[0x00, 0x02],            // USB 2.0
        &[0xEF, 2, 1],            // interfaces belong together
        &[64],                    // endpoint 0
        &0x1209u16.to_le_bytes(), // pid.codes
        &0x0001u16.to_le_bytes(), // for tests
        &[0x00, 0x01],
        &[1, 2, 3], // strings
        &[1],       // configurations
    ])
}

/// String number `index`; `None` if there is none.
pub fn string(identity: &Identity, index: u8) -> Option<Vec<u8>> {
    let text = match index {
        0 => return Some(vec![4, 3, 9, 4]), // English
        1 => "picam",
        2 => "Software Camera",
        3 => &identity.serial,
        _ => return None,
    };
    let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    Some(descriptor(&[&[3], &utf16]))
}

/// The whole configuration: a control interface with its entities, a streaming one with two formats and one bulk endpoint.
pub fn configuration(identity: &Identity) -> Vec<u8> {
    let body = [
        descriptor(&[&[0x0B, 0, 2, VIDEO, 3, 0, 2]]), // interface association
        descriptor(&[&[4, 0, 0, 0, VIDEO, 1, 0, 2]]), // control interface
        control(),
        descriptor(&[&[4, 1, 0, 1, VIDEO, 2, 0, 2]]), // streaming interface
        streaming(identity),
        descriptor(&[&[5, 0x81, 2], &512u16.to_le_bytes(), &[0]]), // bulk, to the host
    ]
    .concat();
    let total = body.len() as u16 + 9;
    let head = descriptor(&[&[2], &total.to_le_bytes(), &[2, 1, 0, 0x80, 50]]);
    [head, body].concat()
}

fn control() -> Vec<u8> {
    let units = [
        // Camera: no controls of its own.
        descriptor(&[
            &[CS_INTERFACE, 2, 1],
            &0x0201u16.to_le_bytes(),
            &[0; 8],
            &[3, 0, 0, 0],
        ]),
        // Processing unit behind it: brightness.
        descriptor(&[&[CS_INTERFACE, 5, PROCESSING_UNIT, 1, 0, 0, 2, 1, 0, 0, 0]]),
        descriptor(&[
            &[CS_INTERFACE, 3, 2],
            &0x0101u16.to_le_bytes(),
            &[0, PROCESSING_UNIT, 0],
        ]),
    ]
    .concat();
    let total = units.len() as u16 + 13;
    let head = descriptor(&[
        &[CS_INTERFACE, 1],
        &UVC_1_1,
        &total.to_le_bytes(),
        &CLOCK_HZ.to_le_bytes(),
        &[1, 1],
    ]);
    [head, units].concat()
}

fn streaming(identity: &Identity) -> Vec<u8> {
    let (width, height) = identity.size;
    let frame = |kind: u8, rest: &[&[u8]]| {
        let shape = [width.to_le_bytes(), height.to_le_bytes()].concat();
        let rates = [1_000_000u32.to_le_bytes(), 80_000_000u32.to_le_bytes()].concat();
        descriptor(&[&[CS_INTERFACE, kind, 1, 0], &shape, &rates, &rest.concat()])
    };
    let interval = identity.interval().to_le_bytes();
    let formats = [
        descriptor(&[&[CS_INTERFACE, 0x06, MJPEG, 1, 0, 1, 0, 0, 0, 0]]),
        frame(
            0x07,
            &[
                &identity.max_picture().to_le_bytes(),
                &interval,
                &[1],
                &interval,
            ],
        ),
        descriptor(&[
            &[CS_INTERFACE, 0x10, H264, 1],
            &H264_GUID,
            &[0, 1, 0, 0, 0, 0, 1],
        ]),
        frame(0x11, &[&interval, &[1], &[0; 4], &interval]),
    ]
    .concat();
    let total = formats.len() as u16 + 15;
    let head = descriptor(&[
        &[CS_INTERFACE, 1, 2],
        &total.to_le_bytes(),
        &[0x81, 0, 2, 0, 0, 0, 1, 0, 0],
    ]);
    [head, formats].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptors_follow_each_other_to_the_end() {
        let identity = Identity {
            size: (640, 360),
            fps: 30,
            serial: "A1".to_owned(),
        };
        let all = configuration(&identity);
        assert_eq!(usize::from(u16::from_le_bytes([all[2], all[3]])), all.len());
        let (mut at, mut interfaces) = (0, 0);
        while at < all.len() {
            assert!(all[at] > 2, "at {at}");
            interfaces += usize::from(all[at + 1] == 4);
            at += usize::from(all[at]);
        }
        assert_eq!((at, interfaces), (all.len(), 2));
        assert_eq!(device().len(), 18);
        assert_eq!(string(&identity, 3).unwrap(), [6, 3, b'A', 0, b'1', 0]);
    }
}
