#include "dispar/contrastive.hpp"
#include "workload.hpp"

namespace {

namespace contrastive = dispar::contrastive;
using dispar::cpu;
const cpu one_thread{.each = {.threads = 1}};

/// CLIP's loss of `b` pairs, with both gradients or none.
template<class T, bool Gradient>
void symmetric(benchmark::State& state, const cpu& backend, int threads) {
  const dispar::index b = state.range(0), d = state.range(1);
  std::vector<T> x(static_cast<std::size_t>(b * d)), y(x.size()), by_x(x.size()), by_y(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    x[i] = dispar::normal<T>({1, 0}, static_cast<dispar::index>(i));
    y[i] = x[i] + dispar::normal<T>({2, 0}, static_cast<dispar::index>(i));
  }
  contrastive::gradients<T> g;
  if (Gradient) g = {.x = dispar::as_matrix(by_x, b, d), .y = dispar::as_matrix(by_y, b, d)};
  for (auto _ : state)
    benchmark::DoNotOptimize(contrastive::infonce(backend, dispar::as_matrix(x, b, d), dispar::as_matrix(y, b, d),
                                                  contrastive::cosine{}, contrastive::temperature{0.07}, g,
                                                  {.anchors = contrastive::direction::both}));
  // Logits, and the gradient by either side.
  const double products = Gradient ? 3 : 1, pairs = static_cast<double>(b) * static_cast<double>(b);
  workload::report(state, products * 2 * pairs * static_cast<double>(d), 2.0 * sizeof(T) * static_cast<double>(x.size()),
                   threads);
}

template<class Run>
void add(const char* name, const Run& run, const cpu& backend, int threads) {
  benchmark::RegisterBenchmark(name, [=](benchmark::State& state) { run(state, backend, threads); })
      ->Args({1024, 512})
      ->Args({4096, 512})
      ->Args({4096, 64})
      ->ArgNames({"b", "d"})
      ->Unit(benchmark::kMillisecond)
      ->UseRealTime();
}

const bool registered = [] {
  add("contrastive/infonce/cpu-1/float", symmetric<float, false>, one_thread, 1);
  add("contrastive/infonce/cpu/float", symmetric<float, false>, cpu{}, 0);
  add("contrastive/infonce_gradient/cpu-1/float", symmetric<float, true>, one_thread, 1);
  add("contrastive/infonce_gradient/cpu/float", symmetric<float, true>, cpu{}, 0);
  add("contrastive/infonce_gradient/cpu/double", symmetric<double, true>, cpu{}, 0);
  // Four minutes on two cores.
  benchmark::RegisterBenchmark("contrastive/infonce_gradient_large/cpu/float",
                               [](benchmark::State& state) { symmetric<float, true>(state, cpu{}, 0); })
      ->Args({131072, 512})
      ->ArgNames({"b", "d"})
      ->Iterations(1)
      ->Unit(benchmark::kSecond)
      ->UseRealTime();
  return true;
}();

}  // namespace
