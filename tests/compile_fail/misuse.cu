// As misuse.cpp, for nvcc.

#include "dispar/backend/gpu.hpp"
#include "dispar/kernels/gaussian.hpp"
#include "dispar/mmd/estimate.hpp"

double estimate(dispar::cuda_context& context, dispar::matrix_view<const float> x) {
#if defined(DISPAR_MISUSE_HOST_MEMORY)
  // error: dispar: the gpu backend cannot read host memory; copy the data with dispar::to.gpu, x. or use the cpu backend
  return dispar::mmd::estimate(dispar::gpu{&context}, x, x, dispar::gaussian{1});
#else
  (void)context;
  return static_cast<double>(x(0, 0));
#endif
}
