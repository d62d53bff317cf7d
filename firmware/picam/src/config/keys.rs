//! The table of keys: everything that `picam.toml` can say, a line a key.
//!
//! A line is: its explanation, its name, field, type and default; what reads its value and what shows it; when a change
//! applies; who may see and change it; and an example, if there is no default to show. `docs/configuration.md` says how a key
//! is added.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use picam_capture::picture::{Key as PictureKey, Picture, Value as PictureValue};
use picam_capture::{Background, CameraSpec, MicrophoneSpec, Place as OverlayPlace, Rgb};
use picam_firstboot::settings::{Access, Key as CardKey, Reset};
use picam_hotspot::{Channel, Mode};
use picam_ring::{Reserve, Shares};
use picam_sensors::battery::GaugeSpec;
use picam_sensors::gpio::LineSpec;
use picam_sensors::gps::GpsSource;
use picam_sensors::motion::MotionSpec;
use picam_web::{PasswordHash, TokenHash};

use super::device::{self, Place};
use super::secret::Secret;
use super::table::{Applies, Key, Keyed, SectionKeys, Value, keys};
use super::values::{
    self, ImpactLevel, LogFormat, SlotCount, always, or, picture, quoted, show_word, some, truth,
    word,
};
use super::wifi::{self, WifiNetwork};

/// Every section, in the order of the file.
pub(crate) static SECTIONS: [SectionKeys; 19] = [
    Config::SECTION,
    Camera::SECTION,
    Gps::SECTION,
    Motion::SECTION,
    Microphone::SECTION,
    Overlay::SECTION,
    Stills::SECTION,
    Battery::SECTION,
    Led::SECTION,
    Button::SECTION,
    Trigger::SECTION,
    Ignition::SECTION,
    Shares::SECTION,
    Retention::SECTION,
    Web::SECTION,
    Device::SECTION,
    Wifi::SECTION,
    Network::SECTION,
    Log::SECTION,
];

/// Every key, with its section.
pub(super) fn all() -> impl Iterator<Item = (&'static SectionKeys, &'static Key)> {
    let with_section =
        |section: &'static SectionKeys| section.keys.iter().map(move |key| (section, key));
    SECTIONS.iter().flat_map(with_section)
}

/// The keys as what changes and hides them knows them.
pub(crate) fn card_keys() -> Vec<CardKey> {
    let keys = all().map(|(section, key)| CardKey {
        section: section.name(),
        name: key.name,
        access: key.access,
    });
    keys.collect()
}

/// Whether the page is away for a moment when it changes this key.
pub(crate) fn interrupts_page(full: &str) -> bool {
    all().any(|(section, key)| {
        key.access.is_on_page() && key.applies == Applies::Page && section.full(key.name) == full
    })
}

/// What holds in place of a password that cannot be used.
pub(super) const LEFT_OUT: &str = "as if it were left out";
/// What a camera that cannot be used is replaced by.
pub(super) const OTHER_CAMERAS: &str = "the other cameras alone";
/// What holds in place of a picture setting that cannot be used.
const BY_PRESET: &str = "as the preset has it";
/// What a network that cannot be used is replaced by.
pub(super) const OTHER_NETWORKS: &str = "the other networks alone";

