#pragma once
/// \file
/// `linear_algebra` of `gpu`: cuBLAS multiplies, cuSOLVER decomposes, on the context's stream and with its handles. Link
/// CUDA::cublas and CUDA::cusolver. Not part of `dispar/backend/gpu.hpp`, which needs no library.
///
/// Tested with both libraries emulated on the CPU (tests/cuda_emulation); it has never run on a GPU.

#include "dispar/backend/gpu/linalg_kernels.hpp"
#include "dispar/backend/gpu/linalg_libraries.hpp"

DISPAR_NAMESPACE_BEGIN

/// What `linear_algebra(gpu)` returns; see `dispar/backend/linalg.hpp` for its operations. Problems with the data are noted on
/// the device; `wait` throws the first. The libraries store columns: a row-major matrix is the transposed one to them.
class gpu_linear_algebra {
  using operation = detail::matrix_operation;
  using problem = detail::matrix_problem;

public:
  /// On the backend's context, which has to live as long.
  explicit gpu_linear_algebra(const gpu& b) : backend_(b), report_(b, {1}) { detail::fill_bytes(b, report_, 0); }

  /// See `dispar/backend/linalg.hpp`.
  ///@{
  template<matrix_like X, vector_like Mean>
  void column_means(const X& x, Mean&& mean) {
    using T = value_type_of<X>;
    const auto from = view_of(x);
    const auto to = detail::elements_of<double>(mean);
    detail::require_device_memory<space_of<X>, space_of<Mean>>();
    detail::require_extent(to.size(), from.cols(), "column_means: mean", "must have the columns of x");
    if (to.size() == 0) return;
    const index rows = from.rows(), cols = from.cols(), chunks = (rows + detail::mean_chunk - 1) / detail::mean_chunk;
    array<double, 1, gpu> partial(backend_, {chunks * cols});
    detail::launch(backend_, "column_sums_kernel", detail::column_sums_kernel<T>,
                   chunks * ((cols + detail::mean_threads - 1) / detail::mean_threads), detail::mean_threads, constant(from),
                   rows, cols, partial.data());
    detail::launch(backend_, "double_means_kernel", detail::double_means_kernel<detail::matrix_threads>,
                   (cols + detail::matrix_threads - 1) / detail::matrix_threads, detail::matrix_threads,
                   static_cast<const double*>(partial.data()), chunks, rows, cols, detail::strided_of(to));
  }

  template<matrix_like X, vector_like Mean, matrix_like Out>
  void centered(const X& x, const Mean& mean, Out&& out) {
    using T = value_type_of<X>;
    const auto from = view_of(x);
    const auto shift = detail::elements_of<double>(mean);
    const auto to = detail::elements_of<double>(out);
    detail::require_device_memory<space_of<X>, space_of<Mean>, space_of<Out>>();
    detail::require_extent(shift.size(), from.cols(), "centered: mean", "must have the columns of x");
    detail::require_shape(to.rows(), to.cols(), from.rows(), from.cols(), "centered: out");
    auto findings = no_findings();
    detail::fill_matrix(backend_,
                        detail::centered_element<T>{{constant(from), from.cols(), findings.data()},
                                                    detail::strided_vector<const double>{shift.data(), shift.stride(0)}},
                        detail::strided_of(to), from.rows(), from.cols());
    note(operation::centered, problem::none, from.cols(), findings.data(), nullptr);
  }

  template<matrix_like A, matrix_like B, matrix_like C>
  void product(const A& a, const B& b, C&& c, product_options options = {}) {
    using T = value_type_of<A>;
    const auto left = view_of(a);
    const auto right = detail::elements_of<T>(b);
    const auto to = detail::elements_of<T>(c);
    detail::require_device_memory<space_of<A>, space_of<B>, space_of<C>>();
    detail::require_extent(right.rows(), left.cols(), "product: b", "must have as many rows as a has columns");
    detail::require_shape(to.rows(), to.cols(), left.rows(), right.cols(), "product: c");
    multiply<T>(constant(left), constant(right), detail::strided_of(to), left.rows(), right.cols(), left.cols(), options);
  }

