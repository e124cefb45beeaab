#include "cuda_runtime.h"
#include "cusolverDn.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <numeric>
#include <vector>

struct cublasContext {
  cudaStream_t stream = nullptr;
  cublasMath_t math = CUBLAS_DEFAULT_MATH;
};
struct cusolverDnContext {
  cudaStream_t stream = nullptr;
};

namespace {

int handles = 0;

/// Numbers by columns, `leading` apart, taken as double.
template<class T>
struct columns_of {
  T* data;
  int leading;
  T& operator()(int i, int j) const { return data[static_cast<std::ptrdiff_t>(j) * leading + i]; }
};
struct square {
  int n;
  std::vector<double> numbers;
  explicit square(int size) : n(size), numbers(static_cast<std::size_t>(size) * static_cast<std::size_t>(size), 0.0) {}
  double& operator()(int i, int j) {
    return numbers[static_cast<std::size_t>(j) * static_cast<std::size_t>(n) + static_cast<std::size_t>(i)];
  }
};

/// Eigenvalues of the symmetric `a`, ascending, by Jacobi's rotations; column order[k] of `v` is the vector of the k-th. False if
/// that does not end.
bool jacobi(square a, std::vector<double>& values, std::vector<int>& order, square& v) {
  const int n = a.n;
  for (int i = 0; i < n; ++i) v(i, i) = 1;
  for (int sweep = 0;; ++sweep) {
    double beside = 0, all = 0;
    for (int i = 0; i < n; ++i)
      for (int j = 0; j < n; ++j) (i == j ? all : beside) += a(i, j) * a(i, j);
    if (beside <= 1e-34 * (all + beside)) break;
    if (!(beside < 1e300) || sweep == 60) return false;
    for (int p = 0; p < n; ++p)
      for (int q = p + 1; q < n; ++q) {
        if (a(p, q) == 0) continue;
        const double slope = (a(q, q) - a(p, p)) / (2 * a(p, q));  // the smaller of the two angles: the larger need not converge
        const double t = (slope < 0 ? -1 : 1) / (std::fabs(slope) + std::hypot(1.0, slope));
        const double c = 1 / std::hypot(1.0, t), s = t * c;
        const auto rotate = [c, s](double& x, double& y) {
          const double before = x;
          x = c * before - s * y;
          y = s * before + c * y;
        };
        for (int i = 0; i < n; ++i) rotate(a(i, p), a(i, q));
        for (int i = 0; i < n; ++i) rotate(a(p, i), a(q, i));
        for (int i = 0; i < n; ++i) rotate(v(i, p), v(i, q));
        a(p, q) = a(q, p) = 0;
      }
  }
  order.resize(static_cast<std::size_t>(n));
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&a](int x, int y) { return a(x, x) < a(y, y); });
  for (const int k : order) values.push_back(a(k, k));
  return true;
}

/// Runs when the stream gets there, where device memory can be touched: a kernel of one thread, which a graph may hold.
void queue(cudaStream_t stream, std::function<void()> work) {
  cudaLaunchConfig_t config{};
  config.stream = stream;
  (void)cuda_emulation::launch(config, std::move(work));
}

/// The working memory is asked for first, and marked later so that too little of it shows.
constexpr int work_elements = 77;
template<class T>
void use(T* work) {
  std::fill_n(work, work_elements, T(1));
}

/// A float's leading 11 bits, as tensor cores take it.
float rounded(float x) {
  std::uint32_t bits = 0;
  std::memcpy(&bits, &x, sizeof bits);
  bits = (bits + 0x1000u) & ~0x1fffu;
  std::memcpy(&x, &bits, sizeof bits);
  return x;
}

template<class T>
cublasStatus_t gemm(cublasHandle_t handle, cublasOperation_t as_a, cublasOperation_t as_b, int m, int n, int k, T alpha,
                    const T* a, int lda, const T* b, int ldb, T beta, T* c, int ldc) {
  const auto fits = [](int rows, int leading) { return rows >= 0 && leading >= std::max(rows, 1); };
  if (handle == nullptr) return CUBLAS_STATUS_NOT_INITIALIZED;
  if (k < 0 || !fits(as_a == CUBLAS_OP_N ? m : k, lda) || !fits(as_b == CUBLAS_OP_N ? k : n, ldb) || !fits(m, ldc))
    return CUBLAS_STATUS_INVALID_VALUE;
  const bool rounds = std::is_same_v<T, float> && handle->math == CUBLAS_TF32_TENSOR_OP_MATH;
  queue(handle->stream, [=] {
    const auto element = [rounds](const T* data, int leading, bool plain, int i, int j) {
      T x = columns_of<const T>{data, leading}(plain ? i : j, plain ? j : i);
      if (rounds) x = static_cast<T>(rounded(static_cast<float>(x)));
      return static_cast<double>(x);
    };
    for (int i = 0; i < m; ++i)
      for (int j = 0; j < n; ++j) {
        double sum = 0;
        for (int e = 0; e < k; ++e)
          sum += element(a, lda, as_a == CUBLAS_OP_N, i, e) * element(b, ldb, as_b == CUBLAS_OP_N, e, j);
        T& target = columns_of<T>{c, ldc}(i, j);
        const T product = alpha * static_cast<T>(sum);
        target = beta == T(0) ? product : product + beta * target;  // what is there may be NaN
      }
  });
  return CUBLAS_STATUS_SUCCESS;
}