keys! {
/// picam.toml: what picam records, where to, and who may see it. Of a camera's card: edit this file on any computer,
/// put the card back, switch on.
///
/// Every key may be left out. Lines that begin with # and a space are explanations; those that begin with # alone
/// are switched off, and show what holds without them, or an example. A value that cannot be used is reported, and
/// what holds without it is used: a slip never stops recording. `picam config check picam.toml` lists everything
/// that is wrong with a file.
///
/// Options on the command line go before this file. Sizes are whole numbers of bytes, "KiB", "MiB" or "GiB"; lengths
/// of time whole numbers of "s", "m", "h" or "d".
"" pub struct Config {
    /// The directory that the footage lies in; nothing else needs to be there. Created if it is missing.
    /// On a camera made with picam's image, leave this and the next key alone.
    "footage" footage: PathBuf = "./footage".into(), values::path, values::show_path, Recorder, Card;

    /// Where a USB disk is mounted that takes the footage instead, with footage = "usb" below [device].
    "disk" disk: PathBuf = "/disk".into(), values::path, values::show_path, Recorder, Card;

    /// Nominal length of a segment (one file), "1s" to "10m". A slot is used to 90 % or more before the next one is
    /// begun, so a quiet scene's segment may last up to twice as long.
    "segment" segment: Duration = Duration::from_secs(60), values::segment, values::show_time, Recorder, Card;

    /// Files are made once and used again and again, the oldest footage first; these are the slots of the ring, for
    /// all cameras together, 3 or more each. slots = "fill" makes as many as the card holds: that is for a card of
    /// the camera's own.
    "slots" slots: SlotCount = SlotCount::Count(16), values::slots, values::show_slots, Recorder, Card;

    /// Length of one slot, "1MiB" to "16GiB", a multiple of 4KiB: segment length times bit rate. 32MiB are 60 seconds
    /// at 4 Mbit/s.
    "slot-size" slot_size: u64 = 32 << 20, values::slot_size, values::show_bytes, Recorder, Card;

    /// What slots = "fill" leaves free, for files of your own, as a part of the card or as a size.
    "reserve" reserve: Reserve = Reserve::Percent(2.0), values::reserve, values::show_reserve, Recorder, Card;

    /// Whether the system's clock is right from the start. A Raspberry Pi without a battery-backed clock does not
    /// know the time when it is switched on: write false there, and the time is unknown until a receiver or a phone
    /// says it.
    "system-clock" system_clock: bool = true, truth, bool::to_string, Recorder, Card;
} also {
    /// The cameras; `None` if the file names none.
    cameras: Option<Vec<CameraSpec>> = None;
    /// The receiver.
    gps: Gps = Gps::default();
    /// The accelerometer.
    motion: Motion = Motion::default();
    /// The microphone.
    microphone: Microphone = Microphone::default();
    /// What is written into pictures.
    overlay: Overlay = Overlay::default();
    /// Single pictures.
    stills: Stills = Stills::default();
    /// The camera's own battery.
    battery: Battery = Battery::default();
    /// The LED.
    led: Led = Led::default();
    /// The push button.
    button: Button = Button::default();
    /// What else has footage kept.
    trigger: Trigger = Trigger::default();
    /// Whether the car is on.
    ignition: Ignition = Ignition::default();
    /// How much of the card each class may take.
    shares: Shares = Shares::default();
    /// What is given up for its age.
    retention: Retention = Retention::default();
    /// The page.
    web: Web = Web::default();
    /// The device itself.
    device: Device = Device::default();
    /// The radio.
    wifi: Wifi = Wifi::default();
    /// Messages.
    log: Log = Log::default();
}
}

