// Which of a sensor's modes is taken. Nothing of libcamera in here: tests/modes.cpp tries it without any.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

// A sensor's mode, as tried.
struct Mode {
	// What the sensor delivers.
	unsigned width = 0;
	unsigned height = 0;
	unsigned bits = 0;
	// Its pixels that are seen in a picture of the wanted shape, and all that it has.
	unsigned seenWidth = 0;
	unsigned seenHeight = 0;
	unsigned sensorWidth = 0;
	unsigned sensorHeight = 0;
	// Shortest time from picture to picture in microseconds; 0 if unknown.
	uint32_t shortest = 0;

	// Of the sensor's width, 0 to 1; everything where nobody says.
	double share() const;
};

// All of the width is seen from here on: the rest are borders for the correction of colours.
constexpr double fullWidth = 0.95;

struct Wanted {
	unsigned width = 0;
	unsigned height = 0;
	// Microseconds from picture to picture.
	uint32_t interval = 0;
};

// Index of the best: fast enough, seeing the whole width, having the pixels that are wanted, and of these the fewest.
// A rate that somebody asked for goes before the width: the crop is told. None only if there are no modes.
std::optional<size_t> chooseMode(const std::vector<Mode> &modes, const Wanted &wanted);

struct Crop {
	int x = 0;
	int y = 0;
	unsigned width = 0;
	unsigned height = 0;
};

// The largest part of `all` that has the shape of a picture, in its middle.
Crop fitted(const Crop &all, unsigned width, unsigned height);
