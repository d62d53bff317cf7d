// The settings of a camera's pictures, between what libcamera calls them and what the recorder does.
#pragma once

#include <map>
#include <vector>

#include <libcamera/libcamera.h>

#include "protocol.hpp"

class Settings
{
public:
	Settings() = default;
	// Of a camera with these controls, whose pictures are so many microseconds apart.
	Settings(const libcamera::ControlInfoMap &known, uint32_t interval);

	// What the recorder is told.
	protocol::Controls told() const;

	// Adds what is to be set. What the camera does not have is left out: libcamera would end the program for it.
	void set(const std::vector<protocol::Setting> &settings, libcamera::ControlList &list) const;

private:
	struct Known {
		const libcamera::ControlId *id = nullptr;
		protocol::Range range;
	};

	std::map<uint32_t, Known> known_;
	uint32_t interval_ = 0;
};