  template<matrix_like A, matrix_like B, memory_space S>
  void inner_product(const A& a, const B& b, scalar_view<double, S> out) {
    using T = value_type_of<A>;
    const auto left = view_of(a);
    const auto right = detail::elements_of<T>(b);
    detail::require_device_memory<space_of<A>, space_of<B>, S>();
    detail::require_shape(right.rows(), right.cols(), left.rows(), left.cols(), "inner_product: b");
    detail::sum_of_terms(backend_, detail::product_term<T>{constant(left), constant(right), left.cols()}, left.size(),
                         out.data());
  }

  template<matrix_like A, memory_space S>
  void trace(const A& a, scalar_view<double, S> out) {
    detail::sum_of_terms(backend_, detail::diagonal_term<value_type_of<A>>{square<S>(a, "trace: a")}, view_of(a).rows(),
                         out.data());
  }

  template<matrix_like A, matrix_like L>
  void cholesky(const A& a, L&& l) {
    using T = value_type_of<A>;
    using f = detail::matrix_functions<T>;
    const auto from = square<space_of<L>>(a, "cholesky: a");
    const auto to = detail::elements_of<T>(l);
    const index n = view_of(a).rows();
    detail::require_shape(to.rows(), to.cols(), n, n, "cholesky: l");
    if (n == 0) return;
    auto findings = no_findings();
    // Symmetric, so rows are columns; of the factor the lower triangle is asked for where columns are stored.
    array<T, 1, gpu> m = mirrored<T>(from, n, findings.data());
    const auto handle = detail::cusolver_of(backend_);
    const int size = detail::library_size(n);
    int elements = 0;
    detail::check_cusolver(f::potrf_size(handle, CUBLAS_FILL_MODE_LOWER, size, m.data(), size, &elements),
                           "cusolverDnXpotrf_bufferSize");
    array<T, 1, gpu> work(backend_, {at_least_one(elements)});
    array<int, 1, gpu> info(backend_, {1});
    detail::check_cusolver(f::potrf(handle, CUBLAS_FILL_MODE_LOWER, size, m.data(), size, work.data(), elements, info.data()),
                           "cusolverDnXpotrf");
    note(operation::cholesky, problem::not_positive_definite, n, findings.data(), info.data());
    detail::fill_matrix(backend_, detail::lower_element<T>{{m.data(), 1, n}}, detail::strided_of(to), n, n);
  }

  template<matrix_like L, matrix_like B, matrix_like X>
  void solve(const L& l, const B& b, X&& x) {
    using T = value_type_of<L>;
    const auto factor = square<space_of<B>>(l, "solve: l");
    const auto right = detail::elements_of<T>(b);
    const auto to = detail::elements_of<T>(x);
    detail::require_device_memory<space_of<X>>();
    const index n = view_of(l).rows(), cols = right.cols();
    detail::require_extent(right.rows(), n, "solve: b", "must have the rows of l");
    detail::require_shape(to.rows(), to.cols(), n, cols, "solve: x");
    if (right.size() == 0) return;
    auto findings = no_findings();
    array<T, 1, gpu> m(backend_, {n * n}), values(backend_, {n * cols});
    detail::fill_matrix(backend_, detail::lower_element<T>{factor}, detail::strided<T>{m.data(), 1, n}, n, n);
    detail::fill_matrix(backend_, detail::finite_element<T>{constant(right), cols, findings.data()},
                        detail::strided<T>{values.data(), 1, n}, n, cols);
    array<int, 1, gpu> info(backend_, {1});
    const int size = detail::library_size(n);
    detail::check_cusolver(
        detail::matrix_functions<T>::potrs(detail::cusolver_of(backend_), CUBLAS_FILL_MODE_LOWER, size,
                                           detail::library_size(cols), m.data(), size, values.data(), size, info.data()),
        "cusolverDnXpotrs");
    note(operation::solve, problem::none, cols, findings.data(), nullptr);
    detail::fill_matrix(backend_, detail::plain_element<const T>{{values.data(), 1, n}}, detail::strided_of(to), n, cols);
  }

