// Compiles as it is. With one of the macros DISPAR_MISUSE_..., one line is wrong, and the compiler has to say it readably: the
// comment behind `// error:` is a regular expression that its output has to match (expect_error.cmake).

#include "dispar/backend/cpu.hpp"
#include "dispar/backend/linalg.hpp"
#include "dispar/decoding/cad.hpp"
#include "dispar/kernels/gaussian.hpp"
#include "dispar/kernels/identity.hpp"
#include "dispar/metrics/roc.hpp"
#include "dispar/mmd/criterion.hpp"
#include "dispar/mmd/linear_time.hpp"
#include "dispar/mmd/single_instance.hpp"

namespace {

using namespace dispar;

/// A backend with nothing behind it.
struct allocator_only {
  using space = device;
  void* allocate(std::size_t) const { return nullptr; }
  void deallocate(void*, std::size_t) const {}
  void wait() const {}
};

struct no_kernel {
  double sigma;
};

struct samples {
  matrix_view<const double> x, y;
  matrix_view<const double, device> on_device;
  matrix_view<const float> in_float;
  matrix_view<const half> in_half;
  matrix_view<double> gradient;
};

}  // namespace

double estimate(const samples& s) {
#if defined(DISPAR_MISUSE_DEVICE_MEMORY)
  // error: dispar: this backend runs on the host and cannot read device memory; copy the data or use a device backend
  return mmd::estimate(cpu{}, s.on_device, s.on_device, gaussian{1});
#elif defined(DISPAR_MISUSE_TWO_SPACES)
  // error: dispar: both samples must have the same element type, number of channels and memory space
  return mmd::estimate(cpu{}, s.x, s.on_device, gaussian{1});
#elif defined(DISPAR_MISUSE_TWO_TYPES)
  // error: dispar: both samples must have the same element type, number of channels and memory space
  return mmd::estimate(cpu{}, s.x, s.in_float, gaussian{1});
#elif defined(DISPAR_MISUSE_STORAGE_NUMBERS)
  // error: dispar: this backend computes with float and double; samples of half or bfloat16 are for the gpu backend
  return mmd::estimate(cpu{}, s.in_half, s.in_half, gaussian{1});
#elif defined(DISPAR_MISUSE_BACKEND)
  // error: dispar: this backend cannot compute over pairs of rows
  return mmd::estimate(allocator_only{}, s.on_device, s.on_device, gaussian{1});
#elif defined(DISPAR_MISUSE_KERNEL)
  // error: pair_function.*no_kernel|no_kernel.*pair_function
  return mmd::estimate(cpu{}, s.x, s.y, no_kernel{1});
#elif defined(DISPAR_MISUSE_CHANNELS)
  // error: dispar: the kernel and the samples differ in their number of channels
  return mmd::estimate(cpu{}, channels(s.x, s.x), channels(s.y, s.y), gaussian{1});
#else
  return mmd::estimate(cpu{}, s.x, s.y, gaussian{1});
#endif
}

double gradient(const samples& s) {
#if defined(DISPAR_MISUSE_GRADIENT)
  // error: dispar: gradients are for kernels of a distance, not of an inner product
  return mmd::value_and_gradient(cpu{}, s.x, s.y, identity<dot>{}, {.x = {s.gradient}});
#elif defined(DISPAR_MISUSE_CRITERION_GRADIENT)
  // error: dispar: gradients are for kernels of a distance, not of an inner product
  return mmd::criterion_and_gradient(cpu{}, s.x, s.y, identity<dot>{}, {.x = {s.gradient}}).value;
#else
  return mmd::value_and_gradient(cpu{}, s.x, s.y, gaussian{1}, {.x = {s.gradient}});
#endif
}

