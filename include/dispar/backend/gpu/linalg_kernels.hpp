#pragma once
/// \file
/// Kernels around cuBLAS and cuSOLVER: copies between layouts with a search for NaN and infinity, sums in a fixed order, and the
/// report of what a call has found.

#include <cmath>

#include "dispar/backend/gpu/scan.hpp"
#include "dispar/backend/gpu/sinks.hpp"
#include "dispar/backend/linalg.hpp"

DISPAR_NAMESPACE_BEGIN

namespace detail {

inline constexpr int matrix_threads = 256;

/// What the calls of one `gpu_linear_algebra` have found; the first problem stays.
struct matrix_report {
  int operation, problem;
  long long at, cols;
};

/// Scratch of one call, bytes 0x7f before: the least number of an element that is not finite.
struct matrix_findings {
  unsigned long long not_finite;
  static constexpr unsigned long long nothing = 0x7f7f7f7f7f7f7f7full;
};

/// to(i, j) = element(i, j).
template<class Element, class T>
__global__ void __launch_bounds__(matrix_threads) fill_matrix_kernel(Element element, strided<T> to, index rows, index cols) {
  const index e = static_cast<index>(blockIdx.x) * matrix_threads + static_cast<index>(threadIdx.x);
  if (e >= rows * cols) return;  // no barrier follows
  const index i = e / cols, j = e % cols;
  to(i, j) = static_cast<T>(element(i, j));
}
template<class Element, class T>
void fill_matrix(const gpu& b, const Element& element, const strided<T>& to, index rows, index cols) {
  launch(b, "fill_matrix_kernel", fill_matrix_kernel<Element, T>, (rows * cols + matrix_threads - 1) / matrix_threads,
         matrix_threads, element, to, rows, cols);
}

/// Elements for `fill_matrix`.
///@{
template<class T>
struct plain_element {
  strided<T> from;
  __device__ T operator()(index i, index j) const { return from(i, j); }
};
template<class T>
struct finite_element {
  strided<const T> from;
  index cols;
  matrix_findings* findings;
  __device__ T operator()(index i, index j) const {
    const T value = from(i, j);
    if (is_special(value)) atomicMin(&findings->not_finite, static_cast<unsigned long long>(i * cols + j));
    return value;
  }
};
/// The lower triangle, mirrored; what is above is not read.
template<class T>
struct mirrored_element {
  finite_element<T> finite;
  __device__ T operator()(index i, index j) const { return i < j ? finite(j, i) : finite(i, j); }
};
/// The lower triangle, zeros above.
template<class T>
struct lower_element {
  strided<const T> from;
  __device__ T operator()(index i, index j) const { return i < j ? T(0) : from(i, j); }
};
template<class T>
struct centered_element {
  finite_element<T> finite;
  strided_vector<const double> mean;
  __device__ double operator()(index i, index j) const { return static_cast<double>(finite(i, j)) - mean(j); }
};
/// Column j of eigenvectors times the root of the eigenvalue.
template<class T>
struct rooted_element {
  strided<const T> vectors;
  const T* values;
  __device__ T operator()(index i, index j) const {
    const T value = values[j];
    return vectors(i, j) * (value > T(0) ? static_cast<T>(::sqrt(static_cast<double>(value))) : T(0));
  }
};
///@}

/// partial[thread block]: sums of term(e) over its share of 0 .. count - 1, which only the count decides.
template<class Term>
__global__ void __launch_bounds__(matrix_threads) partial_sums_kernel(Term term, index count, double* partial) {
  __shared__ double warp_sums[matrix_threads / 32];
  double sum = 0;
  const index step = static_cast<index>(gridDim.x) * matrix_threads;
  for (index e = static_cast<index>(blockIdx.x) * matrix_threads + static_cast<index>(threadIdx.x); e < count; e += step)
    sum += term(e);
  sum = thread_block_sum(sum, warp_sums);
  if (threadIdx.x == 0) partial[blockIdx.x] = sum;
}

/// Terms of `sum_of_terms`.
///@{
template<class T>
struct product_term {
  strided<const T> a, b;
  index cols;
  __device__ double operator()(index e) const {
    const index i = e / cols, j = e % cols;
    return static_cast<double>(a(i, j)) * static_cast<double>(b(i, j));
  }
};
template<class T>
struct diagonal_term {
  strided<const T> a;
  __device__ double operator()(index i) const { return static_cast<double>(a(i, i)); }
};
template<class T>
struct log_square_term {
  strided<const T> a;
  __device__ double operator()(index i) const { return 2 * ::log(static_cast<double>(a(i, i))); }
};
///@}

/// Writes one number to the device.
template<class Term>
void sum_of_terms(const gpu& b, const Term& term, index count, double* out) {
  const index whole = (count + matrix_threads - 1) / matrix_threads, parts = whole < 1024 ? whole : 1024;
  array<double, 1, gpu> partial(b, {parts});
  launch(b, "partial_sums_kernel", partial_sums_kernel<Term>, parts, matrix_threads, term, count, partial.data());
  launch(b, "ordered_sums_kernel", ordered_sums_kernel<reduce_threads>, index{1}, reduce_threads,
         static_cast<const double*>(partial.data()), parts, index{1}, strided<double>{out, 1, 1}, index{1});
}

/// mean(j) of sums of `column_sums_kernel`.
template<int Threads>
__global__ void __launch_bounds__(Threads)
    double_means_kernel(const double* partial, index chunks, index rows, index cols, strided_vector<double> mean) {
  const index j = static_cast<index>(blockIdx.x) * Threads + static_cast<index>(threadIdx.x);
  if (j >= cols) return;  // no barrier follows
  double sum = 0;
  for (index c = 0; c < chunks; ++c) sum += partial[c * cols + j];
  mean(j) = rows == 0 ? 0.0 : sum / static_cast<double>(rows);
}

/// Notes what a call has found unless an earlier one found something. `info` is cuSOLVER's, or null; `positive` says what a
/// positive one means.
template<class Report>
__global__ void note_kernel(Report* report, int operation, int positive, index cols, const matrix_findings* findings,
                            const int* info) {
  if (report->problem != 0) return;
  if (findings != nullptr && findings->not_finite != matrix_findings::nothing)
    *report = {operation, static_cast<int>(matrix_problem::not_finite), static_cast<long long>(findings->not_finite), cols};
  else if (info != nullptr && *info > 0)
    *report = {operation, positive, *info, cols};
}

}  // namespace detail

DISPAR_NAMESPACE_END
