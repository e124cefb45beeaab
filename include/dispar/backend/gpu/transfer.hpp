#pragma once
/// \file
/// Elements between host and device: `to(gpu, x)`, `to_host(gpu, x)`, and results that arrive in host views.

#include <memory>
#include <span>
#include <type_traits>
#include <vector>

#include "dispar/backend/array.hpp"
#include "dispar/backend/gpu/context.hpp"
#include "dispar/backend/host/tiled_host.hpp"

DISPAR_NAMESPACE_BEGIN

namespace detail {

/// A device copy of host numbers. Returns at once: the numbers move along and are freed when the stream has read them.
template<class T>
[[nodiscard]] array<T, 1, gpu> upload(const gpu& b, std::vector<T> numbers) {
  array<T, 1, gpu> copy(b, {static_cast<index>(numbers.size())});
  if (numbers.empty()) return copy;
  require_no_capture(b.stream(), "a call with data on the host");
  auto kept = std::make_unique<std::vector<T>>(std::move(numbers));
  check_cuda(cudaMemcpyAsync(copy.data(), kept->data(), copy.bytes(), cudaMemcpyHostToDevice, b.stream()), "cudaMemcpyAsync");
  const cudaError_t status = cudaLaunchHostFunc(
      b.stream(), [](void* p) { delete static_cast<std::vector<T>*>(p); }, kept.get());
  if (status != cudaSuccess) b.wait();
  check_cuda(status, "cudaLaunchHostFunc");
  (void)kept.release();
  return copy;
}

template<class T>
void fill_bytes(const gpu& b, array<T, 1, gpu>& target, int byte) {
  if (target.data()) check_cuda(cudaMemsetAsync(target.data(), byte, target.bytes(), b.stream()), "cudaMemsetAsync");
}

/// Where a kernel writes a matrix that the caller wants in memory of space `S`. Device-reachable memory is written in place;
/// host memory gets a copy: `start_copy`, wait, `deliver`.
template<class T, memory_space S>
class device_result {
public:
  static constexpr bool in_place = reachable<S, dispar::device>;

  device_result() = default;
  /// `keep`: elements that no kernel writes keep their value.
  device_result(const gpu& b, matrix_view<T, S> target, bool keep) : target_(target) {
    if constexpr (!in_place) {
      if (target.size() == 0) return;
      if (keep) {
        std::vector<T> present(static_cast<std::size_t>(target.size()));
        for_each([&](std::size_t at, T& element) { present[at] = element; });
        copy_ = upload(b, std::move(present));
      } else {
        copy_ = array<T, 1, gpu>(b, {target.size()});
      }
    }
  }
  [[nodiscard]] strided<T> on_device() {
    if constexpr (in_place)
      return strided_of(target_);
    else
      return {copy_.data(), target_.cols(), 1};
  }
  void start_copy(const gpu& b) {
    if constexpr (!in_place) {
      arrived_.resize(static_cast<std::size_t>(target_.size()));
      if (!arrived_.empty())
        check_cuda(cudaMemcpyAsync(arrived_.data(), copy_.data(), copy_.bytes(), cudaMemcpyDeviceToHost, b.stream()),
                   "cudaMemcpyAsync");
    }
  }
  /// After the wait.
  void deliver() const {
    if constexpr (!in_place) for_each([&](std::size_t at, T& element) { element = arrived_[at]; });
  }

private:
  template<class Visit>
  void for_each(const Visit& visit) const {
    std::size_t at = 0;
    for (index i = 0; i < target_.rows(); ++i)
      for (index j = 0; j < target_.cols(); ++j) visit(at++, target_(i, j));
  }

  matrix_view<T, S> target_;
  array<T, 1, gpu> copy_;
  std::vector<T> arrived_;
};

/// Dense elements from the device, at once: waits.
template<class T, int Rank, memory_space S>
void download(const gpu& b, const tensor_view<const T, Rank, S>& from, T* target) {
  if (from.size() == 0) return;
  tensor_view<const T, Rank, S> dense(from.data(), from.extents());
  require(dense.strides() == from.strides(), "gpu: device memory", "must be dense to be copied to the host");
  wait_for(b, from.data(), target, static_cast<std::size_t>(from.size()) * sizeof(T));
}

}  // namespace detail

/// A dense copy on the device of anything that the host can read. Waits for the stream.
///
///     auto x = dispar::to(gpu, as_matrix(numbers, n, d));   // array<float, 2, gpu>
template<class X>
requires viewable<const X> && reachable<space_of<X>, host>
[[nodiscard]] auto to(const gpu& b, const X& x) {
  const auto dense = to(tiled_host<serial>{}, x);
  const auto view = dense.view();
  using V = decltype(view);
  array<typename V::value_type, V::rank, gpu> copy(b, view.extents());
  if (view.size() > 0) {
    detail::require_no_capture(b.stream(), "a copy from the host");
    detail::check_cuda(cudaMemcpyAsync(copy.data(), view.data(), copy.bytes(), cudaMemcpyHostToDevice, b.stream()),
                       "cudaMemcpyAsync");
    b.wait();  // the dense copy goes away
  }
  return copy;
}

/// The way back: a copy of dense device memory that the host can read. Waits for the stream.
template<class X>
requires viewable<const X>
[[nodiscard]] auto to_host(const gpu& b, const X& x) {
  const auto view = view_of(x);
  using V = decltype(view);
  using T = typename V::value_type;
  array<T, V::rank, tiled_host<serial>> copy(tiled_host<serial>{}, view.extents());
  detail::download(b, tensor_view<const T, V::rank, typename V::space>(view), copy.data());
  return copy;
}

/// O(n) numbers that the host looks at, such as row weights.
template<class T, memory_space S>
[[nodiscard]] std::vector<T> host_vector(const gpu& b, const vector_view<const T, S>& x) {
  std::vector<T> copy(static_cast<std::size_t>(x.size()));
  if constexpr (reachable<S, host> && !reachable<S, dispar::device>)
    for (index i = 0; i < x.size(); ++i) copy[static_cast<std::size_t>(i)] = x(i);
  else
    detail::download(b, x, copy.data());
  return copy;
}

DISPAR_NAMESPACE_END
