// The primitive with each of its sinks, on a triangle of 2000 rows.
#include "dispar/backend/cpu.hpp"
#include "dispar/backend/operations.hpp"
#include "dispar/kernels/gaussian.hpp"
#include "dispar/kernels/laplacian.hpp"
#include "workload.hpp"

namespace {

using namespace dispar;
const cpu one_thread{.each = {.threads = 1}};
const std::array<pair_block, 1> triangle{{{0, 0, true}}};

template<class Kernel, class MakeSink>
void pairs(benchmark::State& state, const MakeSink& make_sink) {
  const workload::samples<float> s(2000, 1, state.range(0));
  const std::array<sample<float, 1>, 1> segment{as_sample(s.x())};
  const auto data = pack_samples<typename Kernel::metric>(one_thread, segment);
  auto [memory, sink] = make_sink(s.n);
  for (auto _ : state)
    pairwise(one_thread, data, kernel_value<Kernel, float>(Kernel{s.bandwidth()}), triangle,
             std::span<const vector_view<const float>>(), sink);
  const auto rows = static_cast<double>(s.n);
  workload::report(state, rows * rows * static_cast<double>(s.d), 4.0 * rows * static_cast<double>(s.d), 1);
}

const auto with_total = [](dispar::index) {
  std::vector<double> out(1);
  const total<0, 1> sink{matrix_view<double>(out.data(), 1, 1)};
  return std::pair{std::move(out), sink};
};
const auto with_row_sums = [](dispar::index n) {
  std::vector<double> out(static_cast<std::size_t>(n));
  const row_sums<0> sink{matrix_view<double>(out.data(), n, 1)};
  return std::pair{std::move(out), sink};
};
const auto with_store = [](dispar::index n) {
  std::vector<float> out(static_cast<std::size_t>(n * n));
  const store<0, float> sink{matrix_view<float>(out.data(), n, n)};
  return std::pair{std::move(out), sink};
};

template<class Kernel, class MakeSink>
void add(const char* name, const MakeSink& make_sink) {
  benchmark::RegisterBenchmark(name, [=](benchmark::State& state) { pairs<Kernel>(state, make_sink); })
      ->Arg(16)
      ->Arg(64)
      ->Arg(256)
      ->Unit(benchmark::kMillisecond);
}

const bool registered = [] {
  add<gaussian>("backend/pairwise_total/cpu-1/float/n=2000/d", with_total);
  add<laplacian_l1>("backend/pairwise_total_l1/cpu-1/float/n=2000/d", with_total);
  add<gaussian>("backend/pairwise_row_sums/cpu-1/float/n=2000/d", with_row_sums);
  add<gaussian>("backend/pairwise_store/cpu-1/float/n=2000/d", with_store);
  return true;
}();

}  // namespace
