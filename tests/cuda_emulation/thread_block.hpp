#pragma once

#include <functional>

#include "cuda_runtime.h"

namespace cuda_emulation {

/// In which order threads run between two barriers, and blocks after each other.
enum class run_order { ascending, descending };

/// Runs a kernel on all blocks of a grid, in the calling operating-system thread. Throws `defect`.
void run_grid(dim3 grid, dim3 block, const std::function<void()>& kernel, run_order order);

}  // namespace cuda_emulation
