// The socket to the recorder.
#pragma once

#include <string>

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

// Waits for the next buffer that is given back. Ends the program if the recorder has gone.
uint32_t nextGiven(int socket);
