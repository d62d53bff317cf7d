#include "camera.hpp"

#include <algorithm>
#include <cstring>
#include <map>
#include <stdexcept>

using namespace libcamera;

static std::unique_ptr<CameraConfiguration> recording(libcamera::Camera &camera, unsigned width, unsigned height)
{
	auto config = camera.generateConfiguration({ StreamRole::VideoRecording });
	if (!config || config->empty())
		throw std::runtime_error("libcamera has no pictures for recording of the camera " + camera.id());
	StreamConfiguration &stream = config->at(0);
	// What encoders take as it is; else what has only its chroma in another order.
	const auto formats = stream.formats().pixelformats();
	const bool planar = std::find(formats.begin(), formats.end(), formats::YUV420) != formats.end();
	stream.pixelFormat = planar ? formats::YUV420 : formats::NV12;
	stream.size = { width, height };
	// As cameras for television have it at these sizes; players take it for granted.
	stream.colorSpace = height >= 720 ? ColorSpace::Rec709 : ColorSpace::Smpte170m;
	return config;
}

libcamera::Rectangle sensorArea(const libcamera::Camera &camera)
{
	const auto areas = camera.properties().get(properties::PixelArrayActiveAreas);
	if (!areas || areas->empty())
		return {};
	return (*areas)[0];
}

bool hasLens(const libcamera::Camera &camera)
{
	return camera.controls().count(&controls::LensPosition) > 0;
}

// What the mode that is configured shows.
static void look(libcamera::Camera &camera, Mode &mode, unsigned width, unsigned height)
{
	const auto area = sensorArea(camera);
	const auto most = camera.properties().get(properties::ScalerCropMaximum);
	if (most && area.width) {
		const Crop seen = fitted({ most->x, most->y, most->width, most->height }, width, height);
		mode.seenWidth = seen.width;
		mode.seenHeight = seen.height;
		mode.sensorWidth = area.width;
		mode.sensorHeight = area.height;
	}
	const auto limits = camera.controls().find(&controls::FrameDurationLimits);
	if (limits != camera.controls().end()) {
		const ControlValue &least = limits->second.min();
		if (least.type() == ControlTypeInteger64 && !least.isArray())
			mode.shortest = static_cast<uint32_t>(std::clamp<int64_t>(least.get<int64_t>(), 0, UINT32_MAX));
	}
}

static unsigned bitsOf(const PixelFormat &format)
{
	static const std::string digits = "0123456789";
	// SRGGB10_CSI2P
	const std::string name = format.toString();
	const size_t begin = name.find_first_of(digits);
	const size_t end = name.find_first_not_of(digits, begin);
	return begin == std::string::npos ? 0 : static_cast<unsigned>(std::stoul(name.substr(begin, end - begin).substr(0, 3)));
}

std::vector<Tried> tryModes(libcamera::Camera &camera, unsigned width, unsigned height)
{
	auto raw = camera.generateConfiguration({ StreamRole::Raw });
	if (!raw || raw->empty())
		return {};
	// The most bits that each size has: they are read out as fast, or the rate tells.
	std::map<std::pair<unsigned, unsigned>, unsigned> sizes;
	const StreamFormats &formats = raw->at(0).formats();
	for (const PixelFormat &format : formats.pixelformats())
		for (const Size &size : formats.sizes(format)) {
			unsigned &bits = sizes[{ size.width, size.height }];
			bits = std::max(bits, bitsOf(format));
		}
	std::vector<Tried> tried;
	for (const auto &[size, bits] : sizes) {
		Tried one;
		one.mode.width = size.first;
		one.mode.height = size.second;
		one.mode.bits = bits;
		one.sensor.outputSize = { size.first, size.second };
		one.sensor.bitDepth = bits;
		auto config = recording(camera, width, height);
		config->sensorConfig = one.sensor;
		if (config->validate() == CameraConfiguration::Invalid || camera.configure(config.get()) < 0)
			continue;
		look(camera, one.mode, width, height);
		tried.push_back(one);
	}
	return tried;
}

