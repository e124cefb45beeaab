#pragma once
/// \file
/// MMD-FUSE: one statistic from many kernels, a soft maximum of normalized MMD values.

#include "dispar/mmd/aggregated_test.hpp"

DISPAR_NAMESPACE_BEGIN

namespace mmd {

/// Defaults of the authors' code.
struct fused_options {
  double alpha = 0.05;                               ///< level of the test, in (0, 1)
  index number_bandwidths = 10;                      ///< per kernel family
  bool laplacian_l1 = true;                          ///< use this family
  bool gaussian = true;                              ///< and this one
  vector_view<const double> laplacian_bandwidths{};  ///< in place of `fused_bandwidths<l1>`
  vector_view<const double> gaussian_bandwidths{};   ///< in place of `fused_bandwidths<sq_euclidean>`
  double lambda = 1;          ///< sharpness of the soft maximum, in units of 1 / sqrt(s (s - 1)), s the smaller size
  index permutations = 2000;  ///< drawn from `seed`
  std::uint64_t seed = 0;     ///< of the permutations
  matrix_view<const std::int64_t> given{};  ///< P x (n + m) permutations; the first n entries of a row are the new X
  vector_view<double> permuted{};           ///< where to write the P permuted fused statistics; not wanted by default
};

/// One kernel's part in a fused test.
struct fused_member {
  kernel_family kernel;  ///< its family
  double bandwidth;      ///< b of the family's formula; NaN for given kernels
  double normalized;     ///< M_k, below
};

/// What a fused test says.
struct fused_result {
  double statistic;                  ///< the soft maximum of the observed split
  double p_value;                    ///< (1 + #{permuted >= observed}) / (P + 1)
  double threshold;                  ///< reject exactly where the statistic exceeds it
  bool reject;                       ///< p_value <= alpha
  std::vector<fused_member> member;  ///< families in the order of `kernel_family`, then bandwidths
};

namespace detail {

/// Normalized statistics by kernel, and their soft maximum.
class fusion {
public:
  template<class B, class Samples>
  fusion(const B& b, const Samples& samples, const fused_options& o) : o_(o), labels_(make_labels(b, samples, o)) {
    factors_ = statistic_factors({}, samples.n(), samples.m(), samples.weight, samples.square_weight);
    const auto s = static_cast<double>(std::min(samples.n(), samples.m()));
    root_ = std::sqrt(s * (s - 1));
  }

  /// All members of `kernel`, in one pass over the tiles.
  template<backend B, class Samples, class Kernel>
  void add(const B& b, const Samples& samples, const Kernel& kernel, kernel_family family, std::span<const double> bandwidths) {
    using T = typename decltype(samples.data)::value_type;
    const auto sums = sums_by_label(b, samples, kernel, labels_.view());
    for (std::size_t k = 0; k < sums.size(); ++k)
      add_kernel(permuted_statistics<T>(sums[k], factors_), std::sqrt(2 * sums[k].square), family, bandwidths[k]);
  }

  [[nodiscard]] fused_result decide() {
    require(!by_kernel_.empty(), "fused_test: kernels", "must be at least one");
    std::vector<double> fused, column(by_kernel_.size());
    for (std::size_t p = 0; p < by_kernel_[0].size(); ++p) {
      for (std::size_t k = 0; k < column.size(); ++k) column[k] = o_.lambda * by_kernel_[k][p];
      const double most = *std::max_element(column.begin(), column.end());
      double sum = 0;
      for (double v : column) sum += std::exp(v - most);
      fused.push_back(most + std::log(sum / static_cast<double>(column.size())));
    }
    const double observed = fused.front();
    fused.erase(fused.begin());
    if (o_.permuted)
      for (index p = 0; p < o_.permuted.size(); ++p) o_.permuted(p) = fused[static_cast<std::size_t>(p)];
    const test_result t = judge(observed, std::move(fused), o_.alpha, p_value_rule::at_least, tie_);
    result_.statistic = t.statistic;
    result_.p_value = t.p_value;
    result_.threshold = t.threshold;
    result_.reject = t.reject;
    return std::move(result_);
  }

private:
  /// `norm` is the Frobenius norm of the kernel matrix without its diagonal.
  void add_kernel(labelled_statistics s, double norm, kernel_family family, double bandwidth) {
    require(norm > 0, "fused_test: kernel matrix", "must not vanish off its diagonal: the bandwidth is too small", bandwidth);
    const double scale = root_ * root_ * root_ / norm;
    for (double& v : s.value) v *= scale;
    tie_ = std::max(tie_, o_.lambda * scale * s.scale);
    result_.member.push_back({family, bandwidth, s.value.front()});
    by_kernel_.push_back(std::move(s.value));
  }

  template<class B, class Samples>
  [[nodiscard]] static label_bits make_labels(const B& b, const Samples& samples, const fused_options& o) {
    const index n = samples.n(), m = samples.m(), count = o.given ? o.given.rows() : o.permutations;
    require(!samples.weighted(), "fused_test: samples", "must have no weights");
    require(n >= 2, "fused_test: rows of x", "must be at least 2", static_cast<double>(n));
    require(m >= 2, "fused_test: rows of y", "must be at least 2", static_cast<double>(m));
    require(count >= 1, "fused_test: permutations", "must be at least 1", static_cast<double>(count));
    if (o.given)
      require(o.given.cols() == n + m, "fused_test: given", "must have n + m columns", static_cast<double>(o.given.cols()));
    if (o.permuted)
      require(o.permuted.size() == count, "fused_test: permuted", "must have one entry per permutation",
              static_cast<double>(o.permuted.size()));
    return o.given ? labels_from_permutations(o.given, n)
                   : label_bits::permuted(host_executor(b, static_cast<double>(n + m) * static_cast<double>(count)), n + m, n,
                                          count, random_key{o.seed, 0});
  }

