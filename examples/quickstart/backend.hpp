#pragma once
/// \file
/// The backend of this program, chosen where it is compiled: `-DDISPAR_QUICKSTART_BACKEND=dispar::cpu`, or
/// `dispar::on_thrust<dispar::thrust_omp>`, or, compiled by nvcc, `dispar::gpu`. Nothing else in the program changes.
/// `DISPAR_QUICKSTART_HEADER` is the header of a backend that `dispar/mmd.hpp` does not bring.

#include "dispar/mmd.hpp"
#ifdef DISPAR_QUICKSTART_HEADER
#include DISPAR_QUICKSTART_HEADER
#endif

#ifndef DISPAR_QUICKSTART_BACKEND
#define DISPAR_QUICKSTART_BACKEND dispar::cpu
#endif

namespace quickstart {

using backend = DISPAR_QUICKSTART_BACKEND;

/// The backend with a number of threads, where it has such a thing; 0 is all of the machine's. A GPU gets the default stream.
template<class B>
[[nodiscard]] B with_threads(int threads) {
  B b{};
  if constexpr (requires { b.each.threads; }) b.each.threads = threads;
  if constexpr (requires { b.context; }) {
    static std::remove_pointer_t<decltype(b.context)> context{};
    b.context = &context;
  }
  return b;
}

}  // namespace quickstart