keys! {
/// The cameras, one [[camera]] each.
"[[camera]]" pub(super) struct Camera {
    /// a-z, 0-9, _ and -, beginning with a letter; its first free letter marks the camera's files.
    "name" name: Option<String> = Some("front".into()), some(quoted), or(OTHER_CAMERAS, String::clone), Recorder, Card;

    /// Where the pictures come from; `picam probe` lists the cameras that are there, with their lines:
    ///   auto                              whatever camera is there. The first one found keeps this name for good; others
    ///                                     are recorded beside it, as cam2 and so on
    ///   csi:                              a camera on the ribbon cable, the first or csi:NAME; all of the sensor's width at
    ///                                     ?size=1920x1080&fps=30, focused far away (focus=auto: by itself), bitrate=8M
    ///   v4l2:by-id/NAME                   a USB camera, or any that the kernel knows (v4l2:/dev/video0);
    ///                                     ?size=1280x720&fps=30&format=mjpeg chooses what it delivers, bitrate=4M what
    ///                                     picam makes of that. For whatever camera is there: auto:?size=1280x720
    ///   sim:?size=1280x720&fps=30         a simulated camera; bitrate=4M, audio=1 too
    ///   file:/path/clip.mp4?loop=1        a video file (H.264 or H.265 in MP4, MKV or Annex B);
    ///                                     pace=off reads it as fast as possible, fps=30 gives a raw stream its rate
    ///   rtsp://user@192.168.1.20/stream1  a network camera (H.264 or H.265) by its URL; behind a #, which is never sent,
    ///                                     transport=udp instead of tcp, sound=off, or sound=g711 for that too
    /// Sound is recorded beside the pictures if it is AAC.
    "source" source: Option<String> = Some("auto".into()),
        some(quoted), or(OTHER_CAMERAS, String::clone), Recorder, Card;

    /// The password of the user in a network camera's URL; it stands nowhere else.
    "password" password: Option<Secret> = None, values::camera_password, always(LEFT_OUT), Recorder, Secret,
        "correct horse";

    /// How its pictures look: "road" (a lens focused far away, no picture exposed for longer than its time, HDR where the
    /// camera has it), "night" (up to 66 ms, fewer pictures a second if the camera needs that), "cabin" (focused by itself,
    /// light measured in the middle), or "none": what is not named below stays as the device has it. What is named goes
    /// before the preset. docs/picture.md says what each key means to which camera; `picam picture front` shows what a
    /// camera has, with its ranges, and tries values while it records. What a camera does not have is said, and it records.
    "preset" preset: Option<PictureValue> = None, picture(PictureKey::Preset), always("road"), Recorder, Card, "road";

    /// How long each picture is exposed ("shutter speed"): "auto", or a time such as "8ms".
    "exposure" exposure: Option<PictureValue> = None, picture(PictureKey::Exposure), always(BY_PRESET), Recorder, Card, "8ms";

    /// How much brighter than the camera would, in stops, -4 to 4.
    "compensation" compensation: Option<PictureValue> = None,
        picture(PictureKey::Compensation), always(BY_PRESET), Recorder, Card, "-0.5";

    /// Amplification ("ISO"): "auto", a part of what the camera has ("40%"), or by how much ("4x", about ISO 400), where it
    /// tells.
    "gain" gain: Option<PictureValue> = None, picture(PictureKey::Gain), always(BY_PRESET), Recorder, Card, "40%";

    /// How long a picture may be exposed at most where the camera decides: "frame" (a picture's time: the rate is kept),
    /// "auto", or a time such as "66ms".
    "longest-shutter" longest_shutter: Option<PictureValue> = None,
        picture(PictureKey::LongestShutter), always(BY_PRESET), Recorder, Card, "frame";

    /// Where it measures the light: "average", "centre", "spot" or "matrix".
    "metering" metering: Option<PictureValue> = None, picture(PictureKey::Metering), always(BY_PRESET), Recorder, Card, "centre";

    /// Bright and dark both to be seen: true or false.
    "hdr" hdr: Option<PictureValue> = None, picture(PictureKey::Hdr), always(BY_PRESET), Recorder, Card, "true";

    /// Lamps on the mains that shall not flicker: "off", 50 or 60 (hertz), or "auto".
    "anti-flicker" anti_flicker: Option<PictureValue> = None,
        picture(PictureKey::AntiFlicker), always(BY_PRESET), Recorder, Card, "50";

    /// Which light is white: "auto", "daylight", "cloudy", "shade", "tungsten", "fluorescent", a colour temperature such as
    /// "5200K", or gains for red and blue such as "1.8,1.5".
    "white-balance" white_balance: Option<PictureValue> = None,
        picture(PictureKey::WhiteBalance), always(BY_PRESET), Recorder, Card, "daylight";

    /// What a lens with a motor is focused on: "auto", "infinity", a distance such as "2m", or a part of the way from far to
    /// near such as "20%", where the camera does not tell distances (USB).
    "focus" focus: Option<PictureValue> = None, picture(PictureKey::Focus), always(BY_PRESET), Recorder, Card, "infinity";

    /// -100 to 100 each: 0 is the camera's own default, the ends are those of its range.
    "brightness" brightness: Option<PictureValue> = None, picture(PictureKey::Brightness), always(BY_PRESET), Recorder, Card, "10";
    "contrast" contrast: Option<PictureValue> = None, picture(PictureKey::Contrast), always(BY_PRESET), Recorder, Card, "10";
    "saturation" saturation: Option<PictureValue> = None, picture(PictureKey::Saturation), always(BY_PRESET), Recorder, Card, "-100";
    "sharpness" sharpness: Option<PictureValue> = None, picture(PictureKey::Sharpness), always(BY_PRESET), Recorder, Card, "10";

    /// Left and right, or above and below, changed; and a camera that hangs upside down (0 or 180 degrees; not 90).
    "hflip" hflip: Option<PictureValue> = None, picture(PictureKey::Hflip), always(BY_PRESET), Recorder, Card, "true";
    "vflip" vflip: Option<PictureValue> = None, picture(PictureKey::Vflip), always(BY_PRESET), Recorder, Card, "true";
    "rotation" rotation: Option<PictureValue> = None, picture(PictureKey::Rotation), always(BY_PRESET), Recorder, Card, "180";
}
}

