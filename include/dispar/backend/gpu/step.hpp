#pragma once
/// \file
/// Steps on the GPU, see `dispar/backend/step.hpp`: a kernel of one thread, or of one thread per index.

#include "dispar/backend/gpu/sinks.hpp"
#include "dispar/backend/step.hpp"

DISPAR_NAMESPACE_BEGIN

namespace detail {

inline constexpr int step_threads = 128;

template<class Step>
__global__ void step_kernel(Step step) {
  step();
}
template<class Step>
__global__ void __launch_bounds__(step_threads) steps_kernel(Step step, index n) {
  const index i = static_cast<index>(blockIdx.x) * step_threads + static_cast<index>(threadIdx.x);
  if (i < n) step(i);
}

}  // namespace detail

/// Steps of the GPU.
///@{
template<class Step>
void in_order(const gpu& b, const Step& step) {
  detail::launch(b, "step_kernel", detail::step_kernel<Step>, 1, 1, step);
}
template<class Step>
void for_each_index(const gpu& b, index n, const Step& step) {
  detail::launch(b, "steps_kernel", detail::steps_kernel<Step>, (n + detail::step_threads - 1) / detail::step_threads,
                 detail::step_threads, step, n);
}
template<class Step>
void for_each_index(const gpu& b, index n, double, const Step& step) {
  for_each_index(b, n, step);
}
inline void column_sums(const gpu& b, const matrix_view<const double, device>& x, const vector_view<double, device>& out) {
  require(x.stride(1) == 1, "column_sums: x", "must have rows without gaps", static_cast<double>(x.stride(1)));
  detail::launch(b, "ordered_sums_kernel", detail::ordered_sums_kernel<detail::reduce_threads>, x.cols(), detail::reduce_threads,
                 x.data(), x.rows(), x.stride(0), detail::strided<double>{out.data(), 0, out.stride(0)}, x.cols());
}
/// Waits. Throws `invalid_argument` for bad data as `gpu::wait`.
template<class T>
void read_back(const gpu& b, const T* from, T* to, index count) {
  detail::wait_for(b, from, to, static_cast<std::size_t>(count) * sizeof(T));
}
///@}

DISPAR_NAMESPACE_END
