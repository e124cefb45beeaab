#include "dispar/mmd.hpp"
#include "workload.hpp"

namespace {

using dispar::cpu;
const cpu one_thread{.each = {.threads = 1}};

template<class T, class Kernel>
void estimate(benchmark::State& state, const cpu& backend, int threads, const Kernel& kernel_for) {
  const workload::samples<T> s(state.range(0), state.range(0), state.range(1));
  const auto kernel = kernel_for(s.bandwidth());
  for (auto _ : state) benchmark::DoNotOptimize(dispar::mmd::estimate(backend, s.x(), s.y(), kernel));
  workload::report(state, s.flops(), static_cast<double>(sizeof(T)) * static_cast<double>((s.n + s.m) * s.d), threads);
}

void sizes(benchmark::internal::Benchmark* b) {
  for (dispar::index d : {16, 64, 256, 768}) b->Args({2000, d});
  b->ArgNames({"n=m", "d"})->Unit(benchmark::kMillisecond)->UseRealTime();
}

const auto gaussian = [](double sigma) { return dispar::gaussian{sigma}; };
const auto ladder = [](double sigma) { return dispar::gaussian_ladder<5>{2 * sigma}; };

template<class T, class Kernel>
void add(const char* name, const cpu& backend, int threads, const Kernel& kernel) {
  sizes(benchmark::RegisterBenchmark(name, [=](benchmark::State& state) { estimate<T>(state, backend, threads, kernel); }));
}

const bool registered = [] {
  add<float>("mmd/estimate/cpu-1/float", one_thread, 1, gaussian);
  add<float>("mmd/estimate/cpu/float", cpu{}, 0, gaussian);
  add<double>("mmd/estimate/cpu-1/double", one_thread, 1, gaussian);
  add<float>("mmd/estimate_ladder5/cpu-1/float", one_thread, 1, ladder);
  return true;
}();

}  // namespace
