#pragma once
/// \file
/// The host systems of Thrust as backends: `on_thrust<thrust_cpp>`, `on_thrust<thrust_omp>`, `on_thrust<thrust_tbb>`.
///
/// Thrust runs the tasks, the tile engine does the work: the same bits and the same speed as `cpu`. `thrust::reduce` is never
/// used on floating point, its result changes with the number of cores.

// Without nvcc, Thrust's default device system (CUDA) does not compile; the systems below are chosen by policy anyway.
#if !defined(__CUDACC__) && !defined(THRUST_DEVICE_SYSTEM)
#define THRUST_DEVICE_SYSTEM THRUST_DEVICE_SYSTEM_CPP
#endif
#include <thrust/for_each.h>
#include <thrust/iterator/counting_iterator.h>
#include <thrust/system/cpp/execution_policy.h>
#if defined(_OPENMP)
#include <omp.h>
#include <thrust/system/omp/execution_policy.h>
#endif
#if __has_include(<tbb/task_arena.h>)
#include <tbb/task_arena.h>
#include <thrust/system/tbb/execution_policy.h>
#endif

#include "dispar/backend/cpu.hpp"

DISPAR_NAMESPACE_BEGIN

/// Thrust's sequential system.
struct thrust_cpp {
  /// Thrust's execution policy, and how many tasks run at a time.
  ///@{
  static auto policy() { return ::thrust::cpp::par; }
  static int concurrency() noexcept { return 1; }
  ///@}
};

#if defined(_OPENMP)
/// Thrust on OpenMP; compile with -fopenmp.
struct thrust_omp {
  /// Thrust's execution policy, and how many tasks run at a time.
  ///@{
  static auto policy() { return ::thrust::omp::par; }
  static int concurrency() noexcept { return omp_get_max_threads(); }
  ///@}
};
#endif

#if __has_include(<tbb/task_arena.h>)
/// Thrust on oneTBB; link with -ltbb. Threads are those of the calling thread's arena.
struct thrust_tbb {
  /// Thrust's execution policy, and how many tasks run at a time.
  ///@{
  static auto policy() { return ::thrust::tbb::par; }
  static int concurrency() noexcept { return ::tbb::this_task_arena::max_concurrency(); }
  ///@}
};
#endif

/// The executor that gives tasks to a Thrust system.
template<class System>
struct thrust_each {
  /// Runs task(0) .. task(n - 1).
  template<class Task>
  void operator()(index n, const Task& task) const {
    ::thrust::for_each_n(System::policy(), ::thrust::counting_iterator<index>(0), n, [&task](index i) { task(i); });
  }
  /// How many tasks run at a time.
  [[nodiscard]] int concurrency() const noexcept { return System::concurrency(); }
};

/// A Thrust host system as a backend: `mmd::estimate(on_thrust<thrust_omp>{}, x, y, kernel)`.
template<class System>
using on_thrust = tiled_host<thrust_each<System>>;

DISPAR_NAMESPACE_END
