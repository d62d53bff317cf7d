#include "settings.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

using namespace libcamera;

namespace {

struct Name {
	protocol::Control control;
	const char *name;
	bool isChoice;
};

} // namespace

// By name: which there are differs from release to release, and their numbers do.
static const Name names[] = {
	{ protocol::brightness, "Brightness", false },
	{ protocol::contrast, "Contrast", false },
	{ protocol::saturation, "Saturation", false },
	{ protocol::sharpness, "Sharpness", false },
	{ protocol::aeEnable, "AeEnable", false },
	{ protocol::exposureTimeMode, "ExposureTimeMode", true },
	{ protocol::exposureTime, "ExposureTime", false },
	{ protocol::analogueGainMode, "AnalogueGainMode", true },
	{ protocol::analogueGain, "AnalogueGain", false },
	{ protocol::exposureValue, "ExposureValue", false },
	{ protocol::aeMeteringMode, "AeMeteringMode", true },
	{ protocol::hdrMode, "HdrMode", true },
	{ protocol::aeFlickerMode, "AeFlickerMode", true },
	{ protocol::aeFlickerPeriod, "AeFlickerPeriod", false },
	{ protocol::awbEnable, "AwbEnable", false },
	{ protocol::awbMode, "AwbMode", true },
	{ protocol::redGain, "ColourGains", false },
	{ protocol::blueGain, "ColourGains", false },
	{ protocol::colourTemperature, "ColourTemperature", false },
	{ protocol::afMode, "AfMode", true },
	{ protocol::lensPosition, "LensPosition", false },
	{ protocol::longestFrame, "FrameDurationLimits", false },
};

static int32_t bounded(double value)
{
	return static_cast<int32_t>(std::clamp(value, -2147483647.0, 2147483647.0));
}

// As the recorder is told it; nothing for what is neither number nor truth.
static int32_t number(const ControlValue &value, bool first = true)
{
	switch (value.type()) {
	case ControlTypeBool:
		return value.isArray() ? 0 : value.get<bool>();
	case ControlTypeByte:
		return value.isArray() ? 0 : value.get<uint8_t>();
	case ControlTypeInteger32:
		return value.isArray() ? 0 : value.get<int32_t>();
	case ControlTypeInteger64: {
		if (!value.isArray())
			return bounded(static_cast<double>(value.get<int64_t>()));
		const auto values = value.get<Span<const int64_t>>();
		return values.empty() ? 0 : bounded(static_cast<double>(values[first ? 0 : values.size() - 1]));
	}
	case ControlTypeFloat: {
		if (!value.isArray())
			return bounded(std::round(value.get<float>() * 1000.0));
		const auto values = value.get<Span<const float>>();
		return values.empty() ? 0 : bounded(std::round(values[first ? 0 : values.size() - 1] * 1000.0));
	}
	default:
		return 0;
	}
}

Settings::Settings(const ControlInfoMap &known, uint32_t interval) : interval_(interval)
{
	for (const auto &[id, info] : known)
		for (const Name &name : names) {
			if (id->name() != name.name)
				continue;
			protocol::Range range;
			range.control = name.control;
			range.least = number(info.min());
			range.most = number(info.max(), false);
			range.usual = number(info.def());
			if (name.isChoice) {
				range.most = 0;
				for (const ControlValue &value : info.values()) {
					const int32_t choice = number(value);
					if (choice >= 0 && choice < 31)
						range.most |= 1 << choice;
				}
			}
			known_[name.control] = { id, range };
		}
}

protocol::Controls Settings::told() const
{
	protocol::Controls controls;
	for (const auto &[control, known] : known_)
		if (controls.count < std::size(controls.ranges))
			controls.ranges[controls.count++] = known.range;
	return controls;
}

void Settings::set(const std::vector<protocol::Setting> &settings, ControlList &list) const
{
	std::array<float, 2> gains{ 1.0F, 1.0F };
	for (const protocol::Setting &setting : settings) {
		const auto found = known_.find(setting.control);
		if (found == known_.end())
			continue;
		const ControlId &id = *found->second.id;
		const float fraction = static_cast<float>(setting.value) / 1000.0F;
		if (setting.control == protocol::redGain || setting.control == protocol::blueGain) {
			// Both come in one message.
			gains[setting.control - protocol::redGain] = fraction;
			list.set(id.id(), ControlValue(Span<const float>(gains)));
		} else if (setting.control == protocol::longestFrame) {
			const int64_t least = interval_;
			const std::array<int64_t, 2> limits{ least, std::max<int64_t>(least, setting.value) };
			list.set(id.id(), ControlValue(Span<const int64_t>(limits)));
		} else {
			switch (id.type()) {
			case ControlTypeBool:
				list.set(id.id(), ControlValue(setting.value != 0));
				break;
			case ControlTypeInteger32:
				list.set(id.id(), ControlValue(setting.value));
				break;
			case ControlTypeFloat:
				list.set(id.id(), ControlValue(fraction));
				break;
			default:
				break;
			}
		}
	}
}