static std::shared_ptr<libcamera::Camera> named(CameraManager &manager, const std::string &name)
{
	const auto cameras = manager.cameras();
	if (cameras.empty())
		throw std::runtime_error("libcamera finds no camera: is the ribbon cable in both sockets, the right way up?");
	if (name.empty())
		return cameras[0];
	auto camera = manager.get(name);
	if (camera)
		return camera;
	std::string there;
	for (const auto &other : cameras)
		there += (there.empty() ? "" : ", ") + other->id();
	throw std::runtime_error("libcamera finds no camera " + name + ", only " + there);
}

Configured::Configured(CameraManager &manager, const Wishes &wishes)
	: camera_(named(manager, wishes.camera))
{
	if (camera_->acquire() < 0)
		throw std::runtime_error("another program uses the camera " + camera_->id());
	configure(wishes);
	control(wishes);
	describe();
}

void Configured::configure(const Wishes &wishes)
{
	const auto tried = tryModes(*camera_, wishes.width, wishes.height);
	std::vector<Mode> modes;
	for (const Tried &one : tried)
		modes.push_back(one.mode);
	const auto best = chooseMode(modes, { wishes.width, wishes.height, wishes.interval() });
	config_ = recording(*camera_, wishes.width, wishes.height);
	config_->at(0).bufferCount = wishes.buffers;
	if (best)
		config_->sensorConfig = tried[*best].sensor;
	if (config_->validate() == CameraConfiguration::Invalid)
		throw std::runtime_error("libcamera refuses pictures of " + std::to_string(wishes.width) + "x" +
					 std::to_string(wishes.height));
	const PixelFormat format = config_->at(0).pixelFormat;
	if (format != formats::YUV420 && format != formats::NV12)
		throw std::runtime_error("libcamera delivers " + format.toString() + ", which picam does not take");
	const int status = camera_->configure(config_.get());
	if (status < 0)
		throw std::runtime_error(std::string("libcamera cannot set the camera up: ") + strerror(-status));
}

void Configured::control(const Wishes &wishes)
{
	controls_ = ControlList(controls::controls);
	const ControlInfoMap &known = camera_->controls();
	setup_.lens = protocol::none;
	if (hasLens(*camera_)) {
		setup_.lens = wishes.focusAtInfinity ? protocol::infinity : protocol::automatic;
		if (known.count(&controls::AfMode))
			controls_.set(controls::AfMode,
				      wishes.focusAtInfinity ? controls::AfModeManual : controls::AfModeContinuous);
		// Dioptres.
		if (wishes.focusAtInfinity)
			controls_.set(controls::LensPosition, 0.0F);
	}
	Mode now;
	look(*camera_, now, wishes.width, wishes.height);
	setup_.interval = std::max(wishes.interval(), now.shortest);
	if (known.count(&controls::FrameDurationLimits)) {
		const int64_t each = setup_.interval;
		controls_.set(controls::FrameDurationLimits, Span<const int64_t, 2>({ each, each }));
	}
	const auto most = camera_->properties().get(properties::ScalerCropMaximum);
	if (most && known.count(&controls::ScalerCrop)) {
		const StreamConfiguration &stream = config_->at(0);
		const Crop part =
			fitted({ most->x, most->y, most->width, most->height }, stream.size.width, stream.size.height);
		controls_.set(controls::ScalerCrop, libcamera::Rectangle(part.x, part.y, { part.width, part.height }));
	}
	settings_ = Settings(known, setup_.interval);
	setup_.cropWidth = now.seenWidth;
	setup_.cropHeight = now.seenHeight;
	setup_.sensorWidth = now.sensorWidth;
	setup_.sensorHeight = now.sensorHeight;
}

void Configured::describe()
{
	const StreamConfiguration &stream = config_->at(0);
	setup_.fourcc = stream.pixelFormat.fourcc();
	setup_.width = stream.size.width;
	setup_.height = stream.size.height;
	setup_.stride = stream.stride;
	if (stream.colorSpace) {
		if (stream.colorSpace->ycbcrEncoding == ColorSpace::YcbcrEncoding::Rec709)
			setup_.colour |= protocol::colourBt709;
		if (stream.colorSpace->range == ColorSpace::Range::Full)
			setup_.colour |= protocol::colourFullRange;
	}
	const auto model = camera_->properties().get(properties::Model);
	strncpy(setup_.model, (model ? std::string(*model) : camera_->id()).c_str(), sizeof(setup_.model) - 1);
}
