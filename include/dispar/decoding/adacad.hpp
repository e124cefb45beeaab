#pragma once
/// \file
/// AdaCAD: context-aware decoding with the divergence of the two distributions as its weight.

#include "dispar/decoding/contrast.hpp"
#include "dispar/divergence/clamped_jensen_shannon.hpp"
#include "dispar/divergence/jensen_shannon.hpp"

DISPAR_NAMESPACE_BEGIN

namespace decoding {

/// Options of `adacad`, and where it writes the numbers of rows. `S`: where these views are.
template<memory_space S = host>
struct adacad_options {
  row_parameter<double> floor = 0;               ///< lambda, the least weight: 0 for question answering, 0.3 for long texts
  divergence::unit in = divergence::unit::nats;  ///< of the divergence; nats as released: a weight of at most log 2
  vector_view<double, S> alpha{};                ///< the weight of every row; null: not wanted
  vector_view<double, S> divergences{};          ///< the divergence of every row, before the floor; null: not wanted
};

namespace detail {

/// Passes of the divergence D, then a contrast with what came out.
template<row_program D>
struct adaptive_program {
  static constexpr int inputs = 2, outputs = 1, results = 2, passes = D::passes, operands = 0;
  D of;
  row_parameter<double> floor;

  struct row : D::row {
    double least_alpha, alpha;
  };
  DISPAR_FN row begin(const vec<double, 0>& none) const { return {of.begin(none), 0, 0}; }
  template<class X>
  DISPAR_FN void gather(index i, const X&, row& r) const {
    r.least_alpha = finite_or_nan(floor(i));
  }
  template<int Pass>
  DISPAR_FN auto pass() const {
    return of.template pass<Pass>();
  }
  template<int Pass, int M, int S>
  DISPAR_FN void finish(const row_state<M, S>& s, row& r) const {
    of.template finish<Pass>(s, r);
    if constexpr (Pass + 1 == passes)
      r.alpha = is_nan(r.least_alpha) || is_nan(r.value) ? quiet_nan<double>()
                : r.value < r.least_alpha                ? r.least_alpha
                                                         : r.value;
  }
  template<class V>
  DISPAR_FN vec<V, 1> write(const vec<V, 2>& x, const row& r) const {
    return {{contrasted(x[0], x[1], V(r.alpha))}};
  }
  DISPAR_FN static vec<double, 2> result(const row& r) { return {{r.alpha, r.value}}; }
};

}  // namespace detail

/// AdaCAD: the more a document contradicts what the model remembers, the more its logits are contrasted with those without it.
/// For every row, with p = softmax(with_context) and q = softmax(without_context),
///
///     alpha  = max(D(p, q), floor)
///     merged = (1 + alpha) with_context - alpha without_context
///
/// D is the Jensen-Shannon divergence in nats, exact; `divergence::clamped_jensen_shannon{}` is that of the released program,
/// whose floors of 1e-9 change it where probabilities vanish: by 2e-4 for 100,000 normal logits of standard deviation 5, ten of
/// which are masked. Any other divergence of rows will do.
///
///     decoding::adacad(cpu{}, with_context, without_context, merged);
///     decoding::adacad(cpu{}, with_context, without_context, merged, {.floor = 0.3, .alpha = weights});
///     decoding::adacad(cpu{}, with_context, without_context, divergence::clamped_jensen_shannon{}, merged);
///
/// Time: as `divergence::rows`, and one more pass to write; one long row is shared out to threads, or thread blocks. Tokens as in
/// `contrast.hpp`. A row without a divergence (NaN, plus infinity, nothing but minus infinity in one of the inputs) has the
/// weight NaN and NaN wherever `with_context` does not exclude a token. Throws `invalid_argument` for shapes that differ, a floor
/// that is negative or not finite, and parameters of the divergence out of range.
///
/// One weight for a batch, as "batchmean" gives it: `cad(..., {.alpha = std::max(divergence::mean(...), floor)})`.
///
/// Wang et al., "AdaCAD: Adaptively Decoding to Balance Conflicts between Contextual and Parametric Knowledge", NAACL 2025,
/// arXiv 2409.07394.
template<backend B, sample_matrix C, sample_matrix N, class F, class Out>
requires requires(const F& f) { divergence::value_program(f); }
void adacad(const B& b, const C& with_context, const N& without_context, const F& f, Out&& merged,
            const adacad_options<space_of<C>>& o = {}) {
  using T = value_type_of<C>;
  using S = space_of<C>;
  o.floor.template check<typename B::space>(view_of(with_context).rows(), "adacad: floor", "must be at least 0 and finite",
                                            [](double x) { return x >= 0 && !is_special(x); });
  const auto of_rows = divergence::value_program(f, o.in);
  run_rows(b, detail::adaptive_program<std::remove_const_t<decltype(of_rows)>>{of_rows, o.floor},
           row_inputs<T, 2, S>{.x = detail::merge_inputs(with_context, without_context)},
           row_outputs<T, 1, 2, S>{.y = {detail::merge_output(with_context, merged)}, .results = {o.alpha, o.divergences}});
}

/// The same with the exact Jensen-Shannon divergence.
template<backend B, sample_matrix C, sample_matrix N, class Out>
void adacad(const B& b, const C& with_context, const N& without_context, Out&& merged,
            const adacad_options<space_of<C>>& o = {}) {
  adacad(b, with_context, without_context, divergence::jensen_shannon{}, merged, o);
}

}  // namespace decoding

DISPAR_NAMESPACE_END
