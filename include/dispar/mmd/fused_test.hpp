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

/// Name and bandwidth of some kernels, and what makes their statistics M_k: NaN where a kernel matrix vanishes off its diagonal.
struct normalize_kernel {
  kernel_family family;
  vec<double, kernels_per_pass> bandwidth;
  const double *value, *scale, *square;  ///< of these kernels
  index labels;
  double root;  ///< of s (s - 1)
  double lambda;
  double* factor;
  double* term;  ///< the size of what cancels in lambda M_k
  fused_member* member;
  DISPAR_FN void operator()(index k) const {
    const double norm = std::sqrt(2 * square[k]);  // Frobenius, without the diagonal
    factor[k] = norm > 0 ? root * root * root / norm : quiet_nan<double>();
    term[k] = lambda * factor[k] * scale[k];
    member[k] = {family, bandwidth[static_cast<int>(k)], value[k * labels] * factor[k]};
  }
};
/// lambda M_k in place of the statistics.
struct scale_statistic {
  const double* factor;
  index labels;
  double lambda;
  double* value;
  DISPAR_FN void operator()(index at) const { value[at] = lambda * (value[at] * factor[at / labels]); }
};
/// The soft maximum over the kernels.
struct fuse_statistic {
  const double* value;
  index kernels, labels;
  double* fused;
  DISPAR_FN void operator()(index p) const {
    double most = value[p], sum = 0;
    for (index k = 1; k < kernels; ++k) most = value[k * labels + p] > most ? value[k * labels + p] : most;
    for (index k = 0; k < kernels; ++k) sum += std::exp(value[k * labels + p] - most);
    fused[p] = most + std::log(sum / static_cast<double>(kernels));
  }
};
struct largest_term {
  const double* term;
  index kernels;
  double* out;
  DISPAR_FN void operator()() const {
    double most = 0;
    for (index k = 0; k < kernels; ++k) most = term[k] > most ? term[k] : most;
    *out = most;
  }
};
/// Normalized statistics by kernel, and their soft maximum.
template<backend B>
class fusion {
public:
  template<class Samples>
  fusion(const B& b, const Samples& samples, index kernels, const fused_options& o)
      : backend_(b), kernels_(kernels), labels_(labels_of(b, samples, o)) {
    const index labels = labels_.view().labels;
    factors_ = statistic_factors({}, samples.n(), samples.m(), samples.weight, samples.square_weight);
    const auto s = static_cast<double>(std::min(samples.n(), samples.m()));
    root_ = std::sqrt(s * (s - 1));
    value_ = array<double, 2, B>(b, {kernels, labels});
    by_kernel_ = array<double, 2, B>(b, {4, kernels});
    member_ = array<fused_member, 1, B>(b, {kernels});
  }

  /// All members of `kernel`, in one pass over the tiles.
  template<class Samples, class Kernel>
  void add(const Samples& samples, const Kernel& kernel, double lambda, kernel_family family,
           std::span<const double> bandwidths) {
    const index labels = labels_.view().labels, count = members_of(kernel);
    double* const scale = by_kernel_.data() + added_;
    double *const square = scale + kernels_, *const factor = square + kernels_, *const term = factor + kernels_;
    double* const value = value_.data() + added_ * labels;
    statistics_by_label<true>(backend_, samples, kernel, labels_.view(), factors_, nullptr, {value, scale, square});
    normalize_kernel step{family, {}, value, scale, square, labels, root_, lambda, factor, term, member_.data() + added_};
    for (index k = 0; k < count; ++k) step.bandwidth[static_cast<int>(k)] = bandwidths[static_cast<std::size_t>(k)];
    for_each_index(backend_, count, step);
    for_each_index(backend_, count * labels, scale_statistic{factor, labels, lambda, value});
    added_ += count;
  }