impl Camera {
    /// How its pictures shall look.
    pub(super) fn picture(&self) -> Picture {
        let mut picture = Picture::default();
        for (key, value) in [
            (PictureKey::Preset, self.preset),
            (PictureKey::Exposure, self.exposure),
            (PictureKey::Compensation, self.compensation),
            (PictureKey::Gain, self.gain),
            (PictureKey::LongestShutter, self.longest_shutter),
            (PictureKey::Metering, self.metering),
            (PictureKey::Hdr, self.hdr),
            (PictureKey::AntiFlicker, self.anti_flicker),
            (PictureKey::WhiteBalance, self.white_balance),
            (PictureKey::Focus, self.focus),
            (PictureKey::Brightness, self.brightness),
            (PictureKey::Contrast, self.contrast),
            (PictureKey::Saturation, self.saturation),
            (PictureKey::Sharpness, self.sharpness),
            (PictureKey::Hflip, self.hflip),
            (PictureKey::Vflip, self.vflip),
            (PictureKey::Rotation, self.rotation),
        ] {
            if let Some(value) = value {
                picture.set(key, value);
            }
        }
        picture
    }
}

keys! {
/// GPS: where the car is comes into the footage, and what time it is with it.
"[gps]" pub struct Gps {
    /// Where it comes from:
    ///   auto                                 the gpsd of this machine, once there is one
    ///   off                                  nowhere
    ///   gpsd:192.168.1.7:2947                a gpsd
    ///   serial:/dev/ttyUSB0?baud=9600        a receiver that speaks NMEA; without baud, its rate is found by trying
    /// A camera made with picam's image gives every receiver to its own gpsd: there, leave "auto".
    "source" source: GpsSource = GpsSource::Off, values::spec, GpsSource::to_string, Recorder, Card;
}
}

keys! {
/// The accelerometer: how the car is moved comes into the footage, and what hits it has footage kept.
"[motion]" pub struct Motion {
    /// Which one, on the header's I2C bus (pins 3 and 5) unless another is named:
    ///   off                               none
    ///   lis3dh                            a LIS3DH or LIS2DH12
    ///   adxl345                           an ADXL345
    ///   mpu6050                           an MPU-6050, MPU-6500 or MPU-9250
    ///   lis3dh:/dev/i2c-3?address=0x19    the same on another bus, or at its other address
    ///   sim:60                            none: a simulated car, hit by something each 60 seconds
    "sensor" sensor: MotionSpec = MotionSpec::Off, values::spec, MotionSpec::to_string, Recorder, Card;

    /// How weak an impact may be that has the last minute and the next half kept: "low" (collisions), "medium", "high"
    /// (also bad roads), or "off". docs/motion.md has a table of what each finds.
    "impact" impact: ImpactLevel = ImpactLevel::Low, word, show_word, Recorder, Card;
}
}

keys! {
/// The microphone. What is said in a car is private, and recording it may be forbidden where you drive: it is off unless
/// you switch it on here.
"[microphone]" pub struct Microphone {
    /// Where sound comes from:
    ///   off                              nowhere
    ///   alsa:plughw:CARD=Device          a microphone, by its name in ALSA; `arecord -L` lists them
    ///   alsa:default?rate=44100          with another rate than 48000, or channels=2 for stereo
    ///   sim:                             nothing: a beep a second, to see what happens
    /// Every camera without sound of its own records it. `picam microphone off` switches it off, and on again, while it
    /// records.
    "source" source: MicrophoneSpec = MicrophoneSpec::Off,
        values::spec, MicrophoneSpec::to_string, Recorder, Card;
}
}

