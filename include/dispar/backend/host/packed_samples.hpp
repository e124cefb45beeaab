#pragma once

#include <atomic>
#include <cstring>
#include <span>
#include <vector>

#include "dispar/backend/array.hpp"
#include "dispar/backend/host/register_tile.hpp"
#include "dispar/backend/host/tiled_host.hpp"
#include "dispar/backend/sample.hpp"
#include "dispar/core/special_values.hpp"

DISPAR_NAMESPACE_BEGIN

/// The rows of several segments, copied once into panels [feature][panel] (rows of a panel next to each other), each segment
/// starting a panel. Where the metric allows it the pooled mean is subtracted first: uncentred float data loses digits.
///
/// Memory: one copy of the data, rows rounded up to whole panels. Time: O(rows x features).
/// Throws `invalid_argument` for empty segments, different numbers of features, NaN or infinite elements, and rows
/// whose squared norm overflows `T` when doubled.
template<class T, metric Metric, int Channels, class Backend>
class packed_samples {
  using R = detail::register_tile<T>;
  using V = typename R::V;

public:
  using value_type = T;
  using metric_type = Metric;
  static constexpr int channels = Channels;
  static constexpr index panel = R::panel;

  packed_samples(const Backend& b, std::span<const sample<T, Channels>> segments) {
    require(!segments.empty(), "samples", "must have at least one segment");
    for (const auto& s : segments) {
      require(s.rows() > 0, "sample: rows", "must be at least 1", static_cast<double>(s.rows()));
      first_row_.push_back(panels_ * panel);
      first_.push_back(rows_);
      count_.push_back(s.rows());
      panels_ += (s.rows() + panel - 1) / panel;
      rows_ += s.rows();
    }
    // A register tile may look past the last panel.
    panels_ += R::width / panel - 1;
    for (int c = 0; c < Channels; ++c) pack_channel(b, c, segments);
  }

  [[nodiscard]] int segments() const noexcept { return static_cast<int>(count_.size()); }
  [[nodiscard]] index count(int segment) const noexcept { return count_[static_cast<std::size_t>(segment)]; }
  /// Rows of all segments, and the number of a segment's first row among them.
  [[nodiscard]] index rows() const noexcept { return rows_; }
  [[nodiscard]] index first(int segment) const noexcept { return first_[static_cast<std::size_t>(segment)]; }
  /// The same in packed rows, where every segment starts a panel.
  [[nodiscard]] index packed_rows() const noexcept { return panels_ * panel; }
  [[nodiscard]] index first_packed(int segment) const noexcept { return first_row_[static_cast<std::size_t>(segment)]; }
  /// Multiply-adds of one pair.
  [[nodiscard]] double pair_cost() const noexcept {
    double cost = 0;
    for (const auto& ch : channel_) cost += static_cast<double>(ch.features);
    return cost;
  }
  [[nodiscard]] index features(int c) const noexcept { return channel_[static_cast<std::size_t>(c)].features; }

  /// Feature k of packed row i of channel c; centred.
  [[nodiscard]] T feature(int c, index i, index k) const noexcept { return row(c, i)[k * panel]; }
  /// Feature 0 of packed row i; feature k is `k * panel` further.
  [[nodiscard]] const T* row(int c, index i) const noexcept {
    const auto& ch = channel_[static_cast<std::size_t>(c)];
    return ch.panels.data() + (i / panel) * ch.features * panel + i % panel;
  }

  /// Distances of packed rows i .. i + R::rows (inside one panel) to the panel that starts at packed row j.
  [[gnu::always_inline]] void distances(int c, index i, index j, V (&d)[R::rows][R::vectors]) const {
    const auto& ch = channel_[static_cast<std::size_t>(c)];
    detail::accumulate_distances<Metric, T>(row(c, i), row(c, j), ch.features, d);
    const T* terms = ch.terms.data();
    V col[R::vectors];
    DISPAR_UNROLL
    for (int v = 0; v < R::vectors; ++v) col[v] = V::load(terms + j + v * R::lanes);
    DISPAR_UNROLL
    for (int r = 0; r < R::rows; ++r) {
      const V term(terms[i + r]);
      DISPAR_UNROLL
      for (int v = 0; v < R::vectors; ++v) d[r][v] = Metric::finish(d[r][v], term, col[v]);
    }
  }

