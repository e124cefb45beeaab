#pragma once
/// \file
/// The template of all losses on preferences: what a functor of a pair is asked, and the functions that losses are made of.

#include "dispar/core/error.hpp"
#include "dispar/core/logistic.hpp"

DISPAR_NAMESPACE_BEGIN

namespace preference {

namespace detail {
struct probe_pair {
  using V = dual<lane<double>, 2>;
};
}  // namespace detail

/// A loss on a pair of answers, as a functor of what the policy thinks of the chosen one and of the rejected one:
///
///     struct exponential {                                              // all that a user writes for a new loss
///       double beta = 0.1;
///       template<class V> DISPAR_FN V value(V chosen, V rejected) const { return exp(V(-beta) * (chosen - rejected)); }
///     };
///
/// `chosen` and `rejected` are log-ratios log pi(y) - log pi_ref(y), of the chosen ones the mean where there are several. V is a
/// `dual`: literals are `V(c)`, branches `select`, functions unqualified; gradients follow from this body.
///
/// Optional members:
/// - `reference_free` (static constexpr bool): log pi(y) instead of log-ratios; references are not read.
/// - `per_token` (static constexpr bool): divided by the number of tokens of the answer, which must be given.
/// - `unpaired` (static constexpr bool): there is no chosen answer, and `value` does not look at it.
/// - `rewards(V chosen, V rejected)`: `vec<V, 2>`, the implicit rewards; their difference is the margin.
/// - `check()`: throws `invalid_argument` for parameters out of range.
template<class F>
concept pair_loss = std::is_trivially_copyable_v<F> && requires(const F f, detail::probe_pair::V v) {
  { f.value(v, v) } -> std::same_as<detail::probe_pair::V>;
};

/// -(1 - e) log sigma(m) - e log sigma(-m): the logistic loss of a margin, and of labels that are wrong with probability e.
template<class V>
[[nodiscard]] DISPAR_FN V logistic_loss(V margin, double label_smoothing = 0) {
  const V loss = softplus(-margin);
  // softplus(m) = softplus(-m) + m. No 0 times infinity.
  return label_smoothing > 0 ? loss + V(label_smoothing) * margin : loss;
}
/// max(0, 1 - m): 0 behind a margin of 1, derivative 0 at the kink.
template<class V>
[[nodiscard]] DISPAR_FN V hinge_loss(V margin) {
  const V short_of = V(1) - margin;
  return dispar::detail::lower_bounded(short_of, V(0));
}

namespace detail {

template<class F>
inline constexpr bool reads_reference = !requires {
  requires F::reference_free;
};
template<class F>
inline constexpr bool counts_tokens = requires {
  requires F::per_token;
};
template<class F>
inline constexpr bool reads_chosen = !requires {
  requires F::unpaired;
};

/// `require` for the parameters of a loss.
inline void require_positive(double x, const char* name) { require(x > 0, name, "must be above 0", x); }

}  // namespace detail

}  // namespace preference

DISPAR_NAMESPACE_END
