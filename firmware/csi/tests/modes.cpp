// Which mode is taken, of sensors as they are. Without libcamera: make test
#include <cstdio>
#include <cstdlib>

#include "../modes.hpp"

static int failures;

static void expect(bool holds, const char *what)
{
	if (!holds) {
		fprintf(stderr, "wrong: %s\n", what);
		failures++;
	}
}

static Mode mode(unsigned width, unsigned height, unsigned seen, unsigned sensor, uint32_t shortest, unsigned bits = 10)
{
	Mode made;
	made.width = width;
	made.height = height;
	made.bits = bits;
	made.seenWidth = seen;
	made.seenHeight = seen * 9 / 16;
	made.sensorWidth = sensor;
	made.sensorHeight = sensor * 3 / 4;
	made.shortest = shortest;
	return made;
}

static unsigned chosen(const std::vector<Mode> &modes, unsigned width, unsigned height, unsigned fps)
{
	const auto best = chooseMode(modes, { width, height, 1'000'000 / fps });
	return best ? modes[*best].width : 0;
}

int main()
{
	// Widths as the drivers give them.
	const std::vector<Mode> imx219 = { mode(640, 480, 1280, 3280, 9'700), mode(1640, 1232, 3280, 3280, 23'900),
					   mode(1920, 1080, 1920, 3280, 21'100), mode(3280, 2464, 3280, 3280, 47'200) };
	const std::vector<Mode> imx708 = { mode(1536, 864, 3072, 4608, 8'300), mode(2304, 1296, 4608, 4608, 17'800),
					   mode(4608, 2592, 4608, 4608, 69'600) };
	const std::vector<Mode> ov5647 = { mode(640, 480, 2560, 2592, 17'000), mode(1296, 972, 2592, 2592, 21'600),
					   mode(1920, 1080, 1928, 2592, 30'600), mode(2592, 1944, 2592, 2592, 63'900) };
	const std::vector<Mode> imx477 = { mode(1332, 990, 2664, 4056, 8'300), mode(2028, 1080, 4056, 4056, 19'900, 12),
					   mode(2028, 1520, 4056, 4056, 25'000, 12), mode(4056, 3040, 4056, 4056, 100'000, 12) };

	// All of the width, at 30 a second, though a mode of that very size would crop.
	expect(chosen(imx219, 1920, 1080, 30) == 1640, "imx219, 1080p30");
	expect(chosen(imx708, 1920, 1080, 30) == 2304, "imx708, 1080p30");
	expect(chosen(imx708, 1280, 720, 30) == 2304, "imx708, 720p30");
	expect(chosen(ov5647, 1920, 1080, 30) == 1296, "ov5647, 1080p30");
	expect(chosen(imx477, 1920, 1080, 30) == 2028, "imx477, 1080p30");
	expect(chosen(imx477, 1280, 720, 50) == 2028, "imx477, 720p50");
	// What has the pixels, where it is fast enough.
	expect(chosen(imx219, 1920, 1080, 20) == 3280, "imx219, 1080p20");
	// A rate that was asked for goes before the width.
	expect(chosen(imx219, 1280, 720, 47) == 1920, "imx219, 720p47");
	expect(chosen(imx708, 1280, 720, 100) == 1536, "imx708, 720p100");
	// None is fast enough: the fastest.
	expect(chosen(imx219, 640, 480, 200) == 640, "imx219, 200 a second");
	// Nobody tells of rates or shares: the pixels decide, then the bits.
	expect(chosen({ mode(640, 480, 0, 0, 0), mode(1920, 1080, 0, 0, 0), mode(3840, 2160, 0, 0, 0) }, 1280, 720, 30) == 1920,
	       "no shares");
	const auto bits = chooseMode({ mode(1920, 1080, 0, 0, 0, 8), mode(1920, 1080, 0, 0, 0, 12) }, { 1920, 1080, 33'333 });
	expect(bits && *bits == 1, "more bits");
	expect(!chooseMode({}, { 1920, 1080, 33'333 }), "no modes");

	// Of 4:3, all of the width; of 16:9 for a square, all of the height.
	const Crop wide = fitted({ 8, 8, 3280, 2464 }, 1920, 1080);
	expect(wide.x == 8 && wide.width == 3280 && wide.height == 1845 && wide.y == 8 + 309, "16:9 of 4:3");
	const Crop square = fitted({ 0, 0, 1920, 1080 }, 100, 100);
	expect(square.width == 1080 && square.height == 1080 && square.x == 420 && square.y == 0, "1:1 of 16:9");
	const Crop none = fitted({ 0, 0, 0, 0 }, 100, 0);
	expect(none.width == 0, "nothing of nothing");

	if (!failures)
		puts("modes: all as expected");
	return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
