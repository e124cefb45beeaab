#pragma once
/// \file
/// Two kernels over the same rows, each matrix of values centred, pair by pair and never stored: what dependence between two
/// representations is measured by.
///
/// With row sums k_i and their sum k, both estimates of HSIC are sums over pairs of centred values K~_ij = K_ij - a_i - a_j:
///
///     biased:     a_i = k_i / n - k / (2 n^2),                          HSIC = sum_ij K~_ij L~_ij / (n - 1)^2,
///     unbiased:   a_i = k_i / (n - 2) - k / (2 (n - 1) (n - 2)),        HSIC = sum_{i != j} K~_ij L~_ij / (n (n - 3)),
///
/// the latter with sums that leave out the diagonal. Centring is a projection: dHSIC / dK_ij is L~_ij over the same number. No
/// difference of large traces is taken.

#include <cmath>

#include "dispar/backend/operations.hpp"
#include "dispar/contrastive/columns.hpp"
#include "dispar/kernels/identity.hpp"

DISPAR_NAMESPACE_BEGIN

namespace contrastive {

/// Which estimate of the Hilbert-Schmidt independence criterion.
enum class hsic_estimator {
  biased,   ///< tr(K H L H) / (n - 1)^2, never negative; at least 2 rows
  unbiased  ///< Song et al. 2012, equation 5, may be negative; at least 4 rows
};

namespace detail {

/// Values of two kernels on two channels.
template<pair_function KX, pair_function KY, class T>
struct two_kernels {
  vec<T, constants_of<KX>> x;
  vec<T, constants_of<KY>> y;