  template<matrix_like L, memory_space S>
  void log_determinant(const L& l, scalar_view<double, S> out) {
    detail::sum_of_terms(backend_, detail::log_square_term<value_type_of<L>>{square<S>(l, "log_determinant: l")},
                         view_of(l).rows(), out.data());
  }

  template<matrix_like A, vector_like Values, matrix_like Vectors = matrix_view<value_type_of<A>, device>>
  void symmetric_eigen(const A& a, Values&& values, Vectors&& vectors = {}) {
    using T = value_type_of<A>;
    const auto from = square<space_of<Values>>(a, "symmetric_eigen: a");
    const auto lambda = detail::elements_of<T>(values);
    const auto v = detail::elements_of<T>(vectors);
    detail::require_device_memory<space_of<Vectors>>();
    const index n = view_of(a).rows();
    detail::require_extent(lambda.size(), n, "symmetric_eigen: values", "must have the rows of a");
    if (v) detail::require_shape(v.rows(), v.cols(), n, n, "symmetric_eigen: vectors");
    if (n == 0) return;
    const auto found = eigen<T>(from, n, static_cast<bool>(v), operation::symmetric_eigen);
    write_vector(found.values.data(), lambda);
    if (v)
      detail::fill_matrix(backend_, detail::plain_element<const T>{{found.vectors.data(), 1, n}}, detail::strided_of(v), n, n);
  }

  template<matrix_like A, vector_like Values>
  void singular_values(const A& a, Values&& values) {
    using T = value_type_of<A>;
    using f = detail::matrix_functions<T>;
    const auto from = view_of(a);
    const auto sigma = detail::elements_of<T>(values);
    detail::require_device_memory<space_of<A>, space_of<Values>>();
    const bool wide = from.rows() < from.cols();
    const index least = wide ? from.rows() : from.cols(), most = wide ? from.cols() : from.rows();
    detail::require_extent(sigma.size(), least, "singular_values: values", "must be as many as a has rows or columns");
    if (least == 0) return;
    auto findings = no_findings();
    array<T, 1, gpu> m(backend_, {least * most}), found(backend_, {least});
    // The library wants at least as many rows as columns.
    detail::fill_matrix(backend_, detail::finite_element<T>{constant(from), from.cols(), findings.data()},
                        wide ? detail::strided<T>{m.data(), most, 1} : detail::strided<T>{m.data(), 1, most}, from.rows(),
                        from.cols());
    const auto handle = detail::cusolver_of(backend_);
    const int rows = detail::library_size(most), cols = detail::library_size(least);
    int elements = 0;
    detail::check_cusolver(f::gesvd_size(handle, rows, cols, &elements), "cusolverDnXgesvd_bufferSize");
    array<T, 1, gpu> work(backend_, {at_least_one(elements)}), rest(backend_, {least});
    array<int, 1, gpu> info(backend_, {1});
    detail::check_cusolver(f::gesvd(handle, 'N', 'N', rows, cols, m.data(), rows, found.data(), nullptr, rows, nullptr, cols,
                                    work.data(), elements, rest.data(), info.data()),
                           "cusolverDnXgesvd");
    note(operation::singular_values, problem::no_convergence, from.cols(), findings.data(), info.data());
    write_vector(found.data(), sigma);
  }

