#pragma once
/// \file
/// The data of `pairwise` on the `gpu` backend: packed samples, and distance matrices that the caller has.

#include <array>
#include <span>
#include <vector>

#include "dispar/backend/gpu/packed_source.hpp"
#include "dispar/backend/gpu/packing.hpp"
#include "dispar/backend/gpu/shape_tables.hpp"
#include "dispar/backend/gpu/tensor_source.hpp"
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
  /// Segments are padded to a multiple of `unit` rows.
  void append(index count, index unit) {
    first_.push_back(rows_);
    first_packed_.push_back(packed_);
    count_.push_back(count);
    rows_ += count;
    packed_ += (count + unit - 1) / unit * unit;
  }
  /// Padding behind the last segment.
  void append_padding(index rows) { packed_ += rows; }

private:
  std::vector<index> count_, first_, first_packed_;
  index rows_ = 0, packed_ = 0;
};

}  // namespace detail

/// The rows of several segments in device memory, copied once: centred where the metric allows it, feature after feature,
/// floats rounded as the backend's precision says; numbers of 16 bits as they are, so that their products are exact. Memory: one
/// copy of the data, segments padded to 32 or 64 rows. Returns at once.
///
/// Throws `invalid_argument` for empty segments and different numbers of features. NaN and infinite elements, and values whose
/// squared norm overflows `T`, are found on the device and thrown at the next wait, naming the row.
template<class Element, metric Metric, int Channels>
class device_samples : public detail::device_segments {
  static_assert(real<Element> || Metric::product,
                "dispar: samples of half or bfloat16 are for metrics that are a matrix product: sq_euclidean, dot");
  using T = computed_type<Element>;
  /// Whether tensor cores compute the products.
  static constexpr bool on_tensor_cores = Metric::product && std::is_same_v<T, float>;
  using pack_type = typename detail::packing_of<Element, on_tensor_cores>::type;
  using word = typename pack_type::word;
  /// Segments start at multiples of it, and tiles that are larger reach into the next one, or the padding at the end.
  static constexpr index unit = detail::fma_shape<T>::edge;
  static constexpr auto form = std::is_same_v<Element, half>       ? detail::product_form::half
                               : std::is_same_v<Element, bfloat16> ? detail::product_form::bfloat16
                                                                   : detail::product_form::split_tf32;
  static constexpr index most_edge = on_tensor_cores ? detail::tensor_shape<128>::edge : unit;

public:
  using value_type = T;
  using metric_type = Metric;
  static constexpr int channels = Channels;

  template<memory_space S>
  device_samples(const gpu& b, std::span<const sample<Element, Channels, S>> segments) : precision_(b.precision) {
    require(!segments.empty(), "samples", "must have at least one segment");
    for (const auto& s : segments) {
      require(s.rows() > 0, "sample: rows", "must be at least 1", static_cast<double>(s.rows()));
      this->append(s.rows(), unit);
    }
    this->append_padding(most_edge - unit);
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
    array<detail::packing_status, 1, gpu> status(b, {Channels});
    detail::fill_bytes(b, status, 0xff);
    vec<index, Channels> features;
    for (int c = 0; c < Channels; ++c) {
      features[c] = this->features(c);
      pack_channel(b, static_cast<std::size_t>(c), segments, status.data() + c);
    }
    detail::launch(b, "report_packing_kernel", detail::report_packing_kernel<Channels>, 1, 1, status.data(), features,
                   detail::places_on_device(b, *this), this->segments(), detail::report_of(b));
  }

  [[nodiscard]] index features(int c) const noexcept { return channel_[static_cast<std::size_t>(c)].features; }
  /// Where a kernel finds a row, by its number among all rows: here its packed number.
  static constexpr bool places_packed = true;
  [[nodiscard]] index place(index row) const noexcept {
    const int s = this->segment_of(row);
    return this->first_packed(s) + row - this->first(s);
  }
  /// For kernels that read single rows.
  [[nodiscard]] auto source() const {
    if constexpr (on_tensor_cores)
      return filled(detail::tensor_source<form, Metric, Channels, 64>{});
    else
      return filled(detail::packed_source<T, Metric, Channels>{});
  }
  /// The rows and columns of tiles when `Wanted` are wanted.
  template<int Wanted>
  [[nodiscard]] static constexpr int edge() {
    return on_tensor_cores ? Wanted : detail::fma_shape<T>::edge;
  }
  /// visit(what a kernel sees), with tiles of `edge<Edge>()`.
  template<int Edge, class Visit>
  void visit_source(const Visit& visit) const {
    if constexpr (!on_tensor_cores) {
      visit(source());
    } else {
      if constexpr (form == detail::product_form::split_tf32)
        if (precision_ == precision::tf32)
          return visit(filled(detail::tensor_source<detail::product_form::tf32, Metric, Channels, Edge>{}));
      visit(filled(detail::tensor_source<form, Metric, Channels, Edge>{}));
    }
  }

private:
  struct channel {
    index features = 0;
    array<word, 1, gpu> words;
    array<T, 1, gpu> terms;
  };