  /// After all have been added.
  void decide(const fused_options& o, const vector_view<double, typename B::space>& permuted,
              const vector_view<fused_member, typename B::space>& member, test_result* out) {
    const index labels = labels_.view().labels;
    const auto wanted = wanted_statistics<B>(o.permuted, permuted, labels - 1, "fused_test: permuted");
    array<double, 1, B> fused(backend_, {labels}), tie(backend_, {1});
    for_each_index(backend_, labels, fuse_statistic{value_.data(), kernels_, labels, fused.data()});
    in_order(backend_, largest_term{by_kernel_.data() + 3 * kernels_, kernels_, tie.data()});
    if (wanted)
      for_each_index(backend_, labels - 1,
                     dispar::detail::copy_element<double>{fused.data() + 1, wanted.data(), wanted.stride(0)});
    if (member)
      for_each_index(backend_, kernels_,
                     dispar::detail::copy_element<fused_member>{member_.data(), member.data(), member.stride(0)});
    judge(backend_, std::as_const(fused).view(), tie.data(), o.alpha, p_value_rule::at_least, out);
  }

private:
  template<class Samples>
  [[nodiscard]] static auto labels_of(const B& b, const Samples& samples, const fused_options& o) {
    const index n = samples.n(), m = samples.m(), count = o.given ? o.given.rows() : o.permutations;
    require(!samples.weighted(), "fused_test: samples", "must have no weights");
    require(n >= 2, "fused_test: rows of x", "must be at least 2", static_cast<double>(n));
    require(m >= 2, "fused_test: rows of y", "must be at least 2", static_cast<double>(m));
    require(count >= 1, "fused_test: permutations", "must be at least 1", static_cast<double>(count));
    if (o.given)
      require(o.given.cols() == n + m, "fused_test: given", "must have n + m columns", static_cast<double>(o.given.cols()));
    return split_labels(b, n + m, n, count, o.seed, o.given);
  }

  B backend_;
  index kernels_, added_ = 0;
  decltype(split_labels(std::declval<const B&>(), 0, 0, 0, 0, std::declval<const matrix_view<const std::int64_t>&>())) labels_;
  factors factors_;
  double root_ = 0;
  array<double, 2, B> value_;      ///< [kernel][labelling]
  array<double, 2, B> by_kernel_;  ///< scale, square, factor and term of each
  array<fused_member, 1, B> member_;
};

template<backend B, class Samples, pair_function K>
void add_kernels(const Samples& samples, std::span<const K> kernels, double lambda, fusion<B>& all, kernel_family family,
                 std::span<const double> bandwidths) {
  using T = typename decltype(samples.data)::value_type;
  for_each_pass<T>(kernels, [&](std::span<const K> together) {
    all.add(samples, kernel_values<K, T>(together), lambda, family, bandwidths.first(together.size()));
    bandwidths = bandwidths.subspan(together.size());
  });
}

/// What is wrong before any work.
template<backend B>
void check_fused(const fused_options& o, const vector_view<fused_member, typename B::space>& member, index kernels,
                 const vector_view<double, typename B::space>& permuted) {
  require(o.alpha > 0 && o.alpha < 1, "fused_test: alpha", "must lie in (0, 1)", o.alpha);
  require(o.lambda > 0 && !is_special(o.lambda), "fused_test: lambda", "must be positive and finite", o.lambda);
  require(kernels >= 1, "fused_test: kernels", "must be at least one");
  require(!member || member.size() == kernels, "fused_test: member", "must have one entry per kernel",
          static_cast<double>(member.size()));
  (void)wanted_statistics<B>(o.permuted, permuted, o.given ? o.given.rows() : o.permutations, "fused_test: permuted");
}

/// How many kernels the families make.
[[nodiscard]] inline index kernels_of_families(const fused_options& o) {
  require(o.laplacian_l1 || o.gaussian, "fused_test: kernels", "must be at least one family");
  const auto count = [&](const vector_view<const double>& given) { return given ? given.size() : o.number_bandwidths; };
  const index kernels = (o.laplacian_l1 ? count(o.laplacian_bandwidths) : 0) + (o.gaussian ? count(o.gaussian_bandwidths) : 0);
  require(kernels >= 1, "fused_test: number_bandwidths", "must be at least 1", static_cast<double>(kernels));
  return kernels;
}