keys! {
/// What is written into the pictures, before they are coded. Whoever sees the footage sees it: a place and a speed cannot
/// be taken out again. Cameras that code by themselves (H.264) cannot be written into: what is wanted here is in the text
/// track of their files, which players show as a subtitle.
"[overlay]" pub struct Overlay {
    /// The time, in UTC.
    "time" time: bool = false, truth, bool::to_string, Recorder, Card;

    /// How fast the car is, and where; while a GPS receiver knows.
    "speed" speed: bool = false, truth, bool::to_string, Recorder, Card;
    "place" place: bool = false, truth, bool::to_string, Recorder, Card;

    /// The car's number plate, and whatever else: 60 characters at most.
    "plate" plate: Option<String> = None, values::caption, or("none", String::clone), Recorder, Card, "B-XY 123";
    "text" text: Option<String> = None, values::caption, or("none", String::clone), Recorder, Card, "taxi 7";

    /// Height of a line in percent of the picture's, 2 to 20.
    "size" size: u8 = 4, values::caption_size, u8::to_string, Recorder, Card;

    /// Colour of the text, and of the box behind it: "white", "black", "yellow", "red", "green", "blue", "orange", "grey" or
    /// "#ffcc00". background = "none" leaves the box out, and gives the text an outline.
    "colour" colour: Rgb = Rgb::WHITE, values::colour, Rgb::to_string, Recorder, Card;
    "background" background: Background = Background::Box(Rgb::BLACK),
        values::background, values::show_background, Recorder, Card;

    /// "bottom" or "top".
    "position" position: OverlayPlace = OverlayPlace::Bottom, word, show_word, Recorder, Card;
}
}

keys! {
/// Stills: single pictures as JPEG, with time and place in them, in the folder DCIM beside the footage. The button on the
/// live view takes one, and `picam still`; no picture of the recording is lost for it.
"[stills]" pub struct Stills {
    /// From one still to the next that is taken by itself, "1s" to "1d", or "off".
    "every" every: Option<Duration> = None, values::still_every, or("off", values::show_time), Recorder, Card,
        "10s";

    /// For how long after the recorder's start; left out, as long as it records.
    "for" lasting: Option<Duration> = None, values::still_for, or("as long as it records", values::show_time), Recorder, Card,
        "8h";

    /// Of one camera alone, by its name; left out, of all.
    "camera" camera: Option<String> = None, some(quoted), or("all cameras", String::clone), Recorder, Card, "front";

    /// Quality of the JPEG, 1 to 100. A picture that a camera delivers as JPEG is taken as it is.
    "quality" quality: u8 = 90, values::quality, u8::to_string, Recorder, Card;

    /// What all stills together may take. The oldest goes for the next; one that is marked read-only on a PC never does.
    /// Of what slots = "fill" leaves free, they take half at most.
    "room" room: u64 = 256 << 20, values::still_room, values::show_bytes, Recorder, Card;
}
}

keys! {
/// The camera's own battery, on a UPS board: before it is empty, the last file is finished and the camera switches itself
/// off. Only a camera made with picam's image reads this.
"[battery]" pub struct Battery {
    /// What measures it:
    ///   auto                  a MAX17043 or MAX17048, if there is one on the header's I2C bus (pins 3 and 5)
    ///   off                   nothing
    ///   max17048              the same; whenever it does not answer, that is said
    ///   ina219:0x43?cells=1   an INA219 at that address, across one cell or as many as are in a row
    ///   sim:10                nothing: a battery is simulated that lasts for 10 minutes, to see what happens
    /// On another bus: max17048?bus=/dev/i2c-3
    "gauge" gauge: GaugeSpec = GaugeSpec::Off, values::spec, GaugeSpec::to_string, Boot, Card;
}
}

keys! {
/// The LED: flashes in the dark while pictures reach the card, is lit or blinks evenly where something is wrong. Only a
/// camera made with picam's image reads this, and the next three sections.
"[led]" pub struct Led {
    /// The line that it hangs on: the number of a GPIO of the header (17), "off", or chip and line ("/dev/gpiochip1:3").
    "gpio" gpio: LineSpec = LineSpec::Off, values::spec, LineSpec::to_string, Boot, Card;

    /// true: it is lit while the line is low.
    "active-low" active_low: bool = false, truth, bool::to_string, Boot, Card;

    /// true: dark, unless something is wrong with the recorder, a camera or the card.
    "stealth" stealth: bool = false, truth, bool::to_string, Boot, Card;
}
}

