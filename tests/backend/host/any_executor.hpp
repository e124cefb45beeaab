#pragma once
/// \file
/// Executors as a user may write them, behind one type: the engine is compiled once for all of them.

#include <atomic>
#include <functional>
#include <thread>
#include <vector>

#include "dispar/backend/host/executor.hpp"

namespace engine_tests {

using dispar::index;

struct any_executor {
  std::function<void(index, const std::function<void(index)>&)> each;
  int width = 1;

  template<class Task>
  void operator()(index n, const Task& task) const {
    each(n, [&task](index i) { task(i); });
  }
  [[nodiscard]] int concurrency() const noexcept { return width; }
};
static_assert(dispar::executor<any_executor>);

inline any_executor forwards() {
  return {[](index n, const std::function<void(index)>& task) {
    for (index i = 0; i < n; ++i) task(i);
  }};
}

/// Tasks in another order than anybody else's.
inline any_executor backwards() {
  return {[](index n, const std::function<void(index)>& task) {
    while (n-- > 0) task(n);
  }};
}

/// New threads every time, which take tasks as they come; `admitted` is what the executor says of their number.
inline any_executor threads(int count, int admitted) {
  return {[count](index n, const std::function<void(index)>& task) {
            std::atomic<index> next{0};
            std::vector<std::thread> team;
            for (int t = 0; t < count; ++t)
              team.emplace_back([&] {
                for (index i = next++; i < n; i = next++) task(i);
              });
            for (auto& member : team) member.join();
          },
          admitted};
}

}  // namespace engine_tests
