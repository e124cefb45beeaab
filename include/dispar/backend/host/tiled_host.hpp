#pragma once

#include <new>

#include "dispar/backend/backend.hpp"
#include "dispar/backend/host/executor.hpp"

DISPAR_NAMESPACE_BEGIN

/// The process's heap, aligned for the widest vector. Any type with these two members can take its place.
struct heap {
  /// Memory on the heap and its alignment in bytes.
  ///@{
  static constexpr std::size_t alignment = 64;
  [[nodiscard]] void* allocate(std::size_t bytes) const { return ::operator new (bytes, std::align_val_t{alignment}); }
  void deallocate(void* p, std::size_t) const noexcept { ::operator delete (p, std::align_val_t{alignment}); }
  ///@}
};

/// The host backend: the tile engine on vector registers, its tiles run by `Each`, its memory from `Memory`.
///
///     tiled_host<openmp> two_threads{.each = {.threads = 2}};
///
/// Every host backend gives the same bits, whatever the executor and its number of threads.
template<executor Each = openmp, class Memory = heap>
struct tiled_host {
  /// Where it computes, and that it can.
  ///@{
  using space = host;
  static constexpr bool has_pairwise = true;
  static constexpr bool has_sort = true;
  static constexpr bool has_rows = true;
  static constexpr bool has_linalg = true;  // linear_algebra: include dispar/backend/host/linalg.hpp
  ///@}
  Each each{};      ///< runs the tiles
  Memory memory{};  ///< gives memory for packed copies and results

  /// Member that the concept `backend` asks for.
  ///@{
  [[nodiscard]] void* allocate(std::size_t bytes) const { return memory.allocate(bytes); }
  void deallocate(void* p, std::size_t bytes) const noexcept { memory.deallocate(p, bytes); }
  void wait() const noexcept {}
  ///@}

  /// Runs task(0) .. task(n - 1), of together `work` multiply-adds.
  template<class Task>
  void run(index n, double work, const Task& task) const {
    thrifty<Each>{each, work}(n, task);
  }
};

DISPAR_NAMESPACE_END
