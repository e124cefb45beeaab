#pragma once

#include <memory>
#include <type_traits>
#include <utility>

#include "dispar/backend/host/workspace.hpp"

DISPAR_NAMESPACE_BEGIN

namespace detail {

/// work(workspaces), which the calling thread keeps for its next call where they come from the heap; a caller's own memory
/// resource is asked every time.
template<class Each, class Memory, class Work>
void with_kept_workspaces(const tiled_host<Each, Memory>& b, std::size_t bytes, const Work& work) {
  using spaces = workspaces<tiled_host<Each, Memory>>;
  if constexpr (std::is_same_v<Memory, heap>) {
    struct holder {
      std::unique_ptr<spaces> memory;
      std::size_t bytes = 0;
      int threads = 0;
    };
    thread_local holder kept;
    holder mine = std::exchange(kept, holder{});  // a call inside `work` finds none and makes its own
    if (!mine.memory || bytes > mine.bytes || b.each.concurrency() > mine.threads) {
      mine.memory.reset();
      mine = {std::make_unique<spaces>(b, bytes), bytes, b.each.concurrency()};
    }
    work(std::as_const(*mine.memory));
    kept = std::move(mine);
  } else {
    const spaces mine(b, bytes);
    work(mine);
  }
}

}  // namespace detail

DISPAR_NAMESPACE_END