  /// One distance, by packed rows, with the same operations in the same order as the tiles: the same bits, except under
  /// -ffast-math.
  [[nodiscard]] T distance(int c, index i, index j) const {
    const auto& ch = channel_[static_cast<std::size_t>(c)];
    using S = detail::scalar_pack<T>;
    const T* a = row(c, i);
    const T* b = row(c, j);
    S acc(0);
    for (index k = 0; k < ch.features;) {
      S part(0);
      for (const index end = k + detail::features_in_sum<Metric>(ch.features - k); k < end; ++k)
        part = Metric::step(part, S(a[k * panel]), S(b[k * panel]));
      acc = acc + part;
    }
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
    const std::vector<T> centre = Metric::translation_invariant ? pooled_mean(b, c, segments) : std::vector<T>();
    ch.panels = array<T, 1, Backend>(b, {panels_ * panel * ch.features});
    ch.terms = array<T, 1, Backend>(b, {panels_ * panel});
    T* const panels = ch.panels.data();
    T* const terms = ch.terms.data();
    const index features = ch.features, spare = R::width - panel;
    std::memset(panels + (panels_ * panel - spare) * features, 0, static_cast<std::size_t>(spare * features) * sizeof(T));
    std::memset(terms + panels_ * panel - spare, 0, static_cast<std::size_t>(spare) * sizeof(T));
    std::atomic<bool> suspect = false;
    for (int s = 0; s < this->segments(); ++s) {
      const auto view = segments[static_cast<std::size_t>(s)].channel[static_cast<std::size_t>(c)];
      const index first = first_packed(s);
      b.run((view.rows() + panel - 1) / panel, copy_cost(view), [&, view, first](index p) noexcept {
        T* const target = panels + (first + p * panel) * features;
        pack_panel(view, p * panel, centre.empty() ? nullptr : centre.data(), target);
        write_terms(target, features, terms + first + p * panel);
        if (is_suspect(target, features, terms + first + p * panel)) suspect.store(true, std::memory_order_relaxed);
      });
    }
    if (!suspect) return;
    for (int s = 0; s < this->segments(); ++s) check_finite(segments[static_cast<std::size_t>(s)], c, s);
  }

  /// Moving an element takes about as long as 16 multiply-adds.
  static double copy_cost(matrix_view<const T> view) {
    return 16 * static_cast<double>(view.rows()) * static_cast<double>(view.cols());
  }

  static void pack_panel(matrix_view<const T> view, index first, const T* centre, T* target) noexcept {
    const index rows = view.rows() - first < panel ? view.rows() - first : panel;
    const index features = view.cols(), along = view.stride(1);
    if (rows < panel) std::memset(target, 0, static_cast<std::size_t>(panel * features) * sizeof(T));
    const T* const source = view.data() + first * view.stride(0);
    for (index k = 0; k < features; ++k) {
      const T shift = centre ? centre[k] : T(0);
      for (index r = 0; r < rows; ++r) target[k * panel + r] = source[r * view.stride(0) + k * along] - shift;
    }
  }

  static void write_terms(const T* from, index features, T* terms) noexcept {
    for (int v = 0; v < R::panel_vectors; ++v) {
      V acc(0);
      for (index k = 0; k < features;) {
        V part(0);
        for (const index end = k + detail::features_in_sum<Metric>(features - k); k < end; ++k)
          part = Metric::row_term(part, V::load(from + k * panel + v * R::lanes));
        acc = acc + part;
      }
      acc.store(terms + v * R::lanes);
    }
  }

