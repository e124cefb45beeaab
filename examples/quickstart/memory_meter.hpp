#pragma once
/// \file
/// How much memory a piece of work needs at its peak, counted in this program's own operator new.

#include <cstddef>

namespace quickstart {

/// Counts from its construction. One at a time.
class memory_meter {
public:
  memory_meter();
  /// Most bytes in use at any moment since construction, beyond what was in use then.
  [[nodiscard]] std::size_t peak_extra_bytes() const;

private:
  std::ptrdiff_t before_;
};

/// For memory that does not come from operator new (a device's): bytes taken, negative when given back.
void count_memory(std::ptrdiff_t bytes);

}  // namespace quickstart