/// The result of the form `write(options, verdict, member, permuted)` of `kernels` kernels that writes it. Waits.
template<backend B, class Write>
[[nodiscard]] fused_result fused_when_done(const B& b, index kernels, fused_options o, const Write& write) {
  const auto wanted = std::exchange(o.permuted, {});
  array<fused_member, 1, B> member(b, {kernels});
  const test_result t =
      waited_for(b, wanted, [&](const auto& verdict, const auto& permuted) { write(o, verdict, member.view(), permuted); });
  fused_result r{t.statistic, t.p_value, t.threshold, t.reject, std::vector<fused_member>(static_cast<std::size_t>(kernels))};
  read_back(b, member.data(), r.member.data(), kernels);
  for (const fused_member& m : r.member)
    require(!is_nan(m.normalized), "fused_test: kernel matrix", "must not vanish off its diagonal: the bandwidth is too small",
            m.bandwidth);
  return r;
}

/// The asynchronous forms: by families, by kernels, by kernel matrices.
///@{
template<backend B, class X, class Y, class S>
void fused_families(const B& b, const X& x, const Y& y, const fused_options& o, const scalar_view<test_result, S>& verdict,
                    const vector_view<fused_member, typename B::space>& member,
                    const vector_view<double, typename B::space>& permuted) {
  require_output<B>(verdict, "fused_test: verdict");
  const index count = kernels_of_families(o);
  check_fused<B>(o, member, count, permuted);
  const auto squared = make_two_samples<sq_euclidean>(b, x, y);
  fusion<B> all(b, squared, count, o);
  if (o.laplacian_l1) {
    const auto absolute = make_two_samples<l1>(b, x, y);
    const auto grid = bandwidths_or(o.laplacian_bandwidths, [&] { return fused_grid(b, absolute.data, o.number_bandwidths); });
    std::vector<laplacian_l1> kernels;
    for (double width : grid) kernels.push_back({width * std::sqrt(0.5)});
    add_kernels(absolute, std::span<const laplacian_l1>(kernels), o.lambda, all, kernel_family::laplacian_l1, grid);
  }
  if (o.gaussian) {
    const auto grid = bandwidths_or(o.gaussian_bandwidths, [&] { return fused_grid(b, squared.data, o.number_bandwidths); });
    std::vector<gaussian> kernels;
    for (double width : grid) kernels.push_back({width});
    add_kernels(squared, std::span<const gaussian>(kernels), o.lambda, all, kernel_family::gaussian, grid);
  }
  all.decide(o, permuted, member, verdict.data());
}
template<backend B, class X, class Y, pair_function K, class S>
void fused_kernels(const B& b, const X& x, const Y& y, std::span<const K> kernels, const fused_options& o,
                   const scalar_view<test_result, S>& verdict, const vector_view<fused_member, typename B::space>& member,
                   const vector_view<double, typename B::space>& permuted) {
  require_output<B>(verdict, "fused_test: verdict");
  check_fused<B>(o, member, static_cast<index>(kernels.size()), permuted);
  const auto samples = make_two_samples<typename K::metric>(b, x, y);
  fusion<B> all(b, samples, static_cast<index>(kernels.size()), o);
  const std::vector<double> none(kernels.size(), quiet_nan<double>());
  add_kernels(samples, kernels, o.lambda, all, kernel_family::given, none);
  all.decide(o, permuted, member, verdict.data());
}
template<backend B, class T, class G, class S>
void fused_grams(const B& b, std::span<const given_gram<T, G>> grams, const fused_options& o,
                 const scalar_view<test_result, S>& verdict, const vector_view<fused_member, typename B::space>& member,
                 const vector_view<double, typename B::space>& permuted) {
  require_output<B>(verdict, "fused_test: verdict");
  check_fused<B>(o, member, static_cast<index>(grams.size()), permuted);
  for (const auto& gram : grams)
    require(gram.n == grams[0].n && gram.matrix.rows() == grams[0].matrix.rows(), "fused_test: grams",
            "must be over the same rows", static_cast<double>(gram.matrix.rows()));
  fusion<B> all(b, make_two_samples(b, grams[0]), static_cast<index>(grams.size()), o);
  const std::array none{quiet_nan<double>()};
  for (const auto& gram : grams)
    all.add(make_two_samples(b, gram), kernel_value<identity<>, T>(identity<>{}), o.lambda, kernel_family::given, none);
  all.decide(o, permuted, member, verdict.data());
}
///@}

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
  return detail::fused_when_done(b, detail::kernels_of_families(o), o, [&](const fused_options& own, const auto&... outputs) {
    detail::fused_families(b, x, y, own, outputs...);
  });
}

