#pragma once

#include "dispar/backend/default.hpp"
#include "dispar/backend/step.hpp"
#include "dispar/kernels/identity.hpp"
#include "dispar/mmd/two_samples.hpp"

DISPAR_NAMESPACE_BEGIN

namespace mmd {

namespace detail {

/// Rows of one segment, each with itself.
struct rows_with_themselves {
  static constexpr bool on_device = true;
  index first;
  DISPAR_FN row_pair operator()(index p) const { return {first + p, first + p, 0}; }
};

/// k(r, r) of the rows of one segment.
template<backend B, class Data, pair_function K>
[[nodiscard]] array<double, 2, B> self_values(const B& b, const Data& data, int segment, const K& k) {
  using T = typename Data::value_type;
  array<double, 2, B> values(b, {data.count(segment), 1});
  pair_list(b, data, kernel_value<K, T>(k), data.count(segment), rows_with_themselves{data.first(segment)},
            std::span<const vector_view<const T, typename B::space>>(), values.view());
  return values;
}

struct write_mean_within {
  const double *above, *diagonal;
  index rows;
  double* out;
  DISPAR_FN void operator()() const {
    const auto n = static_cast<double>(rows);
    *out = (2 * *above + *diagonal) / (n * n);
  }
};

/// The mean of k over all ordered pairs of rows of segment 0, each with itself included.
template<backend B, class Data, pair_function K>
[[nodiscard]] result<double, B> mean_within(const B& b, const Data& data, const K& k) {
  using T = typename Data::value_type;
  using space = typename B::space;
  const std::array<pair_block, 1> block{{{0, 0, true}}};
  array<double, 2, B> sums(b, {2, 1});
  pairwise(b, data, kernel_value<K, T>(k), block, std::span<const vector_view<const T, space>>(),
           total<0, 1, space>{sums.view().slice(0, 1)});
  const auto diagonal = self_values(b, data, 0, k);
  column_sums(b, diagonal.view(), vector_view<double, space>(sums.data() + 1, 1));
  result<double, B> mean(b);
  in_order(b, write_mean_within{sums.data(), sums.data() + 1, data.count(0), mean.view().data()});
  return mean;
}

struct write_score {
  const double* within;  ///< null: `known`
  double known;
  const double *self, *sums;
  double factor;
  double* out;
  index stride;
  DISPAR_FN void operator()(index j) const { out[j * stride] = self[j] + ((within ? *within : known) + factor * sums[j]); }
};

/// within + k(y, y) - 2 mean_i k(r_i, y) for every row y of segment 1.
template<backend B, class Data, pair_function K, class S>
void scores_against(const B& b, const Data& data, const K& k, const double* within, double known,
                    const vector_view<double, S>& out) {
  using T = typename Data::value_type;
  using space = typename B::space;
  static_assert(reachable<S, space>, "dispar: this backend cannot write to that memory");
  require(out.size() == data.count(1), "reference_scores: out", "must have one entry per row of y",
          static_cast<double>(out.size()));
  const std::array<pair_block, 1> block{{{0, 1, false}}};
  array<double, 2, B> sums(b, {data.rows(), 1});
  pairwise(b, data, kernel_value<K, T>(k), block, std::span<const vector_view<const T, space>>(),
           row_sums<0, space>{sums.view()});
  const auto self = self_values(b, data, 1, k);
  for_each_index(b, data.count(1),
                 write_score{within, known, self.data(), sums.data() + data.first(1), -2 / static_cast<double>(data.count(0)),
                             out.data(), out.stride(0)});
}

/// What is asked of the reference and of the rows to score.
template<class Sample>
void require_scorable(const Sample& rows, const char* weights, const char* count) {
  require(!rows.weights, weights, "must have no weights");
  require(rows.rows() > 0, count, "must be at least 1", static_cast<double>(rows.rows()));
}

/// Scores of host memory, after the wait.
template<backend B>
[[nodiscard]] std::vector<double> on_host(const B& b, const array<double, 1, B>& scores) {
  std::vector<double> copy(static_cast<std::size_t>(scores.extents()[0]));
  read_back(b, scores.data(), copy.data(), static_cast<index>(copy.size()));
  return copy;
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
    detail::require_scorable(reference_, "reference_scores: reference", "reference_scores: rows of the reference");
    within_ = detail::mean_within(b, pack_samples<typename K::metric>(b, std::array<Sample, 1>{reference_}), k).get();
  }

  /// One score per row of y.
  template<sample_like Y>
  [[nodiscard]] std::vector<double> operator()(const Y& y) const {
    array<double, 1, B> scores(backend_, {as_sample(y).rows()});
    (*this)(y, scores.view());
    return detail::on_host(backend_, scores);
  }
  /// The same, written to `out`; asynchronous as `estimate` with an output.
  template<sample_like Y, class S>
  void operator()(const Y& y, const vector_view<double, S>& out) const {
    static_assert(std::is_same_v<Sample, sample_type<Y>>,
                  "dispar: both samples must have the same element type, number of channels and memory space");
    const Sample rows = as_sample(y);
    detail::require_scorable(rows, "reference_scores: y", "reference_scores: rows of y");
    const std::array<Sample, 2> both{reference_, rows};
    detail::scores_against(backend_, pack_samples<typename K::metric>(backend_, both), kernel_, nullptr, within_, out);
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
  using Sample = sample_type<R>;
  static_assert(std::is_same_v<Sample, sample_type<Y>>,
                "dispar: both samples must have the same element type, number of channels and memory space");
  const std::array<Sample, 2> both{as_sample(reference), as_sample(y)};
  detail::require_scorable(both[0], "reference_scores: reference", "reference_scores: rows of the reference");
  detail::require_scorable(both[1], "reference_scores: y", "reference_scores: rows of y");
  const auto within = detail::mean_within(b, pack_samples<typename K::metric>(b, std::array<Sample, 1>{both[0]}), k);
  array<double, 1, B> scores(b, {both[1].rows()});
  detail::scores_against(b, pack_samples<typename K::metric>(b, both), k, within.data(), 0, scores.view());
  return detail::on_host(b, scores);
}

/// The same from a kernel matrix over the rows of the reference, then those to score.
template<backend B, class T, class S>
[[nodiscard]] std::vector<double> single_instance_scores(const B& b, const given_gram<T, S>& gram) {
  const auto samples = detail::make_two_samples(b, gram);
  const auto within = detail::mean_within(b, samples.data, identity<>{});
  array<double, 1, B> scores(b, {samples.m()});
  detail::scores_against(b, samples.data, identity<>{}, within.data(), 0, scores.view());
  return detail::on_host(b, scores);
}

/// The same on the default backend.
template<backend B = default_backend, sample_like R, sample_like Y, pair_function K>
[[nodiscard]] std::vector<double> single_instance_scores(const R& reference, const Y& y, const K& k) {
  return single_instance_scores(B{}, reference, y, k);
}
///@}

}  // namespace mmd

DISPAR_NAMESPACE_END
