#pragma once
/// \file
/// In the place of cuSOLVER's header of this name, as cublas_v2.h.

#include "cublas_v2.h"

enum cusolverStatus_t { CUSOLVER_STATUS_SUCCESS = 0, CUSOLVER_STATUS_NOT_INITIALIZED = 1, CUSOLVER_STATUS_INVALID_VALUE = 3 };
enum cusolverEigMode_t { CUSOLVER_EIG_MODE_NOVECTOR = 0, CUSOLVER_EIG_MODE_VECTOR = 1 };
struct cusolverDnContext;
using cusolverDnHandle_t = cusolverDnContext*;

cusolverStatus_t cusolverDnCreate(cusolverDnHandle_t* handle);
cusolverStatus_t cusolverDnDestroy(cusolverDnHandle_t handle);
cusolverStatus_t cusolverDnSetStream(cusolverDnHandle_t handle, cudaStream_t stream);

#define DISPAR_EMULATED_CUSOLVER(T, X)                                                                                         \
  cusolverStatus_t cusolverDn##X##potrf_bufferSize(cusolverDnHandle_t handle, cublasFillMode_t uplo, int n, T* a, int lda,     \
                                                   int* elements);                                                             \
  cusolverStatus_t cusolverDn##X##potrf(cusolverDnHandle_t handle, cublasFillMode_t uplo, int n, T* a, int lda, T* work,       \
                                        int elements, int* info);                                                              \
  cusolverStatus_t cusolverDn##X##potrs(cusolverDnHandle_t handle, cublasFillMode_t uplo, int n, int columns, const T* a,      \
                                        int lda, T* b, int ldb, int* info);                                                    \
  cusolverStatus_t cusolverDn##X##syevd_bufferSize(cusolverDnHandle_t handle, cusolverEigMode_t mode, cublasFillMode_t uplo,   \
                                                   int n, const T* a, int lda, const T* w, int* elements);                     \
  cusolverStatus_t cusolverDn##X##syevd(cusolverDnHandle_t handle, cusolverEigMode_t mode, cublasFillMode_t uplo, int n, T* a, \
                                        int lda, T* w, T* work, int elements, int* info);                                      \
  cusolverStatus_t cusolverDn##X##gesvd_bufferSize(cusolverDnHandle_t handle, int m, int n, int* elements);                    \
  cusolverStatus_t cusolverDn##X##gesvd(cusolverDnHandle_t handle, signed char jobu, signed char jobvt, int m, int n, T* a,    \
                                        int lda, T* s, T* u, int ldu, T* vt, int ldvt, T* work, int elements, T* rwork,        \
                                        int* info);
DISPAR_EMULATED_CUSOLVER(float, S)
DISPAR_EMULATED_CUSOLVER(double, D)
#undef DISPAR_EMULATED_CUSOLVER
