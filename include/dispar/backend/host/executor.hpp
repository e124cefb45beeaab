#pragma once
/// \file
/// Executors: how the host runs `n` independent tasks. An executor is callable as `each(n, task)`, calls `task(i)` once for
/// every i in [0, n), and returns when all are done. Tasks do not throw (`each_may_throw` wraps those that do). Results never
/// depend on the executor.

#include <concepts>
#include <exception>
#include <vector>

#if defined(_OPENMP)
#include <omp.h>
#endif

#include "dispar/core/view.hpp"

DISPAR_NAMESPACE_BEGIN

/// Everything on the calling thread.
struct serial {
  /// Runs task(0) .. task(n - 1).
  template<class Task>
  void operator()(index n, const Task& task) const {
    for (index i = 0; i < n; ++i) task(i);
  }
  /// How many tasks run at a time.
  [[nodiscard]] int concurrency() const noexcept { return 1; }
};

/// OpenMP threads; the calling thread alone where the program is compiled without OpenMP.
struct openmp {
  int threads = 0;  ///< 0: as many as OpenMP would start (OMP_NUM_THREADS)

  /// Runs task(0) .. task(n - 1).
  template<class Task>
  void operator()(index n, const Task& task) const {
#if defined(_OPENMP)
    if (n > 1 && concurrency() > 1) {
      const int team = concurrency();
#pragma omp parallel for schedule(dynamic, 1) num_threads(team)
      for (index i = 0; i < n; ++i) task(i);
      return;
    }
#endif
    serial{}(n, task);
  }
  /// How many tasks run at a time.
  [[nodiscard]] int concurrency() const noexcept {
#if defined(_OPENMP)
    return threads > 0 ? threads : omp_get_max_threads();
#else
    return 1;
#endif
  }
};

namespace detail {
/// Stands for any task in the concept: nvcc does not take a lambda there.
struct some_task {
  void operator()(index) const noexcept {}
};
}  // namespace detail

template<class E>
concept executor = std::copyable<E> && requires(const E each, index n) {
  each(n, detail::some_task{});
  { each.concurrency() } -> std::convertible_to<int>;
};

/// `Each` for tasks of together `work` multiply-adds; the calling thread alone where threads would not pay: waking one costs
/// about what a million multiply-adds do.
template<executor Each>
struct thrifty {
  Each each;    ///< the executor for work worth it
  double work;  ///< multiply-adds of all tasks together

  /// Runs task(0) .. task(n - 1).
  template<class Task>
  void operator()(index n, const Task& task) const {
    if (work < 1e6)
      serial{}(n, task);
    else
      each(n, task);
  }
  /// How many tasks run at a time.
  [[nodiscard]] int concurrency() const { return work < 1e6 ? 1 : each.concurrency(); }
};

/// Runs tasks that may throw, as those do that allocate: an exception must not leave a task, so that of the least i is passed
/// on when all are done.
template<executor Each, class Task>
void each_may_throw(const Each& each, index n, const Task& task) {
  std::vector<std::exception_ptr> thrown(static_cast<std::size_t>(n));
  each(n, [&](index i) noexcept {
    try {
      task(i);
    } catch (...) {
      thrown[static_cast<std::size_t>(i)] = std::current_exception();
    }
  });
  for (const auto& e : thrown)
    if (e) std::rethrow_exception(e);
}

DISPAR_NAMESPACE_END
