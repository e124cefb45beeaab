#pragma once

#include <type_traits>

#include "dispar/backend/gpu/label_products.hpp"

DISPAR_NAMESPACE_BEGIN

namespace detail {

/// `quadratic_forms` of doubles: thread p takes label p through the tile, sum_i w_i (sum_j q_ij w_j), the w_j in registers.
template<int Output>
struct label_multiply_adds {
  static constexpr bool needs_tile = true;
  static constexpr int occupancy = 1;
  label_words labels;
  index count;      ///< labels of this pass
  index stride;     ///< of `partial`
  index members;    ///< of the family of operations
  double* partial;  ///< [thread block][member][label]

  template<class Source, class Operation, class Shared>
  __device__ void tile(const tile_values<Source, Operation>& values, const tile_position& at, const Source&,
                       Shared& shared) const {
    using shape = typename Source::shape;
    using T = typename Source::value_type;
    constexpr int edge = shape::edge, pitch = Shared::pitch;
    static_assert(edge == label_words::rows);
    const int tid = static_cast<int>(threadIdx.x);
    __syncthreads();
    values.for_each_pair([&](int r, int s, int a, int b) { shared.tile[a * pitch + b] = values.output[r][s][Output].value; });
    __syncthreads();
    for (index p = tid; p < count; p += shape::threads) {
      const std::uint32_t row_labels = *labels.of(at.own.packed, p), col_labels = *labels.of(at.other.packed, p);
      const auto sign = [](std::uint32_t bits, int row) { return (bits >> label_words::bit(row) & 1) != 0 ? T(1) : T(-1); };
      T w[edge];
#pragma unroll
      for (int j = 0; j < edge; ++j) w[j] = sign(col_labels, j);
      double sum = 0;
#pragma unroll 1
      for (int i = 0; i < at.own.count; ++i) {
        lane<T> inner(0);
#pragma unroll
        for (int j = 0; j < edge; ++j) inner = fma(lane<T>(shared.tile[i * pitch + j]), lane<T>(w[j]), inner);
        sum += static_cast<double>(inner.value) * static_cast<double>(sign(row_labels, i));
      }
      partial[(static_cast<index>(blockIdx.x) * members + at.member) * stride + p] += sum;
    }
  }
};

/// Bytes of partial sums, which bound the labels of one pass over the tiles. Data may say otherwise.
template<class Data>
[[nodiscard]] index label_sums_bytes(const Data& data) {
  if constexpr (requires { data.label_sums_bytes(); })
    return data.label_sums_bytes();
  else
    return index{1} << 27;
}

template<int Output, class Labels, memory_space S, class Data>
class device_sink<quadratic_forms<Output, Labels, S>, Data> {
  static constexpr bool on_tensor_cores = std::is_same_v<typename Data::value_type, float>;
  using part = std::conditional_t<on_tensor_cores, label_products<Output>, label_multiply_adds<Output>>;

public:
  static constexpr sink_pass pass = sink_pass::labels;
  static constexpr bool in_place = device_result<double, S>::in_place, families = true;
  static constexpr bool needs_tile = part::needs_tile;

  device_sink(const gpu& b, const quadratic_forms<Output, Labels, S>& sink, const Data& data, const tile_schedule& schedule,
              index members)
      : count_(sink.out.cols()), members_(members), parts_(schedule.thread_blocks()) {
    require(sink.labels.rows == data.rows(), "quadratic_forms: rows of labels", "must be the rows of all segments",
            static_cast<double>(sink.labels.rows));
    require(sink.out.rows() == members, "quadratic_forms: rows of out", "must be the operation's members",
            static_cast<double>(sink.out.rows()));
    require(count_ == sink.labels.labels, "quadratic_forms: cols of out", "must be the labellings", static_cast<double>(count_));
    require(count_ < (index{1} << 28), "quadratic_forms: labels", "must be below 2^28", static_cast<double>(count_));
    if constexpr (on_tensor_cores) parts_ *= schedule.edge / label_words::rows;
    constexpr index unit = 16;
    const index all = (count_ + unit - 1) / unit * unit;
    const index most = label_sums_bytes(data) / static_cast<index>(sizeof(double)) / (parts_ * members) / unit * unit;
    stride_ = most < unit ? unit : most < all ? most : all;
    words_ = pack_labels(b, sink.labels, data, all);
    words_per_row_ = all;
    partial_ = array<double, 1, gpu>(b, {parts_ * members * stride_});
    result_ = device_result<double, S>(b, sink.out, false);
  }

  /// run(kernel part) for as many labels at a time as `partial_` has room for.
  template<class Run>
  void for_each_chunk(const gpu& b, const Run& run) {
    for (index first = 0; first < count_; first += stride_) {
      const index left = count_ - first, count = left < stride_ ? left : stride_;
      fill_bytes(b, partial_, 0);
      run(part{{words_.data(), words_per_row_, first}, count, stride_, members_, partial_.data()});
      for (index f = 0; f < members_; ++f) {
        strided<double> target = result_.on_device();
        target.data += f * target.row_stride + first * target.col_stride;
        launch(b, "ordered_sums_kernel", ordered_sums_kernel<reduce_threads>, count, reduce_threads,
               partial_.data() + f * stride_, parts_, members_ * stride_, target, count);
      }
    }
  }
  void finish(const gpu& b) { result_.start_copy(b); }
  void deliver() const { result_.deliver(); }

private:
  index count_, members_, parts_, stride_, words_per_row_;
  array<std::uint32_t, 1, gpu> words_;
  array<double, 1, gpu> partial_;
  device_result<double, S> result_;
};

}  // namespace detail

DISPAR_NAMESPACE_END
