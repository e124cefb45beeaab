#pragma once
/// \file
/// The MMD functions in the form in which tensors call them: options, a value, a value with gradients. No torch in here: a .cu
/// file includes it too.

#include "dispar/mmd/criterion.hpp"

DISPAR_NAMESPACE_BEGIN

namespace autograd {

/// `mmd::estimate`. A loss has `results`, how many numbers it gives, the first of which is differentiated, `value` and
/// `gradient`.
struct mmd_estimate_loss {
  static constexpr int results = 1;  ///< the value
  mmd::options o;                    ///< of the function

  /// The results, without and with gradients.
  ///@{
  template<class B, class X, class Y, class K>
  [[nodiscard]] vec<double, 1> value(const B& b, const X& x, const Y& y, const K& k) const {
    return {{mmd::estimate(b, x, y, k, o)}};
  }
  template<class B, class X, class Y, class K, class G>
  [[nodiscard]] vec<double, 1> gradient(const B& b, const X& x, const Y& y, const K& k, const G& out) const {
    return {{mmd::value_and_gradient(b, x, y, k, out, o)}};
  }
  ///@}
};

/// `mmd::variance_h1`.
struct mmd_variance_loss {
  static constexpr int results = 1;  ///< the value
  mmd::options o;                    ///< of the function

  /// The results, without and with gradients.
  ///@{
  template<class B, class X, class Y, class K>
  [[nodiscard]] vec<double, 1> value(const B& b, const X& x, const Y& y, const K& k) const {
    return {{mmd::variance_h1(b, x, y, k, o)}};
  }
  template<class B, class X, class Y, class K, class G>
  [[nodiscard]] vec<double, 1> gradient(const B& b, const X& x, const Y& y, const K& k, const G& out) const {
    return {{mmd::variance_and_gradient(b, x, y, k, out, o)}};
  }
  ///@}
};

/// `mmd::criterion`: J, then the statistic and the variance.
struct mmd_criterion_loss {
  static constexpr int results = 3;  ///< J, statistic, variance
  mmd::criterion_options o;          ///< of the function

  /// The results, without and with gradients.
  ///@{
  template<class B, class X, class Y, class K>
  [[nodiscard]] vec<double, 3> value(const B& b, const X& x, const Y& y, const K& k) const {
    return in_order(mmd::criterion(b, x, y, k, o));
  }
  template<class B, class X, class Y, class K, class G>
  [[nodiscard]] vec<double, 3> gradient(const B& b, const X& x, const Y& y, const K& k, const G& out) const {
    return in_order(mmd::criterion_and_gradient(b, x, y, k, out, o));
  }
  ///@}

private:
  [[nodiscard]] static vec<double, 3> in_order(const mmd::criterion_result& j) { return {{j.value, j.statistic, j.variance}}; }
};

}  // namespace autograd

DISPAR_NAMESPACE_END
