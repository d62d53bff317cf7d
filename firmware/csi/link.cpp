#include "link.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
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

uint32_t nextGiven(int socket)
{
	for (;;) {
		protocol::Give message;
		ssize_t length = recv(socket, &message, sizeof(message), 0);
		if (length < 0 && errno == EINTR)
			continue;
		// Nothing: the recorder has closed it. Anything else is not for this program.
		if (length != sizeof(message) || message.type != protocol::give)
			leave(0);
		return message.index;
	}
}
