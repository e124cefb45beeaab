#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

namespace cuda_emulation {

/// Allocations on pages of their own, each up to a page without access. Fresh bytes are 0xff, a NaN in every format.
class device_memory {
public:
  /// Where everything is that was allocated by the program.
  static device_memory& instance();

  /// Null where there is no memory. The host may touch `managed` memory at any time, other memory never.
  void* allocate(std::size_t bytes, bool managed);
  /// Throws `defect` for what is no allocation, or where bytes around it were written.
  void free(void* memory);
  /// Idle memory is nobody's: without access, and fresh when it is no longer idle. Throws `defect` for what is no allocation.
  void set_idle(void* memory, bool idle);
  /// Throws `defect` unless the bytes lie within one allocation; `what` is the call.
  void require_inside(const void* memory, std::size_t bytes, const char* what) const;
  [[nodiscard]] bool contains(const void* memory) const;
  /// Whether memory that is not managed can be touched: while a stream works.
  void set_access(bool on);
  /// Throws `defect` where bytes around an allocation were written.
  void check_surroundings();

  /// All bytes that are allocated.
  using snapshot = std::vector<std::vector<std::byte>>;
  [[nodiscard]] snapshot save() const;
  void restore(const snapshot& saved);

private:
  struct allocation {
    std::byte* pages;  // the first one
    std::size_t page_bytes, bytes;
    bool managed, idle = false;
  };
  using entry = std::pair<std::byte* const, allocation>;
  static void check_surroundings(const entry& one);

  std::map<std::byte*, allocation> all_;  // by the address of the first byte
  bool access_ = false;
};

}  // namespace cuda_emulation
