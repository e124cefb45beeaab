#include <benchmark/benchmark.h>

#include "dispar/core/config.hpp"
#include "workload.hpp"

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  const int cores = static_cast<int>(std::thread::hardware_concurrency());
  benchmark::AddCustomContext("dispar_instruction_set", dispar::instruction_set());
  if (dispar::compiled_for_baseline())
    benchmark::AddCustomContext("dispar_warning",
                                "compiled for the baseline instruction set: expect a quarter of the machine's speed");
  benchmark::AddCustomContext("fma_peak_gflops_one_thread", std::to_string(workload::peak_gflops(1)));
  benchmark::AddCustomContext("fma_peak_gflops_all_threads", std::to_string(workload::peak_gflops(cores)));
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
