// A camera of libcamera, set up for recording.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <libcamera/libcamera.h>

#include "modes.hpp"
#include "protocol.hpp"
#include "settings.hpp"

struct Wishes {
	// libcamera's name of the camera; empty for the first.
	std::string camera;
	unsigned width = 1920;
	unsigned height = 1080;
	unsigned fps = 30;
	unsigned buffers = 6;
	bool focusAtInfinity = true;

	uint32_t interval() const { return 1'000'000 / fps; }
};

// A mode of a sensor together with what libcamera calls it.
struct Tried {
	Mode mode;
	libcamera::SensorConfiguration sensor;
};

// The pixels of its sensor that a camera has in all; empty if it does not say.
libcamera::Rectangle sensorArea(const libcamera::Camera &camera);

// Whether there is a motor for the lens.
bool hasLens(const libcamera::Camera &camera);

// All modes of an acquired camera's sensor, each set up once for pictures of this size to see what it shows. Empty where
// the camera does not tell of modes.
std::vector<Tried> tryModes(libcamera::Camera &camera, unsigned width, unsigned height);

// One that was acquired and is configured; throws std::runtime_error with the reason.
class Configured
{
public:
	Configured(libcamera::CameraManager &manager, const Wishes &wishes);

	libcamera::Camera &camera() { return *camera_; }
	libcamera::Stream *stream() const { return config_->at(0).stream(); }
	// What the recorder is told, but for the number of buffers.
	const protocol::Setup &setup() const { return setup_; }
	// What is set at the start: focus, rate, crop.
	const libcamera::ControlList &controls() const { return controls_; }
	// What else can be set, and between which values.
	const Settings &settings() const { return settings_; }

private:
	void configure(const Wishes &wishes);
	void control(const Wishes &wishes);
	void describe();

	std::shared_ptr<libcamera::Camera> camera_;
	std::unique_ptr<libcamera::CameraConfiguration> config_;
	libcamera::ControlList controls_;
	protocol::Setup setup_;
	Settings settings_;
};
