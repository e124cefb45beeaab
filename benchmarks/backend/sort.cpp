// Sorting, order statistics and scans on one thread, next to the standard library's on the same normal numbers.
#include <algorithm>
#include <numeric>

#include "dispar/backend/cpu.hpp"
#include "workload.hpp"

namespace {

using namespace dispar;
const cpu one_thread{.each = {.threads = 1}};

template<class T>
std::vector<T> numbers(dispar::index n) {
  std::vector<T> x(static_cast<std::size_t>(n));
  for (dispar::index i = 0; i < n; ++i) x[static_cast<std::size_t>(i)] = normal<T>({1, 0}, i);
  return x;
}

/// `work(x, out)` reads n numbers and writes as many.
template<class T, class Work>
void run(benchmark::State& state, const Work& work) {
  const auto x = numbers<T>(state.range(0));
  std::vector<T> out(x.size());
  for (auto _ : state) {
    work(x, out);
    benchmark::DoNotOptimize(out.data());
    benchmark::ClobberMemory();
  }
  const auto elements = static_cast<double>(x.size()) * static_cast<double>(state.iterations());
  state.counters["elements/s"] = benchmark::Counter(elements, benchmark::Counter::kIsRate);
  state.counters["bytes/s"] = benchmark::Counter(elements * sizeof(T), benchmark::Counter::kIsRate);
}

template<class T, class Work>
void add(const std::string& name, const Work& work) {
  benchmark::RegisterBenchmark(("backend/" + name + (sizeof(T) == 4 ? "/float/n" : "/double/n")).c_str(),
                               [work](benchmark::State& state) { run<T>(state, work); })
      ->Arg(1000)
      ->Arg(100000)
      ->Arg(1000000)
      ->Unit(benchmark::kMicrosecond);
}

template<class T>
void add_all() {
  using vector = std::vector<T>;
  add<T>("sort_keys/cpu-1", [](const vector& x, vector& out) { sort_keys(one_thread, view_of(x), view_of(out)); });
  add<T>("sort_keys/std", [](const vector& x, vector& out) {
    out = x;
    std::sort(out.begin(), out.end());
  });
  add<T>("sort_indices/cpu-1", [](const vector& x, vector&) {
    std::vector<std::int64_t> at(x.size());
    sort_indices(one_thread, view_of(x), view_of(at));
  });
  add<T>("sort_indices/std", [](const vector& x, vector&) {
    std::vector<std::int64_t> at(x.size());
    std::iota(at.begin(), at.end(), 0);
    std::stable_sort(at.begin(), at.end(), [&x](std::int64_t i, std::int64_t j) {
      return x[static_cast<std::size_t>(i)] < x[static_cast<std::size_t>(j)];
    });
  });
  add<T>("order_statistics/cpu-1", [](const vector& x, vector& out) {
    const std::array<dispar::index, 1> middle{static_cast<dispar::index>(x.size() / 2)};
    order_statistics(one_thread, view_of(x), middle, view_of(out).slice(0, 1));
  });
  add<T>("order_statistics/std", [](const vector& x, vector& out) {
    out = x;
    std::nth_element(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(out.size() / 2), out.end());
  });
  add<T>("inclusive_scan/cpu-1", [](const vector& x, vector& out) { inclusive_scan(one_thread, view_of(x), view_of(out)); });
  add<T>("inclusive_scan/std",
         [](const vector& x, vector& out) { std::inclusive_scan(x.begin(), x.end(), out.begin(), std::plus<>(), T(0)); });
}

const bool registered = [] {
  add_all<float>();
  add_all<double>();
  return true;
}();

}  // namespace
