#pragma once

#include <type_traits>

#include "dispar/backend/array.hpp"
#include "dispar/backend/host/tiled_host.hpp"

DISPAR_NAMESPACE_BEGIN

namespace detail {

/// 0 .. size - 1 in consecutive chunks that depend on the size only: at most 64, and none of several below 4096 elements.
struct chunks {
  index size;   ///< number of elements
  index count;  ///< number of chunks

  explicit chunks(index elements)
      : size(elements),
        count(elements < 2 * 4096    ? 1
              : elements / 4096 < 64 ? elements / 4096
                                     : 64) {}
  /// Where chunk c begins, and the one before it ends.
  [[nodiscard]] index first(index c) const { return size / count * c + (c < size % count ? c : size % count); }
};

/// A task on chunks behind a pointer: an executor is then compiled once per backend, not once per task.
struct chunk_task {
  const chunks* parts;
  const void* task;
  void (*call)(const void* task, index c, index first, index last) noexcept;
  void operator()(index c) const noexcept { call(task, c, parts->first(c), parts->first(c + 1)); }
};

/// task(c, first, last) for every chunk; an element takes about `work` multiply-adds.
template<class Backend, class Task>
void for_each_chunk(const Backend& b, const chunks& parts, double work, const Task& task) {
  b.run(parts.count, work * static_cast<double>(parts.size),
        chunk_task{&parts, &task, [](const void* t, index c, index first, index last) noexcept {
                     (*static_cast<const Task*>(t))(c, first, last);
                   }});
}

/// What a primitive of the host engine asks of its arguments.
template<memory_space... S>
constexpr void require_host_memory() {
  static_assert((reachable<S, host> && ...),
                "dispar: this backend runs on the host and cannot read device memory; copy the data or use a device backend");
}

}  // namespace detail

DISPAR_NAMESPACE_END
