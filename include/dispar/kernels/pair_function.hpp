#pragma once
/// \file
/// Pair functions (kernels): a value from the distances of one or several channels and from parameters.
///
/// A user writes this much, and has value, gradients by feature and by parameter, on every backend:
///
///     struct cauchy {
///       double scale;
///       using metric = dispar::sq_euclidean;
///       static constexpr int channels = 1, parameters = 1;
///       dispar::vec<double, 1> theta() const { return {{scale}}; }
///       template<class V> DISPAR_FN static V value(dispar::vec<V, 1> d, dispar::vec<V, 1> p) { return V(1) / (V(1) + d[0] /
///       p[0]); }
///     };
///
/// Two optional members: `static constexpr int constants` with
/// `template<class R> static vec<R, constants> prepare(vec<R, parameters>)` turns the parameters, once per call and in double,
/// into the constants that `value` then sees (a division per call instead of one per pair); `void validate() const` throws
/// `invalid_argument` on bad parameters.

#include "dispar/core/error.hpp"
#include "dispar/core/special_values.hpp"
#include "dispar/kernels/metric.hpp"

DISPAR_NAMESPACE_BEGIN

namespace detail {

template<class K>
concept prepares = requires {
  K::constants;
};

template<class K>
struct constant_count {
  static constexpr int value = K::parameters;
};
template<prepares K>
struct constant_count<K> {
  static constexpr int value = K::constants;
};

}  // namespace detail

/// How many constants `K::value` sees.
template<class K>
inline constexpr int constants_of = detail::constant_count<K>::value;

/// The constants that `K::value` sees, for parameters `p` of any number type.
template<class K, class R>
DISPAR_FN vec<R, constants_of<K>> prepare_constants(vec<R, K::parameters> p) {
  if constexpr (detail::prepares<K>)
    return K::prepare(p);
  else
    return p;
}

/// A kernel: `metric`, `channels`, `parameters`, `theta()` and a static `value(distances, constants)`, see the file's head.
template<class K>
concept pair_function = metric<typename K::metric> &&
    requires(const K k, vec<lane<double>, K::channels> d, vec<lane<double>, constants_of<K>> c) {
  { K::channels } -> std::convertible_to<int>;
  { K::parameters } -> std::convertible_to<int>;
  { k.theta() } -> std::same_as<vec<double, K::parameters>>;
  { K::value(d, c) } -> std::same_as<lane<double>>;
};

namespace detail {

/// The constants of `k` in double, checked.
template<pair_function K>
[[nodiscard]] vec<double, constants_of<K>> checked_constants(const K& k) {
  if constexpr (requires { k.validate(); }) k.validate();
  vec<lane<double>, K::parameters> p{};
  const auto theta = k.theta();
  for (int i = 0; i < K::parameters; ++i) p[i] = lane<double>(theta[i]);
  const auto c = prepare_constants<K>(p);
  vec<double, constants_of<K>> result{};
  for (int i = 0; i < constants_of<K>; ++i) result[i] = c[i].value;
  return result;
}

/// d constants / d parameters: row c, column p.
template<pair_function K>
[[nodiscard]] vec<vec<double, K::parameters>, constants_of<K>> constants_jacobian(const K& k) {
  using D = dual<lane<double>, (K::parameters > 0 ? K::parameters : 1)>;
  vec<D, K::parameters> p{};
  const auto theta = k.theta();
  for (int i = 0; i < K::parameters; ++i) p[i] = D::variable(lane<double>(theta[i]), i);
  const auto c = prepare_constants<K>(p);
  vec<vec<double, K::parameters>, constants_of<K>> jacobian{};
  for (int i = 0; i < constants_of<K>; ++i)
    for (int j = 0; j < K::parameters; ++j) jacobian[i][j] = c[i].d[j].value;
  return jacobian;
}

}  // namespace detail

/// The constants of `k` in the compute type. Throws `invalid_argument` where one does not fit: a bandwidth of 1e-30 in float.
template<pair_function K, class T>
[[nodiscard]] vec<T, constants_of<K>> narrowed_constants(const K& k) {
  const auto c = detail::checked_constants(k);
  vec<T, constants_of<K>> result{};
  for (int i = 0; i < constants_of<K>; ++i) {
    result[i] = static_cast<T>(c[i]);
    require(!is_special(result[i]), "kernel: parameters",
            "give a constant that the compute type cannot hold; scale the data or use double", c[i]);
  }
  return result;
}

/// k(d) in double for one pair with the given distances: for tests, tables and k(x, x).
template<pair_function K>
[[nodiscard]] double evaluate(const K& k, vec<double, K::channels> distances) {
  const auto c = detail::checked_constants(k);
  vec<lane<double>, constants_of<K>> constants{};
  vec<lane<double>, K::channels> d{};
  for (int i = 0; i < constants_of<K>; ++i) constants[i] = lane<double>(c[i]);
  for (int i = 0; i < K::channels; ++i) d[i] = lane<double>(distances[i]);
  return K::value(d, constants).value;
}

DISPAR_NAMESPACE_END
