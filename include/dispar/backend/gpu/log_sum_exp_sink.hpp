#pragma once

#include "dispar/backend/gpu/row_state_sink.hpp"
#include "dispar/core/special_values.hpp"

DISPAR_NAMESPACE_BEGIN

namespace detail {

/// `row_log_sum_exp`: the lanes that share a row agree on its maximum, add up relative to it, and the one thread that owns the
/// row merges the warps' states in order.
template<int Output>
struct log_sum_exp_on_device : row_states_on_device<folds::log_sum_exp<double>> {
  template<class Source, class Operation, class Shared>
  __device__ void tile(const tile_values<Source, Operation>& values, const tile_position& at, const Source&,
                       Shared& shared) const {
    using T = typename Source::value_type;
    using shape = typename Source::shape;
    constexpr T nothing = -(largest_finite<T> / 4);
    static_assert(shape::edge <= shape::threads);
    const int thread = static_cast<int>(threadIdx.x);
    T maximum[shape::rows], sum[shape::rows];
#pragma unroll
    for (int r = 0; r < shape::rows; ++r) {
      maximum[r] = nothing;
      bool bad = false;
#pragma unroll
      for (int s = 0; s < shape::cols; ++s) {
        if (!at.counts(shape::row(thread, r), shape::col(thread, s))) continue;
        const T x = values.output[r][s][Output].value;
        bad = bad || is_nan(x);
        maximum[r] = x > maximum[r] ? x : maximum[r];
      }
      if (bad) maximum[r] = quiet_nan<T>();
      for (int distance = shape::row_lanes / 2; distance > 0; distance /= 2) {
        const T other = __shfl_xor_sync(0xffffffffu, maximum[r], distance);
        maximum[r] = is_nan(maximum[r]) || is_nan(other) ? quiet_nan<T>() : (other > maximum[r] ? other : maximum[r]);
      }
      sum[r] = 0;
      const bool plain = !is_special(maximum[r]) && maximum[r] > nothing;
#pragma unroll
      for (int s = 0; s < shape::cols; ++s)
        if (plain && at.counts(shape::row(thread, r), shape::col(thread, s)))
          sum[r] += std::exp(values.output[r][s][Output].value - maximum[r]);
      for (int distance = shape::row_lanes / 2; distance > 0; distance /= 2)
        sum[r] += __shfl_xor_sync(0xffffffffu, sum[r], distance);
    }
    // Maxima and sums take turns in the same shared memory.
    double maxima[shape::row_warps] = {};
    share_rows<shape>(maximum, thread, shared);
    if (thread < shape::edge)
      for (int w = 0; w < shape::row_warps; ++w) maxima[w] = shared.row_sums[w][thread];
    share_rows<shape>(sum, thread, shared);
    if (thread >= at.own.count) return;  // no barrier follows
    state& own = of(at, thread);
    for (int w = 0; w < shape::row_warps; ++w)
      if (is_special(maxima[w]))
        fold::merge(own, {maxima[w], 1});
      else if (maxima[w] > static_cast<double>(nothing))
        fold::merge(own, {maxima[w], shared.row_sums[w][thread]});
  }
};

template<int Output, memory_space S, class Data>
class device_sink<row_log_sum_exp<Output, S>, Data>
    : public row_state_sink<log_sum_exp_on_device<Output>, row_log_sum_exp<Output, S>> {
public:
  device_sink(const gpu& b, const row_log_sum_exp<Output, S>& sink, const Data& data, const device_schedule& schedule, index)
      : row_state_sink<log_sum_exp_on_device<Output>, row_log_sum_exp<Output, S>>("row_log_sum_exp", b, sink, data.rows(),
                                                                                  schedule) {}
};

}  // namespace detail

DISPAR_NAMESPACE_END
