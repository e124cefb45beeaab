#include "dispar/mmd/estimate.hpp"

#include "dispar/kernels/gaussian.hpp"
#include "dispar/kernels/mixture.hpp"
#include "gpu/workload.hpp"

namespace {

template<class T, class Kernel>
void estimate(benchmark::State& state, const Kernel& kernel_for) {
  const gpu_workload::samples<T> s(state.range(0), state.range(0), state.range(1));
  const auto kernel = kernel_for(s.bandwidth());
  gpu_workload::measure<T>(state, workload::estimate_flops(s.n, s.m, s.d), s.bytes(),
                           [&] { benchmark::DoNotOptimize(dispar::mmd::estimate(gpu_workload::device(), s.x, s.y, kernel)); });
}

template<class T, class Kernel>
void add_estimate(const char* name, const Kernel& kernel, std::initializer_list<dispar::index> rows) {
  auto* const b = benchmark::RegisterBenchmark(name, [=](benchmark::State& state) { estimate<T>(state, kernel); });
  for (const dispar::index n : rows)
    for (const dispar::index d : {64, 768}) b->Args({n, d});
  b->ArgNames({"n=m", "d"})->Unit(benchmark::kMillisecond)->UseManualTime();
}

const gpu_workload::registration added([](bool large) {
  const auto gaussian = [](double sigma) { return dispar::gaussian{sigma}; };
  const auto ladder = [](double sigma) { return dispar::gaussian_ladder<5>{2 * sigma}; };
  add_estimate<float>("mmd/estimate/gpu/float", gaussian, {10000});
  add_estimate<float>("mmd/estimate_ladder5/gpu/float", ladder, {10000});
  add_estimate<double>("mmd/estimate/gpu/double", gaussian, {10000});
  if (large) add_estimate<float>("mmd/estimate/gpu/float", gaussian, {100000});
});

}  // namespace
