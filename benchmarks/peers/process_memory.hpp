#pragma once
/// \file
/// Peak resident memory of a piece of work, the same way as `serve.py` measures the Python peers.

#include <malloc.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>

namespace process_memory {

/// A line such as `VmHWM:  1234 kB` of /proc/self/status, in bytes; 0 where it does not exist.
[[nodiscard]] inline double status_bytes(const char* field) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.compare(0, std::strlen(field), field) == 0)
      return std::strtod(line.c_str() + std::strlen(field) + 1, nullptr) * 1024;
  return 0;
}

/// Resident bytes that `work` needed on top of what was resident before, in 1e6 bytes. Freed pages go back to the system
/// first, so that memory kept from earlier work is not taken for free. The kernel's peak is reset through
/// /proc/self/clear_refs; where that is refused, the peak since the start of the process stands in, which misses work that
/// needed less than something earlier. The kernel's counters are exact to about 0.3 MB.
template<class Work>
[[nodiscard]] double peak_extra_mb(const Work& work) {
  malloc_trim(0);
  const bool reset = static_cast<bool>(std::ofstream("/proc/self/clear_refs") << 5 << std::flush);
  const double before = status_bytes("VmRSS");
  work();
  double peak = reset ? status_bytes("VmHWM") : 0;
  if (!reset) {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    peak = static_cast<double>(usage.ru_maxrss) * 1024;
  }
  return std::max(0.0, peak - before) * 1e-6;
}

}  // namespace process_memory
