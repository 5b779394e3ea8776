// The entry points of the bridge.
#pragma once

#include "common.h"
#include "rust/cxx.h"

namespace rr_occt {

struct Settings;
struct Observer;

/// Each reads a file and tells `observer` what is in it, step by step. Throws std::runtime_error with the reason.
void read_iges(rust::Str path, const Settings& settings, Observer& observer);
void read_step(rust::Str path, const Settings& settings, Observer& observer);
void read_brep(rust::Str path, const Settings& settings, Observer& observer);

/// Version of OCCT that the program runs with, such as "7.6.3".
rust::String kernel_version();

}  // namespace rr_occt
