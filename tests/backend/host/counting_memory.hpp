#pragma once

#include <cstddef>
#include <new>

#include "dispar/backend/host/tiled_host.hpp"

namespace engine_tests {

/// What a memory resource gave and got back, and when it is to fail.
struct ledger {
  int blocks = 0;               ///< live
  std::size_t bytes = 0;        ///< live
  std::size_t peak = 0;         ///< the most bytes at once
  int allocations = 0;          ///< ever
  int failing_allocation = -1;  ///< the allocation that throws, counted from 0
  bool sizes_agree = true;      ///< every block was given back with the size it was asked with
};

/// A memory resource that keeps a ledger. Each block begins with its size.
struct counting_memory {
  ledger* book = nullptr;
  static constexpr std::size_t header = 64;

  [[nodiscard]] void* allocate(std::size_t bytes) const {
    if (book->allocations++ == book->failing_allocation) throw std::bad_alloc();
    auto* const block = static_cast<char*>(dispar::heap().allocate(bytes + header));
    *reinterpret_cast<std::size_t*>(block) = bytes;
    ++book->blocks;
    book->bytes += bytes;
    if (book->bytes > book->peak) book->peak = book->bytes;
    return block + header;
  }
  void deallocate(void* p, std::size_t bytes) const noexcept {
    auto* const block = static_cast<char*>(p) - header;
    book->sizes_agree = book->sizes_agree && *reinterpret_cast<std::size_t*>(block) == bytes;
    --book->blocks;
    book->bytes -= bytes;
    dispar::heap().deallocate(block, bytes + header);
  }
};

}  // namespace engine_tests
