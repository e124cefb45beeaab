#pragma once

#include "dispar/core/error.hpp"
#include "dispar/core/view.hpp"

DISPAR_NAMESPACE_BEGIN

namespace decoding {

/// A parameter of a step: one number for all rows, or one per row in memory that the backend reads.
///
///     temperature{0.8};
///     temperature{vector_view<const double, device>(temperatures, rows)};
///
/// N: double, or `index` for counts. Numbers of the first form are checked before any work; of the second, one out of range
/// makes its row one without a token (-1).
template<class N>
class row_parameter {
public:
  /// One for all.
  DISPAR_FN constexpr row_parameter(N value) : value_(value) {}
  /// One per row.
  template<class M, memory_space S>
  requires std::same_as<std::remove_const_t<M>, N>
  constexpr row_parameter(vector_view<M, S> values)
      : value_(),
        data_(values.data()),
        stride_(values.stride(0)),
        count_(values.size()),
        on_host_(reachable<S, host>),
        on_device_(reachable<S, device>) {}

  /// That of a row.
  [[nodiscard]] DISPAR_FN constexpr N operator()(index row) const { return data_ == nullptr ? value_ : data_[row * stride_]; }

  /// Throws unless `allowed(value)`, and for numbers per row that are not one per row or where the backend cannot read them.
  template<memory_space Space, class Allowed>
  void check(index rows, const char* name, const char* rule, const Allowed& allowed) const {
    if (data_ == nullptr) {
      require(allowed(value_), name, rule, static_cast<double>(value_));
      return;
    }
    require(count_ == rows, name, "must be one number, or have one entry per row", static_cast<double>(count_));
    require(std::same_as<Space, host> ? on_host_ : on_device_, name, "must lie in memory that the backend reads");
  }

private:
  N value_;
  const N* data_ = nullptr;
  index stride_ = 1, count_ = 0;
  bool on_host_ = true, on_device_ = true;
};

}  // namespace decoding

DISPAR_NAMESPACE_END
