#pragma once
/// \file
/// The data of `pairwise` on the `gpu` backend: packed samples, and distance matrices that the caller has.

#include <array>
#include <span>
#include <vector>

#include "dispar/backend/gpu/packed_source.hpp"
#include "dispar/backend/gpu/packing.hpp"
#include "dispar/backend/gpu/transfer.hpp"
#include "dispar/backend/sample.hpp"

DISPAR_NAMESPACE_BEGIN

namespace detail {

/// Rows of several segments, numbered through, and in packed numbers where every segment starts a tile.
class device_segments {
public:
  [[nodiscard]] int segments() const noexcept { return static_cast<int>(count_.size()); }
  [[nodiscard]] index count(int s) const noexcept { return count_[static_cast<std::size_t>(s)]; }
  [[nodiscard]] index rows() const noexcept { return rows_; }
  [[nodiscard]] index first(int s) const noexcept { return first_[static_cast<std::size_t>(s)]; }
  [[nodiscard]] index packed_rows() const noexcept { return packed_; }
  [[nodiscard]] index first_packed(int s) const noexcept { return first_packed_[static_cast<std::size_t>(s)]; }
  [[nodiscard]] int segment_of(index row) const noexcept {
    int s = segments() - 1;
    while (s > 0 && row < first(s)) --s;
    return s;
  }

protected:
  void append(index count, index edge) {
    first_.push_back(rows_);
    first_packed_.push_back(packed_);
    count_.push_back(count);
    rows_ += count;
    packed_ += (count + edge - 1) / edge * edge;
  }

private:
  std::vector<index> count_, first_, first_packed_;
  index rows_ = 0, packed_ = 0;
};

}  // namespace detail

/// The rows of several segments in device memory, copied once: centred where the metric allows it, feature after feature,
/// segments padded to whole tiles. Memory: one copy of the data. Returns at once.
///
/// Throws `invalid_argument` for empty segments and different numbers of features. NaN and infinite elements, and values whose
/// squared norm overflows `T`, are found on the device and thrown at the next wait for a result, naming the row.
template<class T, metric Metric, int Channels>
class device_samples : public detail::device_segments {
  using shape = detail::fma_shape<T>;

public:
  using value_type = T;
  using metric_type = Metric;
  static constexpr int channels = Channels;

  template<memory_space S>
  device_samples(const gpu& b, std::span<const sample<T, Channels, S>> segments) {
    require(!segments.empty(), "samples", "must have at least one segment");
    for (const auto& s : segments) {
      require(s.rows() > 0, "sample: rows", "must be at least 1", static_cast<double>(s.rows()));
      this->append(s.rows(), shape::edge);
    }
    for (std::size_t c = 0; c < channel_.size(); ++c) {
      channel_[c].features = segments[0].channel[c].cols();
      require(channel_[c].features > 0, "sample: features", "must be at least 1", static_cast<double>(channel_[c].features));
      for (const auto& s : segments) {
        require(s.channel[c].cols() == channel_[c].features, "sample: features", "must be the same in every sample",
                static_cast<double>(s.channel[c].cols()));
        require(s.channel[c].rows() == s.rows(), "sample: rows", "must be the same in every channel",
                static_cast<double>(s.channel[c].rows()));
      }
    }
    status_ = array<detail::packing_status, 1, gpu>(b, {Channels});
    detail::fill_bytes(b, status_, 0xff);
    for (std::size_t c = 0; c < channel_.size(); ++c) pack_channel(b, c, segments);
  }

  [[nodiscard]] index features(int c) const noexcept { return channel_[static_cast<std::size_t>(c)].features; }
  /// Where a kernel finds a row, by its number among all rows.
  [[nodiscard]] index place(index row) const noexcept {
    const int s = this->segment_of(row);
    return this->first_packed(s) + row - this->first(s);
  }
  [[nodiscard]] detail::packed_source<T, Metric, Channels> source() const {
    detail::packed_source<T, Metric, Channels> s{};
    for (int c = 0; c < Channels; ++c) {
      const auto& ch = channel_[static_cast<std::size_t>(c)];
      s.values[c] = ch.values.data();
      s.terms[c] = ch.terms.data();
      s.features[c] = ch.features;
    }
    s.stride = this->packed_rows();
    return s;
  }

  /// The wait: afterwards all results are there. Throws `invalid_argument` where packing met NaN, infinity or overflow.
  void wait(const gpu& b) const {
    std::array<detail::packing_status, static_cast<std::size_t>(Channels)> found;
    detail::check_cuda(cudaMemcpyAsync(found.data(), status_.data(), status_.bytes(), cudaMemcpyDeviceToHost, b.stream()),
                       "cudaMemcpyAsync");
    b.wait();
    for (std::size_t c = 0; c < found.size(); ++c) {
      const index features = channel_[c].features;
      if (found[c].element != detail::packing_status::nothing)
        report(static_cast<index>(found[c].element) / features, static_cast<index>(found[c].element) % features,
               "is NaN or infinite");
      if (found[c].overflow != detail::packing_status::nothing)
        report(static_cast<index>(found[c].overflow), 0, "is too large: its row's squared norm overflows; scale the data");
    }
  }

private:
  struct channel {
    index features = 0;
    array<T, 1, gpu> values, terms;
  };

