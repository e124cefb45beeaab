#pragma once
/// \file
/// Many labellings of rows by +1 and -1, one bit each, in a backend's memory: a float matrix of them would take 32 times as much.
///
///     const auto labels = draw_labels(backend, rows, count, draw);    // labelling p by draw(p, words, stride)
///     const auto labels = labels_on(backend, std::move(bits));        // `label_bits` of the host; a GPU gets a copy
///     label_products(backend, labels.view(), values, out);            // out(k, p) = sum_i w_ip values(i, k), i in order
///
/// `labels.view()` is what the sink `quadratic_forms` takes; it has `rows`, `labels` and `member(i, p)`, whether row i has +1 in
/// labelling p.
///
/// A draw is a trivially copyable functor that writes words[w * stride] for all w < membership_words(rows): bit i % 64 of word
/// i / 64 is set where row i has +1, bits from `rows` on are 0. On a GPU a thread draws a labelling, on the host a task 64 of
/// them: the same bits everywhere. Nothing waits on a GPU; `labels_on` uploads, so that no graph can capture it.
///
/// `values` is rows x columns, `out` columns x labellings and without gaps. On the host sums are added in the order of the rows;
/// on a GPU so within stretches of 1024 rows, then by stretch in a fixed order.

#include "dispar/backend/strided_matrix.hpp"
#include "dispar/core/random/subset.hpp"

DISPAR_NAMESPACE_BEGIN

/// A draw: labelling 0 is the observed one, the first `n` of the rows +1; labellings from 1 on are uniformly random ones with n
/// rows +1, labelling p drawn from `key.fork(p - 1)` as `membership_bits` does.
struct subset_labels {
  random_key key;  ///< names the draws
  index rows;      ///< how many rows are labelled
  index n;         ///< how many of them +1, 0 to rows

  /// Writes labelling p.
  DISPAR_FN void operator()(index p, std::uint64_t* words, index stride) const {
    if (p > 0)
      detail::draw_members(key.fork(static_cast<std::uint64_t>(p - 1)), rows, n, words, stride);
    else
      for (index w = 0; w < membership_words(rows); ++w) words[w * stride] = detail::leading_ones(n - 64 * w);
  }
};

DISPAR_NAMESPACE_END
