#pragma once

#include "dispar/backend/step.hpp"
#include "dispar/backend/strided_vector.hpp"

DISPAR_NAMESPACE_BEGIN

namespace preference::detail {

/// The shares of weighted responses in their mean: w_i / sum w, all 0 where nothing has a weight. `weights` null: all 1.
struct write_shares {
  dispar::detail::strided_vector<const double> weights;
  index count;
  double* out;
  DISPAR_FN double weight(index i) const { return weights.data ? weights(i) : 1; }
  DISPAR_FN void operator()() const {
    double sum = 0;
    for (index i = 0; i < count; ++i) sum += weight(i);
    for (index i = 0; i < count; ++i) out[i] = sum <= 0 ? 0 : weight(i) / sum;
  }
};
/// -sum_i share_i value_i, shares of 0 being left out, whatever the value is.
struct write_share_loss {
  const double* share;
  dispar::detail::strided_vector<const double> value;
  index count;
  double sign;
  double* out;
  DISPAR_FN void operator()() const {
    double sum = 0;
    for (index i = 0; i < count; ++i) {
      const double s = share[i];
      if (!(s >= 0 && s <= 0)) sum += s * value(i);
    }
    *out = sign * sum;
  }
};

}  // namespace preference::detail

DISPAR_NAMESPACE_END
