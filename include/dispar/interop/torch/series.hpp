#pragma once
/// \file
/// Tokens and series scaled on torch tensors: `match_token_spread`, `revin_normalize` and its way back.
///
/// Tensors have three axes, things x tokens or times x features, and are float or double on the CPU, of any strides; they are not
/// copied. The value is a dense tensor. backward() reaches what requires a gradient; a second derivative throws. Bad input throws
/// `dispar::invalid_argument`.

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>

#include "dispar/backend/cpu.hpp"
#include "dispar/contrastive/revin.hpp"
#include "dispar/contrastive/token_spread.hpp"
#include "dispar/interop/torch/transformed.hpp"
#include "dispar/interop/torch/typed_views.hpp"

DISPAR_NAMESPACE_BEGIN

namespace autograd {

/// The learnt map behind `revin_normalize`, one number per feature; undefined: none.
struct revin_affine {
  at::Tensor weight{};  ///< w
  at::Tensor bias{};    ///< c
};

/// Series that were normalized, and what they left behind for `revin_denormalize`.
struct revin_series {
  at::Tensor value;  ///< the normalized series, in the graph
  at::Tensor level;  ///< things x features, double, a constant
  at::Tensor scale;  ///< things x features, double, a constant
};

namespace detail {

[[nodiscard]] inline cpu torch_cpu() { return {.each = {.threads = at::get_num_threads()}}; }
[[nodiscard]] inline at::Tensor detached(const at::Tensor& t) { return t.defined() ? t.detach() : t; }
[[nodiscard]] inline at::Tensor dense_like(const at::Tensor& t) {
  return t.defined() ? at::empty_like(t, {}, at::MemoryFormat::Contiguous) : t;
}
template<class T>
[[nodiscard]] contrastive::revin_affine<T> map_of(const at::Tensor& weight, const at::Tensor& bias) {
  return {view_if_defined<const T, 1>(weight), view_if_defined<const T, 1>(bias)};
}
[[nodiscard]] inline contrastive::revin_statistics<> statistics_of(const revin_series& s) {
  return {from_torch<double, 2>(s.level), from_torch<double, 2>(s.scale)};
}

/// The gradients by series, w and c, for both directions: `gradient(view of x, of by_out, of by_x, map, gradients of the map)`.
template<class Gradient>
[[nodiscard]] std::vector<at::Tensor> revin_gradients(const std::vector<at::Tensor>& in, const at::Tensor& by_out,
                                                      const Gradient& gradient) {
  std::vector<at::Tensor> by{dense_like(in[0]), dense_like(in[1]), dense_like(in[2])};
  of_type(in[0], "x", [&]<class T>() {
    gradient(from_torch<const T, 3>(in[0]), from_torch<const T, 3>(by_out), from_torch<T, 3>(by[0]), map_of<T>(in[1], in[2]),
             contrastive::revin_affine_gradients<T>{view_if_defined<T, 1>(by[1]), view_if_defined<T, 1>(by[2])});
  });
  return by;
}

}  // namespace detail

/// `contrastive::match_token_spread` in the graph: x, scaled as `like` spreads. backward() reaches both, through the factor as
/// well.
///
///     auto scaled = autograd::match_token_spread(texts, series);
[[nodiscard]] inline at::Tensor match_token_spread(const at::Tensor& x, const at::Tensor& like,
                                                   const contrastive::token_spread_options& o = {}) {
  const auto value = detail::of_type(x, "x", [&]<class T>() {
    auto out = detail::dense_like(x.detach());
    contrastive::match_token_spread(detail::torch_cpu(), from_torch<const T, 3>(x.detach()),
                                    from_torch<const T, 3>(detail::detached(like)), from_torch<T, 3>(out), {}, o);
    return out;
  });
  return transformed({x, like}, value, [o](const std::vector<at::Tensor>& in, const at::Tensor& by_out) {
    std::vector<at::Tensor> by{detail::dense_like(in[0]), detail::dense_like(in[1])};
    detail::of_type(in[0], "x", [&]<class T>() {
      contrastive::match_token_spread_gradient(detail::torch_cpu(), from_torch<const T, 3>(in[0]), from_torch<const T, 3>(in[1]),
                                               from_torch<const T, 3>(by_out), from_torch<T, 3>(by[0]), from_torch<T, 3>(by[1]),
                                               o);
    });
    return by;
  });
}

/// `contrastive::revin_normalize` in the graph, and the statistics for the way back. backward() reaches x and the map; statistics
/// are constants, as in the released code.
///
///     const auto series = autograd::revin_normalize(history, {w, c});
///     auto forecast = autograd::revin_denormalize(model(series.value), series, {w, c});
[[nodiscard]] inline revin_series revin_normalize(const at::Tensor& x, const revin_affine& map = {},
                                                  const contrastive::revin_options& o = {}) {
  revin_series s;
  detail::of_type(x, "x", [&]<class T>() {
    const auto series = from_torch<const T, 3>(x.detach());
    s.value = detail::dense_like(x.detach());
    s.level = at::empty({x.size(0), x.size(2)}, x.options().dtype(at::kDouble).requires_grad(false));
    s.scale = at::empty_like(s.level);
    contrastive::revin_normalize(detail::torch_cpu(), series, from_torch<T, 3>(s.value), detail::statistics_of(s),
                                 detail::map_of<T>(detail::detached(map.weight), detail::detached(map.bias)), o);
  });
  s.value = transformed({x, map.weight, map.bias}, s.value,
                        [o, kept = revin_series{{}, s.level, s.scale}](const auto& in, const at::Tensor& by_out) {
                          return detail::revin_gradients(
                              in, by_out,
                              [&](const auto& y, const auto& by, const auto& by_y, const auto& affine, const auto& by_affine) {
                                contrastive::revin_normalize_gradient(detail::torch_cpu(), y, by, by_y,
                                                                      detail::statistics_of(kept), affine, by_affine, o);
                              });
                        });
  return s;
}

/// `contrastive::revin_denormalize` in the graph: series of any length get the level and scale of `revin_normalize` back.
/// backward() reaches y and the map.
[[nodiscard]] inline at::Tensor revin_denormalize(const at::Tensor& y, const revin_series& of, const revin_affine& map = {},
                                                  const contrastive::revin_options& o = {}) {
  const revin_series kept{{}, of.level, of.scale};
  const auto value = detail::of_type(y, "y", [&]<class T>() {
    auto out = detail::dense_like(y.detach());
    contrastive::revin_denormalize(detail::torch_cpu(), from_torch<const T, 3>(y.detach()), from_torch<T, 3>(out),
                                   detail::statistics_of(kept),
                                   detail::map_of<T>(detail::detached(map.weight), detail::detached(map.bias)), o);
    return out;
  });
  return transformed({y, map.weight, map.bias}, value, [o, kept](const auto& in, const at::Tensor& by_out) {
    return detail::revin_gradients(
        in, by_out, [&](const auto& x, const auto& by, const auto& by_x, const auto& affine, const auto& by_affine) {
          contrastive::revin_denormalize_gradient(detail::torch_cpu(), x, by, by_x, detail::statistics_of(kept), affine,
                                                  by_affine, o);
        });
  });
}

}  // namespace autograd

DISPAR_NAMESPACE_END
