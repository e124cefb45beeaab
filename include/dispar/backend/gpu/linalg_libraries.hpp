#pragma once
/// \file
/// cuBLAS and cuSOLVER as `linear_algebra(gpu)` calls them: errors as exceptions, the context's handles, functions by type.

#include <cublas_v2.h>
#include <cusolverDn.h>

#include <stdexcept>
#include <string>

#include "dispar/backend/gpu/context.hpp"

DISPAR_NAMESPACE_BEGIN

/// Thrown when a call of cuBLAS fails; the message names the call. `status` is cuBLAS' code.
class cublas_error : public std::runtime_error {
public:
  /// The error `code` of the call of that name.
  cublas_error(cublasStatus_t code, const char* call)
      : std::runtime_error(std::string("dispar: ") + call + ": " + cublasGetStatusString(code)), status(code) {}
  cublasStatus_t status;  ///< cuBLAS' code
};
/// Thrown when a call of cuSOLVER fails; the message names the call. `status` is cuSOLVER's code.
class cusolver_error : public std::runtime_error {
public:
  /// The error `code` of the call of that name.
  cusolver_error(cusolverStatus_t code, const char* call)
      : std::runtime_error(std::string("dispar: ") + call + ": cuSOLVER's status " + std::to_string(static_cast<int>(code))),
        status(code) {}
  cusolverStatus_t status;  ///< cuSOLVER's code
};

namespace detail {

inline void check_cublas(cublasStatus_t status, const char* call) {
  if (status != CUBLAS_STATUS_SUCCESS) throw cublas_error(status, call);
}
inline void check_cusolver(cusolverStatus_t status, const char* call) {
  if (status != CUSOLVER_STATUS_SUCCESS) throw cusolver_error(status, call);
}

/// The context's handles, made where there is none, on the context's stream.
///@{
[[nodiscard]] inline cublasHandle_t cublas_of(const gpu& b) {
  const cudaStream_t stream = b.stream();
  auto& kept = b.context->cublas;
  if (kept.get() == nullptr) {
    cublasHandle_t handle = nullptr;
    check_cublas(cublasCreate(&handle), "cublasCreate");
    kept = {handle, [](cublasContext* h) { (void)cublasDestroy(h); }};
  }
  check_cublas(cublasSetStream(kept.get(), stream), "cublasSetStream");
  return kept.get();
}
[[nodiscard]] inline cusolverDnHandle_t cusolver_of(const gpu& b) {
  const cudaStream_t stream = b.stream();
  auto& kept = b.context->cusolver;
  if (kept.get() == nullptr) {
    cusolverDnHandle_t handle = nullptr;
    check_cusolver(cusolverDnCreate(&handle), "cusolverDnCreate");
    kept = {handle, [](cusolverDnContext* h) { (void)cusolverDnDestroy(h); }};
  }
  check_cusolver(cusolverDnSetStream(kept.get(), stream), "cusolverDnSetStream");
  return kept.get();
}
///@}

/// The libraries' functions of a type.
template<class T>
struct matrix_functions;
template<>
struct matrix_functions<float> {
  static constexpr auto gemm = &cublasSgemm;
  static constexpr auto potrf_size = &cusolverDnSpotrf_bufferSize;
  static constexpr auto potrf = &cusolverDnSpotrf;
  static constexpr auto potrs = &cusolverDnSpotrs;
  static constexpr auto syevd_size = &cusolverDnSsyevd_bufferSize;
  static constexpr auto syevd = &cusolverDnSsyevd;
  static constexpr auto gesvd_size = &cusolverDnSgesvd_bufferSize;
  static constexpr auto gesvd = &cusolverDnSgesvd;
};
template<>
struct matrix_functions<double> {
  static constexpr auto gemm = &cublasDgemm;
  static constexpr auto potrf_size = &cusolverDnDpotrf_bufferSize;
  static constexpr auto potrf = &cusolverDnDpotrf;
  static constexpr auto potrs = &cusolverDnDpotrs;
  static constexpr auto syevd_size = &cusolverDnDsyevd_bufferSize;
  static constexpr auto syevd = &cusolverDnDsyevd;
  static constexpr auto gesvd_size = &cusolverDnDgesvd_bufferSize;
  static constexpr auto gesvd = &cusolverDnDgesvd;
};

/// The libraries count in `int`.
[[nodiscard]] inline int library_size(index extent) {
  require(extent <= 2147483647, "gpu: rows or columns of a matrix", "must be below 2^31", static_cast<double>(extent));
  return static_cast<int>(extent);
}

}  // namespace detail

DISPAR_NAMESPACE_END
