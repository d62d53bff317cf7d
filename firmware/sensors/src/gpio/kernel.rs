//! Lines of the kernel's GPIO chips, through their character devices.

use std::path::PathBuf;

use gpiocdev::Request;
use gpiocdev::chip::{Chip, chips};
use gpiocdev::line::{Bias, Value};
use gpiocdev::request::Config;

use super::{Input, LineError, LineSpec, Output};

/// What the kernel calls the chips that the header's pins hang on: of a Pi 0 to 3, a Pi 4, a Pi 5. Their numbers in `/dev` differ
/// from kernel to kernel.
const HEADER_CHIPS: [&str; 3] = ["pinctrl-bcm2835", "pinctrl-bcm2711", "pinctrl-rp1"];

/// A line that is ours until this is dropped.
pub(super) struct KernelLine {
    request: Request,
    name: String,
}

impl KernelLine {
    pub(super) fn input(spec: &LineSpec, active_low: bool, user: &str) -> Result<Self, LineError> {
        let rest = if active_low {
            Bias::PullUp
        } else {
            Bias::PullDown
        };
        let ask = |bias: Option<Bias>| {
            Self::ask(spec, active_low, user, |config| {
                config.as_input().with_bias(bias);
            })
        };
        // A chip without resistors of its own is wired with one.
        ask(Some(rest)).or_else(|_| ask(None))
    }

    pub(super) fn output(spec: &LineSpec, active_low: bool, user: &str) -> Result<Self, LineError> {
        Self::ask(spec, active_low, user, |config| {
            config.as_output(Value::Inactive);
        })
    }

    fn ask(
        spec: &LineSpec,
        active_low: bool,
        user: &str,
        how: impl Fn(&mut Config),
    ) -> Result<Self, LineError> {
        let name = match spec {
            LineSpec::Header(gpio) => format!("GPIO{gpio}"),
            other => other.to_string(),
        };
        let error = |reason: String| LineError {
            line: name.clone(),
            reason,
        };
        let (chip, offset) = place(spec).map_err(error)?;
        let mut config = Config::default();
        how(&mut config);
        if active_low {
            config.as_active_low();
        }
        let mut builder = Request::from_config(config);
        let asked = builder
            .on_chip(&chip)
            .with_line(offset)
            .with_consumer(user)
            .request();
        match asked {
            Ok(request) => Ok(Self { request, name }),
            Err(reason) => Err(error(format!("{}: {reason}", chip.display()))),
        }
    }

    fn error(&self, error: &gpiocdev::Error) -> LineError {
        LineError {
            line: self.name.clone(),
            reason: error.to_string(),
        }
    }
}

impl Input for KernelLine {
    fn is_active(&mut self) -> Result<bool, LineError> {
        let value = self.request.lone_value();
        value
            .map(|value| value == Value::Active)
            .map_err(|error| self.error(&error))
    }
}

impl Output for KernelLine {
    fn set(&mut self, active: bool) -> Result<(), LineError> {
        let set = self.request.set_lone_value(active.into());
        set.map_err(|error| self.error(&error))
    }
}

/// Chip and number of a line.
fn place(spec: &LineSpec) -> Result<(PathBuf, u32), String> {
    match spec {
        LineSpec::Header(gpio) => Ok((header_chip()?, *gpio)),
        LineSpec::Chip { path, offset } => Ok((path.clone(), *offset)),
        LineSpec::Off | LineSpec::Sim { .. } => Err("it is no line of the kernel's".to_owned()),
    }
}

fn header_chip() -> Result<PathBuf, String> {
    let mut trouble = None;
    for path in chips().map_err(|error| error.to_string())? {
        match Chip::from_path(&path).and_then(|chip| chip.info()) {
            Ok(info) if HEADER_CHIPS.contains(&info.label.as_str()) => return Ok(path),
            Ok(_) => {}
            Err(error) => trouble = Some(format!("{}: {error}", path.display())),
        }
    }
    let none = "this machine has no Raspberry Pi's header; name chip and line instead, such as \"/dev/gpiochip1:3\"";
    Err(trouble.unwrap_or_else(|| none.to_owned()))
}