  /// Column means over all segments: sums over fixed chunks of rows in `T`, added in double and in order. Any centre near the
  /// mean will do; it only has to be the same for every row.
  std::vector<T> pooled_mean(const Backend& b, int c, std::span<const sample<T, Channels>> segments) const {
    constexpr index chunk = 128;
    const index features = segments[0].channel[static_cast<std::size_t>(c)].cols();
    std::vector<double> sum(static_cast<std::size_t>(features), 0.0);
    std::vector<T> partial;
    for (const auto& s : segments) {
      const auto view = s.channel[static_cast<std::size_t>(c)];
      const index chunks = (view.rows() + chunk - 1) / chunk;
      partial.assign(static_cast<std::size_t>(chunks * features), T(0));
      b.run(chunks, copy_cost(view), [&, view](index p) noexcept {
        const index first = p * chunk, rows = view.rows() - first < chunk ? view.rows() - first : chunk;
        column_sums(view.slice(first, rows), partial.data() + p * features);
      });
      for (index p = 0; p < chunks; ++p)
        for (index k = 0; k < features; ++k)
          sum[static_cast<std::size_t>(k)] += static_cast<double>(partial[static_cast<std::size_t>(p * features + k)]);
    }
    std::vector<T> mean(sum.size());
    for (std::size_t k = 0; k < sum.size(); ++k) {
      mean[k] = static_cast<T>(sum[k] / static_cast<double>(rows_));
      // Non-finite data must not spread to the rows that are fine: the check below names the one at fault.
      if (is_special(mean[k])) mean[k] = 0;
    }
    return mean;
  }

  static void column_sums(matrix_view<const T> view, T* sums) noexcept {
    const index features = view.cols();
    for (index i = 0; i < view.rows(); ++i) {
      const T* const source = view.data() + i * view.stride(0);
      index k = 0;
      if (view.stride(1) == 1)
        for (; k + R::lanes <= features; k += R::lanes) (V::load(sums + k) + V::load(source + k)).store(sums + k);
      for (; k < features; ++k) sums[k] += source[k * view.stride(1)];
    }
  }

  /// Whether a panel may hold what `check_finite` throws for. Bits are tested, so -ffast-math cannot hide it.
  static bool is_suspect(const T* from, index features, const T* terms) noexcept {
    bool bad = false;
    if constexpr (Metric::product && Metric::translation_invariant) {
      for (index r = 0; r < panel; ++r) bad |= is_special(2 * terms[r]);
    } else {
      for (index e = 0; e < panel * features; ++e) bad |= is_special(from[e]);
    }
    return bad;
  }

  /// A NaN or infinity anywhere in a row shows in its squared norm, where the metric has one.
  void check_finite(const sample<T, Channels>& s, int c, int segment) const {
    const index begin = first_packed(segment);
    const T* const terms = channel_[static_cast<std::size_t>(c)].terms.data();
    const auto view = s.channel[static_cast<std::size_t>(c)];
    for (index i = 0; i < s.rows(); ++i) {
      if constexpr (Metric::product && Metric::translation_invariant) {
        // Twice, since a distance begins with the sum of two rows' norms: equal rows would lie infinitely far apart.
        if (!is_special(2 * terms[begin + i])) continue;
      }
      for (index k = 0; k < view.cols(); ++k)
        if (is_special(view(i, k))) report(segment, i, k, "is NaN or infinite");
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
  static_assert(real<typename S::element_type>,
                "dispar: this backend computes with float and double; samples of half or bfloat16 are for the gpu backend");
  using packed = packed_samples<typename S::value_type, Metric, S::channel_count, tiled_host<Each, Memory>>;
  if constexpr (std::same_as<typename S::space, host>) {
    return packed(b, std::span<const S>(segments.data(), segments.size()));
  } else if constexpr (reachable<typename S::space, host>) {
    std::vector<sample<typename S::value_type, S::channel_count>> reached(segments.size());
    for (std::size_t s = 0; s < reached.size(); ++s) reached[s] = as_host(segments[s]);
    return packed(b, std::span<const sample<typename S::value_type, S::channel_count>>(reached));
  }
}

DISPAR_NAMESPACE_END
