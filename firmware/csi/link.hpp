// The socket to the recorder.
#pragma once

#include <string>
#include <vector>

#include "protocol.hpp"

// Sends a message, with a descriptor unless that is negative. Ends the program if the recorder has gone.
void sendMessage(int socket, const void *message, size_t length, int descriptor = -1);

template <typename Message>
void sendMessage(int socket, const Message &message, int descriptor = -1)
{
	sendMessage(socket, &message, sizeof(message), descriptor);
}

// Says why there are no pictures, and ends the program.
[[noreturn]] void fail(int socket, const std::string &why);

// What the recorder says: a buffer is given back, or controls are to be set.
struct Said {
	bool isGiven = false;
	uint32_t index = 0;
	std::vector<protocol::Setting> settings;
};

// Waits for the next message. Ends the program if the recorder has gone.
Said nextSaid(int socket);
