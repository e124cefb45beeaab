#include "dispar/core/pack_math.hpp"
#include "workload.hpp"

namespace {

template<class T>
void exp2_nonpositive_in_cache(benchmark::State& state) {
  using V = dispar::native_pack<T>;
  std::vector<T> x(4096), y(4096);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = T(-20) * static_cast<T>(i) / T(4096);
  for (auto _ : state) {
    for (std::size_t i = 0; i < x.size(); i += V::width) exp2_nonpositive(V::load(x.data() + i)).store(y.data() + i);
    benchmark::DoNotOptimize(y.data());
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * 4096);
}

BENCHMARK(exp2_nonpositive_in_cache<float>)->Name("core/exp2_nonpositive/cpu/float/4096");
BENCHMARK(exp2_nonpositive_in_cache<double>)->Name("core/exp2_nonpositive/cpu/double/4096");

}  // namespace
