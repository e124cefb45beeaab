// The primitive with its sinks, on a triangle of 10000 rows.
#include "dispar/backend/operations.hpp"
#include "dispar/kernels/gaussian.hpp"
#include "dispar/kernels/laplacian.hpp"
#include "gpu/workload.hpp"

namespace {

using namespace dispar;

constexpr dispar::index rows = 10000;

template<class Kernel, class Sink>
void pairs(benchmark::State& state, const Sink& sink_on) {
  const gpu b = gpu_workload::device();
  const gpu_workload::samples<float> s(rows, 1, state.range(0));
  const std::array<sample<float, 1, device>, 1> segment{as_sample(s.x)};
  const auto data = pack_samples<typename Kernel::metric>(b, segment);
  array<double, 2, gpu> out(b, {rows, 1});
  const std::array<pair_block, 1> triangle{{{0, 0, true}}};
  const auto sink = sink_on(out.data());
  const double bytes = 4.0 * static_cast<double>(rows * s.d);
  gpu_workload::measure<float>(state, static_cast<double>(rows * rows * s.d), bytes, [&] {
    pairwise(b, data, kernel_value<Kernel, float>(Kernel{s.bandwidth()}), triangle, std::span<const vector_view<const float>>(),
             sink);
  });
}

const auto with_total = [](double* out) { return total<0, 1, device>{as_matrix<device>(out, 1, 1)}; };
const auto with_row_sums = [](double* out) { return row_sums<0, device>{as_matrix<device>(out, rows, 1)}; };

template<class Kernel, class Sink>
void add_pairs(const char* name, const Sink& sink) {
  benchmark::RegisterBenchmark(name, [=](benchmark::State& state) { pairs<Kernel>(state, sink); })
      ->Arg(64)
      ->Arg(768)
      ->Unit(benchmark::kMillisecond)
      ->UseManualTime();
}

const gpu_workload::registration added([](bool) {
  add_pairs<gaussian>("backend/pairwise_total/gpu/float/n=10000/d", with_total);
  add_pairs<laplacian_l1>("backend/pairwise_total_l1/gpu/float/n=10000/d", with_total);
  add_pairs<gaussian>("backend/pairwise_row_sums/gpu/float/n=10000/d", with_row_sums);
});

}  // namespace
