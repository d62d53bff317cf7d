#include "list.hpp"

#include <cstdio>
#include <sstream>

#include "camera.hpp"
#include "protocol.hpp"

using namespace libcamera;

// The shape whose share of the sensor is told.
static constexpr unsigned width = 1920;
static constexpr unsigned height = 1080;

static std::string quoted(const std::string &text)
{
	std::string out = "\"";
	for (const char c : text) {
		if (c == '"' || c == '\\') {
			out += '\\';
			out += c;
		} else if (static_cast<unsigned char>(c) < 0x20) {
			char code[8];
			snprintf(code, sizeof(code), "\\u%04x", static_cast<unsigned>(c));
			out += code;
		} else {
			out += c;
		}
	}
	return out + "\"";
}

static void sizes(std::ostream &out, libcamera::Camera &camera)
{
	const auto config = camera.generateConfiguration({ StreamRole::VideoRecording });
	if (!config || config->empty())
		return;
	const StreamFormats &formats = config->at(0).formats();
	const PixelFormat format = config->at(0).pixelFormat;
	const char *comma = "";
	for (const Size &size : formats.sizes(format)) {
		out << comma << "[" << size.width << "," << size.height << "]";
		comma = ",";
	}
}

static void modes(std::ostream &out, libcamera::Camera &camera)
{
	const char *comma = "";
	for (const auto &[mode, sensor] : tryModes(camera, width, height)) {
		(void)sensor;
		out << comma << "{\"width\":" << mode.width << ",\"height\":" << mode.height << ",\"bits\":" << mode.bits
		    << ",\"shortest_us\":" << mode.shortest << ",\"seen_width\":" << mode.seenWidth
		    << ",\"sensor_width\":" << mode.sensorWidth << "}";
		comma = ",";
	}
}

std::string list(CameraManager &manager, bool probe)
{
	std::ostringstream out;
	out << "{\"protocol\":" << protocol::version << ",\"libcamera\":" << quoted(CameraManager::version())
	    << ",\"cameras\":[";
	const char *comma = "";
	for (const auto &camera : manager.cameras()) {
		const auto model = camera->properties().get(properties::Model);
		out << comma << "{\"id\":" << quoted(camera->id())
		    << ",\"model\":" << quoted(model ? std::string(*model) : camera->id())
		    << ",\"lens\":" << (hasLens(*camera) ? "true" : "false") << ",\"sizes\":[";
		comma = ",";
		sizes(out, *camera);
		out << "],\"modes\":[";
		if (probe && camera->acquire() >= 0) {
			modes(out, *camera);
			camera->release();
		}
		out << "]}";
	}
	out << "]}\n";
	return out.str();
}
