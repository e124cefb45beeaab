#include "dispar/divergence.hpp"
#include "workload.hpp"

namespace {

using dispar::cpu;
using dispar::divergence::jensen_shannon;
const cpu one_thread{.each = {.threads = 1}};

/// Logits of two language models that mostly agree.
template<class T>
struct logits {
  dispar::index b, v;
  std::vector<T> x, y;
  explicit logits(const benchmark::State& state)
      : b(state.range(0)), v(state.range(1)), x(static_cast<std::size_t>(b * v)), y(x.size()) {
    for (std::size_t i = 0; i < x.size(); ++i) {
      x[i] = T(3) * dispar::normal<T>({1, 0}, static_cast<dispar::index>(i));
      y[i] = x[i] + dispar::normal<T>({2, 0}, static_cast<dispar::index>(i));
    }
  }
  [[nodiscard]] auto first() const { return dispar::as_matrix(x, b, v); }
  [[nodiscard]] auto second() const { return dispar::as_matrix(y, b, v); }
};

/// Bytes read and written once per second, and their share of what a copy reaches on as many threads in this run.
void report_bytes(benchmark::State& state, double bytes, int threads) {
  static const double one = ceiling::copy_gbs(1);
  static const double all = ceiling::copy_gbs(static_cast<int>(std::thread::hardware_concurrency()));
  const auto rounds = static_cast<double>(state.iterations());
  state.counters["bytes/s"] = benchmark::Counter(bytes * rounds, benchmark::Counter::kIsRate);
  state.counters["copy_fraction"] =
      benchmark::Counter(bytes * rounds / ((threads == 1 ? one : all) * 1e9), benchmark::Counter::kIsRate);
}

template<class T>
void value(benchmark::State& state, const cpu& backend, int threads) {
  const logits<T> l(state);
  std::vector<double> values(static_cast<std::size_t>(l.b));
  for (auto _ : state) dispar::divergence::rows(backend, l.first(), l.second(), jensen_shannon{}, values);
  report_bytes(state, 2.0 * sizeof(T) * static_cast<double>(l.x.size()), threads);
}

template<class T>
void value_and_gradient(benchmark::State& state, const cpu& backend, int threads) {
  const logits<T> l(state);
  std::vector<double> values(static_cast<std::size_t>(l.b));
  std::vector<T> gradient(l.x.size());
  for (auto _ : state)
    dispar::divergence::rows_and_gradient(backend, l.first(), l.second(), jensen_shannon{}, values,
                                          {.a = dispar::as_matrix(gradient, l.b, l.v)});
  report_bytes(state, 3.0 * sizeof(T) * static_cast<double>(l.x.size()), threads);
}

template<class Run>
void add(const char* name, const Run& run, const cpu& backend, int threads) {
  benchmark::RegisterBenchmark(name, [=](benchmark::State& state) { run(state, backend, threads); })
      ->Args({512, 32000})
      ->Args({256, 128256})
      ->Args({1, 128256})
      ->ArgNames({"b", "v"})
      ->Unit(benchmark::kMillisecond)
      ->UseRealTime();
}

const bool registered = [] {
  add("divergence/jensen_shannon/cpu-1/float", value<float>, one_thread, 1);
  add("divergence/jensen_shannon/cpu/float", value<float>, cpu{}, 0);
  add("divergence/jensen_shannon/cpu/double", value<double>, cpu{}, 0);
  add("divergence/jensen_shannon_gradient/cpu-1/float", value_and_gradient<float>, one_thread, 1);
  add("divergence/jensen_shannon_gradient/cpu/float", value_and_gradient<float>, cpu{}, 0);
  return true;
}();

}  // namespace
