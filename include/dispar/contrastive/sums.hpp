#pragma once

#include "dispar/core/view.hpp"

DISPAR_NAMESPACE_BEGIN

namespace contrastive::detail {

/// sums[k] += part[k].
struct add_numbers {
  const double* part;
  double* sums;
  DISPAR_FN void operator()(index k) const { sums[k] += part[k]; }
};
struct clear_number {
  double* to;
  DISPAR_FN void operator()() const { *to = 0; }
};
struct clear_numbers {
  double* to;
  DISPAR_FN void operator()(index i) const { to[i] = 0; }
};
struct mean_of_pairs {
  const double* sum;
  double pairs;
  double* out;
  DISPAR_FN void operator()() const { *out = *sum / pairs; }
};

}  // namespace contrastive::detail

DISPAR_NAMESPACE_END
