#pragma once
/// \file
/// The backend of this program, chosen where it is compiled: `-DDISPAR_QUICKSTART_BACKEND=dispar::cpu`, or
/// `dispar::on_thrust<dispar::thrust_omp>`, or, compiled by nvcc, `dispar::gpu`. Nothing else in the program changes.

#include "dispar/mmd.hpp"

#ifndef DISPAR_QUICKSTART_BACKEND
#define DISPAR_QUICKSTART_BACKEND dispar::cpu
#endif

namespace quickstart {

using backend = DISPAR_QUICKSTART_BACKEND;

/// The backend with a number of threads, where it has such a thing; 0 is all of the machine's.
template<class B>
[[nodiscard]] B with_threads(int threads) {
  B b{};
  if constexpr (requires { b.each.threads; }) b.each.threads = threads;
  return b;
}

}  // namespace quickstart
