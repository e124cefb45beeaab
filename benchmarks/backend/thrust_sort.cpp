// Thrust's own sort on its sequential system, on the numbers of sort.cpp: what dispar's Thrust backends do not use.
#include <thrust/sort.h>

#include "dispar/backend/thrust.hpp"
#include "workload.hpp"

namespace {

template<class T>
void sort_keys(benchmark::State& state) {
  std::vector<T> x(static_cast<std::size_t>(state.range(0)));
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = dispar::normal<T>({1, 0}, static_cast<dispar::index>(i));
  std::vector<T> out(x.size());
  for (auto _ : state) {
    out = x;
    thrust::stable_sort(thrust::cpp::par, out.begin(), out.end());
    benchmark::DoNotOptimize(out.data());
    benchmark::ClobberMemory();
  }
  state.counters["elements/s"] =
      benchmark::Counter(static_cast<double>(x.size()) * static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
}

const bool registered = [] {
  benchmark::RegisterBenchmark("backend/sort_keys/thrust-cpp/float/n", sort_keys<float>)
      ->Arg(1000)
      ->Arg(100000)
      ->Arg(1000000)
      ->Unit(benchmark::kMicrosecond);
  benchmark::RegisterBenchmark("backend/sort_keys/thrust-cpp/double/n", sort_keys<double>)
      ->Arg(1000)
      ->Arg(100000)
      ->Arg(1000000)
      ->Unit(benchmark::kMicrosecond);
  return true;
}();

}  // namespace
