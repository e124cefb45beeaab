#pragma once

#include "dispar/backend/gpu/sinks.hpp"

DISPAR_NAMESPACE_BEGIN

namespace detail {

/// Labels per pass over the tiles: bounds the device memory for their expanded form to rows x 512 numbers.
inline constexpr index label_chunk = 512;

/// `quadratic_forms`: thread p takes label p through the tile, sum_i w_i (sum_j q_ij w_j), the w_j in registers.
template<int Output, class T>
struct quadratic_on_device {
  static constexpr bool needs_tile = true;
  static constexpr int occupancy = 1;
  const T* labels;  ///< [packed row][label], padding 0
  index stride;     ///< labels per row of memory
  index count;      ///< labels of this pass
  index members;    ///< of the family of operations
  double* partial;  ///< [thread block][member][label]

  template<class Source, class Operation, class Shared>
  __device__ void tile(const tile_values<Source, Operation>& values, const tile_position& at, const Source&,
                       Shared& shared) const {
    using shape = typename Source::shape;
    constexpr int edge = shape::edge, pitch = Shared::pitch;
    const int tid = static_cast<int>(threadIdx.x);
    __syncthreads();
    values.for_each_pair([&](int r, int s, int a, int b) { shared.tile[a * pitch + b] = values.output[r][s][Output].value; });
    __syncthreads();
    for (index p = tid; p < count; p += shape::threads) {
      const T* const row_label = labels + at.own.packed * stride + p;
      const T* const col_label = labels + at.other.packed * stride + p;
      T w[edge];
#pragma unroll
      for (int j = 0; j < edge; ++j) w[j] = col_label[j * stride];
      double sum = 0;
#pragma unroll 1
      for (int i = 0; i < at.own.count; ++i) {
        lane<T> inner(0);
#pragma unroll
        for (int j = 0; j < edge; ++j) inner = fma(lane<T>(shared.tile[i * pitch + j]), lane<T>(w[j]), inner);
        sum += static_cast<double>(inner.value) * static_cast<double>(row_label[i * stride]);
      }
      partial[(static_cast<index>(blockIdx.x) * members + at.member) * stride + p] += sum;
    }
  }
};

template<int Output, class Labels, memory_space S, class Data>
class device_sink<quadratic_forms<Output, Labels, S>, Data> {
  using T = typename Data::value_type;

public:
  static constexpr sink_pass pass = sink_pass::labels;
  static constexpr bool in_place = device_result<double, S>::in_place, families = true;
  static constexpr bool needs_tile = quadratic_on_device<Output, T>::needs_tile;

  device_sink(const gpu& b, const quadratic_forms<Output, Labels, S>& sink, const Data& data, const tile_schedule& schedule,
              index members)
      : sink_(sink), data_(data), members_(members), parts_(schedule.thread_blocks()) {
    require(sink.out.rows() == members, "quadratic_forms: rows of out", "must be the operation's members",
            static_cast<double>(sink.out.rows()));
    const index count = sink.out.cols();
    stride_ = count < label_chunk ? (count + 31) / 32 * 32 : label_chunk;
    labels_ = array<T, 1, gpu>(b, {data.packed_rows() * stride_});
    partial_ = array<double, 1, gpu>(b, {parts_ * members * stride_});
    result_ = device_result<double, S>(b, sink.out, false);
  }

  /// run(kernel part) for every chunk of labels.
  template<class Run>
  void for_each_chunk(const gpu& b, const Run& run) {
    for (index first = 0; first < sink_.out.cols(); first += stride_) {
      const index left = sink_.out.cols() - first, count = left < stride_ ? left : stride_;
      upload_labels(b, first, count);
      fill_bytes(b, partial_, 0);
      run(quadratic_on_device<Output, T>{labels_.data(), stride_, count, members_, partial_.data()});
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
  /// Expanded on the host, some thousand rows at a time.
  void upload_labels(const gpu& b, index first_label, index count) {
    constexpr index slab = 4096;
    fill_bytes(b, labels_, 0);
    for (int s = 0; s < data_.segments(); ++s)
      for (index row = 0; row < data_.count(s); row += slab) {
        const index rows = data_.count(s) - row < slab ? data_.count(s) - row : slab;
        std::vector<T> numbers(static_cast<std::size_t>(rows * stride_), T(0));
        sink_.labels.expand(numbers.data(), data_.first(s) + row, rows, first_label, count, stride_);
        const auto copy = upload(b, std::move(numbers));
        check_cuda(cudaMemcpyAsync(labels_.data() + (data_.first_packed(s) + row) * stride_, copy.data(), copy.bytes(),
                                   cudaMemcpyDeviceToDevice, b.stream()),
                   "cudaMemcpyAsync");
      }
  }

  quadratic_forms<Output, Labels, S> sink_;
  const Data& data_;
  index members_, parts_, stride_;
  array<T, 1, gpu> labels_;
  array<double, 1, gpu> partial_;
  device_result<double, S> result_;
};

}  // namespace detail

DISPAR_NAMESPACE_END
