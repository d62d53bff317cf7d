// picam-csi: one camera of libcamera for picam's recorder, in a process that can be killed without harm to the others.
// docs/cameras.md says why and how.
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>
#include <unistd.h>

#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <libcamera/libcamera.h>

#include "link.hpp"
#include "list.hpp"
#include "record.hpp"

static const char usage[] =
	"Pictures of a camera on the ribbon cable (CSI), for picam's recorder, which starts this program.\n\n"
	"  picam-csi --list      the cameras that libcamera finds, as JSON\n"
	"  picam-csi --probe     the same, with what each mode of their sensors shows\n"
	"  picam-csi --record [--camera ID] [--size WIDTHxHEIGHT] [--fps N] [--buffers N] [--focus infinity|auto]\n"
	"                        speaks with the recorder through a socket that is its standard input\n";

// Threads that work on pictures are more urgent than anything that can wait, and less than those that write them.
static constexpr int priority = 5;

static unsigned number(const char *text, unsigned least, unsigned most)
{
	char *end = nullptr;
	errno = 0;
	const unsigned long value = strtoul(text, &end, 10);
	if (errno || end == text || *end || value < least || value > most)
		throw std::invalid_argument(std::string(text) + " is not a number from " + std::to_string(least) + " to " +
					    std::to_string(most));
	return static_cast<unsigned>(value);
}

static void take(Wishes &wishes, const std::string &option, const std::string &value)
{
	if (option == "--camera") {
		wishes.camera = value;
	} else if (option == "--size") {
		const size_t by = value.find('x');
		if (by == std::string::npos)
			throw std::invalid_argument(value + " is no WIDTHxHEIGHT");
		wishes.width = number(value.substr(0, by).c_str(), 16, 8192);
		wishes.height = number(value.substr(by + 1).c_str(), 16, 8192);
	} else if (option == "--fps") {
		wishes.fps = number(value.c_str(), 1, 1000);
	} else if (option == "--buffers") {
		wishes.buffers = number(value.c_str(), 2, 32);
	} else if (option == "--focus" && (value == "infinity" || value == "auto")) {
		wishes.focusAtInfinity = value == "infinity";
	} else {
		throw std::invalid_argument(option + " " + value);
	}
}

// Never outlives whoever started it, and takes no more of the processor than is due to it.
static void settle()
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sched_param scheduling{};
	if (sched_getscheduler(0) == SCHED_RR && !sched_getparam(0, &scheduling) && scheduling.sched_priority > priority) {
		scheduling.sched_priority = priority;
		sched_setscheduler(0, SCHED_RR, &scheduling);
	}
	// Cameras on the ribbon cable: those on USB are the recorder's own.
	setenv("LIBCAMERA_PIPELINES_MATCH_LIST", "rpi/vc4,rpi/pisp", 0);
	setenv("LIBCAMERA_LOG_LEVELS", "*:WARN", 0);
}

static void begin(libcamera::CameraManager &manager)
{
	const int status = manager.start();
	if (status < 0)
		throw std::runtime_error(std::string("libcamera does not start: ") + strerror(-status));
}

int main(int argc, char **argv)
{
	const std::string order = argc > 1 ? argv[1] : "";
	if (order == "--help" || order == "-h") {
		fputs(usage, stdout);
		return 0;
	}
	Wishes wishes;
	try {
		const bool lists = order == "--list" || order == "--probe";
		if ((!lists && order != "--record") || (lists && argc > 2) || argc % 2)
			throw std::invalid_argument("it takes --list, --probe, or --record and what to record");
		for (int i = 2; i + 1 < argc; i += 2)
			take(wishes, argv[i], argv[i + 1]);
	} catch (const std::invalid_argument &wrong) {
		fprintf(stderr, "picam-csi: %s\n\n%s", wrong.what(), usage);
		return 2;
	}
	settle();
	libcamera::CameraManager manager;
	if (order != "--record") {
		try {
			begin(manager);
			fputs(list(manager, order == "--probe").c_str(), stdout);
			fflush(stdout);
		} catch (const std::exception &error) {
			fprintf(stderr, "picam-csi: %s\n", error.what());
			_exit(1);
		}
		// Without libcamera's way out, which may hang.
		_exit(0);
	}
	int kind = 0;
	socklen_t length = sizeof(kind);
	if (getsockopt(STDIN_FILENO, SOL_SOCKET, SO_TYPE, &kind, &length) < 0 || kind != SOCK_SEQPACKET) {
		fputs("picam-csi: the recorder starts this program (source = \"csi:\"); by hand: picam-csi --list\n", stderr);
		return 2;
	}
	try {
		begin(manager);
		record(manager, wishes, STDIN_FILENO);
	} catch (const std::exception &error) {
		fail(STDIN_FILENO, error.what());
	}
}
