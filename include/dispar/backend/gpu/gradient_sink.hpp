#pragma once

#include "dispar/backend/gpu/sinks.hpp"

DISPAR_NAMESPACE_BEGIN

namespace detail {

/// `feature_gradient`: while a tile of outputs q is in shared memory, its product with the rows it met (or, for metrics whose
/// slope is not linear, the sum of slopes) is added in double to the rows that the thread block owns.
template<int Output, int Channel, class T, int Segments>
struct gradient_on_device {
  static constexpr bool needs_tile = true;
  static constexpr int occupancy = 1;
  strided<T> out[Segments];   ///< null where not wanted
  double* sums[Segments];     ///< [row of the segment][feature]
  double* weights[Segments];  ///< sum of q along each row, for metrics with a linear slope
  double factor;
  const double* upstream;  ///< one more factor, or null
  bool accumulate;

  template<class... A>
  __device__ void begin(const A&...) const {}

  template<class Source, class Operation, class Shared>
  __device__ void tile(const tile_values<Source, Operation>& values, const tile_position& at, const Source& source,
                       Shared& shared) const {
    using Metric = typename Source::metric_type;
    using shape = typename Source::shape;
    constexpr int edge = shape::edge, side = 16, micro = edge / side, pitch = Shared::pitch;
    constexpr int step = Shared::scratch_depth, slice_pitch = Shared::scratch_pitch;  // columns of the tile per slice
    static_assert(shape::threads == side * side && edge % step == 0);
    if (at.own.segment >= Segments || !out[at.own.segment].data) return;  // the same for all threads
    const int tid = static_cast<int>(threadIdx.x), tx = tid % side, ty = tid / side;
    const index features = source.features[Channel];
    double* const own_sums = sums[at.own.segment] + at.own.local * features;

    __syncthreads();
    values.for_each_pair([&](int r, int s, int a, int b) {
      shared.tile[a * pitch + b] = values.output[r][s][Output].value;
      if constexpr (slope_needs_distance<Metric>) shared.distance[a * pitch + b] = values.distance[Channel][r][s].value;
    });
    if constexpr (has_linear_slope<Metric>)
      for_each_row_sum<Output>(values, shared, [&](int row, double sum) {
        if (row < at.own.count) weights[at.own.segment][at.own.local + row] += sum;
      });

    for (index k0 = 0; k0 < features; k0 += edge) {
      // This thread: rows ty * micro + r, features k0 + f * side + tx, so that neighbours write next to each other.
      lane<T> acc[micro][micro];
      T own[micro][micro];
#pragma unroll
      for (int r = 0; r < micro; ++r)
#pragma unroll
        for (int f = 0; f < micro; ++f) {
          acc[r][f] = lane<T>(0);
          const index k = k0 + f * side + tx;
          own[r][f] = T(0);
          if constexpr (!has_linear_slope<Metric>)
            if (k < features) own[r][f] = source.value(Channel, k, at.own.packed + ty * micro + r);
        }
#pragma unroll 1
      for (int j0 = 0; j0 < edge; j0 += step) {
        __syncthreads();
        for (int e = tid; e < edge * step; e += shape::threads) {
          const int f = e / step, j = e % step;
          const index k = k0 + f;
          shared.scratch[f * slice_pitch + j] = k < features ? source.value(Channel, k, at.other.packed + j0 + j) : T(0);
        }
        __syncthreads();
#pragma unroll
        for (int j = 0; j < step; ++j) {
          T other[micro];
#pragma unroll
          for (int f = 0; f < micro; ++f) other[f] = shared.scratch[(f * side + tx) * slice_pitch + j];
#pragma unroll
          for (int r = 0; r < micro; ++r) {
            const int place = (ty * micro + r) * pitch + j0 + j;
            const lane<T> q(shared.tile[place]);
            lane<T> distance(0);
            if constexpr (slope_needs_distance<Metric>) distance = lane<T>(shared.distance[place]);
#pragma unroll
            for (int f = 0; f < micro; ++f)
              if constexpr (has_linear_slope<Metric>)
                acc[r][f] = fma(q, lane<T>(other[f]), acc[r][f]);
              else
                acc[r][f] = fma(q, Metric::slope(lane<T>(own[r][f]), lane<T>(other[f]), distance), acc[r][f]);
          }
        }
      }
#pragma unroll
      for (int r = 0; r < micro; ++r)
#pragma unroll
        for (int f = 0; f < micro; ++f) {
          const index k = k0 + f * side + tx;
          const int row = ty * micro + r;
          if (row < at.own.count && k < features) own_sums[row * features + k] += static_cast<double>(acc[r][f].value);
        }
    }
  }