  fused_options o_;
  label_bits labels_;
  factors factors_;
  double root_ = 0, tie_ = 0;
  std::vector<std::vector<double>> by_kernel_;
  fused_result result_{};
};

template<backend B, class Samples, pair_function K>
void add_kernels(const B& b, const Samples& samples, std::span<const K> kernels, fusion& all, kernel_family family,
                 std::span<const double> bandwidths) {
  using T = typename decltype(samples.data)::value_type;
  for_each_pass<T>(kernels, [&](std::span<const K> together) {
    all.add(b, samples, kernel_values<K, T>(together), family, bandwidths.first(together.size()));
    bandwidths = bandwidths.subspan(together.size());
  });
}

inline void check_fused(const fused_options& o) {
  require(o.alpha > 0 && o.alpha < 1, "fused_test: alpha", "must lie in (0, 1)", o.alpha);
  require(o.lambda > 0 && !is_special(o.lambda), "fused_test: lambda", "must be positive and finite", o.lambda);
}

}  // namespace detail

/// Tests P = Q with the soft maximum of many normalized statistics (MMD-FUSE):
///
///     M_k = MMD^2_k (s (s - 1))^(3/2) / |K_k|,    statistic = log mean_k exp(lambda M_k),
///
/// with the unbiased MMD^2, the Frobenius norm of the kernel matrix without its diagonal, and s the smaller of the two sizes.
/// The p-value comes from permutations; since kernels and norms depend on the pooled rows only, the level is at most alpha for
/// every sample size.
///
///     auto t = mmd::fused_test(cpu{}, x, y, {.permutations = 1000, .seed = 1});
///
/// By default: Laplace (l1) and Gaussian kernels with ten bandwidths each (`fused_bandwidths`), 2000 permutations. Norms and
/// permuted statistics of five kernels share a pass over the tiles; cost as `aggregated_test`, and the bandwidths. The authors'
/// code wants the larger sample first; here the order does not matter. Its index rows (entry i takes the label of row idx[i])
/// are the inverses of `given` here. Biggs, Schrab & Gretton, "MMD-FUSE: Learning and Combining Kernels for Two-Sample Testing
/// Without Data Splitting", NeurIPS 2023.
template<backend B, sample_like X, sample_like Y>
[[nodiscard]] fused_result fused_test(const B& b, const X& x, const Y& y, const fused_options& o = {}) {
  detail::check_fused(o);
  require(o.laplacian_l1 || o.gaussian, "fused_test: kernels", "must be at least one family");
  const auto squared = detail::make_two_samples<sq_euclidean>(b, x, y);
  detail::fusion all(b, squared, o);
  if (o.laplacian_l1) {
    const auto absolute = detail::make_two_samples<l1>(b, x, y);
    const auto grid =
        detail::bandwidths_or(o.laplacian_bandwidths, [&] { return detail::fused_grid(b, absolute.data, o.number_bandwidths); });
    std::vector<laplacian_l1> kernels;
    for (double width : grid) kernels.push_back({width * std::sqrt(0.5)});
    detail::add_kernels(b, absolute, std::span<const laplacian_l1>(kernels), all, kernel_family::laplacian_l1, grid);
  }
  if (o.gaussian) {
    const auto grid =
        detail::bandwidths_or(o.gaussian_bandwidths, [&] { return detail::fused_grid(b, squared.data, o.number_bandwidths); });
    std::vector<gaussian> kernels;
    for (double width : grid) kernels.push_back({width});
    detail::add_kernels(b, squared, std::span<const gaussian>(kernels), all, kernel_family::gaussian, grid);
  }
  return all.decide();
}

/// The same with the caller's kernels (one type, any parameters). They must not depend on which rows are X.
template<backend B, sample_like X, sample_like Y, pair_function K>
[[nodiscard]] fused_result fused_test(const B& b, const X& x, const Y& y, std::span<const K> kernels,
                                      const fused_options& o = {}) {
  detail::check_fused(o);
  const auto samples = detail::make_two_samples<typename K::metric>(b, x, y);
  detail::fusion all(b, samples, o);
  const std::vector<double> none(kernels.size(), quiet_nan<double>());
  detail::add_kernels(b, samples, kernels, all, kernel_family::given, none);
  return all.decide();
}

/// The same from kernel matrices over the same rows.
template<backend B, class T, class S>
[[nodiscard]] fused_result fused_test(const B& b, std::span<const given_gram<T, S>> grams, const fused_options& o = {}) {
  detail::check_fused(o);
  require(!grams.empty(), "fused_test: grams", "must be at least one");
  detail::fusion all(b, detail::make_two_samples(b, grams[0]), o);
  for (const auto& gram : grams) {
    require(gram.n == grams[0].n && gram.matrix.rows() == grams[0].matrix.rows(), "fused_test: grams",
            "must be over the same rows", static_cast<double>(gram.matrix.rows()));
    all.add(b, detail::make_two_samples(b, gram), kernel_value<identity<>, T>(identity<>{}), kernel_family::given,
            std::array{quiet_nan<double>()});
  }
  return all.decide();
}

}  // namespace mmd

DISPAR_NAMESPACE_END