  template<matrix_like A, matrix_like Root>
  void square_root(const A& a, Root&& root) {
    using T = value_type_of<A>;
    const auto from = square<space_of<Root>>(a, "square_root: a");
    const auto to = detail::elements_of<T>(root);
    const index n = view_of(a).rows();
    detail::require_shape(to.rows(), to.cols(), n, n, "square_root: root");
    if (n == 0) return;
    const auto found = eigen<T>(from, n, true, operation::square_root);
    const detail::strided<const T> vectors{found.vectors.data(), 1, n};
    // The root of the root on both sides: R = (V sqrt(sqrt(L))) (V sqrt(sqrt(L)))' would be symmetric, but loses digits.
    array<T, 1, gpu> scaled(backend_, {n * n});
    detail::fill_matrix(backend_, detail::rooted_element<T>{vectors, found.values.data()},
                        detail::strided<T>{scaled.data(), 1, n}, n, n);
    multiply<T>({scaled.data(), 1, n}, {found.vectors.data(), n, 1}, detail::strided_of(to), n, n, n, {});
  }

  /// Returns when everything on the stream is done; throws what the data of the calls so far had wrong.
  void wait() {
    detail::require_no_capture(backend_.stream(), "a call that waits for its result");
    detail::matrix_report found{};
    detail::check_cuda(cudaMemcpyAsync(&found, report_.data(), sizeof found, cudaMemcpyDeviceToHost, backend_.stream()),
                       "cudaMemcpyAsync");
    detail::fill_bytes(backend_, report_, 0);
    backend_.wait();
    detail::throw_matrix_problem(static_cast<operation>(found.operation), static_cast<problem>(found.problem), found.at,
                                 found.cols);
  }
  ///@}

private:
  template<class T>
  struct eigen_result {
    array<T, 1, gpu> vectors, values;  // columns stored
  };

  template<class V>
  [[nodiscard]] static detail::strided<const typename V::value_type> constant(const V& view) {
    return {view.data(), view.stride(0), view.stride(1)};
  }
  template<memory_space S, class A>
  [[nodiscard]] static detail::strided<const value_type_of<A>> square(const A& a, const char* argument) {
    const auto view = view_of(a);
    detail::require_device_memory<space_of<A>, S>();
    detail::require_extent(view.cols(), view.rows(), argument, "must be square");
    return constant(view);
  }
  [[nodiscard]] static index at_least_one(int elements) { return elements > 0 ? elements : 1; }

  [[nodiscard]] array<detail::matrix_findings, 1, gpu> no_findings() const {
    array<detail::matrix_findings, 1, gpu> findings(backend_, {1});
    detail::fill_bytes(backend_, findings, 0x7f);
    return findings;
  }
  void note(operation of, problem positive, index cols, const detail::matrix_findings* findings, const int* info) {
    detail::launch(backend_, "note_kernel", detail::note_kernel<detail::matrix_report>, index{1}, 1, report_.data(),
                   static_cast<int>(of), static_cast<int>(positive), cols, findings, info);
  }
  template<class T>
  [[nodiscard]] array<T, 1, gpu> mirrored(const detail::strided<const T>& from, index n,
                                          detail::matrix_findings* findings) const {
    array<T, 1, gpu> m(backend_, {n * n});
    detail::fill_matrix(backend_, detail::mirrored_element<T>{{from, n, findings}}, detail::strided<T>{m.data(), 1, n}, n, n);
    return m;
  }
  template<class T, class V>
  void write_vector(const T* from, const V& to) const {
    detail::fill_matrix(backend_, detail::plain_element<const T>{{from, 1, 0}}, detail::strided<T>{to.data(), to.stride(0), 0},
                        to.size(), index{1});
  }

  template<class T>
  [[nodiscard]] eigen_result<T> eigen(const detail::strided<const T>& from, index n, bool vectors, operation of) {
    using f = detail::matrix_functions<T>;
    auto findings = no_findings();
    eigen_result<T> result{mirrored<T>(from, n, findings.data()), array<T, 1, gpu>(backend_, {n})};
    const auto handle = detail::cusolver_of(backend_);
    const auto mode = vectors ? CUSOLVER_EIG_MODE_VECTOR : CUSOLVER_EIG_MODE_NOVECTOR;
    const int size = detail::library_size(n);
    int elements = 0;
    detail::check_cusolver(
        f::syevd_size(handle, mode, CUBLAS_FILL_MODE_LOWER, size, result.vectors.data(), size, result.values.data(), &elements),
        "cusolverDnXsyevd_bufferSize");
    array<T, 1, gpu> work(backend_, {at_least_one(elements)});
    array<int, 1, gpu> info(backend_, {1});
    detail::check_cusolver(f::syevd(handle, mode, CUBLAS_FILL_MODE_LOWER, size, result.vectors.data(), size, result.values.data(),
                                    work.data(), elements, info.data()),
                           "cusolverDnXsyevd");
    note(of, problem::no_convergence, n, findings.data(), info.data());
    return result;
  }

