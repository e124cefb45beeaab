#pragma once

#include "dispar/backend/step.hpp"
#include "dispar/decoding/categorical.hpp"
#include "dispar/decoding/chain.hpp"
#include "dispar/preference/token_targets.hpp"

DISPAR_NAMESPACE_BEGIN

namespace preference {

/// Where `draw_candidates` takes its random numbers from.
template<memory_space S = host>
struct candidate_options {
  random_key key{};                         ///< draw k of row i is that of (key, step k, row i): the same on every backend
  matrix_view<const double, S> uniforms{};  ///< numbers in [0, 1) instead, rows x (n - 1)
};

namespace detail {

struct copy_tokens {
  dispar::detail::strided_vector<const std::int64_t> from;
  dispar::detail::strided_vector<std::int64_t> to;
  DISPAR_FN void operator()(index i) const { to(i) = from(i); }
};

}  // namespace detail

/// Candidate tokens of InTRO: out(i, 0) is the token of the rationale, the n - 1 others are drawn from softmax(forward(i)), with
/// replacement: the smallest index whose cumulative probability exceeds u.
///
///     preference::draw_candidates(cpu{}, forward, rationale, candidates, {.key = {.seed = 1}});
///
/// forward: rows x vocabulary; rationale: one token per row; out: rows x n of int64. A row without a distribution gets -1. Other
/// ways to pick (temperature, top-k, nucleus): a `decoding::chain` per column. Time: n - 1 draws by `decoding::categorical`,
/// which needs a backend with ranked rows. Throws `invalid_argument` for shapes that differ and no candidates. arXiv 2511.09865,
/// section 2; replacement, which the paper does not state, is our choice.
template<backend B, sample_matrix X, class R, class Out>
void draw_candidates(const B& b, const X& forward, const R& rationale, Out&& out, const candidate_options<space_of<X>>& o = {}) {
  using S = space_of<X>;
  const matrix_view<const value_type_of<X>, S> x = view_of(forward);
  const vector_view<const std::int64_t, space_of<R>> tokens = view_of(rationale);
  const matrix_view<std::int64_t, space_of<Out>> candidates = view_of(out);
  static_assert(reachable<space_of<R>, typename B::space> && reachable<space_of<Out>, typename B::space>,
                "dispar: this backend cannot read that memory; copy the data with dispar::to(backend, x)");
  require(tokens.size() == x.rows(), "draw_candidates: rationale", "must have one token per row",
          static_cast<double>(tokens.size()));
  require(candidates.rows() == x.rows(), "draw_candidates: out", "must have the rows of the logits",
          static_cast<double>(candidates.rows()));
  require(candidates.cols() >= 1, "draw_candidates: out", "must have at least 1 column");
  if (o.uniforms) {
    require(o.uniforms.rows() == x.rows(), "draw_candidates: uniforms", "must have the rows of the logits",
            static_cast<double>(o.uniforms.rows()));
    require(o.uniforms.cols() == candidates.cols() - 1, "draw_candidates: uniforms", "must have n - 1 columns",
            static_cast<double>(o.uniforms.cols()));
  }
  const auto column = [](const auto& m, index k) {
    using M = std::remove_cvref_t<decltype(m)>;
    return vector_view<typename M::element_type, typename M::space>(m.data() + k * m.stride(1), {m.rows()}, {m.stride(0)});
  };
  const auto first = column(candidates, 0);
  for_each_index(b, x.rows(), detail::copy_tokens{dispar::detail::strided_of(tokens), dispar::detail::strided_of(first)});
  const decoding::chain draw{decoding::categorical{o.key}};
  for (index k = 1; k < candidates.cols(); ++k) {
    decoding::state<S> known{.step = static_cast<std::uint64_t>(k)};
    if (o.uniforms) known.uniforms = column(o.uniforms, k - 1);
    draw(b, x, column(candidates, k), known);
  }
}

}  // namespace preference

DISPAR_NAMESPACE_END
