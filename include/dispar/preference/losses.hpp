#pragma once
/// \file
/// The losses by name. With u the log-ratio of the chosen answer, v that of the rejected one (`pair_loss`), sigma the logistic
/// function. Every parameter is above 0 unless said; others throw `invalid_argument`.

#include "dispar/preference/pair_loss.hpp"

DISPAR_NAMESPACE_BEGIN

namespace preference {

/// -(1 - e) log sigma(beta (u - v)) - e log sigma(-beta (u - v)); e > 0 is conservative DPO. Rafailov et al., NeurIPS 2023,
/// eq. 7; defaults as in its code. e: Mitchell, "A note on DPO with noisy preferences" (2023).
struct dpo {
  double beta = 0.1;           ///< usual: 0.1 to 0.5
  double label_smoothing = 0;  ///< e, in [0, 0.5)
  /// See `pair_loss`.
  ///@{
  void check() const {
    detail::require_positive(beta, "dpo: beta");
    require(label_smoothing >= 0 && label_smoothing < 0.5, "dpo: label_smoothing", "must be at least 0 and below 0.5",
            label_smoothing);
  }
  template<class V>
  DISPAR_FN V value(V chosen, V rejected) const {
    return logistic_loss(V(beta) * (chosen - rejected), label_smoothing);
  }
  template<class V>
  DISPAR_FN vec<V, 2> rewards(V chosen, V rejected) const {
    return {{V(beta) * chosen, V(beta) * rejected}};
  }
  ///@}
};

/// DPO without references: u = log pi(y_w), v = log pi(y_l).
struct reference_free_dpo : dpo {
  static constexpr bool reference_free = true;  ///< see `pair_loss`
};

/// -log sigma(beta u - alpha v), u being the mean log-ratio of K answers of the model itself: one bound on the distribution
/// instead of K pairs. Never above the mean of the K losses of pairs; DPO for K = 1 and alpha = beta.
/// Duan et al., Findings of EMNLP 2024 (arXiv 2403.03419), eq. 3, and its defaults (with K = 11).
struct d2o {
  double alpha = 0.1;  ///< of the dispreferred answer
  double beta = 0.1;   ///< of the model's own answers
  /// See `pair_loss`.
  ///@{
  void check() const {
    detail::require_positive(alpha, "d2o: alpha");
    detail::require_positive(beta, "d2o: beta");
  }
  template<class V>
  DISPAR_FN V value(V chosen, V rejected) const {
    return logistic_loss(V(beta) * chosen - V(alpha) * rejected);
  }
  template<class V>
  DISPAR_FN vec<V, 2> rewards(V chosen, V rejected) const {
    return {{V(beta) * chosen, V(alpha) * rejected}};
  }
  ///@}
};

/// (u - v - 1 / (2 beta))^2: the margin is pulled to a target, not to infinity. Azar et al., AISTATS 2024, eq. 17. Sums over
/// tokens here; TRL's IPO takes means.
struct ipo {
  double beta = 0.1;  ///< their tau
  /// See `pair_loss`.
  ///@{
  void check() const { detail::require_positive(beta, "ipo: beta"); }
  template<class V>
  DISPAR_FN V value(V chosen, V rejected) const {
    const V off = chosen - rejected - V(0.5 / beta);
    return off * off;
  }
  template<class V>
  DISPAR_FN vec<V, 2> rewards(V chosen, V rejected) const {
    return {{V(beta) * chosen, V(beta) * rejected}};
  }
  ///@}
};

/// max(0, 1 - beta (u - v)): DPO with a hinge. Zhao et al., arXiv 2305.10425 (SLiC-HF), and Liu et al., ICLR 2024 (RSO).
struct slic {
  double beta = 0.1;  ///< the inverse of their margin
  /// See `pair_loss`.
  ///@{
  void check() const { detail::require_positive(beta, "slic: beta"); }
  template<class V>
  DISPAR_FN V value(V chosen, V rejected) const {
    return hinge_loss(V(beta) * (chosen - rejected));
  }
  template<class V>
  DISPAR_FN vec<V, 2> rewards(V chosen, V rejected) const {
    return {{V(beta) * chosen, V(beta) * rejected}};
  }
  ///@}
};

/// -log sigma(beta (log pi(y_w) / |y_w| - log pi(y_l) / |y_l|) - gamma): no reference, no reward for length. Log-probabilities
/// are sums, |y| are the numbers of tokens. Meng et al., NeurIPS 2024, eq. 6; beta 2 to 2.5, gamma 0.5 to 1.5.
struct simpo {
  static constexpr bool reference_free = true;  ///< see `pair_loss`
  static constexpr bool per_token = true;       ///< see `pair_loss`
  double beta = 2;                              ///< of the mean log-probabilities
  double gamma = 1;                             ///< the target margin, any finite number
  /// See `pair_loss`.
  ///@{
  void check() const {
    detail::require_positive(beta, "simpo: beta");
    require(gamma - gamma == 0, "simpo: gamma", "must be finite", gamma);
  }
  template<class V>
  DISPAR_FN V value(V chosen, V rejected) const {
    return logistic_loss(V(beta) * (chosen - rejected) - V(gamma));
  }
  template<class V>
  DISPAR_FN vec<V, 2> rewards(V chosen, V rejected) const {
    return {{V(beta) * chosen, V(beta) * rejected}};
  }
  ///@}
};

/// -(2 / beta) log sigma(-beta v): unlearning from answers that are rejected; tends to gradient ascent as beta falls.
/// Zhang et al., COLM 2024 (arXiv 2404.05868), eq. 3.
struct npo {
  static constexpr bool unpaired = true;  ///< see `pair_loss`
  double beta = 0.1;                      ///< the inverse temperature
  /// See `pair_loss`.
  ///@{
  void check() const { detail::require_positive(beta, "npo: beta"); }
  template<class V>
  DISPAR_FN V value(V, V rejected) const {
    return V(2 / beta) * softplus(V(beta) * rejected);
  }
  template<class V>
  DISPAR_FN vec<V, 2> rewards(V chosen, V rejected) const {
    return {{V(0) * chosen, V(beta) * rejected}};
  }
  ///@}
};

/// -log pi(y_w) + weight log pi(y_l): likelihood up, likelihood down, without a bound. A baseline of the DPO paper, 0 <= weight
/// <= 1; 0 is supervised fine-tuning.
struct sequence_unlikelihood {
  static constexpr bool reference_free = true;  ///< see `pair_loss`
  double weight = 1;                            ///< of the rejected answer, in [0, 1]
  /// See `pair_loss`.
  ///@{
  void check() const { require(weight >= 0 && weight <= 1, "sequence_unlikelihood: weight", "must lie between 0 and 1", weight); }
  template<class V>
  DISPAR_FN V value(V chosen, V rejected) const {
    return V(weight) * rejected - chosen;
  }
  ///@}
};

/// log pi(y_l): gradient ascent on the rejected answers. Diverges when trained for long.
struct gradient_ascent {
  static constexpr bool reference_free = true;  ///< see `pair_loss`
  static constexpr bool unpaired = true;        ///< see `pair_loss`
  /// See `pair_loss`.
  template<class V>
  DISPAR_FN static V value(V, V rejected) {
    return rejected;
  }
};

}  // namespace preference

DISPAR_NAMESPACE_END
