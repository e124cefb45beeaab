#pragma once
/// \file
/// `linear_algebra` of `cpu` and of Thrust's host systems, by Eigen. Not part of `dispar/backend/cpu.hpp`, which knows no Eigen.

#include <Eigen/Cholesky>
#include <Eigen/Eigenvalues>
#include <Eigen/Householder>
#include <algorithm>
#include <cmath>
#include <vector>

#include "dispar/backend/host/tiled_host.hpp"
#include "dispar/backend/linalg.hpp"
#include "dispar/core/special_values.hpp"

DISPAR_NAMESPACE_BEGIN

namespace detail {

/// Eigen asks OpenMP for the number of threads, and bits would follow it: one, while this lives. The number belongs to the
/// calling thread; the executor's threads share the work where there is any to share.
class one_eigen_thread {
public:
  one_eigen_thread(const one_eigen_thread&) = delete;
  one_eigen_thread& operator=(const one_eigen_thread&) = delete;
#if defined(_OPENMP)
  one_eigen_thread() : before_(omp_get_max_threads()) { omp_set_num_threads(1); }
  ~one_eigen_thread() { omp_set_num_threads(before_); }

private:
  int before_;
#else
  one_eigen_thread() {}
  ~one_eigen_thread() {}
#endif
};

template<class T>
using eigen_matrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// d_0, e_0, d_1, e_1, ... of Q'mP, upper bidiagonal, by Householder reflections; m has at least as many rows as columns.
template<class M>
[[nodiscard]] auto bidiagonalized(M& m) {
  using T = typename M::Scalar;
  const index rows = m.rows(), cols = m.cols();
  Eigen::Matrix<T, Eigen::Dynamic, 1> beside(2 * cols - 1), scratch(rows);
  T tau{}, beta{};
  for (index k = 0; k < cols; ++k) {
    const index below = rows - k, right = cols - k - 1;
    m.col(k).tail(below).makeHouseholderInPlace(tau, beta);
    beside[2 * k] = beta;
    if (right == 0) break;
    m.bottomRightCorner(below, right).applyHouseholderOnTheLeft(m.col(k).tail(below - 1), tau, scratch.data());
    m.row(k).tail(right).makeHouseholderInPlace(tau, beta);
    beside[2 * k + 1] = beta;
    m.bottomRightCorner(below - 1, right).applyHouseholderOnTheRight(m.row(k).tail(right - 1).transpose(), tau, scratch.data());
  }
  return beside;
}

}  // namespace detail

/// What `linear_algebra(host backend)` returns; see `dispar/backend/linalg.hpp` for its operations.
template<class Backend>
class host_linear_algebra {
  using operation = detail::matrix_operation;
  template<class T>
  using dense = detail::eigen_matrix<T>;

public:
  /// On a copy of the backend.
  explicit host_linear_algebra(const Backend& b) : backend_(b) {}

  /// See `dispar/backend/linalg.hpp`.
  ///@{
  template<matrix_like X, vector_like Mean>
  void column_means(const X& x, Mean&& mean) const {
    const auto from = view_of(x);
    const auto to = detail::elements_of<double>(mean);
    require_host<space_of<X>, space_of<Mean>>();
    detail::require_extent(to.size(), from.cols(), "column_means: mean", "must have the columns of x");
    constexpr index chunk = 256;
    const index chunks = (from.rows() + chunk - 1) / chunk, cols = from.cols();
    std::vector<double> partial(static_cast<std::size_t>(chunks * cols), 0.0);
    backend_.run(chunks, work(from.size()), [&](index c) {
      double* const sums = partial.data() + c * cols;
      const index last = (c + 1) * chunk < from.rows() ? (c + 1) * chunk : from.rows();
      for (index i = c * chunk; i < last; ++i)
        for (index j = 0; j < cols; ++j) sums[j] += static_cast<double>(from(i, j));
    });
    for (index j = 0; j < cols; ++j) {
      double sum = 0;
      for (index c = 0; c < chunks; ++c) sum += partial[static_cast<std::size_t>(c * cols + j)];
      to(j) = from.rows() == 0 ? 0.0 : sum / static_cast<double>(from.rows());
    }
  }

