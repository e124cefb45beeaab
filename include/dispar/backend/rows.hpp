#pragma once
/// \file
/// The vocabulary of row programs, shared by every backend that `has_rows`: everything that runs along a vocabulary.
///
///     run_rows(backend, program, row_inputs{...}, row_outputs{...});
///
/// A *row program* makes ordered passes over one row, or over aligned rows of several matrices of one shape. Each pass folds the
/// row into a state, later passes see what the earlier ones found, and at the end a row may be written: gradients, merged
/// logits. What a pass computes of an element (softmax, logarithms) is never stored. A program is a struct that is copied to
/// where it runs:
///
///     struct program {
///       static constexpr int inputs = 2, outputs = 0, results = 1, passes = 1, operands = 0;
///       struct row { double value; };                                          // what is known of a row
///       DISPAR_FN row begin(vec<double, operands> of_row) const;               // before the first pass
///       template<int Pass> DISPAR_FN auto pass() const;                        // a row_pass, below; none where passes = 0
///       template<int Pass> DISPAR_FN void finish(const row_state<M, S>&, row&) const;  // behind it
///       template<class V> DISPAR_FN vec<V, outputs> write(vec<V, inputs> x, const row&) const;  // behind the last
///       DISPAR_FN vec<double, results> result(const row&) const;               // numbers per row
///     };
///
/// **Drafts.** Where the last pass has already computed of an element what `write` would compute again, a program may say so:
///
///       static constexpr int first_draft = 1;                                  // term 1 + k of the last pass is for output k
///       template<class V> DISPAR_FN vec<V, outputs> write(vec<V, inputs> x, vec<V, outputs> drafts, const row&) const;
///
/// The host keeps such terms in the output until they are finished, unless the output is an input or is added to; then, and on a
/// GPU, they are computed again.
///
/// **Elements by number.** A program that concerns single elements of a row, its target token or some candidates, may have
///
///       DISPAR_FN bool skips(index i) const;                                   // row i is not read: an empty one
///       template<class X> DISPAR_FN void gather(index i, const X& x, row&) const;       // behind begin
///       template<class Y> DISPAR_FN void scatter(index i, const Y& y, const row&) const;  // behind write
///
/// `x(k, j)` is element j of input k as a double, `x.length` how many there are, 0 in a row that is skipped.
/// `y.replace(k, j, written, wanted)` gives element j of output k, to which `write` gave `written`, the value `wanted`, exactly
/// where outputs are overwritten; each element once. A program may hold pointers to memory that the backend reaches. One thread
/// calls these, for each row once, on a GPU too: they are for a handful of elements.
///
/// **Order.** A row is folded in tiles that lie in a first-level cache (on a GPU: in registers), the maximum of a tile first, so
/// that sums are rescaled once per tile. Tiles are merged in order into segments of `row_segment` elements, and segments in
/// order into the row, in double. A few long rows are shared out by segments, many rows by rows: the same bits for any number of
/// threads and on every host backend; on a GPU equal from run to run.
///
/// **In place.** An output may be one of the inputs: an element is written when it has been read for the last time.
///
/// **Ragged rows.** `row_inputs::lengths`: only so many elements of a row are read. A length below 1 or above the number of
/// columns makes the row an empty one: what that gives is the program's affair (`divergence`: NaN). Outputs behind the length
/// are set to 0, or left alone when accumulating.
///
/// **Masks.** `row_inputs::mask`: elements where it is 0 do not take part. A program reads them as minus infinity, or as its
/// `DISPAR_FN static double masked()`, whatever is there; outputs are 0 there, or left alone when accumulating. One mask for all
/// rows is a view with row stride 0. Costs a byte per element to read, and on the host a copy of each tile; nothing without a
/// mask.
///
/// Memory: none per element. Nothing waits on a GPU. Throws `invalid_argument` for shapes that differ.

#include <array>
#include <cmath>
#include <cstdint>
#include <limits>

