//! The names of settings.

use std::fmt;

use super::PictureError;

/// Parameters of a source that change what a camera delivers: they take opening it anew.
const OF_THE_SOURCE: [&str; 6] = ["size", "rate", "fps", "format", "bitrate", "gop"];

macro_rules! settings {
    ($($(#[doc = $help:literal])* $key:ident $name:literal $form:literal,)*) => {
        /// What can be set of a camera's pictures.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Key {
            $($(#[doc = $help])* $key,)*
        }

        impl Key {
            /// All of them, in the order in which they are set and shown.
            pub const ALL: &'static [Self] = &[$(Self::$key),*];

            /// As it is written.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$key => $name,)* }
            }

            /// What may be written for it.
            pub const fn form(self) -> &'static str {
                match self { $(Self::$key => $form,)* }
            }
        }
    };
}

// Exposure stands before gain and brightness: a device that exposes by itself may change the others.
settings! {
    /// What holds for all keys that are left out.
    Preset "preset" "road, night, cabin or none",
    /// How long each picture is exposed.
    Exposure "exposure" "auto, or a time such as 8ms or 500us",
    /// How much brighter than that, in stops.
    Compensation "compensation" "stops from -4 to 4, such as -0.5",
    /// How much it is amplified.
    Gain "gain" "auto, a part of the range such as 40%, or an amplification such as 2.5x",
    /// How long it may be exposed at most, where the camera decides.
    LongestShutter "longest-shutter" "frame (a picture's time at the rate wanted), auto, or a time such as 66ms",
    /// Where the camera measures the light.
    Metering "metering" "average, centre, spot or matrix",
    /// Whether bright and dark are both to be seen.
    Hdr "hdr" "on or off",
    /// Which lamps shall not flicker.
    AntiFlicker "anti-flicker" "off, 50, 60 or auto",
    /// Which light is white.
    WhiteBalance "white-balance" "auto, a light (daylight, cloudy, shade, tungsten, fluorescent), a colour temperature such as 5200K, or gains for red and blue such as 1.8,1.5",
    /// What the lens is focused on.
    Focus "focus" "auto, infinity, a distance such as 2m or 30cm, or a part of the range from far to near such as 20%",
    /// Black and white, up or down.
    Brightness "brightness" "-100 to 100, 0 being the camera's own default",
    /// How far light and dark are apart.
    Contrast "contrast" "-100 to 100, 0 being the camera's own default",
    /// How much colour there is.
    Saturation "saturation" "-100 to 100, 0 being the camera's own default",
    /// How hard edges are.
    Sharpness "sharpness" "-100 to 100, 0 being the camera's own default",
    /// Left and right changed.
    Hflip "hflip" "on or off",
    /// Above and below changed.
    Vflip "vflip" "on or off",
    /// How the camera hangs, in degrees.
    Rotation "rotation" "0 or 180",
}

impl Key {
    /// The key of this name.
    ///
    /// # Errors
    /// Says which there are, and what belongs elsewhere.
    pub fn parse(name: &str) -> Result<Self, PictureError> {
        if let Some(key) = Self::ALL.iter().find(|key| key.name() == name) {
            return Ok(*key);
        }
        if OF_THE_SOURCE.contains(&name) {
            return Err(PictureError::new(
                format!("'{name}' cannot be changed while the camera is open"),
                "change it in the camera's source in picam.toml, and `picam reload`: that camera alone is opened anew",
            ));
        }
        let names: Vec<&str> = Self::ALL.iter().map(|key| key.name()).collect();
        Err(PictureError::new(
            format!("there is no setting '{name}'"),
            format!("there are {}", names.join(", ")),
        ))
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