keys! {
/// The push button. Pressed: the last minute and the next half are kept. Held for 3 seconds: hotspot on or off. For 8:
/// the camera switches itself off.
"[button]" pub struct Button {
    /// Its line, as for the LED.
    "gpio" gpio: LineSpec = LineSpec::Off, values::spec, LineSpec::to_string, Boot, Card;

    /// true: pressed, it pulls the line to ground.
    "active-low" active_low: bool = true, truth, bool::to_string, Boot, Card;
}
}

keys! {
/// A contact that has footage kept as the button does: an alarm's, a switch's.
"[trigger]" pub struct Trigger {
    /// Its line, as for the LED.
    "gpio" gpio: LineSpec = LineSpec::Off, values::spec, LineSpec::to_string, Boot, Card;

    /// true: closed, it pulls the line to ground.
    "active-low" active_low: bool = true, truth, bool::to_string, Boot, Card;
}
}

keys! {
/// Whether the car is on, for a camera whose supply always is: when it is off, the camera switches itself off.
"[ignition]" pub struct Ignition {
    /// Its line, as for the LED. Never a wire of the car's: docs/hardware.md has the optocoupler.
    "gpio" gpio: LineSpec = LineSpec::Off, values::spec, LineSpec::to_string, Boot, Card;

    /// true: the line is low while the car is on.
    "active-low" active_low: bool = true, truth, bool::to_string, Boot, Card;

    /// How long it goes on recording then, "0s" to "1d".
    "stay" stay: Duration = Duration::from_secs(600), values::stay, values::show_time, Boot, Card;
}
}

keys! {
/// How much of a camera's slots each class may take, as fractions; together 0.9 or less. Normal recording has the
/// rest. event: what an impact, the button or `picam lock` locked; beyond its share the oldest of it is overwritten.
/// manual: what was kept on the page; beyond its share the oldest of it is locked no longer, and is overwritten when
/// its turn comes.
"[shares]" for Shares {
    "event" event, values::fraction, f64::to_string, Recorder, Card;
    "parking" parking, values::fraction, f64::to_string, Recorder, Card;
    "manual" manual, values::fraction, f64::to_string, Recorder, Card;
}
}

keys! {
/// What is given up for its age.
"[retention]" pub struct Retention {
    /// How long footage is kept at most; left out, as long as there is room.
    "max-age" max_age: Option<Duration> = None, values::max_age, or("no limit", values::show_time), Recorder, Card, "30d";
}
}

keys! {
/// The page.
"[web]" pub struct Web {
    /// false: no page at all; recording does not need it.
    "enabled" enabled: bool = true, truth, bool::to_string, Page, Card;

    /// Address and port. An address that others can reach needs a password. Without effect on a camera made with
    /// picam's image: its page is on port 80 of every network it is in.
    "listen" listen: SocketAddr = SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
        values::listen, SocketAddr::to_string, Page, Card;

    /// The password of the page, 8 characters or more. A camera made with picam's image puts its hash here at the
    /// next start, and takes the password itself out of this file. If there is neither, it makes a password and
    /// writes it to picam-access.txt beside this file.
    "password" password: Option<Secret> = None, values::password, always(LEFT_OUT), Page, PageSecret, "correct horse";

    /// What `picam password` prints; the password itself is stored nowhere. To change it, delete it and write a new
    /// password.
    "password-hash" password_hash: Option<PasswordHash> = None, values::password_hash, always(LEFT_OUT), Page, Hash,
        "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$3e8Mfyo3n2nGSJBuLR7nA7kGzPwK1u9N2bdhMpAbQ9o";

    /// A second password, for those who may watch, list and download, and change nothing; and its hash, likewise.
    "viewer-password" viewer_password: Option<Secret> = None,
        values::password, always(LEFT_OUT), Page, PageSecret, "correct donkey";
    "viewer-password-hash" viewer_password_hash: Option<PasswordHash> = None,
        values::password_hash, always(LEFT_OUT), Page, Hash,
        "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$3e8Mfyo3n2nGSJBuLR7nA7kGzPwK1u9N2bdhMpAbQ9o";

    /// What `picam token` prints beside a token. A program that sends the token (`Authorization: Bearer TOKEN`) is let in
    /// without a password; as a viewer, or as the owner, as it says here.
    "token-hash" token_hash: Option<TokenHash> = None, values::token_hash, always(LEFT_OUT), Page, Hash,
        "viewer-6ca13d52ca70c883e0f0bb101e425a89e8624de51db2d2392593af6a84118090";
}
}