#include "dispar/backend/backend.hpp"
#include "dispar/backend/strided_vector.hpp"
#include "dispar/core/pack_math.hpp"
#include "dispar/core/rounding_fence.hpp"
#include "dispar/core/special_values.hpp"
#include "dispar/core/twin_pack.hpp"
#include "dispar/core/vec.hpp"
#include "dispar/core/view_traits.hpp"

DISPAR_NAMESPACE_BEGIN

/// What counts as minus infinity: the sentinel that keeps infinity out of differences, a quarter of the lowest finite number.
template<class T>
inline constexpr T row_nothing = -(std::numeric_limits<T>::max() / 4);

/// The least normal number: what keeps logarithms and quotients of vanishing probabilities finite.
template<class T>
inline constexpr T row_least = std::numeric_limits<T>::min();

/// Elements of a row that are folded before the next ones are merged in double. Part of the result's bits, so a constant.
inline constexpr index row_segment = 8192;

/// The state of a pass: maxima of an element's shifts, and sums of terms that are relative to these maxima.
template<int Maxima, int Sums>
struct row_state {
  vec<double, Maxima> maximum;  ///< `row_nothing<double>` or that of the element's type where there is none
  vec<double, Sums> sum;        ///< relative to the maxima
};

/// A pass: a struct with two functions of an element and one of a state.
///
/// - `shifts(x, row)`: the quantities whose maxima are taken, before the terms are computed.
/// - `terms(x, maximum, row)`: what is summed, given the maxima of the elements around.
/// - `rescale(sum, drop)`: the sums relative to maxima that are higher by `-drop`: multiply with `exp(drop)` where terms have a
///   factor `exp(x - maximum)`.
///
/// x is `vec<V, inputs>`, V being a `pack` or a `lane`: see `kernels/pair_function.hpp` for what a functor may do with it.
template<class P>
concept row_pass = std::is_trivially_copyable_v<P> && requires {
  { P::maxima } -> std::convertible_to<int>;
  { P::sums } -> std::convertible_to<int>;
};

/// Where a row program reads. `T`: float or double, on a GPU half and bfloat16 too.
template<class T, int Inputs, memory_space S = host, int Operands = 0>
struct row_inputs {
  std::array<matrix_view<const T, S>, static_cast<std::size_t>(Inputs)> x;  ///< of one shape, any strides
  vector_view<const std::int64_t, S> lengths{};                             ///< per row; null: all columns
  /// Numbers per row that the program starts from; null: all 1.
  std::array<vector_view<const double, S>, static_cast<std::size_t>(Operands)> operands{};
  matrix_view<const std::uint8_t, S> mask{};  ///< 0: the element does not take part; null: all do
  bool mask_excludes = false;                 ///< the other way round: elements where the mask is not 0 do not take part
};

/// Where a row program writes; null views are not written. The results of a row are double.
template<class T, int Outputs, int Results, memory_space S = host, memory_space R = S>
struct row_outputs {
  std::array<matrix_view<T, S>, static_cast<std::size_t>(Outputs)> y{};             ///< rows of the inputs' shape
  std::array<vector_view<double, R>, static_cast<std::size_t>(Results)> results{};  ///< one number per row
  bool accumulate = false;   ///< add to what y holds instead of overwriting it; results are overwritten
  bool keep_masked = false;  ///< leave masked elements of y as they are instead of writing 0
};

/// A program for rows.
template<class P>
concept row_program = std::is_trivially_copyable_v<P> && std::is_trivially_copyable_v<typename P::row> &&
    requires(const P p, const typename P::row& row, vec<double, P::operands> operands) {
  requires P::inputs >
  0 && P::outputs >= 0 && P::results >= 0 && P::passes >= 0;
  { p.begin(operands) } -> std::same_as<typename P::row>;
  { p.result(row) } -> std::same_as<vec<double, P::results>>;
  requires P::passes == 0 || requires {
    { p.template pass<0>() } -> row_pass;
  };
};

/// A backend without the capability says so.
template<backend B, class... Arguments>
requires(!has_rows<B>) void run_rows(const B&, const Arguments&...) {
  static_assert(has_rows<B>, "dispar: this backend cannot run programs on rows: it has no member has_rows = true");
}