  two_kernels(const KX& kx, const KY& ky) : x(narrowed_constants<KX, T>(kx)), y(narrowed_constants<KY, T>(ky)) {}
  template<class V>
  DISPAR_FN V of_x(const vec<V, 2>& d) const {
    return KX::value(vec<V, 1>{{d[0]}}, dispar::detail::broadcast<V>(x));
  }
  template<class V>
  DISPAR_FN V of_y(const vec<V, 2>& d) const {
    return KY::value(vec<V, 1>{{d[1]}}, dispar::detail::broadcast<V>(y));
  }
};

/// A kernel's value and its derivative by the distance.
template<pair_function K, class V, class T>
DISPAR_FN dual<V, 1> value_and_slope(const V& distance, const vec<T, constants_of<K>>& constants) {
  using D = dual<V, 1>;
  vec<D, constants_of<K>> c;
  DISPAR_UNROLL
  for (int i = 0; i < constants_of<K>; ++i) c[i] = D(V(constants[i]));
  return K::value(vec<D, 1>{{D::variable(distance, 0)}}, c);
}

/// K_ij, L_ij.
template<pair_function KX, pair_function KY, class T>
struct both_values {
  static constexpr int channels = 2, outputs = 2, operands = 0;
  two_kernels<KX, KY, T> kernels;
  template<class V, class At>
  DISPAR_FN vec<V, 2> operator()(const vec<V, 2>& d, const At&) const {
    return {{kernels.of_x(d), kernels.of_y(d)}};
  }
};

/// With the operands a of both kernels: K~ L~, K~^2, L~^2.
template<pair_function KX, pair_function KY, class T>
struct centred_products {
  static constexpr int channels = 2, outputs = 3, operands = 2;
  two_kernels<KX, KY, T> kernels;
  template<class V, class At>
  DISPAR_FN vec<V, 3> operator()(const vec<V, 2>& d, const At& at) const {
    const V k = kernels.of_x(d) - (at.row[0] + at.col[0]), l = kernels.of_y(d) - (at.row[1] + at.col[1]);
    return {{k * l, k * k, l * l}};
  }
};

/// Derivatives of a function of the sums of those products: of k = unit_x K~ and l = unit_y L~,
///
///     by K_ij: by_x (l - ratio k),    by L_ij: by_y (k - ratio l).
struct centred_slopes {
  double unit_x, unit_y, ratio, by_x, by_y;
};

/// By the distances of a pair i < j, which stands for two: the derivative by K_ij times K', that by L_ij times L'.
template<pair_function KX, pair_function KY, class T>
struct centred_gradient {
  static constexpr int channels = 2, outputs = 2, operands = 2;
  two_kernels<KX, KY, T> kernels;
  const centred_slopes* slopes;
  template<class V, class At>
  DISPAR_FN vec<V, 2> operator()(const vec<V, 2>& d, const At& at) const {
    const auto number = [](double x) { return V(static_cast<T>(x)); };
    const auto x = value_and_slope<KX>(d[0], kernels.x), y = value_and_slope<KY>(d[1], kernels.y);
    const V k = number(slopes->unit_x) * (x.value - (at.row[0] + at.col[0]));
    const V l = number(slopes->unit_y) * (y.value - (at.row[1] + at.col[1]));
    const V ratio = number(slopes->ratio);
    return {{number(2 * slopes->by_x) * (l - ratio * k) * x.d[0], number(2 * slopes->by_y) * (k - ratio * l) * y.d[0]}};
  }
};

/// The distance of a row to itself: 0, or what a product is.
template<class Metric, class E>
DISPAR_FN double distance_to_itself(const strided<const E>& x, index features, index i) {
  if constexpr (Metric::translation_invariant) {
    return 0;
  } else {
    using V = lane<double>;
    const auto element = [&](index k) { return V(in_double(x(i, k))); };
    V sum(0), own(0);
    if constexpr (Metric::product)
      sum = V(feature_sum(features, [&](index k) { return element(k).value * element(k).value; }));
    else
      for (index k = 0; k < features; ++k) sum = Metric::step(sum, element(k), element(k));
    for (index k = 0; k < features; ++k) own = Metric::row_term(own, element(k));
    return Metric::finish(sum, own, own).value;
  }
}

/// self[i] = k(x_i, x_i), added to the sum of the row where wanted.
template<pair_function K, class E>
struct self_values {
  strided<const E> x;
  index features;
  vec<double, constants_of<K>> constants;
  bool counts;
  double* self;
  double* sum;
  DISPAR_FN void operator()(index i) const {
    using V = lane<double>;
    const V d(distance_to_itself<typename K::metric>(x, features, i));
    self[i] = K::value(vec<V, 1>{{d}}, dispar::detail::broadcast<V>(constants)).value;
    if (counts) sum[i] += self[i];
  }
};

/// a_i from the sum of row i and the sum of these.
template<class T>
struct centring_operands {
  const double* sum;
  const double* all;
  double rows;
  hsic_estimator form;
  double* exact;
  T* out;
  DISPAR_FN void operator()(index i) const {
    const bool biased = form == hsic_estimator::biased;
    const double by = biased ? rows : rows - 2;
    exact[i] = sum[i] / by - *all / (2 * by * (biased ? rows : rows - 1));
    out[i] = static_cast<T>(exact[i]);
  }
};

/// Of row i: the products of its centred values with itself, where they count.
struct self_products {
  const double* self_x;
  const double* self_y;
  const double* centring_x;
  const double* centring_y;
  bool count;
  double* out;  ///< rows x 3
  DISPAR_FN void operator()(index i) const {
    const double k = count ? self_x[i] - 2 * centring_x[i] : 0, l = count ? self_y[i] - 2 * centring_y[i] : 0;
    out[3 * i] = k * l;
    out[3 * i + 1] = k * k;
    out[3 * i + 2] = l * l;
  }
};

/// What the pairs of a row with itself add to a gradient, for kernels whose value there is no constant.
template<pair_function K, class E, class T>
struct self_gradient {
  strided<const E> x;
  index features;
  vec<double, constants_of<K>> constants;
  const double* self;
  const double* centring;
  const double* other_self;
  const double* other_centring;
  const centred_slopes* slopes;
  int side;
  double factor;
  const double* upstream;
  strided<T> out;
  DISPAR_FN void operator()(index i) const {
    using V = lane<double>;
    using Metric = typename K::metric;
    const V d(distance_to_itself<Metric>(x, features, i));
    const double own = (side == 0 ? slopes->unit_x : slopes->unit_y) * (self[i] - 2 * centring[i]);
    const double other = (side == 0 ? slopes->unit_y : slopes->unit_x) * (other_self[i] - 2 * other_centring[i]);
    const double by_value = (side == 0 ? slopes->by_x : slopes->by_y) * (other - slopes->ratio * own);
    const double by = (upstream ? factor * *upstream : factor) * by_value * value_and_slope<K>(d, constants).d[0].value;
    for (index k = 0; k < features; ++k) {
      const V v(in_double(x(i, k)));
      out(i, k) = static_cast<T>(static_cast<double>(out(i, k)) + 2 * by * Metric::slope(v, v, d).value);
    }
  }
};

/// Rows of x and y with the sums of both kernels along rows.
template<pair_function KX, pair_function KY, class E, backend B>
class centred_kernels {
  static_assert(KX::channels == 1 && KY::channels == 1, "dispar: HSIC takes kernels of one channel");
  static_assert(std::same_as<typename KX::metric, typename KY::metric>,
                "dispar: both kernels of HSIC must have the same metric: two linear ones, or two of a distance");
  using metric_type = typename KX::metric;
  using space = typename B::space;
  using T = computed_type<E>;
  // Products are of copies, which linear kernels centre; distances do not depend on a shift. Copies are of the type that is
  // computed in.
  static constexpr bool of_products = !metric_type::translation_invariant, copies = of_products || !std::same_as<E, T>;
  using stored = std::conditional_t<copies, T, E>;
  using packed =
      decltype(pack_samples<metric_type>(std::declval<const B&>(), std::declval<std::array<sample<stored, 2, space>, 1>>()));
  static constexpr std::array<pair_block, 1> blocks{{{0, 0, true}}};

public:
  centred_kernels(const B& b, const matrix_view<const E, space>& x, const matrix_view<const E, space>& y, const KX& kx,
                  const KY& ky, hsic_estimator form)
      : form_(form),
        rows_(x.rows()),
        constants_x_(dispar::detail::checked_constants(kx)),
        constants_y_(dispar::detail::checked_constants(ky)),
        kernels_(kx, ky),
        side_{side(b, copied<KX>(b, x, copy_x_), rows_), side(b, copied<KY>(b, y, copy_y_), rows_)},
        data_(pack_samples<metric_type>(b, std::array{sample<stored, 2, space>{{side_[0].x, side_[1].x}}})) {
    const std::span<const vector_view<const T, space>> none;
    pairwise(b, data_, both_values<KX, KY, T>{kernels_}, blocks, none, row_sums<0, space>{side_[0].sum.view()},
             row_sums<1, space>{side_[1].sum.view()});
    centre<KX>(b, side_[0], constants_x_);
    centre<KY>(b, side_[1], constants_y_);
  }

