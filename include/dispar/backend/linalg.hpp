#pragma once
/// \file
/// The vocabulary of dense linear algebra, shared by every backend that `has_linalg`:
///
///     auto algebra = linear_algebra(backend);
///     algebra.product(x.transposed(), x, s, {.factor = 1.0 / n});   // s = x'x / n
///     algebra.cholesky(s, l);                                       // s = l l', l lower triangular
///     algebra.solve(l, y, z);                                       // s z = y
///     algebra.wait();                                               // on a device: errors in the data are thrown here
///
/// The overload comes with a header of its own: `dispar/backend/host/linalg.hpp` (Eigen) for `cpu` and Thrust's host systems,
/// `dispar/backend/gpu/linalg.hpp` (cuBLAS and cuSOLVER; link CUDA::cublas and CUDA::cusolver).
///
/// | call | result |
/// |---|---|
/// | `column_means(x, mean)` | mean_j = sum_i x_ij / n, summed in double |
/// | `centered(x, mean, out)` | out_ij = x_ij - mean_j |
/// | `product(a, b, c, options)` | c = factor a b, or c + factor a b |
/// | `inner_product(a, b, out)` | sum_ij a_ij b_ij, in double; of a with itself the squared Frobenius norm |
/// | `trace(a, out)` | sum_i a_ii, in double |
/// | `cholesky(a, l)` | a = l l', l lower triangular, zeros above |
/// | `solve(l, b, x)` | l l' x = b |
/// | `log_determinant(l, out)` | log det(l l') = 2 sum_i log l_ii, in double |
/// | `symmetric_eigen(a, values, vectors)` | a = V diag(values) V', ascending; vectors are the columns of V; a null view: not
/// computed | | `singular_values(a, values)` | of any a, descending, min(rows, columns) of them | | `square_root(a, root)` |
/// symmetric R with R R = a; eigenvalues below 0 count as 0 |
///
/// Arguments are anything that `view_of` turns into a matrix or vector the backend can reach, with any strides: `x.transposed()`
/// costs nothing where either rows or columns are contiguous. Within a call all are of one type, float or double, but `mean` and
/// what `centered` writes, which are double, and `out`, a `scalar_view<double>`. Of symmetric arguments the lower triangle is
/// read. Outputs may be inputs of the same layout where shapes agree, but those of `product`. No rows or no columns: nothing
/// happens, sums are 0.
///
/// **Cost.** O(n^3) for square matrices, working memory of some copies of the arguments, in stream order on a GPU. Nothing waits
/// on a GPU but what cuSOLVER does by itself. On a GPU products of floats follow `gpu::precision`: float multiply-adds, or TF32.
///
/// **Bits.** The same for any number of threads on the host (unless `Eigen::setNbThreads` was called), run to run on a GPU.
/// Eigenvectors are determined up to their sign, and within the space of equal eigenvalues: they differ between backends.
///
/// Throws `invalid_argument` for shapes that do not fit, at once; for NaN, infinity, and a matrix that is not positive definite,
/// at once on the host, by `wait` on a device, where results are then undefined. `std::runtime_error` if an iteration does not
/// converge.

#include <cstddef>
#include <stdexcept>
#include <string>

#include "dispar/backend/backend.hpp"
#include "dispar/core/view_traits.hpp"

DISPAR_NAMESPACE_BEGIN

/// Of `product`.
struct product_options {
  double factor = 1;        ///< multiplies the product
  bool accumulate = false;  ///< added to what is there
};

/// A backend without the capability says so, and so does one whose header was not included.
template<backend B>
auto linear_algebra(const B&) {
  static_assert(has_linalg<B>, "dispar: this backend has no linear algebra: it has no member has_linalg = true");
  static_assert(!has_linalg<B>,
                "dispar: include dispar/backend/host/linalg.hpp for linear algebra on the host, "
                "dispar/backend/gpu/linalg.hpp for gpu");
}

namespace detail {

/// What may be wrong with the elements of a matrix; numbers, since a device reports it.
///@{
enum class matrix_problem : int { none, not_finite, not_positive_definite, no_convergence };
enum class matrix_operation : int { centered, cholesky, solve, symmetric_eigen, singular_values, square_root };
///@}

/// `at`: row * cols + column of the element, or the order of the leading minor.
inline void throw_matrix_problem(matrix_operation operation, matrix_problem problem, index at, index cols) {
  if (problem == matrix_problem::none) return;
  static constexpr const char* names[] = {"centered: x",        "cholesky: a",        "solve: b",
                                          "symmetric_eigen: a", "singular_values: a", "square_root: a"};
  const std::string text = std::string("dispar: ") + names[static_cast<int>(operation)];
  const auto number = [](index i) { return std::to_string(i); };
  if (problem == matrix_problem::not_finite)
    throw invalid_argument(text + ": element (" + number(at / cols) + ", " + number(at % cols) + ") is NaN or infinite");
  if (problem == matrix_problem::not_positive_definite)
    throw invalid_argument(text + " must be positive definite; its first " + number(at) + " rows and columns are not");
  throw std::runtime_error(text + ": the iteration did not converge");
}

inline void require_extent(index extent, index wanted, const char* argument, const char* rule) {
  require(extent == wanted, argument, rule, static_cast<double>(extent));
}
inline void require_shape(index rows, index cols, index wanted_rows, index wanted_cols, const char* argument) {
  require_extent(rows, wanted_rows, argument, "has a wrong number of rows");
  require_extent(cols, wanted_cols, argument, "has a wrong number of columns");
}

/// The views of matrices whose elements are all of type T.
template<class T, class X>
[[nodiscard]] auto elements_of(X&& x) {
  const auto view = view_of(x);
  static_assert(std::is_same_v<typename decltype(view)::value_type, T>, "dispar: matrices of one call have elements of one type");
  return view;
}

}  // namespace detail

DISPAR_NAMESPACE_END
