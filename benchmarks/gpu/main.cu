// dispar_benchmark_gpu [--large] [Google Benchmark's options]: without a GPU it says so and returns the code that ctest reads as
// "skipped"; the list of benchmarks needs none.

#include <algorithm>
#include <cstdio>
#include <string>
#include <string_view>

#include "gpu/workload.hpp"

namespace {

void add_device() {
  int device = 0, driver = 0;
  cudaDeviceProp properties{};
  gpu_workload::detail::check(cudaGetDevice(&device), "cudaGetDevice");
  gpu_workload::detail::check(cudaGetDeviceProperties(&properties, device), "cudaGetDeviceProperties");
  gpu_workload::detail::check(cudaDriverGetVersion(&driver), "cudaDriverGetVersion");
  benchmark::AddCustomContext("gpu", properties.name);
  benchmark::AddCustomContext("gpu_architecture", "sm_" + std::to_string(properties.major) + std::to_string(properties.minor));
  benchmark::AddCustomContext("cuda_driver", std::to_string(driver));
  benchmark::AddCustomContext("cuda_compiler", std::to_string(__CUDACC_VER_MAJOR__) + "." + std::to_string(__CUDACC_VER_MINOR__));
  const auto& ceiling = gpu_ceiling::measured();
  benchmark::AddCustomContext("copy_gbs", std::to_string(ceiling.copy_gbs));
  benchmark::AddCustomContext("ffma_gflops", std::to_string(ceiling.ffma_gflops));
  benchmark::AddCustomContext("dfma_gflops", std::to_string(ceiling.dfma_gflops));
  const auto with_cublas = [](double rate) {
    return rate > 0 ? std::to_string(rate) : std::string("not measured, without cuBLAS");
  };
  benchmark::AddCustomContext("tf32_gflops", with_cublas(ceiling.tf32_gflops));
  benchmark::AddCustomContext("bf16_gflops", with_cublas(ceiling.bf16_gflops));
}

int run(int argc, char** argv) {
  char** const end = std::remove(argv + 1, argv + argc, std::string_view("--large"));
  const bool large = end != argv + argc;
  argc = static_cast<int>(end - argv);
  const bool list = std::any_of(argv + 1, argv + argc, [](std::string_view argument) {
    return argument.starts_with("--benchmark_list_tests") && !argument.ends_with("=false");
  });
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  if (!list) {
    int devices = 0;
    const cudaError_t status = cudaGetDeviceCount(&devices);
    if (status != cudaSuccess || devices == 0) {
      std::printf("skipped: no GPU (%s)\n", cudaGetErrorString(status));
      return 77;
    }
    gpu_workload::keep_freed_memory();
    add_device();
  }
  for (const auto add : gpu_workload::registrations()) add(large);
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& problem) {
    std::fprintf(stderr, "dispar_benchmark_gpu: %s\n", problem.what());
    return 1;
  }
}
