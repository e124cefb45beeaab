// A kernel of one's own, and its benchmark: copy this file.
#include "dispar/mmd.hpp"
#include "workload.hpp"

struct cauchy {
  double scale;
  using metric = dispar::sq_euclidean;
  static constexpr int channels = 1, parameters = 1;
  dispar::vec<double, 1> theta() const { return {{scale}}; }
  template<class V>
  DISPAR_FN static V value(dispar::vec<V, 1> d, dispar::vec<V, 1> p) {
    return V(1) / (V(1) + d[0] / p[0]);
  }
};

static void user_kernel(benchmark::State& state) {
  const workload::samples<float> s(2000, 2000, state.range(0));
  for (auto _ : state)
    benchmark::DoNotOptimize(dispar::mmd::estimate(dispar::cpu{.each = {.threads = 1}}, s.x(), s.y(), cauchy{s.bandwidth()}));
  workload::report(state, s.flops(), 4.0 * static_cast<double>((s.n + s.m) * s.d), 1);
}
BENCHMARK(user_kernel)->Name("kernels/user_kernel/cpu/float/n=m=2000/d")->Arg(16)->Arg(64)->Unit(benchmark::kMillisecond);
