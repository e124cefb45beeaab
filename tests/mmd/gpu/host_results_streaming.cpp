#include "dispar/kernels/deep.hpp"
#include "dispar/kernels/gaussian.hpp"
#include "dispar/kernels/laplacian.hpp"
#include "dispar/mmd/streaming.hpp"
#include "mmd/gpu/host_results.hpp"

namespace host_results {
namespace {

using namespace dispar;

template<class T>
[[nodiscard]] matrix_view<const T> view(const rows<T>& x) {
  return {x.data, x.count, x.features};
}

template<class T, class K, class Of>
[[nodiscard]] detection detect(const rows<T>& reference, const rows<T>& stream, const K& k, const detector_options& o,
                               const std::vector<std::ptrdiff_t>& batches, const Of& sample_of) {
  mmd::online_detector detector(cpu{}, sample_of(view(reference)), k,
                                {.window = o.window, .expected_run_time = o.expected_run_time, .runs = o.runs});
  detection found{.threshold = detector.threshold()};
  dispar::index first = 0;
  for (const std::ptrdiff_t count : batches) {
    for (const auto& one : detector.update(sample_of(view(stream).slice(first, count))))
      found.updates.push_back({one.statistic, one.drift, one.filled});
    first += count;
  }
  return found;
}
const auto plain = [](const auto& x) { return as_sample(x); };

}  // namespace

detection online(rows<float> reference, rows<float> stream, double scale, detector_options o,
                 const std::vector<std::ptrdiff_t>& batches) {
  return detect(reference, stream, gaussian{scale}, o, batches, plain);
}
detection online(rows<double> reference, rows<double> stream, double scale, detector_options o,
                 const std::vector<std::ptrdiff_t>& batches) {
  return detect(reference, stream, laplacian_l1{scale}, o, batches, plain);
}
detection online_of_halves(rows<float> reference, rows<float> stream, double scale, detector_options o,
                           const std::vector<std::ptrdiff_t>& batches) {
  return detect(reference, stream, deep_kernel<>::from(scale, 3, 0.1), o, batches,
                [](const auto& x) { return channels(x.transposed().slice(0, 2).transposed(), x); });
}

}  // namespace host_results
