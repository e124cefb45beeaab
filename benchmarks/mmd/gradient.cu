#include "dispar/mmd/gradient.hpp"

#include "dispar/kernels/gaussian.hpp"
#include "gpu/workload.hpp"

namespace {

void value_and_gradient(benchmark::State& state) {
  const gpu_workload::samples<float> s(state.range(0), state.range(0), state.range(1));
  dispar::array<float, 2, dispar::gpu> gradient(gpu_workload::device(), {s.n, s.d});
  const dispar::gaussian kernel{s.bandwidth()};
  gpu_workload::measure<float>(state, workload::gradient_flops(s.n, s.m, s.d), s.bytes(), [&] {
    benchmark::DoNotOptimize(dispar::mmd::value_and_gradient(gpu_workload::device(), s.x, s.y, kernel, {.x = {gradient.view()}}));
  });
}

const gpu_workload::registration added([](bool large) {
  auto* const b = benchmark::RegisterBenchmark("mmd/value_and_gradient/gpu/float", value_and_gradient);
  for (const dispar::index d : {64, 768}) b->Args({10000, d});
  if (large)
    for (const dispar::index d : {64, 768}) b->Args({100000, d});
  b->ArgNames({"n=m", "d"})->Unit(benchmark::kMillisecond)->UseManualTime();
});

}  // namespace
