#pragma once
/// \file
/// The small work between passes over pairs, where the data is, in the order of the backend's work, and without a wait:
///
///     in_order(backend, step);                  // step()
///     for_each_index(backend, n, step);         // step(i) for every i < n, in any order
///     for_each_index(backend, n, work, step);   // the same, of together `work` multiply-adds: the host shares them out
///     column_sums(backend, x, out);             // out(j) = sum_i x(i, j), in double, in a fixed order
///
/// A step is a trivially copyable functor whose call operator is const and marked DISPAR_FN; it holds pointers to memory that the
/// backend reaches, and is not a template of the backend: all host backends then run the same code, hence give the same bits.
///
/// `result` is one value in that memory, for forms that return what another form writes.

#include "dispar/backend/array.hpp"
#include "dispar/backend/strided_matrix.hpp"

DISPAR_NAMESPACE_BEGIN

namespace detail {

/// A step: copies element i of dense memory to a view's.
template<class T>
struct copy_element {
  const T* from;
  T* to;
  index stride;
  DISPAR_FN void operator()(index i) const { to[i * stride] = from[i]; }
};

}  // namespace detail

/// One `T` in a backend's memory, for the caller to fill by an asynchronous form and then to `get`.
template<class T, backend B>
class result {
public:
  /// Uninitialized.
  explicit result(const B& b) : backend_(b), memory_(b, {1}) {}
  /// Where it is.
  ///@{
  [[nodiscard]] scalar_view<T, typename B::space> view() { return scalar_view<T, typename B::space>(memory_.data()); }
  [[nodiscard]] const T* data() const { return memory_.data(); }
  ///@}
  /// Waits for it.
  [[nodiscard]] T get() const {
    T value;
    read_back(backend_, memory_.data(), &value, 1);
    return value;
  }

private:
  B backend_;
  array<T, 1, B> memory_;
};

DISPAR_NAMESPACE_END