keys! {
/// The device. Only a camera made with picam's image reads this.
"[device]" pub struct Device {
    /// Name of the camera: the page is http://picam.local/ then. a-z, 0-9 and -, 27 characters at most.
    "name" name: String = "picam".into(), device::name, String::clone, Boot, Page;

    /// Where it is, as the IANA time zone database calls it ("Europe/Berlin").
    "time-zone" time_zone: String = "Etc/UTC".into(), device::time_zone, String::clone, Boot, Page;

    /// What the next start shall erase: "no", "settings" (passwords and everything it has learnt) or "everything"
    /// (the footage, too). Goes back to "no" by itself.
    "factory-reset" factory_reset: Reset = Reset::No, word, show_word, Boot, Card;

    /// What takes the footage: "card" (its own partition), or "usb": a USB disk with an exFAT partition called
    /// FOOTAGE. While that is away, the card does; each is a ring of its own, and the page shows the footage of both
    /// in one list.
    "footage" footage: Place = Place::Card, word, show_word, Boot, Card;

    /// A USB disk that the camera shall erase and format for footage. The page shows the word for a disk that it did
    /// not take: it names that very disk and what is on it now, so it holds once, and fits no other disk.
    "format-disk" format_disk: Option<String> = None, device::format_disk, always("nothing is formatted"), Boot, Card,
        "0781:5583:4C530001:60062500:1bde53ce";
}
}

keys! {
/// The radio. Only a camera made with picam's image reads this.
"[wifi]" pub struct Wifi {
    /// "hotspot" (a network of its own), "hotspot+station" (and a member of another one), "station", "off".
    "mode" mode: Mode = Mode::Hotspot, word, show_word, Boot, Page;

    /// Your country, ISO 3166-1, two letters: its law says which channels may be used. Without: what is allowed
    /// everywhere.
    "country" country: Option<String> = None, wifi::country, or("what is allowed everywhere", String::clone), Boot, Page,
        "DE";

    /// Name of the hotspot, 1 to 32 bytes; left out, it is made of the device's name and the radio's address.
    "ssid" ssid: Option<String> = None, some(wifi::ssid), always("the device's name"), Boot, Page, "picam-1a2b";

    /// Its WPA2 passphrase, 8 to 63 characters. A camera that finds none here makes one and writes it here;
    /// picam-access.txt beside this file then says how to join.
    "passphrase" passphrase: Option<Secret> = None, wifi::passphrase, always("no hotspot"), Boot, PageSecret,
        "correct horse battery";

    /// "auto" or the number of a channel.
    "channel" channel: Option<Channel> = None, wifi::channel, or("auto", Channel::to_string), Boot, Card;
} also {
    /// What it joins as a station, the preferred one first.
    networks: Vec<WifiNetwork> = Vec::new();
}
}

keys! {
/// Networks to join as a station, the preferred one first; one such block each.
"[[wifi.network]]" pub(super) struct Network {
    "ssid" ssid: Option<String> = None, some(wifi::ssid), always(OTHER_NETWORKS), Boot, Card, "home";
    "passphrase" passphrase: Option<Secret> = None, wifi::passphrase, always(OTHER_NETWORKS), Boot, Secret,
        "correct horse battery";
}
}

keys! {
/// Messages on stderr.
"[log]" #[derive(Copy, Eq)] pub struct Log {
    /// "text" or "json" (one object a line).
    "format" format: LogFormat = LogFormat::Text, word, show_word, Program, Page;

    /// "error", "warn", "info", "debug" or "trace".
    "level" level: tracing::Level = tracing::Level::INFO, values::log_level, values::show_level, Program, Page;
}
}
