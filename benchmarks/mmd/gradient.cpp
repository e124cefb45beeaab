#include "dispar/mmd.hpp"
#include "workload.hpp"

namespace {

void value_and_gradient(benchmark::State& state) {
  const workload::samples<float> s(state.range(0), state.range(0), state.range(1));
  std::vector<float> gradient(s.a.size());
  const dispar::mmd::gradients<float> out{.x = {dispar::as_matrix(gradient, s.n, s.d)}};
  const dispar::cpu one_thread{.each = {.threads = 1}};
  for (auto _ : state)
    benchmark::DoNotOptimize(dispar::mmd::value_and_gradient(one_thread, s.x(), s.y(), dispar::gaussian{s.bandwidth()}, out));
  workload::report(state, workload::gradient_flops(s.n, s.m, s.d), 4.0 * static_cast<double>((s.n + s.m) * s.d), 1);
}
BENCHMARK(value_and_gradient)
    ->Name("mmd/value_and_gradient/cpu-1/float")
    ->ArgsProduct({{2000}, {16, 64, 256}})
    ->ArgNames({"n=m", "d"})
    ->Unit(benchmark::kMillisecond);

}  // namespace