/// The pass of softmax: maximum and sum of exp(x - maximum) of each of N rows.
template<int N>
struct log_sum_exp_pass {
  /// Numbers in the state.
  ///@{
  static constexpr int maxima = N, sums = N;
  ///@}
  /// See `row_pass`.
  ///@{
  template<class V, class Row>
  DISPAR_FN static vec<V, N> shifts(const vec<V, N>& x, const Row&) {
    return x;
  }
  template<class V, class Row>
  DISPAR_FN static vec<V, N> terms(const vec<V, N>& x, const vec<V, N>& maximum, const Row&) {
    vec<V, N> t;
    DISPAR_UNROLL
    for (int i = 0; i < N; ++i) t[i] = exp2_nonpositive((x[i] - maximum[i]) * V(1.44269504088896340735992468100));
    return t;
  }
  DISPAR_FN static void rescale(vec<double, N>& sum, const vec<double, N>& drop) {
    for (int i = 0; i < N; ++i) sum[i] *= std::exp(drop[i]);
  }
  ///@}
};

/// log(sum of exp) of row i of a `log_sum_exp_pass`. NaN where an element is NaN or plus infinity, and where all of them are
/// minus infinity or below `row_nothing`, or there are none.
template<int N>
[[nodiscard]] DISPAR_FN double log_sum_exp_of(const row_state<N, N>& s, int i) {
  return is_special(s.sum[i]) || !(s.sum[i] > 0) ? quiet_nan<double>() : s.maximum[i] + std::log(s.sum[i]);
}

/// exp(x - log_sum) of a row's logits, its softmax where log_sum is a `log_sum_exp_of`, which is rounded to the type of x: what
/// that takes from it would be a factor of all probabilities. V is a pack or a lane.
template<class V>
[[nodiscard]] DISPAR_FN V exp_below(V x, double log_sum) {
  using T = typename V::scalar;
  constexpr double log2_e = 1.44269504088896340735992468100;
  const T rounded = static_cast<T>(log_sum);
  const V below = detail::lower_bounded(rounding_fence(x - V(rounded)), V(row_nothing<T>));
  return exp2_nonpositive(fma(below, V(log2_e), V((static_cast<double>(rounded) - log_sum) * log2_e)));
}

