#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "dispar/backend/array.hpp"
#include "dispar/backend/host/register_tile.hpp"
#include "dispar/backend/host/tiled_host.hpp"
#include "dispar/backend/sample.hpp"

DISPAR_NAMESPACE_BEGIN

/// The rows of several segments, copied once into panels [feature][width] (rows of a panel next to each other), each segment
/// starting a panel. Where the metric allows it the pooled mean is subtracted first: uncentred float data loses digits.
///
/// Memory: one copy of the data, rows rounded up to whole panels. Time: O(rows x features).
/// Throws `invalid_argument` for empty segments, different numbers of features, NaN or infinite elements, and values whose
/// row term (squared norm) overflows `T`.
template<class T, metric Metric, int Channels, class Backend>
class packed_samples {
  using R = detail::register_tile<T>;
  using V = typename R::V;

public:
  using value_type = T;
  using metric_type = Metric;
  static constexpr int channels = Channels;
  static constexpr int width = R::width;

  packed_samples(const Backend& b, std::span<const sample<T, Channels>> segments) {
    require(!segments.empty(), "samples", "must have at least one segment");
    for (const auto& s : segments) {
      require(s.rows() > 0, "sample: rows", "must be at least 1", static_cast<double>(s.rows()));
      first_row_.push_back(panels_ * width);
      first_.push_back(rows_);
      count_.push_back(s.rows());
      panels_ += (s.rows() + width - 1) / width;
      rows_ += s.rows();
    }
    for (int c = 0; c < Channels; ++c) pack_channel(b, c, segments);
  }

  [[nodiscard]] int segments() const noexcept { return static_cast<int>(count_.size()); }
  [[nodiscard]] index count(int segment) const noexcept { return count_[static_cast<std::size_t>(segment)]; }
  /// Rows of all segments, and the number of a segment's first row among them.
  [[nodiscard]] index rows() const noexcept { return rows_; }
  [[nodiscard]] index first(int segment) const noexcept { return first_[static_cast<std::size_t>(segment)]; }
  /// The same in packed rows, where every segment starts a panel.
  [[nodiscard]] index packed_rows() const noexcept { return panels_ * width; }
  [[nodiscard]] index first_packed(int segment) const noexcept { return first_row_[static_cast<std::size_t>(segment)]; }
  [[nodiscard]] index features(int c) const noexcept { return channel_[static_cast<std::size_t>(c)].features; }

  /// Feature k of packed row i of channel c; centred.
  [[nodiscard]] T feature(int c, index i, index k) const noexcept { return row(c, i)[k * width]; }
  /// Feature 0 of packed row i; feature k is `k * width` further.
  [[nodiscard]] const T* row(int c, index i) const noexcept {
    const auto& ch = channel_[static_cast<std::size_t>(c)];
    return ch.panels.data() + (i / width) * ch.features * width + i % width;
  }

  /// Distances of packed rows i .. i + R::rows (inside one panel) to the panel that starts at packed row j.
  [[gnu::always_inline]] void distances(int c, index i, index j, V (&d)[R::rows][R::vectors]) const {
    const auto& ch = channel_[static_cast<std::size_t>(c)];
#pragma GCC unroll 8
    for (int r = 0; r < R::rows; ++r)
#pragma GCC unroll 4
      for (int v = 0; v < R::vectors; ++v) d[r][v] = V(0);
    detail::accumulate_distances<Metric, T>(row(c, i), row(c, j), ch.features, d);
    const T* terms = ch.terms.data();
    V col[R::vectors];
#pragma GCC unroll 4
    for (int v = 0; v < R::vectors; ++v) col[v] = V::load(terms + j + v * R::lanes);
#pragma GCC unroll 8
    for (int r = 0; r < R::rows; ++r) {
      const V term(terms[i + r]);
#pragma GCC unroll 4
      for (int v = 0; v < R::vectors; ++v) d[r][v] = Metric::finish(d[r][v], term, col[v]);
    }
  }

  /// One distance, by packed rows, with the same operations in the same order as the tiles.
  [[nodiscard]] T distance(int c, index i, index j) const {
    const auto& ch = channel_[static_cast<std::size_t>(c)];
    using S = detail::scalar_pack<T>;
    const T* a = row(c, i);
    const T* b = row(c, j);
    S acc(0);
    for (index k = 0; k < ch.features; ++k) acc = Metric::step(acc, S(a[k * width]), S(b[k * width]));
    T result;
    Metric::finish(acc, S(ch.terms.data()[i]), S(ch.terms.data()[j])).store(&result);
    return result;
  }

private:
  struct channel {
    index features = 0;
    array<T, 1, Backend> panels;
    array<T, 1, Backend> terms;
  };

  void pack_channel(const Backend& b, int c, std::span<const sample<T, Channels>> segments) {
    auto& ch = channel_[static_cast<std::size_t>(c)];
    ch.features = segments[0].channel[static_cast<std::size_t>(c)].cols();
    require(ch.features > 0, "sample: features", "must be at least 1", static_cast<double>(ch.features));
    for (const auto& s : segments)
      require(s.channel[static_cast<std::size_t>(c)].cols() == ch.features, "sample: features",
              "must be the same in every sample", static_cast<double>(s.channel[static_cast<std::size_t>(c)].cols()));
    const std::vector<double> centre = Metric::translation_invariant ? pooled_mean(b, c, segments) : std::vector<double>();
    ch.panels = array<T, 1, Backend>(b, {panels_ * width * ch.features});
    ch.terms = array<T, 1, Backend>(b, {panels_ * width});
    T* const panels = ch.panels.data();
    T* const terms = ch.terms.data();
    const index features = ch.features;
    for (int s = 0; s < this->segments(); ++s) {
      const auto view = segments[static_cast<std::size_t>(s)].channel[static_cast<std::size_t>(c)];
      const index first_panel = first_packed(s) / width;
      b.each((view.rows() + width - 1) / width, [&, view, first_panel](index p) noexcept {
        T* const panel = panels + (first_panel + p) * width * features;
        pack_panel(view, p * width, centre.empty() ? nullptr : centre.data(), panel);
        write_terms(panel, features, terms + (first_panel + p) * width);
      });
    }
    for (int s = 0; s < this->segments(); ++s) check_finite(segments[static_cast<std::size_t>(s)], c, s);
  }

