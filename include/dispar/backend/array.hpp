#pragma once

#include <concepts>
#include <type_traits>
#include <utility>

#include "dispar/backend/backend.hpp"
#include "dispar/core/view_traits.hpp"

DISPAR_NAMESPACE_BEGIN

/// A dense tensor that owns its memory on a backend: what `to(backend, x)` returns and where results live.
/// Move-only; the elements are uninitialized unless filled.
template<class T, int Rank, backend B>
requires std::is_trivially_copyable_v<T>
class array {
public:
  /// The backend's space; the type of the extents.
  ///@{
  using space = typename B::space;
  using extents_type = typename tensor_view<T, Rank, space>::extents_type;
  ///@}

  array() = default;
  /// Throws `invalid_argument` for a negative extent, and whatever the backend throws when it has no memory.
  array(const B& b, extents_type extents) : backend_(b), view_(nullptr, extents) {
    for (index e : extents) require(e >= 0, "array: extent", "must not be negative", static_cast<double>(e));
    if (view_.size() > 0) view_ = tensor_view<T, Rank, space>(static_cast<T*>(b.allocate(bytes())), extents);
  }
  /// Moves the memory; nothing is copied.
  ///@{
  array(array&& other) noexcept : backend_(other.backend_), view_(std::exchange(other.view_, {})) {}
  array& operator=(array&& other) noexcept {
    std::swap(backend_, other.backend_);
    std::swap(view_, other.view_);
    return *this;
    ///@}
  }
  ~array() {
    if (view_.data()) backend_.deallocate(view_.data(), bytes());
  }

  /// What is owned; `bytes` is its size in memory.
  ///@{
  [[nodiscard]] tensor_view<T, Rank, space> view() noexcept { return view_; }
  [[nodiscard]] tensor_view<const T, Rank, space> view() const noexcept { return view_; }
  [[nodiscard]] T* data() noexcept { return view_.data(); }
  [[nodiscard]] const T* data() const noexcept { return view_.data(); }
  [[nodiscard]] const extents_type& extents() const noexcept { return view_.extents(); }
  [[nodiscard]] std::size_t bytes() const noexcept { return static_cast<std::size_t>(view_.size()) * sizeof(T); }
  ///@}

private:
  B backend_{};
  tensor_view<T, Rank, space> view_;
};

/// An array is the view of its elements.
template<class T, int Rank, class B>
struct view_traits<array<T, Rank, B>> {
  /// The view; no copy.
  static auto view(array<T, Rank, B>& x) noexcept { return x.view(); }
};
/// A constant array is the view of constant elements.
template<class T, int Rank, class B>
struct view_traits<const array<T, Rank, B>> {
  /// The view; no copy.
  static auto view(const array<T, Rank, B>& x) noexcept { return x.view(); }
};

/// A dense copy of host data on the backend: the one place where elements move between spaces.
template<backend B, class X>
requires viewable<const X> && reachable<space_of<X>, host> && reachable<typename B::space, host>
[[nodiscard]] auto to(const B& b, const X& x) {
  const auto source = view_of(x);
  using V = decltype(source);
  array<typename V::value_type, V::rank, B> copy(b, source.extents());
  typename V::extents_type at{};
  auto target = copy.view();
  for (index i = 0, n = source.size(); i < n; ++i) {
    index offset = 0;
    for (std::size_t axis = 0; axis < at.size(); ++axis) offset += at[axis] * source.strides()[axis];
    target.data()[i] = source.data()[offset];
    for (std::size_t axis = at.size(); axis-- > 0;) {
      if (++at[axis] < source.extents()[axis]) break;
      at[axis] = 0;
    }
  }
  return copy;
}

/// A dense copy that the host can read. On a host backend nothing but `to`.
template<backend B, class X>
requires viewable<const X> && reachable<space_of<X>, host> && std::same_as<typename B::space, host>
[[nodiscard]] auto to_host(const B& b, const X& x) { return to(b, x); }

DISPAR_NAMESPACE_END
