#include "dispar/preference.hpp"
#include "workload.hpp"

namespace {

namespace preference = dispar::preference;
using dispar::cpu;
const cpu one_thread{.each = {.threads = 1}};

/// Logits of 8 sequences; every second token counts where half of them are a prompt.
template<class T>
struct batch {
  static constexpr dispar::index sequences = 8;
  dispar::index rows, v;
  std::vector<T> logits, gradient;
  std::vector<std::int64_t> labels;
  std::vector<double> values;
  batch(const benchmark::State& state, bool with_prompt)
      : rows(state.range(0)),
        v(state.range(1)),
        logits(static_cast<std::size_t>(rows * v)),
        gradient(logits.size()),
        values(static_cast<std::size_t>(sequences)) {
    for (std::size_t i = 0; i < logits.size(); ++i) logits[i] = T(3) * dispar::normal<T>({1, 0}, static_cast<dispar::index>(i));
    for (dispar::index i = 0; i < rows; ++i) labels.push_back(with_prompt && i % 2 == 0 ? -100 : 7919 * i % v);
  }
  [[nodiscard]] auto x() const { return preference::as_sequences(dispar::as_matrix(logits, rows, v), sequences); }
  [[nodiscard]] auto g() { return preference::as_sequences(dispar::as_matrix(gradient, rows, v), sequences); }
  [[nodiscard]] auto y() const { return dispar::as_matrix(labels, sequences, rows / sequences); }
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

template<class T, bool Gradient, bool Prompt>
void sequence_logps(benchmark::State& state, const cpu& backend, int threads) {
  batch<T> c(state, Prompt);
  preference::logit_gradient<T> g;
  if (Gradient) g.logits = c.g();
  for (auto _ : state) preference::sequence_logps_and_gradient(backend, c.x(), c.y(), c.values, g);
  report_bytes(state, (Gradient ? 2.0 : 1.0) * sizeof(T) * static_cast<double>(c.logits.size()), threads);
}
template<class T>
void unlikelihood(benchmark::State& state, const cpu& backend, int threads) {
  batch<T> c(state, false);
  for (auto _ : state) preference::unlikelihood(backend, c.x(), c.y(), c.values, {.logits = c.g()});
  report_bytes(state, 2.0 * sizeof(T) * static_cast<double>(c.logits.size()), threads);
}

template<class Run>
void add(const char* name, const Run& run, const cpu& backend, int threads) {
  benchmark::RegisterBenchmark(name, [=](benchmark::State& state) { run(state, backend, threads); })
      ->Args({512, 32000})
      ->ArgNames({"b", "v"})
      ->Unit(benchmark::kMillisecond)
      ->UseRealTime();
}

const bool registered = [] {
  add("preference/sequence_logps/cpu-1/float", sequence_logps<float, false, false>, one_thread, 1);
  add("preference/sequence_logps/cpu/float", sequence_logps<float, false, false>, cpu{}, 0);
  add("preference/sequence_logps_gradient/cpu-1/float", sequence_logps<float, true, false>, one_thread, 1);
  add("preference/sequence_logps_gradient/cpu/float", sequence_logps<float, true, false>, cpu{}, 0);
  add("preference/sequence_logps_gradient_half_prompt/cpu/float", sequence_logps<float, true, true>, cpu{}, 0);
  add("preference/unlikelihood_gradient/cpu/float", unlikelihood<float>, cpu{}, 0);
  return true;
}();

}  // namespace