  static void pack_panel(matrix_view<const T> view, index first, const double* centre, T* panel) noexcept {
    const index rows = view.rows() - first < width ? view.rows() - first : width;
    const index features = view.cols(), along = view.stride(1);
    if (rows < width) std::memset(panel, 0, static_cast<std::size_t>(width * features) * sizeof(T));
    // A few features at a time: the panel's lines stay in cache while the rows are read along their stride.
    constexpr index block = 16;
    for (index k0 = 0; k0 < features; k0 += block) {
      const index k1 = k0 + block < features ? k0 + block : features;
      for (index r = 0; r < rows; ++r) {
        const T* const source = view.data() + (first + r) * view.stride(0);
        if (centre)
          for (index k = k0; k < k1; ++k) panel[k * width + r] = source[k * along] - static_cast<T>(centre[k]);
        else
          for (index k = k0; k < k1; ++k) panel[k * width + r] = source[k * along];
      }
    }
  }

  static void write_terms(const T* panel, index features, T* terms) noexcept {
    for (int v = 0; v < R::vectors; ++v) {
      V acc(0);
      for (index k = 0; k < features; ++k) acc = Metric::row_term(acc, V::load(panel + k * width + v * R::lanes));
      acc.store(terms + v * R::lanes);
    }
  }

  /// Column means over all segments, in double: partial sums over fixed chunks of rows, added in order.
  std::vector<double> pooled_mean(const Backend& b, int c, std::span<const sample<T, Channels>> segments) const {
    constexpr index chunk = 256;
    const index features = segments[0].channel[static_cast<std::size_t>(c)].cols();
    std::vector<double> mean(static_cast<std::size_t>(features), 0.0);
    std::vector<double> partial;
    for (const auto& s : segments) {
      const auto view = s.channel[static_cast<std::size_t>(c)];
      const index chunks = (view.rows() + chunk - 1) / chunk;
      partial.assign(static_cast<std::size_t>(chunks * features), 0.0);
      b.each(chunks, [&, view](index p) noexcept {
        double* const sums = partial.data() + p * features;
        const index last = (p + 1) * chunk < view.rows() ? (p + 1) * chunk : view.rows();
        for (index i = p * chunk; i < last; ++i) {
          const T* const source = view.data() + i * view.stride(0);
          for (index k = 0; k < features; ++k) sums[k] += static_cast<double>(source[k * view.stride(1)]);
        }
      });
      for (index p = 0; p < chunks; ++p)
        for (index k = 0; k < features; ++k)
          mean[static_cast<std::size_t>(k)] += partial[static_cast<std::size_t>(p * features + k)];
    }
    for (double& m : mean) {
      m /= static_cast<double>(rows_);
      // Non-finite data must not spread to the rows that are fine: the check below names the one at fault.
      if (!detail::is_finite(m)) m = 0;
    }
    return mean;
  }

  /// A NaN or infinity anywhere in a row shows in its sum of magnitudes; bits are tested, so -ffast-math cannot hide it.
  void check_finite(const sample<T, Channels>& s, int c, int segment) const {
    const index begin = first_packed(segment);
    const T* const terms = channel_[static_cast<std::size_t>(c)].terms.data();
    const auto view = s.channel[static_cast<std::size_t>(c)];
    for (index i = 0; i < s.rows(); ++i) {
      if constexpr (Metric::product && Metric::translation_invariant) {
        if (detail::is_finite(static_cast<double>(terms[begin + i]))) continue;
      }
      for (index k = 0; k < view.cols(); ++k)
        if (!detail::is_finite(static_cast<double>(view(i, k)))) report(segment, i, k, "is NaN or infinite");
      if constexpr (Metric::product && Metric::translation_invariant)
        report(segment, i, 0, "is too large: its row's squared norm overflows; scale the data");
    }
  }

  [[noreturn]] static void report(int segment, index row, index feature, const char* what) {
    throw invalid_argument("dispar: sample " + to_text(segment) + ": element (" + to_text(static_cast<double>(row)) + ", " +
                           to_text(static_cast<double>(feature)) + ") " + what);
  }

  std::vector<index> first_row_, first_, count_;
  index panels_ = 0, rows_ = 0;
  std::array<channel, static_cast<std::size_t>(Channels)> channel_{};
};

/// Packs segments for `pairwise` on a host backend; a range of `sample`s of one type.
template<metric Metric, class Each, class Memory, class Segments>
[[nodiscard]] auto pack_samples(const tiled_host<Each, Memory>& b, const Segments& segments) {
  using S = typename Segments::value_type;
  static_assert(reachable<typename S::space, host>,
                "dispar: this backend runs on the host and cannot read device memory; copy the data or use a device backend");
  return packed_samples<typename S::value_type, Metric, S::channel_count, tiled_host<Each, Memory>>(
      b, std::span<const S>(segments.data(), segments.size()));
}

DISPAR_NAMESPACE_END