  template<class Source, class Shared>
  __device__ void end(const row_strip& own, const Source& source, const Shared&) const {
    using Metric = typename Source::metric_type;
    if (own.segment >= Segments || !out[own.segment].data) return;  // the same for all threads
    __syncthreads();                                                // the sums were written by other threads of this block
    const index features = source.features[Channel];
    const double* const own_sums = sums[own.segment] + own.local * features;
    const strided<T> target = out[own.segment];
    for (index e = static_cast<index>(threadIdx.x); e < own.count * features; e += static_cast<index>(blockDim.x)) {
      const index row = e / features, k = e % features;
      double g = own_sums[e];
      if constexpr (has_linear_slope<Metric>)
        g = Metric::other * g +
            Metric::own * weights[own.segment][own.local + row] * static_cast<double>(source.value(Channel, k, own.packed + row));
      g *= upstream != nullptr ? factor * *upstream : factor;
      T& element = target(own.local + row, k);
      element = static_cast<T>(accumulate ? static_cast<double>(element) + g : g);
    }
  }
};

template<int Output, int Channel, class T, int Segments, memory_space S, class Data>
class device_sink<feature_gradient<Output, Channel, T, Segments, S>, Data> {
public:
  static constexpr sink_pass pass = sink_pass::rows;
  static constexpr bool in_place = device_result<T, S>::in_place, families = false;
  static constexpr bool needs_tile = gradient_on_device<Output, Channel, T, Segments>::needs_tile;

  device_sink(const gpu& b, const feature_gradient<Output, Channel, T, Segments, S>& sink, const Data& data, const tile_schedule&,
              index)
      : factor_(sink.factor), upstream_(sink.upstream.data()), accumulate_(sink.accumulate) {
    static_assert(reachable<S, device>, "dispar: the gpu backend writes gradients to memory that it reaches");
    static_assert(std::is_same_v<T, typename Data::value_type>, "dispar: gradients have the type of the samples");
    const index features = data.features(Channel);
    for (int s = 0; s < data.segments() && s < Segments; ++s) {
      const auto& out = sink.out[static_cast<std::size_t>(s)];
      if (!out) continue;
      require(out.rows() == data.count(s), "gradient: rows", "must be those of the sample", static_cast<double>(out.rows()));
      require(out.cols() == features, "gradient: cols", "must be the features of the sample", static_cast<double>(out.cols()));
      auto& segment = segment_[static_cast<std::size_t>(s)];
      segment.wanted = true;
      segment.sums = array<double, 1, gpu>(b, {data.count(s) * features});
      segment.weights = array<double, 1, gpu>(b, {data.count(s)});
      fill_bytes(b, segment.sums, 0);
      fill_bytes(b, segment.weights, 0);
      segment.result = device_result<T, S>(b, out, sink.accumulate);
    }
  }
  [[nodiscard]] gradient_on_device<Output, Channel, T, Segments> on_device() {
    gradient_on_device<Output, Channel, T, Segments> sink{};
    for (int s = 0; s < Segments; ++s) {
      auto& segment = segment_[static_cast<std::size_t>(s)];
      if (!segment.wanted) continue;
      sink.out[s] = segment.result.on_device();
      sink.sums[s] = segment.sums.data();
      sink.weights[s] = segment.weights.data();
    }
    sink.factor = factor_;
    sink.upstream = upstream_;
    sink.accumulate = accumulate_;
    return sink;
  }
  void finish(const gpu& b) {
    for (auto& segment : segment_)
      if (segment.wanted) segment.result.start_copy(b);
  }
  void deliver() const {
    for (const auto& segment : segment_)
      if (segment.wanted) segment.result.deliver();
  }

private:
  struct segment_memory {
    bool wanted = false;
    array<double, 1, gpu> sums, weights;
    device_result<T, S> result;
  };
  double factor_;
  const double* upstream_;
  bool accumulate_;
  std::array<segment_memory, static_cast<std::size_t>(Segments)> segment_;
};

}  // namespace detail

DISPAR_NAMESPACE_END