  template<matrix_like X, vector_like Mean, matrix_like Out>
  void centered(const X& x, const Mean& mean, Out&& out) const {
    const auto from = view_of(x);
    const auto shift = detail::elements_of<double>(mean);
    const auto to = detail::elements_of<double>(out);
    require_host<space_of<X>, space_of<Mean>, space_of<Out>>();
    detail::require_extent(shift.size(), from.cols(), "centered: mean", "must have the columns of x");
    detail::require_shape(to.rows(), to.cols(), from.rows(), from.cols(), "centered: out");
    for (index i = 0; i < from.rows(); ++i)
      for (index j = 0; j < from.cols(); ++j) to(i, j) = static_cast<double>(finite(from, i, j, operation::centered)) - shift(j);
  }

  template<matrix_like A, matrix_like B, matrix_like C>
  void product(const A& a, const B& b, C&& c, product_options options = {}) const {
    using T = value_type_of<A>;
    const auto left = view_of(a);
    const auto right = detail::elements_of<T>(b);
    const auto to = detail::elements_of<T>(c);
    require_host<space_of<A>, space_of<B>, space_of<C>>();
    detail::require_extent(right.rows(), left.cols(), "product: b", "must have as many rows as a has columns");
    detail::require_shape(to.rows(), to.cols(), left.rows(), right.cols(), "product: c");
    // Rows by the hundred, as the shapes say. One order of storage: Eigen's product is compiled once.
    constexpr index chunk = 128;
    const dense<T> factor = copy(right);
    const thrifty<decltype(backend_.each)> each{backend_.each, work(left.size() * right.cols())};
    each_may_throw(each, (left.rows() + chunk - 1) / chunk, [&](index task) {
      const detail::one_eigen_thread one;
      const index first = task * chunk, count = first + chunk < left.rows() ? chunk : left.rows() - first;
      dense<T> result(count, right.cols());
      result.noalias() = copy(left.slice(first, count)) * factor;
      for (index i = 0; i < count; ++i)
        for (index j = 0; j < right.cols(); ++j) {
          const T value = static_cast<T>(options.factor) * result(i, j);
          to(first + i, j) = options.accumulate ? to(first + i, j) + value : value;
        }
    });
  }

  template<matrix_like A, matrix_like B, memory_space S>
  void inner_product(const A& a, const B& b, scalar_view<double, S> out) const {
    const auto left = view_of(a);
    const auto right = detail::elements_of<value_type_of<A>>(b);
    require_host<space_of<A>, space_of<B>, S>();
    detail::require_shape(right.rows(), right.cols(), left.rows(), left.cols(), "inner_product: b");
    std::vector<double> rows(static_cast<std::size_t>(left.rows()));
    backend_.run(left.rows(), work(left.size()), [&](index i) {
      double sum = 0;
      for (index j = 0; j < left.cols(); ++j) sum += static_cast<double>(left(i, j)) * static_cast<double>(right(i, j));
      rows[static_cast<std::size_t>(i)] = sum;
    });
    double sum = 0;
    for (const double row : rows) sum += row;
    out() = sum;
  }

  template<matrix_like A, memory_space S>
  void trace(const A& a, scalar_view<double, S> out) const {
    require_host<space_of<A>, S>();
    out() = diagonal_sum(a, "trace: a", [](double x) { return x; });
  }

  template<matrix_like A, matrix_like L>
  void cholesky(const A& a, L&& l) const {
    using T = value_type_of<A>;
    const auto to = detail::elements_of<T>(l);
    require_host<space_of<A>, space_of<L>>();
    const dense<T> m = finite_lower(view_of(a), "cholesky: a", operation::cholesky);
    detail::require_shape(to.rows(), to.cols(), m.rows(), m.cols(), "cholesky: l");
    const detail::one_eigen_thread one;
    const Eigen::LLT<dense<T>> llt(m);
    if (llt.info() != Eigen::Success) {
      index good = 0, bad = m.rows();  // orders of leading minors: Eigen does not tell at which it has stopped
      while (bad - good > 1) {
        const index order = good + (bad - good) / 2;
        const Eigen::LLT<dense<T>> minor(m.topLeftCorner(order, order));
        (minor.info() == Eigen::Success ? good : bad) = order;
      }
      detail::throw_matrix_problem(operation::cholesky, detail::matrix_problem::not_positive_definite, bad, m.cols());
    }
    write(dense<T>(llt.matrixL()), to);
  }

