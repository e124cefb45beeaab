#pragma once

#include <functional>

#include "cuda_runtime.h"

namespace cuda_emulation {

/// In which order threads run between two barriers, and blocks after each other.
enum class run_order { ascending, descending };

/// Runs a kernel on all blocks of a grid, in the calling operating-system thread. Throws `defect`.
void run_grid(const cudaLaunchConfig_t& config, const std::function<void()>& kernel, run_order order);

/// Has `defect` thrown when the block ends: an exception cannot leave the stack of a fiber.
void report(const char* what);
/// Forgets what a block that failed has left of products and asynchronous copies.
void begin_block();
/// Whether a thread has started copies and not waited for them.
[[nodiscard]] bool copies_pending();

}  // namespace cuda_emulation
