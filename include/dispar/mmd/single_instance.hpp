#pragma once

#include "dispar/backend/default.hpp"
#include "dispar/kernels/identity.hpp"
#include "dispar/mmd/two_samples.hpp"

DISPAR_NAMESPACE_BEGIN

namespace mmd {

namespace detail {

template<class T>
[[nodiscard]] std::span<const vector_view<const T>> no_operands() {
  return {};
}

/// k(r, r) of the rows of one segment.
template<backend B, class Data, pair_function K>
[[nodiscard]] std::vector<double> self_values(const B& b, const Data& data, int segment, const K& k) {
  using T = typename Data::value_type;
  const index first = data.first(segment), rows = data.count(segment);
  std::vector<double> values(static_cast<std::size_t>(rows));
  pair_list(
      b, data, kernel_value<K, T>(k), rows,
      [=](index p) {
        return row_pair{first + p, first + p, 0};
      },
      no_operands<T>(), matrix_view<double>(values.data(), rows, 1));
  return values;
}

/// The mean of k over all ordered pairs of rows of segment 0, each with itself included.
template<backend B, class Data, pair_function K>
[[nodiscard]] double mean_within(const B& b, const Data& data, const K& k) {
  using T = typename Data::value_type;
  const std::array<pair_block, 1> block{{{0, 0, true}}};
  double above = 0;
  pairwise(b, data, kernel_value<K, T>(k), block, no_operands<T>(), total<0, 1>{matrix_view<double>(&above, 1, 1)});
  double diagonal = 0;
  for (double v : self_values(b, data, 0, k)) diagonal += v;
  const auto rows = static_cast<double>(data.count(0));
  return (2 * above + diagonal) / (rows * rows);
}

/// within + k(y, y) - 2 mean_i k(r_i, y) for every row y of segment 1.
template<backend B, class Data, pair_function K>
[[nodiscard]] std::vector<double> scores_against(const B& b, const Data& data, const K& k, double within) {
  using T = typename Data::value_type;
  const index rows = data.rows(), first = data.first(1);
  const std::array<pair_block, 1> block{{{0, 1, false}}};
  std::vector<double> sums(static_cast<std::size_t>(rows));
  pairwise(b, data, kernel_value<K, T>(k), block, no_operands<T>(), row_sums<0>{matrix_view<double>(sums.data(), rows, 1)});
  std::vector<double> scores = self_values(b, data, 1, k);
  const double factor = -2 / static_cast<double>(data.count(0));
  for (std::size_t j = 0; j < scores.size(); ++j) scores[j] += within + factor * sums[static_cast<std::size_t>(first) + j];
  return scores;
}

}  // namespace detail

/// Scores of single rows against a reference sample R: the biased MMD^2 between R and {y},
///
///     score(y) = mean_ij k(r_i, r_j) + k(y, y) - 2 mean_i k(r_i, y),
///
/// high where y is unlike the reference. The first mean is computed once, here.
///
///     const mmd::reference_scores score(cpu{}, channels(phi, raw), deep_kernel<>::from(sigma, sigma0, epsilon));
///     std::vector<double> s = score(channels(phi_y, raw_y));       // one per row; then metrics::auroc, a threshold, ...
///
/// Holds a view of the reference, which must outlive it. Several threads may score at once.
/// Time O(r^2 d / 2) to construct and O(r n d) for n rows; memory one copy of the data while computing.
/// Throws as `mmd::estimate`, and for weights. Zhang et al., ICLR 2024 (MMD-MP's sentence score; spec. 3.7).
template<backend B, class Sample, pair_function K>
class reference_scores {
public:
  /// Computes the mean over the reference. Cost and errors: above.
  template<sample_like R>
  reference_scores(const B& b, const R& reference, const K& k) : backend_(b), reference_(as_sample(reference)), kernel_(k) {
    require(!reference_.weights, "reference_scores: reference", "must have no weights");
    require(reference_.rows() > 0, "reference_scores: rows of the reference", "must be at least 1",
            static_cast<double>(reference_.rows()));
    within_ = detail::mean_within(b, pack_samples<typename K::metric>(b, std::array<Sample, 1>{reference_}), k);
  }

  /// One score per row of y.
  template<sample_like Y>
  [[nodiscard]] std::vector<double> operator()(const Y& y) const {
    static_assert(std::is_same_v<Sample, sample_type<Y>>,
                  "dispar: both samples must have the same element type, number of channels and memory space");
    const Sample rows = as_sample(y);
    require(!rows.weights, "reference_scores: y", "must have no weights");
    require(rows.rows() > 0, "reference_scores: rows of y", "must be at least 1", static_cast<double>(rows.rows()));
    const std::array<Sample, 2> both{reference_, rows};
    return detail::scores_against(backend_, pack_samples<typename K::metric>(backend_, both), kernel_, within_);
  }

  /// mean_ij k(r_i, r_j), each row with itself included.
  [[nodiscard]] double mean_within() const noexcept { return within_; }

private:
  B backend_;
  Sample reference_;
  K kernel_;
  double within_ = 0;
};

/// The class for a backend, a reference and a kernel.
///@{
template<backend B, sample_like R, pair_function K>
reference_scores(const B&, const R&, const K&) -> reference_scores<B, sample_type<R>, K>;

/// The same in one call: the scores of the rows of y against the reference.
template<backend B, sample_like R, sample_like Y, pair_function K>
[[nodiscard]] std::vector<double> single_instance_scores(const B& b, const R& reference, const Y& y, const K& k) {
  return reference_scores(b, reference, k)(y);
}

/// The same from a kernel matrix over the rows of the reference, then those to score.
template<backend B, class T, class S>
[[nodiscard]] std::vector<double> single_instance_scores(const B& b, const given_gram<T, S>& gram) {
  const auto samples = detail::make_two_samples(b, gram);
  return detail::scores_against(b, samples.data, identity<>{}, detail::mean_within(b, samples.data, identity<>{}));
}

/// The same on the default backend.
template<backend B = default_backend, sample_like R, sample_like Y, pair_function K>
[[nodiscard]] std::vector<double> single_instance_scores(const R& reference, const Y& y, const K& k) {
  return single_instance_scores(B{}, reference, y, k);
}
///@}

}  // namespace mmd

DISPAR_NAMESPACE_END
