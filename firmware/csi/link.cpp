#include "link.hpp"

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <iterator>
#include <unistd.h>

#include <sys/socket.h>

// At once: what the kernel holds for this process it takes back by itself, while libcamera's way of stopping may hang.
[[noreturn]] static void leave(int status)
{
	_exit(status);
}

void sendMessage(int socket, const void *message, size_t length, int descriptor)
{
	iovec part{ const_cast<void *>(message), length };
	msghdr header{};
	header.msg_iov = &part;
	header.msg_iovlen = 1;
	alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
	if (descriptor >= 0) {
		header.msg_control = control;
		header.msg_controllen = sizeof(control);
		cmsghdr *rights = CMSG_FIRSTHDR(&header);
		rights->cmsg_level = SOL_SOCKET;
		rights->cmsg_type = SCM_RIGHTS;
		rights->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(rights), &descriptor, sizeof(int));
	}
	while (sendmsg(socket, &header, MSG_NOSIGNAL) < 0)
		if (errno != EINTR)
			leave(0);
}

void fail(int socket, const std::string &why)
{
	fprintf(stderr, "picam-csi: %s\n", why.c_str());
	protocol::Failed message;
	strncpy(message.text, why.c_str(), sizeof(message.text) - 1);
	sendMessage(socket, message);
	leave(1);
}

Said nextSaid(int socket)
{
	for (;;) {
		protocol::Set message;
		const ssize_t length = recv(socket, &message, sizeof(message), 0);
		if (length < 0 && errno == EINTR)
			continue;
		Said said;
		if (length == sizeof(protocol::Give) && message.type == protocol::give) {
			// As a set without settings: the number that follows is the buffer's.
			said.isGiven = true;
			said.index = message.count;
			return said;
		}
		const size_t head = offsetof(protocol::Set, settings);
		const bool isSet = length >= static_cast<ssize_t>(head) && message.type == protocol::set &&
				   message.count <= std::size(message.settings) &&
				   static_cast<size_t>(length) == head + message.count * sizeof(protocol::Setting);
		// Nothing: the recorder has closed it. Anything else is not for this program.
		if (!isSet)
			leave(0);
		said.settings.assign(message.settings, message.settings + message.count);
		return said;
	}
}