namespace detail {

/// The mask of one row; null: all elements take part.
struct mask_of_row {
  const std::uint8_t* mask = nullptr;
  index stride = 0;
  bool inverted = false;
  [[nodiscard]] DISPAR_FN bool excludes(index j) const { return mask != nullptr && (mask[j * stride] != 0) == inverted; }
};
/// The elements of one row of N matrices, for `gather`.
template<class T, int N>
struct gathered_row {
  const T* x[N];
  index stride[N];
  index length;
  mask_of_row mask;
  double masked;  ///< what a masked element is
  DISPAR_FN double operator()(int k, index j) const {
    if (mask.excludes(j)) return masked;
    return static_cast<double>(static_cast<computed_type<T>>(x[k][j * stride[k]]));
  }
};
/// The outputs of one row, for `scatter`; null where nobody wants them.
template<class T, int N>
struct scattered_row {
  T* y[N];
  index stride[N];
  bool accumulate;
  mask_of_row mask;
  DISPAR_FN void replace(int k, index j, double written, double wanted) const {
    if (y[k] == nullptr || mask.excludes(j)) return;
    using C = computed_type<T>;
    T& target = y[k][j * stride[k]];
    target = static_cast<T>(accumulate ? static_cast<C>(static_cast<C>(target) + static_cast<C>(wanted - written))
                                       : static_cast<C>(wanted));
  }
};

/// What a program does with elements by number.
///@{
template<class P, class X>
DISPAR_FN void gather_row([[maybe_unused]] const P& program, [[maybe_unused]] index i, [[maybe_unused]] const X& x,
                          [[maybe_unused]] typename P::row& row) {
  if constexpr (requires { program.gather(i, x, row); }) program.gather(i, x, row);
}
template<class P, class T>
inline constexpr bool row_scatters = requires(const P p, const scattered_row<T, P::outputs>& y, const typename P::row& row) {
  p.scatter(index{}, y, row);
};
///@}

template<int M, int S>
[[nodiscard]] DISPAR_FN row_state<M, S> empty_row_state(double nothing) {
  row_state<M, S> s{};
  for (int i = 0; i < M; ++i) s.maximum[i] = nothing;
  for (int i = 0; i < S; ++i) s.sum[i] = 0;
  return s;
}

/// The state of both: the higher maxima, and the sums relative to them.
template<class Pass, int M, int S>
DISPAR_FN void merge_rows(const Pass&, row_state<M, S>& into, row_state<M, S> from) {
  if constexpr (M > 0) {
    vec<double, M> drop_into, drop_from;
    bool into_drops = false, from_drops = false;
    for (int i = 0; i < M; ++i) {
      const bool higher = from.maximum[i] > into.maximum[i];
      const double maximum = higher ? from.maximum[i] : into.maximum[i];
      drop_into[i] = into.maximum[i] - maximum;
      drop_from[i] = from.maximum[i] - maximum;
      into_drops = into_drops || drop_into[i] < 0;
      from_drops = from_drops || drop_from[i] < 0;
      into.maximum[i] = maximum;
    }
    if (into_drops) Pass::rescale(into.sum, drop_into);
    if (from_drops) Pass::rescale(from.sum, drop_from);
  }
  for (int i = 0; i < S; ++i) into.sum[i] = rounding_fence(into.sum[i] + from.sum[i]);
}

/// What a program reads where a mask is 0.
template<class P>
[[nodiscard]] DISPAR_FN double masked_element() {
  if constexpr (requires { P::masked(); })
    return P::masked();
  else
    return negative_infinity<double>();
}

/// How many elements of a row count; 0 for a length that is out of range.
template<class P, class Lengths>
[[nodiscard]] DISPAR_FN index row_length([[maybe_unused]] const P& program, const Lengths& lengths, index i, index cols) {
  if constexpr (requires { program.skips(i); })
    if (program.skips(i)) return 0;
  if (lengths.data == nullptr) return cols;
  const auto length = static_cast<index>(lengths(i));
  return length < 0 || length > cols ? 0 : length;
}

/// Checks shapes; returns rows and columns.
template<class T, int Inputs, memory_space S, int Operands, int Outputs, int Results, memory_space R>
[[nodiscard]] std::array<index, 2> check_rows(const row_inputs<T, Inputs, S, Operands>& in,
                                              const row_outputs<T, Outputs, Results, S, R>& out) {
  const index rows = in.x[0].rows(), cols = in.x[0].cols();
  for (const auto& x : in.x) {
    require(x.rows() == rows, "rows: number of rows", "must be the same in every matrix", static_cast<double>(x.rows()));
    require(x.cols() == cols, "rows: number of columns", "must be the same in every matrix", static_cast<double>(x.cols()));
  }
  require(cols > 0 || rows == 0, "rows: number of columns", "must be at least 1", static_cast<double>(cols));
  const auto per_row = [rows](const auto& v, const char* name) {
    if (v) require(v.size() == rows, name, "must have one entry per row", static_cast<double>(v.size()));
  };
  per_row(in.lengths, "rows: lengths");
  for (const auto& o : in.operands) per_row(o, "rows: operand");
  if (in.mask) {
    require(in.mask.rows() == rows, "rows: mask", "must have the rows of the inputs", static_cast<double>(in.mask.rows()));
    require(in.mask.cols() == cols, "rows: mask", "must have the columns of the inputs", static_cast<double>(in.mask.cols()));
  }
  for (const auto& r : out.results) per_row(r, "rows: result");
  for (const auto& y : out.y) {
    if (!y) continue;
    require(y.rows() == rows, "rows: output", "must have the rows of the inputs", static_cast<double>(y.rows()));
    require(y.cols() == cols, "rows: output", "must have the columns of the inputs", static_cast<double>(y.cols()));
  }
  return {rows, cols};
}

}  // namespace detail

DISPAR_NAMESPACE_END
