// The online detector on the GPU against the CPU: statistics and alarms of rows one by one and in batches of any size.
#include "dispar/mmd/streaming.hpp"

#include "dispar/kernels/deep.hpp"
#include "dispar/kernels/gaussian.hpp"
#include "dispar/kernels/laplacian.hpp"
#include "mmd/gpu/device_rows.hpp"
#include "mmd/gpu/host_results.hpp"

namespace {

using namespace dispar;
using gpu_tests::device_rows;
using mmd::online_options;

const gpu g = gpu_tests::device();

template<class T>
[[nodiscard]] host_results::rows<T> on_host(const device_rows<T>& x) {
  return {x.numbers.data(), x.count, x.features};
}

const std::vector<dispar::index> batches{1, 1, 2, 1, 40, 3, 1, 130, 1, 7};

/// The same stream in these batches, again after a reset. `detect(options)` is what the CPU finds.
template<class T, class K, class Of, class Detect>
void check(const device_rows<T>& reference, const device_rows<T>& stream, const K& k, const online_options& o, double tolerance,
           const Of& sample_of, const Detect& detect) {
  mmd::online_detector on_gpu(g, sample_of(reference.view()), k, o);
  const host_results::detection expected = detect(host_results::detector_options{o.window, o.expected_run_time, o.runs});
  CHECK(on_gpu.threshold() == doctest::Approx(expected.threshold).epsilon(100 * tolerance));
  int alarms = 0;
  for (int round = 0; round < 2; ++round) {
    std::size_t first = 0;
    for (const dispar::index count : batches) {
      CAPTURE(first);
      const auto found = on_gpu.update(sample_of(stream.view().slice(static_cast<dispar::index>(first), count)));
      REQUIRE(found.size() == static_cast<std::size_t>(count));
      for (const auto& one : found) {
        const auto& of_cpu = expected.updates[first++];
        CHECK(std::fabs(one.statistic - of_cpu.statistic) <= tolerance);
        CHECK(one.drift == of_cpu.drift);
        CHECK(one.filled == of_cpu.filled);
        alarms += one.drift;
      }
    }
    CHECK(first == expected.updates.size());
    CHECK(static_cast<dispar::index>(first) == stream.count);
    on_gpu.reset();
  }
  CHECK(alarms > 0);
}

const auto plain = [](const auto& x) { return as_sample(x); };

}  // namespace

TEST_CASE("gpu, online_detector: the statistics and alarms of the cpu, for float and double, products and other metrics") {
  const online_options o{.window = 7, .expected_run_time = 30, .runs = 20};
  for (const double offset : {0.0, 1000.0}) {
    const device_rows<float> reference(300, 5, 1, offset), stream(187, 5, 2, offset + 0.6);
    check(reference, stream, gaussian{2}, o, 1e-6, plain,
          [&](const auto& options) { return host_results::online(on_host(reference), on_host(stream), 2, options, batches); });
  }
  const device_rows<double> reference(129, 3, 1), stream(187, 3, 2, 0.6);
  check(reference, stream, laplacian_l1{2}, {.window = 2, .expected_run_time = 30, .runs = 20}, 1e-13, plain,
        [&](const auto& options) { return host_results::online(on_host(reference), on_host(stream), 2, options, batches); });
}

TEST_CASE("gpu, online_detector: two channels, and a window longer than a thread block") {
  const device_rows<float> reference(320, 6, 1), stream(187, 6, 2, 0.8);
  const auto halves = [](const auto& x) { return channels(x.transposed().slice(0, 2).transposed(), x); };
  check(reference, stream, deep_kernel<>::from(2, 3, 0.1), {.window = 150, .expected_run_time = 200, .runs = 10}, 1e-6, halves,
        [&](const auto& options) {
          return host_results::online_of_halves(on_host(reference), on_host(stream), 2, options, batches);
        });
}

TEST_CASE("gpu, online_detector: a row alone; bad rows are refused and leave the detector as it was") {
  const device_rows<float> reference(40, 2, 5), stream(12, 2, 6), wide(3, 3, 7);
  const online_options o{.window = 5, .expected_run_time = 50, .runs = 20};
  mmd::online_detector detector(g, reference.view(), gaussian{1}, o), other(g, reference.view(), gaussian{1}, o);
  (void)detector.update(stream.view().slice(0, 6));
  const auto expected = other.update(stream.view().slice(0, 7));
  std::vector<float> bad = stream.numbers;
  bad[9] = std::nanf("");
  const auto bad_rows = to(g, as_matrix(bad, 12, 2));
  CHECK_THROWS_WITH_AS((void)detector.update(bad_rows), "dispar: sample 1: element (4, 1) is NaN or infinite", invalid_argument);
  bad[9] = 3e19f;
  const auto large_rows = to(g, as_matrix(bad, 12, 2));
  CHECK_THROWS_WITH_AS((void)detector.update(large_rows),
                       "dispar: sample 1: element (4, 0) is too large: its row's squared norm overflows; scale the data",
                       invalid_argument);
  CHECK_THROWS_WITH_AS((void)detector.update(wide.view()), "dispar: sample: features must be the same in every sample, got 3",
                       invalid_argument);
  const auto row = detector.update(vector_view<const float, dispar::device>(stream.view().data() + 6 * 2, 2));
  CHECK(row.filled);
  CHECK(row.statistic == expected.back().statistic);
  CHECK_THROWS_WITH_AS(mmd::online_detector(g, bad_rows.view(), gaussian{1}, o),
                       "dispar: sample 0: element (4, 1) is NaN or infinite", invalid_argument);
}

#if defined(DISPAR_CUDA_EMULATION)
TEST_CASE("gpu, online_detector: an update waits once and allocates nothing, unless it is larger than all before") {
  const device_rows<float> reference(100, 3, 1), stream(60, 3, 2);
  mmd::online_detector detector(g, reference.view(), gaussian{1}, {.window = 9, .expected_run_time = 50, .runs = 10});
  (void)detector.update(stream.view().slice(0, 20));
  for (const dispar::index count : {1, 1, 20, 3}) {
    const cuda_emulation::call_counts before = cuda_emulation::calls();
    (void)detector.update(stream.view().slice(20, count));
    CHECK(cuda_emulation::calls().allocations == before.allocations);
    CHECK(cuda_emulation::calls().copies_from_host == before.copies_from_host);
    CHECK(cuda_emulation::calls().waits == before.waits + 1);
  }
}
#endif