  template<matrix_like L, matrix_like B, matrix_like X>
  void solve(const L& l, const B& b, X&& x) const {
    using T = value_type_of<L>;
    const auto right = detail::elements_of<T>(b);
    const auto to = detail::elements_of<T>(x);
    require_host<space_of<L>, space_of<B>, space_of<X>>();
    const dense<T> factor = copy(view_of(l));
    detail::require_extent(factor.cols(), factor.rows(), "solve: l", "must be square");
    detail::require_extent(right.rows(), factor.rows(), "solve: b", "must have the rows of l");
    detail::require_shape(to.rows(), to.cols(), right.rows(), right.cols(), "solve: x");
    dense<T> m(right.rows(), right.cols());
    for (index i = 0; i < right.rows(); ++i)
      for (index j = 0; j < right.cols(); ++j) m(i, j) = finite(right, i, j, operation::solve);
    const detail::one_eigen_thread one;
    factor.template triangularView<Eigen::Lower>().solveInPlace(m);
    factor.transpose().template triangularView<Eigen::Upper>().solveInPlace(m);
    write(m, to);
  }

  template<matrix_like L, memory_space S>
  void log_determinant(const L& l, scalar_view<double, S> out) const {
    require_host<space_of<L>, S>();
    out() = 2 * diagonal_sum(l, "log_determinant: l", [](double x) { return std::log(x); });
  }

  template<matrix_like A, vector_like Values, matrix_like Vectors = matrix_view<value_type_of<A>>>
  void symmetric_eigen(const A& a, Values&& values, Vectors&& vectors = {}) const {
    using T = value_type_of<A>;
    const auto lambda = detail::elements_of<T>(values);
    const auto v = detail::elements_of<T>(vectors);
    require_host<space_of<A>, space_of<Values>, space_of<Vectors>>();
    const auto found = eigen(view_of(a), operation::symmetric_eigen, static_cast<bool>(v), "symmetric_eigen: a");
    const index n = found.values.size();
    detail::require_extent(lambda.size(), n, "symmetric_eigen: values", "must have the rows of a");
    for (index i = 0; i < n; ++i) lambda(i) = found.values[i];
    if (!v) return;
    detail::require_shape(v.rows(), v.cols(), n, n, "symmetric_eigen: vectors");
    write(found.vectors, v);
  }

  template<matrix_like A, vector_like Values>
  void singular_values(const A& a, Values&& values) const {
    using T = value_type_of<A>;
    const auto from = view_of(a);
    const auto sigma = detail::elements_of<T>(values);
    require_host<space_of<A>, space_of<Values>>();
    const index least = from.rows() < from.cols() ? from.rows() : from.cols();
    detail::require_extent(sigma.size(), least, "singular_values: values", "must be as many as a has rows or columns");
    if (least == 0) return;
    const bool wide = from.rows() < from.cols();
    Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic> m(wide ? from.cols() : from.rows(), least);
    for (index i = 0; i < from.rows(); ++i)
      for (index j = 0; j < from.cols(); ++j) (wide ? m(j, i) : m(i, j)) = finite(from, i, j, operation::singular_values);
    const detail::one_eigen_thread one;
    // The bidiagonal matrix with diagonal d and off-diagonal e has the singular values s where the tridiagonal one with zeros on
    // the diagonal and d_0, e_0, d_1, ... beside it has the eigenvalues s and -s (Golub and Kahan, 1965).
    Eigen::SelfAdjointEigenSolver<Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic>> solver(2 * least);
    solver.computeFromTridiagonal(Eigen::Matrix<T, Eigen::Dynamic, 1>::Zero(2 * least), detail::bidiagonalized(m),
                                  Eigen::EigenvaluesOnly);
    if (solver.info() != Eigen::Success)
      detail::throw_matrix_problem(operation::singular_values, detail::matrix_problem::no_convergence, 0, 1);
    for (index i = 0; i < least; ++i) sigma(i) = std::max(solver.eigenvalues()[2 * least - 1 - i], T(0));
  }