  /// A factor as cuBLAS sees it: columns stored, or taken for the transposed.
  template<class T>
  struct library_factor {
    const T* data;
    index leading;
    cublasOperation_t as;
    array<T, 1, gpu> copy;
  };
  template<class T>
  [[nodiscard]] static int leading(const library_factor<T>& factor) {
    return detail::library_size(factor.leading > 0 ? factor.leading : 1);
  }
  template<class T>
  [[nodiscard]] library_factor<T> factor_of(const detail::strided<const T>& m, index rows, index cols) const {
    if (m.row_stride == 1 && m.col_stride >= rows) return {m.data, m.col_stride, CUBLAS_OP_N, {}};
    if (m.col_stride == 1 && m.row_stride >= cols) return {m.data, m.row_stride, CUBLAS_OP_T, {}};
    library_factor<T> factor{nullptr, rows, CUBLAS_OP_N, array<T, 1, gpu>(backend_, {rows * cols})};
    detail::fill_matrix(backend_, detail::plain_element<const T>{m}, detail::strided<T>{factor.copy.data(), 1, rows}, rows, cols);
    factor.data = factor.copy.data();
    return factor;
  }

  template<class T>
  void multiply(const detail::strided<const T>& a, const detail::strided<const T>& b, const detail::strided<T>& c, index rows,
                index cols, index inner, product_options options) {
    if (rows == 0 || cols == 0) return;
    if (c.row_stride != 1 && c.col_stride == 1 && c.row_stride >= cols) {  // rows stored: c' = b' a'
      multiply<T>({b.data, b.col_stride, b.row_stride}, {a.data, a.col_stride, a.row_stride},
                  {c.data, c.col_stride, c.row_stride}, cols, rows, inner, options);
      return;
    }
    if (c.row_stride != 1 || c.col_stride < rows) {
      array<T, 1, gpu> dense(backend_, {rows * cols});
      const detail::strided<T> by_columns{dense.data(), 1, rows};
      if (options.accumulate) detail::fill_matrix(backend_, detail::plain_element<T>{c}, by_columns, rows, cols);
      multiply<T>(a, b, by_columns, rows, cols, inner, options);
      detail::fill_matrix(backend_, detail::plain_element<T>{by_columns}, c, rows, cols);
      return;
    }
    const auto left = factor_of(a, rows, inner), right = factor_of(b, inner, cols);
    const T factor = static_cast<T>(options.factor), keep = options.accumulate ? T(1) : T(0);
    const auto handle = detail::cublas_of(backend_);
    const auto math = backend_.precision == precision::tf32 ? CUBLAS_TF32_TENSOR_OP_MATH : CUBLAS_DEFAULT_MATH;
    detail::check_cublas(cublasSetMathMode(handle, math), "cublasSetMathMode");
    detail::check_cublas(
        detail::matrix_functions<T>::gemm(handle, left.as, right.as, detail::library_size(rows), detail::library_size(cols),
                                          detail::library_size(inner), &factor, left.data, leading(left), right.data,
                                          leading(right), &keep, c.data, detail::library_size(c.col_stride)),
        "cublasXgemm");
  }

  gpu backend_;
  array<detail::matrix_report, 1, gpu> report_;
};

/// The operations on a GPU.
[[nodiscard]] inline gpu_linear_algebra linear_algebra(const gpu& b) { return gpu_linear_algebra(b); }

DISPAR_NAMESPACE_END
