#pragma once
/// \file
/// Steps on the host, see `dispar/backend/step.hpp`: they run at once. Not inlined: which products a compiler contracts depends
/// on what surrounds them.

#include <algorithm>

#include "dispar/backend/host/tiled_host.hpp"
#include "dispar/backend/step.hpp"

DISPAR_NAMESPACE_BEGIN

namespace detail {

template<class Step>
[[gnu::noinline]] void run_step(const Step& step) {
  step();
}
template<class Step>
[[gnu::noinline]] void run_steps(const Step& step, index first, index last) {
  for (index i = first; i < last; ++i) step(i);
}
[[gnu::noinline]] inline void sum_columns(const strided<const double>& x, index rows, index cols, double* out, index stride) {
  for (index j = 0; j < cols; ++j) out[j * stride] = 0;
  for (index i = 0; i < rows; ++i)
    for (index j = 0; j < cols; ++j) out[j * stride] += x(i, j);
}

}  // namespace detail

/// Steps of a host backend.
///@{
template<class Each, class Memory, class Step>
void in_order(const tiled_host<Each, Memory>&, const Step& step) {
  detail::run_step(step);
}
template<class Each, class Memory, class Step>
void for_each_index(const tiled_host<Each, Memory>&, index n, const Step& step) {
  detail::run_steps(step, 0, n);
}
template<class Each, class Memory, class Step>
void for_each_index(const tiled_host<Each, Memory>& b, index n, double work, const Step& step) {
  constexpr index together = 64;
  b.run((n + together - 1) / together, work, [&](index task) noexcept {
    const index first = task * together;
    detail::run_steps(step, first, n - first < together ? n : first + together);
  });
}
template<class Each, class Memory>
void column_sums(const tiled_host<Each, Memory>&, const matrix_view<const double>& x, const vector_view<double>& out) {
  detail::sum_columns(detail::strided_of(x), x.rows(), x.cols(), out.data(), out.stride(0));
}
template<class Each, class Memory, class T>
void read_back(const tiled_host<Each, Memory>&, const T* from, T* to, index count) {
  std::copy_n(from, count, to);
}
///@}

DISPAR_NAMESPACE_END