/// The same, written to `verdict` and, unless it is the null view, to `member` (one entry per kernel), in memory of the backend;
/// the permuted fused statistics go to `permuted` unless that is the null view. On a GPU it waits for bandwidths that are chosen
/// from the data, since kernels take their parameters on the host; where the options give the bandwidths it returns at once, and
/// a CUDA graph can capture it after one call of the same shapes, unless permutations are given. Bad elements are thrown by the
/// next wait; a kernel matrix that vanishes off its diagonal is not thrown: its M_k and the verdict are NaN, and do not reject.
template<backend B, sample_like X, sample_like Y, class S>
void fused_test(const B& b, const X& x, const Y& y, const scalar_view<test_result, S>& verdict,
                const vector_view<fused_member, typename B::space>& member, const fused_options& o = {},
                const vector_view<double, typename B::space>& permuted = {}) {
  detail::fused_families(b, x, y, o, verdict, member, permuted);
}

/// The same with the caller's kernels (one type, any parameters). They must not depend on which rows are X. Nothing waits for
/// bandwidths.
///@{
template<backend B, sample_like X, sample_like Y, pair_function K>
[[nodiscard]] fused_result fused_test(const B& b, const X& x, const Y& y, std::span<const K> kernels,
                                      const fused_options& o = {}) {
  return detail::fused_when_done(b, static_cast<index>(kernels.size()), o, [&](const fused_options& own, const auto&... outputs) {
    detail::fused_kernels(b, x, y, kernels, own, outputs...);
  });
}
template<backend B, sample_like X, sample_like Y, pair_function K, class S>
void fused_test(const B& b, const X& x, const Y& y, std::span<const K> kernels, const scalar_view<test_result, S>& verdict,
                const vector_view<fused_member, typename B::space>& member, const fused_options& o = {},
                const vector_view<double, typename B::space>& permuted = {}) {
  detail::fused_kernels(b, x, y, kernels, o, verdict, member, permuted);
}
///@}

/// The same from kernel matrices over the same rows.
///@{
template<backend B, class T, class S>
[[nodiscard]] fused_result fused_test(const B& b, std::span<const given_gram<T, S>> grams, const fused_options& o = {}) {
  return detail::fused_when_done(b, static_cast<index>(grams.size()), o, [&](const fused_options& own, const auto&... outputs) {
    detail::fused_grams(b, grams, own, outputs...);
  });
}
template<backend B, class T, class S, class R>
void fused_test(const B& b, std::span<const given_gram<T, S>> grams, const scalar_view<test_result, R>& verdict,
                const vector_view<fused_member, typename B::space>& member, const fused_options& o = {},
                const vector_view<double, typename B::space>& permuted = {}) {
  detail::fused_grams(b, grams, o, verdict, member, permuted);
}
///@}

}  // namespace mmd

DISPAR_NAMESPACE_END
