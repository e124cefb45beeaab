#pragma once
/// \file
/// The MMD functions in the form that tensors call them: options, a value, a value with gradients. No torch in here, so that a
/// .cu file can include it.

#include "dispar/mmd/criterion.hpp"

DISPAR_NAMESPACE_BEGIN

namespace autograd::detail {

/// A loss has `results`, whose first is the value that is differentiated, `value` and `gradient`.
struct mmd_estimate_loss {
  static constexpr const char* name = "mmd_estimate";
  static constexpr int results = 1;
  mmd::options o;

  template<class B, class X, class Y, class K>
  [[nodiscard]] vec<double, 1> value(const B& b, const X& x, const Y& y, const K& k) const {
    return {{mmd::estimate(b, x, y, k, o)}};
  }
  template<class B, class X, class Y, class K, class G>
  [[nodiscard]] vec<double, 1> gradient(const B& b, const X& x, const Y& y, const K& k, const G& out) const {
    return {{mmd::value_and_gradient(b, x, y, k, out, o)}};
  }
};

struct mmd_variance_loss {
  static constexpr const char* name = "mmd_variance";
  static constexpr int results = 1;
  mmd::options o;

  template<class B, class X, class Y, class K>
  [[nodiscard]] vec<double, 1> value(const B& b, const X& x, const Y& y, const K& k) const {
    return {{mmd::variance_h1(b, x, y, k, o)}};
  }
  template<class B, class X, class Y, class K, class G>
  [[nodiscard]] vec<double, 1> gradient(const B& b, const X& x, const Y& y, const K& k, const G& out) const {
    return {{mmd::variance_and_gradient(b, x, y, k, out, o)}};
  }
};

struct mmd_criterion_loss {
  static constexpr const char* name = "mmd_criterion";
  static constexpr int results = 3;
  mmd::criterion_options o;

  template<class B, class X, class Y, class K>
  [[nodiscard]] vec<double, 3> value(const B& b, const X& x, const Y& y, const K& k) const {
    return in_order(mmd::criterion(b, x, y, k, o));
  }
  template<class B, class X, class Y, class K, class G>
  [[nodiscard]] vec<double, 3> gradient(const B& b, const X& x, const Y& y, const K& k, const G& out) const {
    return in_order(mmd::criterion_and_gradient(b, x, y, k, out, o));
  }
  [[nodiscard]] static vec<double, 3> in_order(const mmd::criterion_result& j) { return {{j.value, j.statistic, j.variance}}; }
};

}  // namespace autograd::detail

DISPAR_NAMESPACE_END
