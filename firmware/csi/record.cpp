#include "record.hpp"

#include <atomic>
#include <cstddef>
#include <cstring>
#include <deque>

#include <sys/stat.h>

#include "link.hpp"

using namespace libcamera;

namespace {

class Recording
{
public:
	Recording(CameraManager &manager, const Wishes &wishes, int socket)
		: camera_(manager, wishes), allocator_(camera_.camera().shared_from_this()), socket_(socket)
	{
	}

	[[noreturn]] void run();

private:
	void tell();
	void send(size_t index, const FrameBuffer &buffer);
	void completed(Request *request);
	void disconnected() { fail(socket_, "the camera was unplugged"); }

	Configured camera_;
	FrameBufferAllocator allocator_;
	int socket_;
	std::vector<std::unique_ptr<Request>> requests_;
	// Whether the recorder has the buffer.
	std::deque<std::atomic<bool>> given_;
};

} // namespace

// One piece of memory under one descriptor, however many libcamera has of it.
static bool isSame(int a, int b)
{
	struct stat of_a {};
	struct stat of_b {};
	return a == b || (!fstat(a, &of_a) && !fstat(b, &of_b) && of_a.st_ino == of_b.st_ino && of_a.st_dev == of_b.st_dev);
}

void Recording::send(size_t index, const FrameBuffer &buffer)
{
	const auto &planes = buffer.planes();
	protocol::Buffer message;
	if (planes.empty() || planes.size() > std::size(message.offset))
		fail(socket_, "libcamera's pictures have " + std::to_string(planes.size()) + " planes");
	message.index = static_cast<uint32_t>(index);
	message.planes = static_cast<uint32_t>(planes.size());
	for (size_t i = 0; i < planes.size(); i++) {
		if (!isSame(planes[i].fd.get(), planes[0].fd.get()))
			fail(socket_, "libcamera's planes lie in memories of their own, which picam does not take");
		message.offset[i] = planes[i].offset;
		message.length[i] = planes[i].length;
	}
	sendMessage(socket_, message, planes[0].fd.get());
}

// What comes and where it will lie, before the first picture. What goes wrong ends the program where it stands: what libcamera's
// threads still use is not taken apart.
void Recording::tell()
{
	if (allocator_.allocate(camera_.stream()) < 0)
		fail(socket_, "there is no memory for the camera's pictures: cma=128M in cmdline.txt?");
	const auto &buffers = allocator_.buffers(camera_.stream());
	protocol::Setup setup = camera_.setup();
	setup.buffers = static_cast<uint32_t>(buffers.size());
	sendMessage(socket_, setup);
	const protocol::Controls controls = camera_.settings().told();
	const size_t length = offsetof(protocol::Controls, ranges) + controls.count * sizeof(protocol::Range);
	sendMessage(socket_, static_cast<const void *>(&controls), length);
	for (size_t i = 0; i < buffers.size(); i++) {
		send(i, *buffers[i]);
		auto request = camera_.camera().createRequest(i);
		if (!request || request->addBuffer(camera_.stream(), buffers[i].get()) < 0)
			fail(socket_, "libcamera takes no buffer");
		requests_.push_back(std::move(request));
		given_.emplace_back(false);
	}
}

// On libcamera's own thread.
void Recording::completed(Request *request)
{
	if (request->status() == Request::RequestCancelled)
		return;
	const FrameMetadata &metadata = request->findBuffer(camera_.stream())->metadata();
	protocol::Frame frame;
	frame.index = static_cast<uint32_t>(request->cookie());
	frame.sequence = metadata.sequence;
	frame.timestamp = metadata.timestamp;
	if (metadata.status == FrameMetadata::FrameError)
		frame.flags |= protocol::frameDamaged;
	if (const auto crop = request->metadata().get(controls::ScalerCrop))
		frame.cropWidth = crop->width;
	given_[frame.index] = true;
	sendMessage(socket_, frame);
}

void Recording::run()
{
	tell();
	camera_.camera().requestCompleted.connect(this, &Recording::completed);
	camera_.camera().disconnected.connect(this, &Recording::disconnected);
	const int status = camera_.camera().start(&camera_.controls());
	if (status < 0)
		fail(socket_, std::string("libcamera cannot start the camera: ") + strerror(-status));
	for (auto &request : requests_)
		if (camera_.camera().queueRequest(request.get()) < 0)
			fail(socket_, "libcamera takes no request");
	ControlList wanted(controls::controls);
	for (;;) {
		const Said said = nextSaid(socket_);
		if (!said.isGiven) {
			camera_.settings().set(said.settings, wanted);
			continue;
		}
		const uint32_t index = said.index;
		if (index >= requests_.size() || !given_[index].exchange(false))
			fail(socket_, "the recorder gave back a buffer that it does not have");
		requests_[index]->reuse(Request::ReuseBuffers);
		// What is set once stays set.
		requests_[index]->controls().merge(wanted);
		wanted.clear();
		if (camera_.camera().queueRequest(requests_[index].get()) < 0)
			fail(socket_, "libcamera takes no request any more");
	}
}

void record(CameraManager &manager, const Wishes &wishes, int socket)
{
	Recording recording(manager, wishes, socket);
	recording.run();
}
