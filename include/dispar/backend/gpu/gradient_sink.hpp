#pragma once

#include "dispar/backend/gpu/sinks.hpp"

DISPAR_NAMESPACE_BEGIN

namespace detail {

/// `feature_gradient`: while a tile of outputs q is in shared memory, its product with the rows it met (or, for metrics that are
/// no product, the sum of slopes) is added in double to the rows that the thread block owns.
template<int Output, int Channel, class T, int Segments>
struct gradient_on_device {
  strided<T> out[Segments];   ///< null where not wanted
  double* sums[Segments];     ///< [row of the segment][feature]
  double* weights[Segments];  ///< sum of q along each row, for product metrics
  double factor;
  bool accumulate;

  template<class... A>
  __device__ void begin(const A&...) const {}

  template<class Source, class Operation>
  __device__ void tile(const tile_values<Source, Operation>& values, const tile_position& at, const Source& source,
                       tile_memory<T>& shared) const {
    using Metric = typename Source::metric_type;
    using shape = tile_shape<T>;
    constexpr int edge = shape::edge, micro = shape::micro, side = shape::side, pitch = tile_memory<T>::pitch;
    constexpr int step = 16, slice_pitch = step + 1;  // columns of the tile per slice
    static_assert(edge * slice_pitch <= 2 * shape::depth * edge && edge % step == 0 && shape::threads % step == 0);
    if (at.own.segment >= Segments || !out[at.own.segment].data) return;  // the same for all threads
    const int tid = static_cast<int>(threadIdx.x), tx = tid % side, ty = tid / side;
    const index features = source.features[Channel], stride = source.stride;
    double* const own_sums = sums[at.own.segment] + at.own.local * features;

    __syncthreads();
#pragma unroll
    for (int r = 0; r < micro; ++r)
#pragma unroll
      for (int s = 0; s < micro; ++s) {
        const int place = (ty * micro + r) * pitch + tx * micro + s;
        shared.tile[place] = values.output[r][s][Output].value;
        if constexpr (needs_distance<Metric>) shared.distance[place] = values.distance[Channel][r][s].value;
      }
    if constexpr (Metric::product) add_weights(values, at);

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
          if constexpr (!Metric::product)
            if (k < features) own[r][f] = source.values[Channel][k * stride + at.own.packed + ty * micro + r];
        }
#pragma unroll 1
      for (int j0 = 0; j0 < edge; j0 += step) {
        __syncthreads();
        for (int e = tid; e < edge * step; e += shape::threads) {
          const int f = e / step, j = e % step;
          const index k = k0 + f;
          shared.slices[f * slice_pitch + j] =
              k < features ? source.values[Channel][k * stride + at.other.packed + j0 + j] : T(0);
        }
        __syncthreads();
#pragma unroll
        for (int j = 0; j < step; ++j) {
          T other[micro];
#pragma unroll
          for (int f = 0; f < micro; ++f) other[f] = shared.slices[(f * side + tx) * slice_pitch + j];
#pragma unroll
          for (int r = 0; r < micro; ++r) {
            const int place = (ty * micro + r) * pitch + j0 + j;
            const lane<T> q(shared.tile[place]);
            lane<T> distance(0);
            if constexpr (needs_distance<Metric>) distance = lane<T>(shared.distance[place]);
#pragma unroll
            for (int f = 0; f < micro; ++f)
              if constexpr (Metric::product)
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

  template<class Source>
  __device__ void end(const row_strip& own, const Source& source, const tile_memory<T>&) const {
    using Metric = typename Source::metric_type;
    if (own.segment >= Segments || !out[own.segment].data) return;  // the same for all threads
    __syncthreads();                                                // the sums were written by other threads of this block
    const index features = source.features[Channel];
    const double* const own_sums = sums[own.segment] + own.local * features;
    const strided<T> target = out[own.segment];
    for (index e = static_cast<index>(threadIdx.x); e < own.count * features; e += static_cast<index>(blockDim.x)) {
      const index row = e / features, k = e % features;
      double g = own_sums[e];
      if constexpr (Metric::product)
        g = Metric::other * g + Metric::own * weights[own.segment][own.local + row] *
                                    static_cast<double>(source.values[Channel][k * source.stride + own.packed + row]);
      g *= factor;
      T& element = target(own.local + row, k);
      element = static_cast<T>(accumulate ? static_cast<double>(element) + g : g);
    }
  }

private:
  template<class Metric>
  static constexpr bool needs_distance = requires {
    Metric::slope_needs_distance;
  };

  template<class Values>
  __device__ void add_weights(const Values& values, const tile_position& at) const {
    constexpr int micro = tile_shape<T>::micro, side = tile_shape<T>::side;
    const int tx = static_cast<int>(threadIdx.x) % side, ty = static_cast<int>(threadIdx.x) / side;
#pragma unroll
    for (int r = 0; r < micro; ++r) {
      double sum = 0;
#pragma unroll
      for (int s = 0; s < micro; ++s) sum += static_cast<double>(values.output[r][s][Output].value);
      sum = half_warp_sum(sum);
      const int row = ty * micro + r;
      if (tx == 0 && row < at.own.count) weights[at.own.segment][at.own.local + row] += sum;
    }
  }
};

template<int Output, int Channel, class T, int Segments, memory_space S, class Data>
class device_sink<feature_gradient<Output, Channel, T, Segments, S>, Data> {
public:
  static constexpr sink_pass pass = sink_pass::rows;
  static constexpr bool in_place = device_result<T, S>::in_place, families = false;

  device_sink(const gpu& b, const feature_gradient<Output, Channel, T, Segments, S>& sink, const Data& data, const tile_schedule&,
              index)
      : factor_(sink.factor), accumulate_(sink.accumulate) {
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
  bool accumulate_;
  std::array<segment_memory, static_cast<std::size_t>(Segments)> segment_;
};

}  // namespace detail

DISPAR_NAMESPACE_END