  template<matrix_like A, matrix_like Root>
  void square_root(const A& a, Root&& root) const {
    using T = value_type_of<A>;
    const auto to = detail::elements_of<T>(root);
    require_host<space_of<A>, space_of<Root>>();
    const auto found = eigen(view_of(a), operation::square_root, true, "square_root: a");
    const index n = found.values.size();
    detail::require_shape(to.rows(), to.cols(), n, n, "square_root: root");
    dense<T> v = found.vectors, scaled = v;
    for (index k = 0; k < n; ++k) scaled.col(k) *= std::sqrt(std::max(found.values[k], T(0)));
    const auto view = [n](dense<T>& m) { return matrix_view<T>(m.data(), n, n); };
    product(view(scaled), view(v).transposed(), to);
  }

  void wait() const { backend_.wait(); }
  ///@}

private:
  [[nodiscard]] static double work(index count) { return static_cast<double>(count); }

  template<memory_space... S>
  static constexpr void require_host() {
    static_assert((reachable<S, host> && ...),
                  "dispar: this backend runs on the host and cannot reach device memory; copy the data with dispar::to_host");
  }

  template<class V>
  [[nodiscard]] static auto finite(const V& view, index i, index j, operation of) {
    const auto value = view(i, j);
    if (is_special(value)) detail::throw_matrix_problem(of, detail::matrix_problem::not_finite, i * view.cols() + j, view.cols());
    return value;
  }

  template<class V>
  [[nodiscard]] static dense<typename V::value_type> copy(const V& view) {
    dense<typename V::value_type> m(view.rows(), view.cols());
    for (index i = 0; i < view.rows(); ++i)
      for (index j = 0; j < view.cols(); ++j) m(i, j) = view(i, j);
    return m;
  }

  /// The lower triangle, mirrored.
  template<class V>
  [[nodiscard]] static dense<typename V::value_type> finite_lower(const V& view, const char* argument, operation of) {
    detail::require_extent(view.cols(), view.rows(), argument, "must be square");
    dense<typename V::value_type> m(view.rows(), view.cols());
    for (index i = 0; i < view.rows(); ++i)
      for (index j = 0; j <= i; ++j) m(j, i) = m(i, j) = finite(view, i, j, of);
    return m;
  }

  template<class M, class V>
  static void write(const M& m, const V& to) {
    for (index i = 0; i < to.rows(); ++i)
      for (index j = 0; j < to.cols(); ++j) to(i, j) = m(i, j);
  }

  template<class T>
  struct eigen_result {
    Eigen::Matrix<T, Eigen::Dynamic, 1> values;
    Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic> vectors;  // empty where not wanted
  };
  template<class V>
  [[nodiscard]] static auto eigen(const V& a, operation of, bool vectors, const char* argument) {
    using T = typename V::value_type;
    using matrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic>;
    const matrix m = finite_lower(a, argument, of);
    if (m.rows() == 0) return eigen_result<T>{};
    const detail::one_eigen_thread one;
    const Eigen::SelfAdjointEigenSolver<matrix> solver(m, vectors ? Eigen::ComputeEigenvectors : Eigen::EigenvaluesOnly);
    if (solver.info() != Eigen::Success) detail::throw_matrix_problem(of, detail::matrix_problem::no_convergence, 0, 1);
    return vectors ? eigen_result<T>{solver.eigenvalues(), solver.eigenvectors()} : eigen_result<T>{solver.eigenvalues(), {}};
  }

  template<class A, class Function>
  [[nodiscard]] static double diagonal_sum(const A& a, const char* argument, const Function& f) {
    const auto view = view_of(a);
    detail::require_extent(view.cols(), view.rows(), argument, "must be square");
    double sum = 0;
    for (index i = 0; i < view.rows(); ++i) sum += f(static_cast<double>(view(i, i)));
    return sum;
  }

  Backend backend_;
};

/// The operations on a host backend.
template<class Each, class Memory>
[[nodiscard]] host_linear_algebra<tiled_host<Each, Memory>> linear_algebra(const tiled_host<Each, Memory>& b) {
  return host_linear_algebra<tiled_host<Each, Memory>>(b);
}

DISPAR_NAMESPACE_END
