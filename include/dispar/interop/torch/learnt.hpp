#pragma once

#include <ATen/core/Tensor.h>

#include <cstring>
#include <type_traits>
#include <utility>

#include "dispar/contrastive/temperature.hpp"
#include "dispar/interop/torch/view.hpp"

DISPAR_NAMESPACE_BEGIN

namespace autograd {

namespace detail {

/// The one element of a tensor of any floating-point type and device.
[[nodiscard]] inline double number_of(const at::Tensor& t, const char* name) {
  using dispar::detail::torch_require;
  dispar::detail::require_strided(t, name);
  torch_require(at::isFloatingType(t.scalar_type()), name, "must be floating point", c10::toString(t.scalar_type()));
  require(t.numel() == 1, name, "must have one element", static_cast<double>(t.numel()));
  return t.detach().to(at::kCPU, at::kDouble).item<double>();
}

}  // namespace detail

/// A number of a loss: a constant, or a tensor of one element that an optimizer trains, of any floating-point type and device.
/// Both convert to it.
class scalar {
public:
  /// A constant.
  scalar(double value) : value_(value) {}  // NOLINT(google-explicit-constructor)
  /// A tensor, read at every call.
  scalar(at::Tensor t) : tensor_(std::move(t)) {}  // NOLINT(google-explicit-constructor)

  /// The tensor; undefined for a constant.
  [[nodiscard]] const at::Tensor& tensor() const { return tensor_; }
  /// The number as it is now. Throws `invalid_argument`, with this name, for a tensor that is no number.
  [[nodiscard]] double value(const char* name) const { return tensor_.defined() ? detail::number_of(tensor_, name) : value_; }

private:
  double value_ = 0;
  at::Tensor tensor_;
};

/// A logit scale whose first member is a tensor of one element, so that an optimizer trains it; a scale that is given as it is
/// stays a constant.
///
///     autograd::learnt<contrastive::exponential_scale>(t)                     // CLIP: exp(t), at most 100
///     autograd::learnt(t, contrastive::exponential_scale{.maximum = 50})      // with other members of yours
///     autograd::learnt<contrastive::temperature>(tau)
///
/// The tensor may be of any floating-point type and device; it is read, as a double, at every call.
template<contrastive::logit_scale Scale>
class learnt {
  static_assert(std::is_standard_layout_v<Scale> && sizeof(Scale) >= sizeof(double),
                "dispar: the scale's first member must be its parameter, a double");

public:
  /// From the tensor, and a scale with the other members.
  explicit learnt(at::Tensor t, const Scale& others = {}) : tensor_(std::move(t)), others_(others) {}

  /// The tensor, as given.
  [[nodiscard]] const at::Tensor& tensor() const { return tensor_; }
  /// The scale as it is now. Throws `invalid_argument` for a tensor that is no number.
  [[nodiscard]] Scale scale() const {
    const double first = detail::number_of(tensor_, "learnt: tensor");
    Scale now = others_;
    std::memcpy(static_cast<void*>(&now), &first, sizeof first);
    return now;
  }

private:
  at::Tensor tensor_;
  Scale others_;
};

namespace detail {

/// A logit scale as the losses take it, and the tensor that is trained, undefined where there is none.
///@{
template<contrastive::logit_scale Scale>
[[nodiscard]] Scale scale_now(const Scale& s) {
  return s;
}
template<class Scale>
[[nodiscard]] Scale scale_now(const learnt<Scale>& s) {
  return s.scale();
}
template<contrastive::logit_scale Scale>
[[nodiscard]] at::Tensor trained(const Scale& /*constant*/) {
  return {};
}
template<class Scale>
[[nodiscard]] at::Tensor trained(const learnt<Scale>& s) {
  return s.tensor();
}
///@}

}  // namespace detail

/// A logit scale, or a `learnt` one.
template<class S>
concept tensor_scale = requires(const S& s) {
  detail::scale_now(s);
};

}  // namespace autograd

DISPAR_NAMESPACE_END
