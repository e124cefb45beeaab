// As misuse.cpp, for nvcc, and for the host's compiler with the kernels emulated.

#include "dispar/backend/gpu.hpp"
#include "dispar/interop/dlpack.hpp"
#include "dispar/kernels/gaussian.hpp"
#include "dispar/kernels/laplacian.hpp"
#include "dispar/mmd/estimate.hpp"

namespace {

using namespace dispar;

struct samples {
  matrix_view<const float> on_host;
  matrix_view<const float, device> on_device;
  matrix_view<const float, managed> in_managed;
  matrix_view<const float, pinned> in_pinned;
  float* pointer;
  matrix_view<const bfloat16, device> in_bfloat16;
};

// The members of DLTensor.
struct tensor {
  void* data;
  struct {
    int device_type, device_id;
  } device;
  int ndim;
  struct {
    unsigned char code, bits;
    unsigned short lanes;
  } dtype;
  std::int64_t *shape, *strides;
  std::uint64_t byte_offset;
};

}  // namespace

double estimate(cuda_context& context, const samples& s, [[maybe_unused]] const tensor& t) {
  const gpu b{&context};
  const gaussian k{1};
#if defined(DISPAR_MISUSE_HOST_MEMORY)
  // error: dispar: the gpu backend cannot read host memory; copy the data with dispar::to.gpu, x. or use the cpu backend
  return mmd::estimate(b, s.on_host, s.on_host, k);
#elif defined(DISPAR_MISUSE_HOST_MATRIX)
  // error: dispar: the gpu backend cannot read host memory; copy the data with dispar::to.gpu, x. or use the cpu backend
  return mmd::estimate(b, mmd::given(s.on_host, 2));
#elif defined(DISPAR_MISUSE_POINTER)
  // error: dispar: the gpu backend cannot read host memory; copy the data with dispar::to.gpu, x. or use the cpu backend
  return mmd::estimate(b, as_matrix(s.pointer, 2, 3), as_matrix(s.pointer, 2, 3), k);
#elif defined(DISPAR_MISUSE_TENSOR)
  // error: dispar: the gpu backend cannot read host memory; copy the data with dispar::to.gpu, x. or use the cpu backend
  return mmd::estimate(b, from_dlpack<const float, 2>(t), from_dlpack<const float, 2>(t), k);
#elif defined(DISPAR_MISUSE_STORAGE_NUMBERS)
  // error: dispar: samples of half or bfloat16 are for metrics that are a matrix product: sq_euclidean, dot
  return mmd::estimate(b, s.in_bfloat16, s.in_bfloat16, laplacian_l1{1});
#else
  return mmd::estimate(b, s.in_bfloat16, s.in_bfloat16, k) + mmd::estimate(b, s.on_device, s.on_device, k) +
         mmd::estimate(b, s.in_managed, s.in_managed, k) + mmd::estimate(b, s.in_pinned, s.in_pinned, k) +
         mmd::estimate(b, mmd::given(s.on_device, 2)) +
         mmd::estimate(b, as_matrix<device>(s.pointer, 2, 3), as_matrix<device>(s.pointer, 2, 3), k);
#endif
}

void scan(cuda_context& context, vector_view<double> on_host, vector_view<double, device> on_device) {
#if defined(DISPAR_MISUSE_SCAN_HOST_MEMORY)
  // error: dispar: the gpu backend cannot read host memory; copy the data with dispar::to.gpu, x. or use the cpu backend
  inclusive_scan(gpu{&context}, on_host, on_device);
#else
  (void)on_host;
  inclusive_scan(gpu{&context}, on_device, on_device);
#endif
}

void sort(cuda_context& context, vector_view<double, device> keys) {
#if defined(DISPAR_MISUSE_SORT_WITHOUT_ITS_HEADER)
  // error: dispar: sort_keys takes vector views; that of gpu is in dispar/backend/gpu/sort.hpp, to be included
  sort_keys(gpu{&context}, keys, keys);
#else
  (void)context;
  (void)keys;
#endif
}
