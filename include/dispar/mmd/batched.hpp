#pragma once

#include <string>

#include "dispar/backend/each_group.hpp"
#include "dispar/mmd/permutation_test.hpp"

DISPAR_NAMESPACE_BEGIN

namespace mmd {

/// Groups of consecutive rows: group g is rows offsets[g] .. offsets[g + 1] - 1. A view; both must outlive it.
template<class Sample>
struct grouped_rows {
  Sample rows;                     ///< all rows, one group after the other
  std::span<const index> offsets;  ///< one more than there are groups
  /// How many groups there are.
  [[nodiscard]] index groups() const noexcept { return static_cast<index>(offsets.size()) - 1; }
  /// The rows of group g.
  [[nodiscard]] Sample group(index g) const {
    const auto at = static_cast<std::size_t>(g);
    return rows.slice(offsets[at], offsets[at + 1] - offsets[at]);
  }
};

/// `grouped(x, offsets)`: the rows of x cut into offsets.size() - 1 groups. Offsets ascend within 0 .. rows; gaps before the
/// first and after the last are left out. Throws `invalid_argument` otherwise, and for an empty group.
template<sample_like X>
[[nodiscard]] auto grouped(const X& x, std::span<const index> offsets) {
  const auto rows = as_sample(x);
  require(offsets.size() >= 2, "grouped: offsets", "must have at least two entries", static_cast<double>(offsets.size()));
  require(offsets.front() >= 0, "grouped: offsets", "must not be negative", static_cast<double>(offsets.front()));
  for (std::size_t g = 1; g < offsets.size(); ++g)
    require(offsets[g] > offsets[g - 1], "grouped: offsets", "must ascend, a group having at least one row",
            static_cast<double>(offsets[g]));
  require(offsets.back() <= rows.rows(), "grouped: offsets", "must not exceed the rows", static_cast<double>(offsets.back()));
  return grouped_rows<sample_type<X>>{rows, offsets};
}

/// The seed with which `batched_permutation_test` runs group g: groups share no draws.
[[nodiscard]] constexpr std::uint64_t group_seed(std::uint64_t seed, index g) {
  return random_key{seed}.fork(static_cast<std::uint64_t>(g)).seed;
}

namespace detail {

/// run(inner, x, y, g) for every group; a complaint about the data says which group it is about.
template<backend B, class Sample, class Run>
void each_group(const B& b, const grouped_rows<Sample>& x, const grouped_rows<Sample>& y, const Run& run) {
  require(x.groups() == y.groups(), "batched: groups of y", "must be as many as those of x", static_cast<double>(y.groups()));
  for_each_group(b, x.groups(), [&](const auto& inner, index g) {
    try {
      run(inner, x.group(g), y.group(g), g);
    } catch (const invalid_argument& e) {
      const std::string reason = e.what(), prefix = "dispar: ";
      throw invalid_argument(prefix + "group " + to_text(static_cast<double>(g)) + ": " +
                             (reason.starts_with(prefix) ? reason.substr(prefix.size()) : reason));
    }
  });
}

}  // namespace detail

/// `estimate` of many pairs of small samples at once: entry g is that of group g of x and group g of y, the same bits as
/// `estimate(b, x.slice(...), y.slice(...), k, o)`.
///
///     const std::vector<dispar::index> ox{0, 30, 55}, oy{0, 20, 45};
///     std::vector<double> v = mmd::batched_estimate(cpu{}, mmd::grouped(x, ox), mmd::grouped(y, oy), gaussian{sigma});
///
/// A host backend gives each group to one thread, so threads pay from two groups on, however small they are; any other runs
/// them one after the other. Time sum of (n_g + m_g)^2 d / 2, memory one copy of the groups in work. Throws as `estimate`,
/// naming the group, and for different numbers of groups.
template<backend B, class Sample, pair_function K>
[[nodiscard]] std::vector<double> batched_estimate(const B& b, const grouped_rows<Sample>& x, const grouped_rows<Sample>& y,
                                                   const K& k, const options& o = {}) {
  std::vector<double> values(static_cast<std::size_t>(x.groups()));
  detail::each_group(b, x, y, [&](const auto& inner, const Sample& gx, const Sample& gy, index g) {
    values[static_cast<std::size_t>(g)] = estimate(inner, gx, gy, k, o);
  });
  return values;
}

/// `permutation_test` of many pairs of small samples at once; group g draws with `group_seed(o.seed, g)`, so that the tests do
/// not depend on each other. Given permutations and `permuted` belong to one test and are refused. Under many tests some
/// p-values are small by chance: correct for their number (Bonferroni: compare with alpha / groups).
///
///     auto tests = mmd::batched_permutation_test(cpu{}, mmd::grouped(x, ox), mmd::grouped(y, oy), kernel, {.alpha = 0.05 / 40});
///
/// Time and memory of `permutation_test` summed over the groups, memory of those in work; throws as it, naming the group.
template<backend B, class Sample, pair_function K>
[[nodiscard]] std::vector<test_result> batched_permutation_test(const B& b, const grouped_rows<Sample>& x,
                                                                const grouped_rows<Sample>& y, const K& k,
                                                                const permutation_options& o = {}) {
  require(!o.given, "batched_permutation_test: given", "must be null: permutations belong to one group");
  require(!o.permuted, "batched_permutation_test: permuted", "must be null: it belongs to one group");
  std::vector<test_result> results(static_cast<std::size_t>(x.groups()));
  detail::each_group(b, x, y, [&](const auto& inner, const Sample& gx, const Sample& gy, index g) {
    permutation_options own = o;
    own.seed = group_seed(o.seed, g);
    results[static_cast<std::size_t>(g)] = permutation_test(inner, gx, gy, k, own);
  });
  return results;
}

}  // namespace mmd

DISPAR_NAMESPACE_END