  /// sums(0 .. 2) = sum over all pairs, with the diagonal where biased, of K~ L~, K~^2, L~^2.
  void products(const B& b, const vector_view<double, space>& sums, bool /*alone*/) const {
    const auto operands = by_row();
    array<double, 2, B> pairs(b, {1, 3});
    pairwise(b, data_, centred_products<KX, KY, T>{kernels_}, blocks, std::span<const vector_view<const T, space>>(operands),
             total<0, 3, space>{pairs.view()});
    array<double, 2, B> own(b, {rows_, 3});
    for_each_index(b, rows_, static_cast<double>(rows_),
                   self_products{side_[0].self.data(), side_[1].self.data(), side_[0].centring.data(), side_[1].centring.data(),
                                 form_ == hsic_estimator::biased, own.data()});
    column_sums(b, std::as_const(own).view(), sums);
    for (int order = 0; order < 2; ++order) for_each_index(b, 3, add_numbers{pairs.data(), sums.data()});
  }

  /// The gradients by the rows, for the slopes in the backend's memory.
  template<class G>
  void gradient(const B& b, const centred_slopes* slopes, const G& g, bool /*alone*/) const {
    const auto operands = by_row();
    const auto by_x = reached<B>(g.x), by_y = reached<B>(g.y);
    const scalar_view<const double, space> upstream(g.upstream.data());
    pairwise(b, data_, centred_gradient<KX, KY, T>{kernels_, slopes}, blocks,
             std::span<const vector_view<const T, space>>(operands),
             feature_gradient<0, 0, T, 1, space>{{by_x}, g.factor, g.accumulate, upstream},
             feature_gradient<1, 1, T, 1, space>{{by_y}, g.factor, g.accumulate, upstream});
    if (!of_products || form_ == hsic_estimator::unbiased) return;
    by_self<KX>(b, 0, constants_x_, slopes, g, by_x);
    by_self<KY>(b, 1, constants_y_, slopes, g, by_y);
  }

  [[nodiscard]] index rows() const { return rows_; }
  /// The sum of a kernel's values, which rounding of centred ones is relative to.
  [[nodiscard]] const double* all(std::size_t side) const { return side_[side].all.data(); }

private:
  struct side {
    matrix_view<const stored, space> x;
    array<double, 2, B> sum;
    array<double, 1, B> self, centring, all;
    array<T, 1, B> operand;
    side(const B& b, const matrix_view<const stored, space>& rows_of_x, index rows)
        : x(rows_of_x), sum(b, {rows, 1}), self(b, {rows}), centring(b, {rows}), all(b, {1}), operand(b, {rows}) {}
  };

