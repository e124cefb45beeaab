#pragma once
/// \file
/// The files of cores/ are compiled once for every backend, which CMake names by DISPAR_GOLDEN_CPU, DISPAR_GOLDEN_THRUST=cpp
/// (omp, tbb) or DISPAR_GOLDEN_GPU=gpu (gpu-emulated). A file has structs
///
///     struct mean {
///       static constexpr const char* name = "slug/mean";         // `core` of case.json
///       static constexpr double float_tolerance = 1e-6;          // relative and absolute; why
///       static constexpr double double_floor = 1e-8;             // only where needed: absolute, in double; why
///       template<class T, class B>
///       static void run(const B& b, const fixture& c, outputs& out);   // T: float or double
///     };
///     const registration<mean> registered;

#include "../registry.hpp"
#include "../samples.hpp"

#if defined(DISPAR_GOLDEN_THRUST)
#include "dispar/backend/thrust.hpp"
#elif defined(DISPAR_GOLDEN_GPU)
#include "dispar/backend/gpu.hpp"
#else
#include "dispar/backend/cpu.hpp"
#endif

namespace golden {
namespace {  // other files define the same for other backends

#if defined(DISPAR_GOLDEN_THRUST)
#define DISPAR_GOLDEN_JOIN_(a, b) a##b
#define DISPAR_GOLDEN_JOIN(a, b) DISPAR_GOLDEN_JOIN_(a, b)
using backend_under_test = dispar::on_thrust<dispar::DISPAR_GOLDEN_JOIN(thrust_, DISPAR_GOLDEN_THRUST)>;
using memory_under_test = host_memory;
[[maybe_unused, nodiscard]] backend_under_test make_backend() { return {}; }
[[maybe_unused, nodiscard]] bool backend_is_there() { return true; }
constexpr const char* backend_name = "thrust-" DISPAR_STRINGIZE(DISPAR_GOLDEN_THRUST);
#elif defined(DISPAR_GOLDEN_GPU)
using backend_under_test = dispar::gpu;
constexpr const char* backend_name = DISPAR_STRINGIZE(DISPAR_GOLDEN_GPU);

[[maybe_unused, nodiscard]] backend_under_test make_backend() {
  static dispar::cuda_context context;
  return {&context};
}
[[maybe_unused, nodiscard]] bool backend_is_there() {
  int devices = 0;
  return cudaGetDeviceCount(&devices) == cudaSuccess && devices > 0;
}

template<class T>
struct managed_allocator {
  using value_type = T;
  managed_allocator() = default;
  template<class U>
  explicit managed_allocator(const managed_allocator<U>&) {}
  [[nodiscard]] T* allocate(std::size_t count) const {
    void* p = nullptr;
    dispar::detail::check_cuda(cudaMallocManaged(&p, count * sizeof(T)), "cudaMallocManaged");
    return static_cast<T*>(p);
  }
  void deallocate(T* p, std::size_t) const noexcept { (void)cudaFree(p); }
  bool operator==(const managed_allocator&) const = default;
};
struct memory_under_test {
  using space = dispar::managed;
  template<class T>
  using allocator = managed_allocator<T>;
};
#else
using backend_under_test = dispar::cpu;
using memory_under_test = host_memory;
[[maybe_unused, nodiscard]] backend_under_test make_backend() { return {}; }
[[maybe_unused, nodiscard]] bool backend_is_there() { return true; }
constexpr const char* backend_name = "cpu";
#endif

template<class T>
using matrix = matrix_in<T, memory_under_test>;
template<class T>
using tensor = tensor_in<T, memory_under_test>;

template<class Core>
struct registration {
  registration() {
    constexpr bool host_only = requires { requires Core::host_only; };
    double double_floor = 0;
    if constexpr (requires { Core::double_floor; }) double_floor = Core::double_floor;
    add_core({Core::name, backend_name, Core::float_tolerance, double_floor, host_only, &run<double>, &run<float>});
  }
  template<class T>
  static void run(const fixture& c, outputs& out) {
    Core::template run<T>(make_backend(), c, out);
  }
};

}  // namespace
}  // namespace golden
