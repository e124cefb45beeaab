#include "dispar/mmd.hpp"
#include "workload.hpp"

namespace {

void permutation_test(benchmark::State& state) {
  const workload::samples<float> s(state.range(0), state.range(0), 64);
  const dispar::cpu one_thread{.each = {.threads = 1}};
  for (auto _ : state)
    benchmark::DoNotOptimize(dispar::mmd::permutation_test(one_thread, s.x(), s.y(), dispar::gaussian{s.bandwidth()},
                                                           {.permutations = state.range(1)}));
  const dispar::index rows = s.n + s.m;
  workload::report(state, workload::permutation_flops(rows, s.d, state.range(1)), 4.0 * static_cast<double>(rows * s.d), 1);
}
BENCHMARK(permutation_test)
    ->Name("mmd/permutation_test/cpu-1/float/d=64")
    ->ArgsProduct({{200, 1000, 2000}, {500}})
    ->ArgNames({"n=m", "permutations"})
    ->Unit(benchmark::kMillisecond);

}  // namespace
