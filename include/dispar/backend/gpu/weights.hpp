#pragma once
/// \file
/// Row weights on the GPU: checked and summed where they are.

#include "dispar/backend/gpu/scan.hpp"
#include "dispar/backend/gpu/step.hpp"

DISPAR_NAMESPACE_BEGIN

namespace detail {

inline constexpr int weight_threads = 256;
inline constexpr unsigned long long no_bad_weight = ~0ull;

/// Weights of one sample, 1 where it has none; powers[row] = {w, w^2}; the first row whose weight is none.
template<class T>
__global__ void __launch_bounds__(weight_threads)
    copy_weights_kernel(strided_vector<const T> source, index rows, T* target, double* powers, unsigned long long* bad) {
  const index i = static_cast<index>(blockIdx.x) * weight_threads + static_cast<index>(threadIdx.x);
  if (i >= rows) return;  // no barrier follows
  const T w = source.data != nullptr ? source(i) : T(1);
  if (is_special(w) || !(w >= 0)) atomicMin(bad, static_cast<unsigned long long>(i));
  target[i] = w;
  powers[2 * i] = static_cast<double>(w);
  powers[2 * i + 1] = static_cast<double>(w) * static_cast<double>(w);
}

/// What the next wait throws, unless there is something else. One thread.
template<class T>
__global__ void report_weights_kernel(const T* weights, const double* sum, const unsigned long long* bad, int sample,
                                      data_report* report) {
  if (report->what != data_report::defect::none) return;
  if (*bad != no_bad_weight) {
    const auto row = static_cast<index>(*bad);
    *report = {data_report::defect::bad_weight, sample, row, 0, static_cast<double>(weights[row])};
  } else if (!(*sum > 0)) {
    *report = {data_report::defect::no_weight, sample, 0, 0, *sum};
  }
}

}  // namespace detail

/// Weights of sample `sample` (1 where the view is null) to `target`, one per row, their sum and that of their squares to `sums`.
/// Bad ones are thrown at the next wait.
template<class T, memory_space S>
void copy_weights(const gpu& b, const vector_view<const T, S>& weights, index rows, int sample, T* target,
                  const vector_view<double, device>& sums) {
  detail::require_device_memory<S>();
  array<double, 2, gpu> powers(b, {rows, 2});
  array<unsigned long long, 1, gpu> bad(b, {1});
  detail::fill_bytes(b, bad, 0xff);
  detail::launch(b, "copy_weights_kernel", detail::copy_weights_kernel<T>,
                 (rows + detail::weight_threads - 1) / detail::weight_threads, detail::weight_threads,
                 detail::strided_of(weights), rows, target, powers.data(), bad.data());
  column_sums(b, std::as_const(powers).view(), sums);
  detail::launch(b, "report_weights_kernel", detail::report_weights_kernel<T>, 1, 1, target, sums.data(), bad.data(), sample,
                 detail::report_of(b));
}

DISPAR_NAMESPACE_END
