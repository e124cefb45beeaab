#include "dispar/mmd/permutation_test.hpp"

#include "dispar/kernels/gaussian.hpp"
#include "gpu/workload.hpp"

namespace {

void permutation_test(benchmark::State& state) {
  const dispar::index rows = state.range(0), permutations = state.range(1);
  const gpu_workload::samples<float> s(rows / 2, rows / 2, 64);
  const dispar::gaussian kernel{s.bandwidth()};
  gpu_workload::measure<float>(state, workload::permutation_flops(rows, s.d, permutations), s.bytes(), [&] {
    benchmark::DoNotOptimize(
        dispar::mmd::permutation_test(gpu_workload::device(), s.x, s.y, kernel, {.permutations = permutations}));
  });
}

const gpu_workload::registration added([](bool large) {
  auto* const b = benchmark::RegisterBenchmark("mmd/permutation_test/gpu/float/d=64", permutation_test);
  b->Args({4000, 500})->Args({10000, 1000});
  if (large) b->Args({40000, 1000});
  b->ArgNames({"n+m", "permutations"})->Unit(benchmark::kMillisecond)->UseManualTime();
});

}  // namespace
