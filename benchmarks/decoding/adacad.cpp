#include "dispar/decoding.hpp"
#include "workload.hpp"

namespace {

using dispar::cpu;
namespace decoding = dispar::decoding;
const cpu one_thread{.each = {.threads = 1}};

/// Logits of one model with and without a document, and what becomes of them.
struct rows {
  dispar::index b, v;
  std::vector<float> with, without, merged;
  std::vector<double> alpha;
  explicit rows(const benchmark::State& state)
      : b(state.range(0)),
        v(state.range(1)),
        with(static_cast<std::size_t>(b * v)),
        without(with.size()),
        merged(with.size()),
        alpha(static_cast<std::size_t>(b)) {
    for (std::size_t i = 0; i < with.size(); ++i) {
      with[i] = 3 * dispar::normal<float>({1, 0}, static_cast<dispar::index>(i));
      without[i] = with[i] + dispar::normal<float>({2, 0}, static_cast<dispar::index>(i));
    }
  }
  [[nodiscard]] auto c() const { return dispar::as_matrix(with, b, v); }
  [[nodiscard]] auto n() const { return dispar::as_matrix(without, b, v); }
  [[nodiscard]] auto out() { return dispar::as_matrix(merged, b, v); }
};

/// Merges a row pair per sequence; bytes read and written once per second.
template<class Merge>
void add(const char* name, const Merge& merge, const cpu& backend) {
  benchmark::RegisterBenchmark(name,
                               [=](benchmark::State& state) {
                                 rows r(state);
                                 for (auto _ : state) merge(backend, r);
                                 state.counters["bytes/s"] = benchmark::Counter(
                                     12.0 * static_cast<double>(r.with.size()) * static_cast<double>(state.iterations()),
                                     benchmark::Counter::kIsRate);
                               })
      ->Args({1, 32000})
      ->Args({1, 128256})
      ->Args({64, 128256})
      ->ArgNames({"b", "v"})
      ->Unit(benchmark::kMillisecond)
      ->UseRealTime();
}

const bool registered = [] {
  const auto adacad = [](const cpu& b, rows& r) {
    decoding::adacad(b, r.c(), r.n(), r.out(), {.alpha = dispar::view_of(r.alpha)});
  };
  const auto released = [](const cpu& b, rows& r) {
    decoding::adacad(b, r.c(), r.n(), dispar::divergence::clamped_jensen_shannon{}, r.out());
  };
  add("decoding/adacad/cpu-1/float", adacad, one_thread);
  add("decoding/adacad/cpu/float", adacad, cpu{});
  add("decoding/adacad_clamped/cpu/float", released, cpu{});
  add(
      "decoding/coiecd/cpu/float", [](const cpu& b, rows& r) { decoding::coiecd(b, r.c(), r.n(), r.out()); }, cpu{});
  add(
      "decoding/cad/cpu/float", [](const cpu& b, rows& r) { decoding::cad(b, r.c(), r.n(), r.out()); }, cpu{});
  return true;
}();

}  // namespace