  /// A linear kernel's rows centred: centred values are the same, and keep their digits.
  template<pair_function K>
  [[nodiscard]] static matrix_view<const stored, space> copied(const B& b, const matrix_view<const E, space>& x,
                                                               array<T, 2, B>& copy) {
    if constexpr (copies) {
      copy = array<T, 2, B>(b, x.extents());
      const auto write = [&](const double* mean) {
        for_each_element(b, {x.rows(), x.cols()}, 2,
                         copy_centred<E, T>{dispar::detail::strided_of(x), mean, nullptr, 1,
                                            dispar::detail::strided_of(copy.view().transposed())});
      };
      if constexpr (of_products && std::same_as<K, identity<metric_type>>)
        write(column_moments<E, B>(b, x).mean.data());
      else
        write(nullptr);
      return std::as_const(copy).view();
    } else {
      return x;
    }
  }
  template<pair_function K>
  void centre(const B& b, side& s, const vec<double, constants_of<K>>& constants) {
    const double work = static_cast<double>(s.x.size());
    for_each_index(b, rows_, of_products ? work : static_cast<double>(rows_),
                   self_values<K, stored>{dispar::detail::strided_of(s.x), s.x.cols(), constants, form_ == hsic_estimator::biased,
                                          s.self.data(), s.sum.data()});
    column_sums(b, std::as_const(s.sum).view(), s.all.view());
    for_each_index(
        b, rows_, static_cast<double>(rows_),
        centring_operands<T>{s.sum.data(), s.all.data(), static_cast<double>(rows_), form_, s.centring.data(), s.operand.data()});
  }
  template<pair_function K, class G>
  void by_self(const B& b, std::size_t of, const vec<double, constants_of<K>>& constants, const centred_slopes* slopes,
               const G& g, const matrix_view<T, space>& by) const {
    if (!by) return;
    const side& own = side_[of];
    const side& other = side_[1 - of];
    for_each_index(
        b, rows_, static_cast<double>(own.x.size()) * 3,
        self_gradient<K, stored, T>{dispar::detail::strided_of(own.x), own.x.cols(), constants, own.self.data(),
                                    own.centring.data(), other.self.data(), other.centring.data(), slopes, static_cast<int>(of),
                                    g.factor, g.upstream.data(), dispar::detail::strided_of(by)});
  }
  [[nodiscard]] std::array<vector_view<const T, space>, 2> by_row() const {
    return {std::as_const(side_[0].operand).view(), std::as_const(side_[1].operand).view()};
  }

  hsic_estimator form_;
  index rows_;
  vec<double, constants_of<KX>> constants_x_;
  vec<double, constants_of<KY>> constants_y_;
  two_kernels<KX, KY, T> kernels_;
  array<T, 2, B> copy_x_{}, copy_y_{};
  std::array<side, 2> side_;
  packed data_;
};

/// Checks what HSIC and CKA are given.
template<class E, class S, class G>
void require_dependence(const matrix_view<const E, S>& x, const matrix_view<const E, S>& y, const G& g, hsic_estimator form) {
  const auto number = [](index n) { return static_cast<double>(n); };
  if (form == hsic_estimator::biased)
    require(x.rows() >= 2, "hsic, cka: rows of x", "must be at least 2", number(x.rows()));
  else
    require(x.rows() >= 4, "hsic, cka: rows of x", "must be at least 4 for the unbiased estimate", number(x.rows()));
  require(x.cols() > 0, "hsic, cka: columns of x", "must be at least 1", number(x.cols()));
  require(y.cols() > 0, "hsic, cka: columns of y", "must be at least 1", number(y.cols()));
  require(y.rows() == x.rows(), "hsic, cka: rows of y", "must be those of x", number(y.rows()));
  require_like(g.x, x, "hsic, cka: gradient by x");
  require_like(g.y, y, "hsic, cka: gradient by y");
}

/// What sums over all pairs are divided by.
[[nodiscard]] inline double hsic_terms(hsic_estimator form, index rows) {
  const auto n = static_cast<double>(rows);
  return form == hsic_estimator::biased ? (n - 1) * (n - 1) : n * (n - 3);
}

}  // namespace detail

}  // namespace contrastive

DISPAR_NAMESPACE_END
