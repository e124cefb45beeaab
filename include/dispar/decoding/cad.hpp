#pragma once
/// \file
/// Contrasts with a fixed weight: context-aware decoding and visual contrastive decoding.

#include "dispar/decoding/contrast.hpp"

DISPAR_NAMESPACE_BEGIN

namespace decoding {

/// Options of `cad`.
struct cad_options {
  row_parameter<double> alpha = 1;  ///< the weight, any finite number; released: 1 for question answering, 0.5 for summaries
};

/// Options of `vcd`: those of its paper and code.
struct vcd_options {
  row_parameter<double> alpha = 1;  ///< the weight
  double plausibility = 0.1;        ///< tokens below this share of the largest probability are cut; 0: none is
};

namespace detail {

/// (1 + alpha) x_0 - alpha x_1 / temperature, where x_0 is plausible.
template<bool Cut>
struct contrast_program {
  static constexpr int inputs = 2, outputs = 1, results = 0, passes = Cut ? 1 : 0, operands = 0;
  row_parameter<double> alpha;
  plausibility plausible;
  double per_temperature = 1;

  struct row {
    double weight, least;
  };
  DISPAR_FN static row begin(const vec<double, 0>&) { return {}; }
  template<class X>
  DISPAR_FN void gather(index i, const X&, row& r) const {
    r.weight = finite_or_nan(alpha(i));
  }
  template<int>
  DISPAR_FN static maximum_pass<2> pass() {
    return {};
  }
  template<int>
  DISPAR_FN void finish(const row_state<1, 0>& s, row& r) const {
    r.least = plausible.least(s.maximum[0]);
  }
  template<class V>
  DISPAR_FN vec<V, 1> write(const vec<V, 2>& x, const row& r) const {
    const V merged = contrasted(x[0], x[1] * V(per_temperature), V(r.weight));
    if constexpr (Cut)
      return {{cut(x[0], r.least, merged)}};
    else
      return {{merged}};
  }
  DISPAR_FN static vec<double, 0> result(const row&) { return {}; }
};

template<bool Cut, class B, class C, class N, class Out>
void contrast(const B& b, const C& with, const N& without, Out&& merged, const char* weight, const contrast_program<Cut>& p) {
  using T = value_type_of<C>;
  using S = space_of<C>;
  p.alpha.template check<typename B::space>(view_of(with).rows(), weight, "must be finite",
                                            [](double a) { return !is_special(a); });
  run_rows(b, p, row_inputs<T, 2, S>{.x = merge_inputs(with, without)},
           row_outputs<T, 1, 0, S>{.y = {merge_output(with, merged)}});
}

}  // namespace detail

/// Context-aware decoding: logits given a document, contrasted with those without it,
///
///     merged = (1 + alpha) with_context - alpha without_context,     p(y) ~ p_c(y) (p_c(y) / p_n(y))^alpha
///
/// so that what the document adds counts more. alpha = 0: `with_context` itself.
///
///     decoding::cad(cpu{}, with_context, without_context, merged, {.alpha = 0.5});
///     decoding::cad(cpu{}, with_context, without_context, merged, {.alpha = view_of(weights)});      // one per row
///
/// One pass. What a token becomes is said in `contrast.hpp`; NaN concerns its own element. Throws `invalid_argument` for shapes
/// that differ and a weight that is not finite.
///
/// Shi et al., "Trusting Your Evidence: Hallucinate Less with Context-aware Decoding", NAACL 2024.
template<backend B, sample_matrix C, sample_matrix N, class Out>
void cad(const B& b, const C& with_context, const N& without_context, Out&& merged, const cad_options& o = {}) {
  detail::contrast<false>(b, with_context, without_context, merged, "cad: alpha", {o.alpha, detail::plausibility(0, "cad")});
}

/// Visual contrastive decoding: logits given an image, contrasted with those given a distorted one, and cut where the image
/// makes a token implausible,
///
///     merged = (1 + alpha) clean - alpha distorted    where clean >= max clean + log(plausibility),    else minus infinity
///
/// The best token of `clean` always stays.
///
///     decoding::vcd(cpu{}, clean, distorted, merged);
///
/// Two passes. Tokens, NaN and errors as for `cad`.
///
/// Leng et al., "Mitigating Object Hallucinations in Large Vision-Language Models through Visual Contrastive Decoding", CVPR
/// 2024.
template<backend B, sample_matrix C, sample_matrix D, class Out>
void vcd(const B& b, const C& clean, const D& distorted, Out&& merged, const vcd_options& o = {}) {
  detail::contrast<true>(b, clean, distorted, merged, "vcd: alpha",
                         {o.alpha, detail::plausibility(o.plausibility, "vcd: plausibility")});
}

}  // namespace decoding

DISPAR_NAMESPACE_END
