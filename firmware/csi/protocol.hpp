// What picam-csi and the recorder say to each other over a socket of whole messages (SOCK_SEQPACKET), which is this
// program's standard input. Both run on one machine: numbers are in its own order. The other side:
// firmware/capture/src/csi/protocol.rs. docs/cameras.md describes it.
#pragma once

#include <cstdint>

namespace protocol {

// Raised with every change; the recorder refuses another one.
constexpr uint32_t version = 2;

enum Type : uint32_t {
	setup = 1,
	buffer = 2,
	frame = 3,
	failed = 4,
	controls = 5,
	give = 16,
	set = 17,
};

constexpr uint32_t colourBt709 = 1;
constexpr uint32_t colourFullRange = 2;

// How the lens stands; a camera without a motor has none.
enum Lens : uint32_t { none = 0, infinity = 1, automatic = 2 };

// First of all, once.
struct Setup {
	uint32_t type = setup;
	uint32_t version = protocol::version;
	uint32_t fourcc = 0;
	uint32_t width = 0;
	uint32_t height = 0;
	// Bytes from one row of luma to the next.
	uint32_t stride = 0;
	uint32_t buffers = 0;
	// Microseconds from picture to picture; 0 if nobody knows.
	uint32_t interval = 0;
	uint32_t colour = 0;
	uint32_t lens = none;
	// Pixels of the sensor that are seen, and all that it has; 0 if nobody knows.
	uint32_t cropWidth = 0;
	uint32_t cropHeight = 0;
	uint32_t sensorWidth = 0;
	uint32_t sensorHeight = 0;
	char model[64] = {};
};

// Then one for each buffer, with the descriptor of its memory.
struct Buffer {
	uint32_t type = buffer;
	uint32_t index = 0;
	uint32_t planes = 0;
	uint32_t offset[3] = {};
	uint32_t length[3] = {};
};

constexpr uint32_t frameDamaged = 1;

// Then a picture: the buffer is the recorder's until it gives it back.
struct Frame {
	uint32_t type = frame;
	uint32_t index = 0;
	// Pictures that were lost count, too.
	uint32_t sequence = 0;
	uint32_t flags = 0;
	// Nanoseconds by CLOCK_MONOTONIC.
	uint64_t timestamp = 0;
	// Pixels of the sensor across; 0 if the camera does not say.
	uint32_t cropWidth = 0;
	uint32_t reserved = 0;
};

// Instead of anything else, and the last of all.
struct Failed {
	uint32_t type = failed;
	char text[252] = {};
};

// What of libcamera's controls picam knows. Numbers with a fraction are told in thousandths, truths as 0 and 1.
enum Control : uint32_t {
	brightness = 1,
	contrast,
	saturation,
	sharpness,
	aeEnable,
	exposureTimeMode,
	exposureTime,
	analogueGainMode,
	analogueGain,
	exposureValue,
	aeMeteringMode,
	hdrMode,
	aeFlickerMode,
	aeFlickerPeriod,
	awbEnable,
	awbMode,
	// Of ColourGains, red and blue.
	redGain,
	blueGain,
	colourTemperature,
	afMode,
	lensPosition,
	// Of FrameDurationLimits the longer one.
	longestFrame,
	controlsEnd,
};

// A control that the camera has. Of a choice, `most` has a bit for each value.
struct Range {
	uint32_t control = 0;
	int32_t least = 0;
	int32_t most = 0;
	int32_t usual = 0;
};

// Behind the setup, before the buffers: all of them, cut off behind the last.
struct Controls {
	uint32_t type = controls;
	uint32_t count = 0;
	Range ranges[24] = {};
};

struct Setting {
	uint32_t control = 0;
	int32_t value = 0;
};

// From the recorder: to be set from the next picture on, cut off behind the last.
struct Set {
	uint32_t type = set;
	uint32_t count = 0;
	Setting settings[24] = {};
};

// From the recorder: a buffer may be filled again.
struct Give {
	uint32_t type = give;
	uint32_t index = 0;
};

static_assert(sizeof(Setup) == 120 && sizeof(Buffer) == 36 && sizeof(Frame) == 32 && sizeof(Failed) == 256 &&
		      sizeof(Give) == 8 && sizeof(Controls) == 392 && sizeof(Set) == 200 && controlsEnd <= 24,
	      "no gaps");

} // namespace protocol