cusolverStatus_t ask(cusolverDnHandle_t handle, int* elements) {
  *elements = work_elements;
  return handle != nullptr ? CUSOLVER_STATUS_SUCCESS : CUSOLVER_STATUS_NOT_INITIALIZED;
}

template<class T>
cusolverStatus_t potrf(cusolverDnHandle_t handle, cublasFillMode_t uplo, int n, T* a, int lda, T* work, int elements, int* info) {
  if (uplo != CUBLAS_FILL_MODE_LOWER || n < 0 || lda < std::max(n, 1) || elements < work_elements)
    return CUSOLVER_STATUS_INVALID_VALUE;
  queue(handle->stream, [=] {
    use(work);
    const columns_of<T> m{a, lda};
    *info = 0;
    for (int k = 0; k < n; ++k)
      for (int i = k; i < n; ++i) {
        double sum = static_cast<double>(m(i, k));
        for (int e = 0; e < k; ++e) sum -= static_cast<double>(m(i, e)) * static_cast<double>(m(k, e));
        if (i == k && !(sum > 0)) {
          *info = k + 1;
          return;
        }
        m(i, k) = static_cast<T>(i == k ? std::sqrt(sum) : sum / static_cast<double>(m(k, k)));
      }
  });
  return CUSOLVER_STATUS_SUCCESS;
}

template<class T>
cusolverStatus_t potrs(cusolverDnHandle_t handle, cublasFillMode_t uplo, int n, int columns, const T* a, int lda, T* b, int ldb,
                       int* info) {
  if (uplo != CUBLAS_FILL_MODE_LOWER || n < 0 || columns < 0 || lda < std::max(n, 1) || ldb < std::max(n, 1))
    return CUSOLVER_STATUS_INVALID_VALUE;
  queue(handle->stream, [=] {
    const columns_of<const T> m{a, lda};
    const columns_of<T> x{b, ldb};
    for (int j = 0; j < columns; ++j) {
      for (int i = 0; i < n; ++i) {
        double sum = static_cast<double>(x(i, j));
        for (int e = 0; e < i; ++e) sum -= static_cast<double>(m(i, e)) * static_cast<double>(x(e, j));
        x(i, j) = static_cast<T>(sum / static_cast<double>(m(i, i)));
      }
      for (int i = n; i-- > 0;) {
        double sum = static_cast<double>(x(i, j));
        for (int e = i + 1; e < n; ++e) sum -= static_cast<double>(m(e, i)) * static_cast<double>(x(e, j));
        x(i, j) = static_cast<T>(sum / static_cast<double>(m(i, i)));
      }
    }
    *info = 0;
  });
  return CUSOLVER_STATUS_SUCCESS;
}

template<class T>
cusolverStatus_t syevd(cusolverDnHandle_t handle, cusolverEigMode_t mode, cublasFillMode_t uplo, int n, T* a, int lda, T* w,
                       T* work, int elements, int* info) {
  if (uplo != CUBLAS_FILL_MODE_LOWER || n < 1 || lda < n || elements < work_elements) return CUSOLVER_STATUS_INVALID_VALUE;
  queue(handle->stream, [=] {
    use(work);
    const columns_of<T> m{a, lda};
    square copy(n), vectors(n);
    for (int i = 0; i < n; ++i)
      for (int j = 0; j < n; ++j) copy(i, j) = static_cast<double>(i < j ? m(j, i) : m(i, j));
    std::vector<double> values;
    std::vector<int> at;
    *info = jacobi(std::move(copy), values, at, vectors) ? 0 : 1;
    if (*info != 0) return;
    for (int k = 0; k < n; ++k) {
      w[k] = static_cast<T>(values[static_cast<std::size_t>(k)]);
      for (int i = 0; i < n; ++i)  // without vectors it is destroyed
        m(i, k) = mode == CUSOLVER_EIG_MODE_VECTOR ? static_cast<T>(vectors(i, at[static_cast<std::size_t>(k)])) : T(-77);
    }
  });
  return CUSOLVER_STATUS_SUCCESS;
}