  template<class Source>
  [[nodiscard]] Source filled(Source s) const {
    for (int c = 0; c < Channels; ++c) {
      const auto& ch = channel_[static_cast<std::size_t>(c)];
      s.words[c] = ch.words.data();
      s.terms[c] = ch.terms.data();
      s.features[c] = ch.features;
    }
    s.stride = this->packed_rows();
    return s;
  }

  template<class Segments>
  void pack_channel(const gpu& b, std::size_t c, const Segments& segments, detail::packing_status* status) {
    auto& ch = channel_[c];
    const index features = ch.features, stride = this->packed_rows();
    constexpr int per_word = pack_type::per_word;
    ch.words = array<word, 1, gpu>(b, {stride * ((features + per_word - 1) / per_word)});
    ch.terms = array<T, 1, gpu>(b, {stride});
    array<T, 1, gpu> mean;
    if constexpr (Metric::translation_invariant && real<Element>) mean = pooled_mean(b, c, segments);
    const Element* const mean_or_null = means_of(mean);
    for (int s = 0; s < this->segments(); ++s) {
      const auto source = detail::strided_of(segments[static_cast<std::size_t>(s)].channel[c]);
      const index rows = this->count(s);
      const index padded = (s + 1 < this->segments() ? this->first_packed(s + 1) : stride) - this->first_packed(s);
      const index tiles = padded / detail::pack_edge * ((features + detail::pack_edge - 1) / detail::pack_edge);
      static_assert(unit % detail::pack_edge == 0);
      detail::launch(b, "pack_kernel", detail::pack_kernel<Element, pack_type>, tiles, detail::pack_threads, source, rows, padded,
                     features, mean_or_null, this->first(s), packing(), ch.words.data(), stride, this->first_packed(s), status);
      const auto packed = this->source();
      using packed_type = std::remove_const_t<decltype(packed)>;
      using sum = std::conditional_t<on_tensor_cores, double, T>;
      detail::launch(b, "row_terms_kernel", detail::row_terms_kernel<sum, packed_type>,
                     (padded + detail::pack_threads - 1) / detail::pack_threads, detail::pack_threads, packed,
                     static_cast<int>(c), this->first_packed(s), rows, padded, this->first(s), ch.terms.data(), status);
    }
  }
  [[nodiscard]] pack_type packing() const {
    if constexpr (std::is_same_v<pack_type, detail::pack_float_bits>)
      return {precision_ == precision::tf32};
    else
      return {};
  }
  [[nodiscard]] static const Element* means_of(const array<T, 1, gpu>& mean) {
    if constexpr (real<Element>)
      return mean.data();
    else
      return nullptr;  // 16-bit numbers are not centred: rounding them again would cost more than it saves
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

  precision precision_;
  std::array<channel, static_cast<std::size_t>(Channels)> channel_{};
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
  static constexpr bool places_packed = false;
  [[nodiscard]] index place(index row) const noexcept { return row; }
  [[nodiscard]] detail::given_source<T> source() const { return {matrix_}; }
  template<int>
  [[nodiscard]] static constexpr int edge() {
    return detail::fma_shape<T>::edge;
  }
  template<int, class Visit>
  void visit_source(const Visit& visit) const {
    visit(source());
  }

private:
  detail::strided<const T> matrix_;
};

/// Packs segments for `pairwise` on the GPU; a range of `sample`s of one type, in memory that the device reaches.
template<metric Metric, class Segments>
[[nodiscard]] auto pack_samples(const gpu& b, const Segments& segments) {
  using S = typename Segments::value_type;
  static_assert(reachable<typename S::space, device>,
                "dispar: the gpu backend cannot read host memory; copy the data with dispar::to(gpu, x) or use the cpu backend");
  return device_samples<typename S::element_type, Metric, S::channel_count>(b,
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