void kernel_matrices(const samples& s, const kernel_values<gaussian, double>& two_kernels, matrix_view<double> out) {
  const auto data = pack_samples<sq_euclidean>(cpu{}, std::array{as_sample(s.x), as_sample(s.y)});
  const std::array<pair_block, 1> blocks{{{0, 1}}};
#if defined(DISPAR_MISUSE_FAMILY)
  // error: dispar: `store` and `feature_gradient` take one operation, not a family
  pairwise(cpu{}, data, two_kernels, blocks, {}, store<0, double>{out});
#else
  pairwise(cpu{}, data, two_kernels, blocks, {}, total<0, 1>{out});
#endif
}

double score(const samples& s) {
#if defined(DISPAR_MISUSE_SCORE_TYPE)
  // error: dispar: both samples must have the same element type, number of channels and memory space
  return mmd::reference_scores(cpu{}, s.x, gaussian{1})(s.in_float).front();
#else
  return mmd::reference_scores(cpu{}, s.x, gaussian{1})(s.y).front();
#endif
}

void sort(const samples& s) {
  const vector_view<const double> keys(s.x.data(), s.x.rows());
  const vector_view<double> sorted(s.gradient.data(), s.x.rows());
#if defined(DISPAR_MISUSE_SORT_BACKEND)
  // error: dispar: this backend cannot sort: it has no member has_sort = true
  sort_keys(allocator_only{}, keys, sorted);
#elif defined(DISPAR_MISUSE_SCAN_BACKEND)
  // error: dispar: this backend cannot scan: it has no member has_sort = true
  inclusive_scan(allocator_only{}, keys, sorted);
#elif defined(DISPAR_MISUSE_LINALG_OF_A_BACKEND_WITHOUT)
  // error: dispar: this backend has no linear algebra: it has no member has_linalg = true
  linear_algebra(allocator_only{});
#elif defined(DISPAR_MISUSE_LINALG_WITHOUT_ITS_HEADER)
  // error: dispar: include dispar/backend/host/linalg.hpp for linear algebra on the host, dispar/backend/gpu/linalg.hpp for gpu
  linear_algebra(cpu{});
#elif defined(DISPAR_MISUSE_SORT_DEVICE_MEMORY)
  // error: dispar: this backend runs on the host and cannot read device memory; copy the data or use a device backend
  sort_keys(cpu{}, vector_view<const double, device>(), sorted);
#elif defined(DISPAR_MISUSE_SORT_TYPES)
  // error: dispar: sorted keys have the type of the keys
  sort_keys(cpu{}, vector_view<const float>(), sorted);
#elif defined(DISPAR_MISUSE_SCAN_TYPES)
  // error: dispar: a scan goes from integers to integers or from floating-point numbers to floating-point numbers
  inclusive_scan(cpu{}, vector_view<const int>(), sorted);
#elif defined(DISPAR_MISUSE_SCORES_DEVICE_MEMORY)
  // error: dispar: this backend runs on the host and cannot read device memory; copy the data or use a device backend
  (void)metrics::auroc(vector_view<const double, device>(), keys);
#else
  sort_keys(cpu{}, keys, sorted);
  inclusive_scan(cpu{}, keys, sorted);
  (void)metrics::auroc(keys, sorted);
#endif
}

void merges(const samples& s) {
#if defined(DISPAR_MISUSE_MERGED_TYPES)
  // error: dispar: the rows that are merged must have the same element type and memory space
  decoding::cad(cpu{}, s.x, s.in_float, s.gradient);
#elif defined(DISPAR_MISUSE_MERGED_CONST)
  // error: dispar: merged must be a matrix of the inputs' element type that is not const
  decoding::cad(cpu{}, s.x, s.y, s.x);
#elif defined(DISPAR_MISUSE_MERGED_DEVICE_MEMORY)
  // error: dispar: this backend runs on the host and cannot read device memory; copy the data or use a device backend
  decoding::cad(cpu{}, s.on_device, s.on_device, matrix_view<double, device>());
#elif defined(DISPAR_MISUSE_MERGED_BACKEND)
  // error: dispar: this backend cannot run programs on rows: it has no member has_rows = true
  decoding::cad(allocator_only{}, s.on_device, s.on_device, matrix_view<double, device>());
#else
  decoding::cad(cpu{}, s.x, s.y, s.gradient);
#endif
}
