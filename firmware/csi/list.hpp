// What cameras there are.
#pragma once

#include <string>

#include <libcamera/libcamera.h>

// As JSON, for firmware/capture/src/csi/list.rs; keys are added, never changed. With `probe`, each sensor's modes are tried
// for what they show, unless somebody records it; without, no camera is touched.
std::string list(libcamera::CameraManager &manager, bool probe);
