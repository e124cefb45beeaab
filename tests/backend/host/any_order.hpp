#pragma once

#include "dispar/backend/cpu.hpp"

/// An executor for tests: tasks forwards or backwards, on any number of threads, all in one type.
struct any_order {
  int threads = 1;
  bool backwards = false;

  template<class Task>
  void operator()(dispar::index n, const Task& task) const {
    dispar::openmp{threads}(n, [&](dispar::index i) { task(backwards ? n - 1 - i : i); });
  }
  [[nodiscard]] int concurrency() const { return threads; }
};

inline constexpr any_order orders_of_tasks[] = {{1, false}, {1, true}, {2, false}, {3, true}};