template<class T>
cusolverStatus_t gesvd(cusolverDnHandle_t handle, signed char jobu, signed char jobvt, int m, int n, T* a, int lda, T* s, T* work,
                       int elements, int* info) {
  if (jobu != 'N' || jobvt != 'N' || n < 1 || m < n || lda < m || elements < work_elements) return CUSOLVER_STATUS_INVALID_VALUE;
  queue(handle->stream, [=] {
    use(work);
    const columns_of<T> values{a, lda};
    // Eigenvalues s and -s of the symmetric matrix with `values` beside two squares of zeros.
    square wide(m + n), vectors(m + n);
    for (int i = 0; i < m; ++i)
      for (int j = 0; j < n; ++j) {
        wide(n + i, j) = wide(j, n + i) = static_cast<double>(values(i, j));
        values(i, j) = T(-77);  // destroyed
      }
    std::vector<double> found;
    std::vector<int> order;
    *info = jacobi(std::move(wide), found, order, vectors) ? 0 : 1;
    if (*info != 0) return;
    for (int i = 0; i < n; ++i) s[i] = static_cast<T>(std::max(found[static_cast<std::size_t>(m + n - 1 - i)], 0.0));
  });
  return CUSOLVER_STATUS_SUCCESS;
}

}  // namespace

int cuda_emulation::open_handles() { return handles; }

cublasStatus_t cublasCreate(cublasHandle_t* handle) {
  *handle = new cublasContext;
  ++handles;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasDestroy(cublasHandle_t handle) {
  delete handle;
  --handles;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasSetStream(cublasHandle_t handle, cudaStream_t stream) {
  handle->stream = stream;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasSetMathMode(cublasHandle_t handle, cublasMath_t mode) {
  handle->math = mode;
  return CUBLAS_STATUS_SUCCESS;
}
const char* cublasGetStatusString(cublasStatus_t status) {
  return status == CUBLAS_STATUS_SUCCESS ? "success" : "the arguments do not fit";
}
cusolverStatus_t cusolverDnCreate(cusolverDnHandle_t* handle) {
  *handle = new cusolverDnContext;
  ++handles;
  return CUSOLVER_STATUS_SUCCESS;
}
cusolverStatus_t cusolverDnDestroy(cusolverDnHandle_t handle) {
  delete handle;
  --handles;
  return CUSOLVER_STATUS_SUCCESS;
}
cusolverStatus_t cusolverDnSetStream(cusolverDnHandle_t handle, cudaStream_t stream) {
  handle->stream = stream;
  return CUSOLVER_STATUS_SUCCESS;
}

#define DISPAR_EMULATED_LIBRARIES(T, X)                                                                                        \
  cublasStatus_t cublas##X##gemm(cublasHandle_t handle, cublasOperation_t as_a, cublasOperation_t as_b, int m, int n, int k,   \
                                 const T* alpha, const T* a, int lda, const T* b, int ldb, const T* beta, T* c, int ldc) {     \
    return gemm(handle, as_a, as_b, m, n, k, *alpha, a, lda, b, ldb, *beta, c, ldc);                                           \
  }                                                                                                                            \
  cusolverStatus_t cusolverDn##X##potrf_bufferSize(cusolverDnHandle_t handle, cublasFillMode_t, int, T*, int, int* elements) { \
    return ask(handle, elements);                                                                                              \
  }                                                                                                                            \
  cusolverStatus_t cusolverDn##X##potrf(cusolverDnHandle_t handle, cublasFillMode_t uplo, int n, T* a, int lda, T* work,       \
                                        int elements, int* info) {                                                             \
    return potrf(handle, uplo, n, a, lda, work, elements, info);                                                               \
  }                                                                                                                            \
  cusolverStatus_t cusolverDn##X##potrs(cusolverDnHandle_t handle, cublasFillMode_t uplo, int n, int columns, const T* a,      \
                                        int lda, T* b, int ldb, int* info) {                                                   \
    return potrs(handle, uplo, n, columns, a, lda, b, ldb, info);                                                              \
  }                                                                                                                            \
  cusolverStatus_t cusolverDn##X##syevd_bufferSize(cusolverDnHandle_t handle, cusolverEigMode_t, cublasFillMode_t, int,        \
                                                   const T*, int, const T*, int* elements) {                                   \
    return ask(handle, elements);                                                                                              \
  }                                                                                                                            \
  cusolverStatus_t cusolverDn##X##syevd(cusolverDnHandle_t handle, cusolverEigMode_t mode, cublasFillMode_t uplo, int n, T* a, \
                                        int lda, T* w, T* work, int elements, int* info) {                                     \
    return syevd(handle, mode, uplo, n, a, lda, w, work, elements, info);                                                      \
  }                                                                                                                            \
  cusolverStatus_t cusolverDn##X##gesvd_bufferSize(cusolverDnHandle_t handle, int, int, int* elements) {                       \
    return ask(handle, elements);                                                                                              \
  }                                                                                                                            \
  cusolverStatus_t cusolverDn##X##gesvd(cusolverDnHandle_t handle, signed char jobu, signed char jobvt, int m, int n, T* a,    \
                                        int lda, T* s, T*, int, T*, int, T* work, int elements, T*, int* info) {               \
    return gesvd(handle, jobu, jobvt, m, n, a, lda, s, work, elements, info);                                                  \
  }
DISPAR_EMULATED_LIBRARIES(float, S)
DISPAR_EMULATED_LIBRARIES(double, D)
#undef DISPAR_EMULATED_LIBRARIES
