// What cameras there are.
#pragma once

#include <string>

#include <libcamera/libcamera.h>

// As JSON, for firmware/capture/src/csi/list.rs; keys are added, never changed.
std::string list(libcamera::CameraManager &manager);
