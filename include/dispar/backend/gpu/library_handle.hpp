#pragma once

#include <utility>

#include "dispar/core/config.hpp"

struct cublasContext;      // what a cublasHandle_t points to
struct cusolverDnContext;  // what a cusolverDnHandle_t points to

DISPAR_NAMESPACE_BEGIN

/// A handle of one of CUDA's libraries in a `cuda_context`: the caller's, which the caller destroys, or one that dispar makes
/// when it first needs it, which is destroyed with the context. No header of the library is needed to hold it.
template<class Library>
class library_handle {
public:
  /// None yet.
  library_handle(std::nullptr_t = nullptr) noexcept {}
  /// The caller's.
  library_handle(Library* handle) noexcept : handle_(handle) {}
  /// One that `destroy` ends.
  library_handle(Library* handle, void (*destroy)(Library*)) noexcept : handle_(handle), destroy_(destroy) {}
  /// Moved, not copied: it has one owner.
  ///@{
  library_handle(library_handle&& other) noexcept
      : handle_(std::exchange(other.handle_, nullptr)), destroy_(std::exchange(other.destroy_, nullptr)) {}
  library_handle& operator=(library_handle&& other) noexcept {
    std::swap(handle_, other.handle_);
    std::swap(destroy_, other.destroy_);
    return *this;
  }
  ///@}
  ~library_handle() {
    if (destroy_ != nullptr) destroy_(handle_);
  }
  /// Null where there is none yet.
  [[nodiscard]] Library* get() const noexcept { return handle_; }

private:
  Library* handle_ = nullptr;
  void (*destroy_)(Library*) = nullptr;
};

DISPAR_NAMESPACE_END