  template<class Segments>
  void pack_channel(const gpu& b, std::size_t c, const Segments& segments) {
    auto& ch = channel_[c];
    const index features = ch.features, stride = this->packed_rows();
    ch.values = array<T, 1, gpu>(b, {stride * features});
    ch.terms = array<T, 1, gpu>(b, {stride});
    array<T, 1, gpu> mean;
    if constexpr (Metric::translation_invariant) mean = pooled_mean(b, c, segments);
    for (int s = 0; s < this->segments(); ++s) {
      const auto source = detail::strided_of(segments[static_cast<std::size_t>(s)].channel[c]);
      const index rows = this->count(s), padded = (rows + shape::edge - 1) / shape::edge * shape::edge;
      const index tiles = padded / detail::pack_edge * ((features + detail::pack_edge - 1) / detail::pack_edge);
      static_assert(shape::edge % detail::pack_edge == 0);
      detail::packing_status* const status = status_.data() + c;
      detail::launch(b, "pack_kernel", detail::pack_kernel<T>, tiles, detail::pack_threads, source, rows, padded, features,
                     mean.data(), this->first(s), ch.values.data(), stride, this->first_packed(s), status);
      detail::launch(b, "row_terms_kernel", detail::row_terms_kernel<T, Metric>,
                     (padded + detail::pack_threads - 1) / detail::pack_threads, detail::pack_threads, ch.values.data(), stride,
                     features, this->first_packed(s), rows, padded, this->first(s), ch.terms.data(), status);
    }
  }

  /// Column means over all segments, by two steps of fixed order.
  template<class Segments>
  array<T, 1, gpu> pooled_mean(const gpu& b, std::size_t c, const Segments& segments) const {
    const index features = channel_[c].features;
    const index groups = (features + detail::mean_threads - 1) / detail::mean_threads;
    const auto chunks_of = [](index rows) { return (rows + detail::mean_chunk - 1) / detail::mean_chunk; };
    index chunks = 0;
    for (int s = 0; s < this->segments(); ++s) chunks += chunks_of(this->count(s));
    array<double, 1, gpu> partial(b, {chunks * features});
    index done = 0;
    for (int s = 0; s < this->segments(); ++s) {
      const index own = chunks_of(this->count(s));
      detail::launch(b, "column_sums_kernel", detail::column_sums_kernel<T>, own * groups, detail::mean_threads,
                     detail::strided_of(segments[static_cast<std::size_t>(s)].channel[c]), this->count(s), features,
                     partial.data() + done * features);
      done += own;
    }
    array<T, 1, gpu> mean(b, {features});
    detail::launch(b, "column_means_kernel", detail::column_means_kernel<T>, groups, detail::mean_threads, partial.data(), chunks,
                   this->rows(), features, mean.data());
    return mean;
  }

  [[noreturn]] void report(index row, index feature, const char* what) const {
    const int s = this->segment_of(row);
    throw invalid_argument("dispar: sample " + to_text(s) + ": element (" + to_text(static_cast<double>(row - this->first(s))) +
                           ", " + to_text(static_cast<double>(feature)) + ") " + what);
  }

  std::array<channel, static_cast<std::size_t>(Channels)> channel_{};
  array<detail::packing_status, 1, gpu> status_;
};

/// A Gram, score or distance matrix in device memory over the rows of all segments; nothing is copied. Of a symmetric pair of
/// blocks only the one above the diagonal is read.
template<class T>
class device_given_matrix : public detail::device_segments {
public:
  using value_type = T;
  using metric_type = dot;
  static constexpr int channels = 1;

  device_given_matrix(detail::strided<const T> matrix, index rows, index cols, std::span<const index> counts) : matrix_(matrix) {
    for (const index count : counts) {
      require(count > 0, "given: segment", "must have at least one row", static_cast<double>(count));
      this->append(count, detail::fma_shape<T>::edge);
    }
    require(rows == this->rows() && cols == this->rows(), "given: matrix", "must be square over all rows",
            static_cast<double>(rows));
  }
  [[nodiscard]] index place(index row) const noexcept { return row; }
  [[nodiscard]] detail::given_source<T> source() const { return {matrix_}; }
  void wait(const gpu& b) const { b.wait(); }

private:
  detail::strided<const T> matrix_;
};

/// Packs segments for `pairwise` on the GPU; a range of `sample`s of one type, in memory that the device reaches.
template<metric Metric, class Segments>
[[nodiscard]] auto pack_samples(const gpu& b, const Segments& segments) {
  using S = typename Segments::value_type;
  static_assert(reachable<typename S::space, device>,
                "dispar: the gpu backend cannot read host memory; copy the data with dispar::to(gpu, x) or use the cpu backend");
  return device_samples<typename S::value_type, Metric, S::channel_count>(b,
                                                                          std::span<const S>(segments.data(), segments.size()));
}

/// A caller's matrix as the data of `pairwise` on the GPU, with the rows of each segment counted.
template<class T, memory_space S, std::size_t Segments>
[[nodiscard]] auto given_samples(const gpu&, const matrix_view<const T, S>& matrix, const std::array<index, Segments>& counts) {
  static_assert(reachable<S, device>,
                "dispar: the gpu backend cannot read host memory; copy the data with dispar::to(gpu, x) or use the cpu backend");
  return device_given_matrix<T>(detail::strided_of(matrix), matrix.rows(), matrix.cols(), std::span<const index>(counts));
}

DISPAR_NAMESPACE_END
