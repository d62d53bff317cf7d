// Pictures from the camera to the recorder.
#pragma once

#include <libcamera/libcamera.h>

#include "camera.hpp"

// Runs until the recorder closes the socket; throws std::runtime_error with the reason if it cannot begin.
[[noreturn]] void record(libcamera::CameraManager &manager, const Wishes &wishes, int socket);
