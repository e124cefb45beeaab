#pragma once
/// \file
/// The files of cores/ are compiled once for every backend, which CMake names by DISPAR_GOLDEN_CPU, DISPAR_GOLDEN_THRUST=cpp
/// (omp, tbb) or DISPAR_GOLDEN_GPU. A file has structs
///
///     struct mean {
///       static constexpr const char* name = "slug/mean";         // `core` of case.json
///       static constexpr double float_tolerance = 1e-6;          // relative and absolute; why
///       template<class T, class B>
///       static void run(const B& b, const fixture& c, outputs& out);   // T: float or double
///     };
///     const registration<mean> registered;

#include "../registry.hpp"
#include "../samples.hpp"

#if defined(DISPAR_GOLDEN_THRUST)
#include "dispar/backend/thrust.hpp"
#else
#include "dispar/backend/cpu.hpp"
#endif

namespace golden {

#if defined(DISPAR_GOLDEN_THRUST)
#define DISPAR_GOLDEN_JOIN_(a, b) a##b
#define DISPAR_GOLDEN_JOIN(a, b) DISPAR_GOLDEN_JOIN_(a, b)
using backend_under_test = dispar::on_thrust<dispar::DISPAR_GOLDEN_JOIN(thrust_, DISPAR_GOLDEN_THRUST)>;
inline constexpr const char* backend_name = "thrust-" DISPAR_STRINGIZE(DISPAR_GOLDEN_THRUST);
#else
using backend_under_test = dispar::cpu;
inline constexpr const char* backend_name = "cpu";
#endif

template<class Core>
struct registration {
  registration() {
    constexpr bool host_only = requires { requires Core::host_only; };
    add_core({Core::name, backend_name, Core::float_tolerance, host_only, &run<double>, &run<float>});
  }
  template<class T>
  static void run(const fixture& c, outputs& out) {
    Core::template run<T>(backend_under_test{}, c, out);
  }
};

}  // namespace golden
