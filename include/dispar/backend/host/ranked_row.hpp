#pragma once
/// \file
/// One row in the order of its values, on the host: see `dispar/backend/ranked_rows.hpp`.
///
/// The maxima of groups of elements are kept. The k-th largest of them bounds the k-th element from below, and so do a few
/// thresholds whose mass above is known: what lies above a bound is listed, in the order of positions, and the cut is searched
/// in the list, by counts or masses in buckets of the leading bits, then by those of the bucket that it is in.

#include <algorithm>
#include <cmath>
#include <limits>

#include "dispar/backend/host/ranked_cut.hpp"
#include "dispar/backend/host/row_tile.hpp"
#include "dispar/core/nan_watch.hpp"
#include "dispar/core/pack_math.hpp"

DISPAR_NAMESPACE_BEGIN

namespace detail {

/// The largest place, by halves: a chain of comparisons would take longer than the group.
template<class T>
[[nodiscard]] inline T largest_by_halves(native_pack<T> x) {
  constexpr int width = native_pack<T>::width;
  T places[width];
  x.store(places);
  for (int half = width / 2; half > 0; half /= 2)
    for (int i = 0; i < half; ++i) places[i] = places[i] < places[i + half] ? places[i + half] : places[i];
  return places[0];
}

template<class T>
class host_ranked_row {
  using V = native_pack<T>;
  using bits = key_bits<T>;

public:
  /// X: T or const T.
  template<class X>
  host_ranked_row(const strided<X>& x, index number, index size, const ranked_row_memory<T>& memory)
      : x_{x.data + number * x.row_stride, x.col_stride}, number_(number), size_(size), memory_(memory) {
    if constexpr (!std::is_const_v<X>) writable_ = {x.data + number * x.row_stride, x.col_stride};
  }

  [[nodiscard]] index number() const { return number_; }
  [[nodiscard]] index size() const { return size_; }
  [[nodiscard]] static constexpr bool leads() { return true; }

  [[nodiscard]] ranked_element<T> best() {
    prepare();
    return best_;
  }

  void keep_first(index k) {
    prepare();
    if (best_.at < 0 || k >= kept_) return;
    if (!listed_) {
      const index groups = memory_.groups(size_);
      if (k > groups) {
        list(std::numeric_limits<T>::lowest());
        if (k > kept_) return;
      } else {
        T* const copy = memory_.group_maximum + groups;
        std::copy_n(memory_.group_maximum, groups, copy);
        std::nth_element(copy, copy + (k - 1), copy + groups, [](T a, T b) { return a > b; });
        list(copy[k - 1]);
      }
    }
    if (k < kept_) cut_list([](index) { return 1.0; }, static_cast<double>(k));
  }

  void keep_mass(double p, double scale) {
    prepare();
    if (best_.at < 0) return;
    double whole = 0;
    if (listed_) {
      whole = weigh_list(scale);
    } else {
      vec<double, bands> above;
      whole = weigh_groups(scale, above);
      int band = 0;
      while (band < bands && above[band] < p * whole) ++band;
      const double reach = band < bands ? band_width(band) / (scale * log2_of_e) : 0;
      // Rounded down by more than what the distance from the maximum was rounded by.
      const double slack =
          8 * static_cast<double>(std::numeric_limits<T>::epsilon()) * (std::fabs(static_cast<double>(best_.value)) + reach);
      const double bound = static_cast<double>(best_.value) - reach - slack;
      list(band < bands && bound > static_cast<double>(std::numeric_limits<T>::lowest()) ? static_cast<T>(bound)
                                                                                         : std::numeric_limits<T>::lowest());
      (void)weigh_list(scale);
    }
    const double* const weight = memory_.weight;
    cut_list([weight](index i) { return weight[i]; }, p * whole);
  }

  void keep_at_least(T value) {
    prepare();
    if (best_.at < 0) return;
    const T bound = value < best_.value ? value : best_.value;
    if (!listed_) {
      list(bound);
      return;
    }
    keep_in_list([&](index i) { return memory_.value[i] >= bound; });
  }

  [[nodiscard]] ranked_element<T> last() {
    prepare();
    if (best_.at < 0) return {T(0), -1};
    list_all();
    ranked_element<T> least{memory_.value[0], memory_.at[0]};
    for (index i = 1; i < kept_; ++i)
      if (memory_.value[i] <= least.value) least = {memory_.value[i], memory_.at[i]};
    return least;
  }

  [[nodiscard]] double mass(double scale) {
    prepare();
    if (best_.at < 0) return quiet_nan<double>();
    if (listed_) return weigh_list(scale);
    vec<double, 0> none;
    return weigh_groups(scale, none);
  }

  [[nodiscard]] index draw(double u, double scale) {
    prepare();
    if (best_.at < 0) return -1;
    const double target = u * mass(scale);
    if (listed_) return memory_.at[passing(memory_.weight, kept_, 0, target)];
    const index groups = memory_.groups(size_);
    double before = 0;
    index g = 0, last_group = 0;
    for (; g < groups; ++g) {
      const double mass_of_group = memory_.group_mass[g];
      if (before + mass_of_group > target) break;
      if (mass_of_group > 0) last_group = g;
      before += mass_of_group;
    }
    if (g == groups) {  // u within rounding of 1
      g = last_group;
      before -= memory_.group_mass[g];
    }
    const index first = g * ranked_group, count = std::min(ranked_group, size_ - first);
    weigh(dense_ + first, count, scale, memory_.weight);
    return first + passing(memory_.weight, count, before, target);
  }

  template<class Function>
  void change(const id_rows& ids, const Function& function) {
    static_assert(std::is_invocable_v<Function, lane<T>, std::int32_t>,
                  "dispar: a change is a function of an element and a count");
    const index many = ids.count(number_);
    if (many == 0) return;
    const index table = id_table_size(many);
    for (index i = 0; i < table; ++i) memory_.counts[i] = {-1, 0};
    for (index i = 0; i < many; ++i) {
      const std::int64_t id = ids.id(number_, i);
      if (id < 0 || id >= size_) continue;
      index place = id_place(id, table);
      while (memory_.counts[place].count > 0 && memory_.counts[place].id != id) place = (place + 1) & (table - 1);
      memory_.counts[place] = {static_cast<std::int32_t>(id), memory_.counts[place].count + 1};
    }
    for (index i = 0; i < table; ++i) {
      const id_count& entry = memory_.counts[i];
      if (entry.count == 0) continue;
      T& x = writable_(entry.id);
      x = function(lane<T>(x), entry.count).value;
    }
    prepared_ = listed_ = false;
  }

  template<class Out, class Function>
  void write(const strided<Out>& out, const Function& function) {
    prepare();
    index next = 0;  // in the list
    for (index j = 0; j < size_; ++j) {
      bool kept = best_.at >= 0;
      if (kept && listed_) {
        kept = next < kept_ && memory_.at[next] == j;
        if (kept) ++next;
      }
      out(number_, j) = static_cast<Out>(function(lane<T>(x_(j)), kept).value);
    }
  }

private:
  /// Distances from the maximum, in powers of 2 of the mass, above which the mass is summed on its own.
  static constexpr int bands = 5;
  [[nodiscard]] static constexpr double band_width(int band) {
    constexpr double widths[bands] = {3, 6, 9, 12, 16};
    return widths[band];
  }

  /// The maximum and those of groups.
  void prepare() {
    if (prepared_) return;
    prepared_ = true;
    kept_ = size_;
    dense_ = x_.data;
    if (x_.stride != 1) {
      for (index i = 0; i < size_; ++i) memory_.row[i] = x_(i);
      dense_ = memory_.row;
    }
    nan_watch<V> watch;
    best_ = {negative_infinity<T>(), -1};
    index best_group = 0;
    for (index first = 0, g = 0; first < size_; first += ranked_group, ++g) {
      const index count = std::min(ranked_group, size_ - first);
      const T* const x = dense_ + first;
      V greatest(std::numeric_limits<T>::lowest());
      index i = 0;
      for (; i + V::width <= count; i += V::width) {
        const V v = V::load(x + i);
        watch.look(v);
        greatest = select(v > greatest, v, greatest);
      }
      T most = largest_by_halves<T>(greatest);
      for (; i < count; ++i) {
        if (is_nan(x[i])) bad_ = true;
        most = most < x[i] ? x[i] : most;
      }
      memory_.group_maximum[g] = most;
      if (g == 0 || most > best_.value) {
        best_.value = most;
        best_group = g;
      }
    }
    bad_ = bad_ || watch.any() || is_special(best_.value);
    if (bad_) {
      kept_ = 0;
      return;
    }
    const index first = best_group * ranked_group, end = std::min(first + ranked_group, size_);
    for (index i = first; i < end && best_.at < 0; ++i)
      if (dense_[i] == best_.value) best_.at = i;
    if (best_.at < 0) kept_ = 0;  // nothing but minus infinity
  }

  /// Lists what is not below the bound.
  void list(T bound) {
    index count = 0;
    T* const value = memory_.value;
    std::int32_t* const at = memory_.at;
    for (index first = 0, g = 0; first < size_; first += ranked_group, ++g) {
      if (memory_.group_maximum[g] < bound) continue;
      const index end = std::min(first + ranked_group, size_);
      for (index i = first; i < end; ++i) {
        value[count] = dense_[i];
        at[count] = static_cast<std::int32_t>(i);
        count += dense_[i] >= bound ? 1 : 0;
      }
    }
    listed_ = true;
    kept_ = count;
  }
  void list_all() {
    if (!listed_) list(std::numeric_limits<T>::lowest());
  }
  template<class Keep>
  void keep_in_list(const Keep& keep) {
    index count = 0;
    for (index i = 0; i < kept_; ++i) {
      const bool stays = keep(i);
      memory_.value[count] = memory_.value[i];
      memory_.at[count] = memory_.at[i];
      count += stays ? 1 : 0;
    }
    kept_ = count;
  }

  [[nodiscard]] V mass_of(V x, V factor) const { return exp2_nonpositive((x - V(best_.value)) * factor); }
  /// Masses of contiguous elements; returns their sum.
  [[gnu::noinline]] double weigh(const T* x, index count, double scale, double* weight) const {
    const V factor(scale * log2_of_e);
    double sum = 0;
    T mass[V::width];
    for (index i = 0; i < count; i += V::width) {
      const index there = std::min<index>(V::width, count - i);
      T places[V::width];
      for (index j = 0; j < V::width; ++j) places[j] = x[i + (j < there ? j : 0)];
      mass_of(V::load(places), factor).store(mass);
      for (index j = 0; j < there; ++j) {
        weight[i + j] = static_cast<double>(mass[j]);
        sum += weight[i + j];
      }
    }
    return sum;
  }
  double weigh_list(double scale) const { return weigh(memory_.value, kept_, scale, memory_.weight); }

  /// The masses of groups, and, for every band, that of the elements in it; returns the sum.
  template<int Bands>
  [[gnu::noinline]] double weigh_groups(double scale, vec<double, Bands>& above) const {
    const V factor(scale * log2_of_e);
    V bound[Bands > 0 ? Bands : 1];
    for (int k = 0; k < Bands; ++k) {
      bound[k] = V(std::exp2(-band_width(k)));
      above[k] = 0;
    }
    double whole = 0;
    for (index first = 0, g = 0; first < size_; first += ranked_group, ++g) {
      const index count = std::min(ranked_group, size_ - first);
      V sum(0), in_band[Bands > 0 ? Bands : 1];
      for (int k = 0; k < Bands; ++k) in_band[k] = V(0);
      const auto add = [&](V e) DISPAR_ROW_VISIT {
        sum = sum + e;
        DISPAR_UNROLL
        for (int k = 0; k < Bands; ++k) in_band[k] = in_band[k] + select(e >= bound[k], e, V(0));
      };
      index i = 0;
      for (; i + V::width <= count; i += V::width) add(mass_of(V::load(dense_ + first + i), factor));
      if (i < count) {
        T places[V::width];
        for (index j = 0; j < V::width; ++j) places[j] = i + j < count ? dense_[first + i + j] : std::numeric_limits<T>::lowest();
        add(mass_of(V::load(places), factor));
      }
      memory_.group_mass[g] = sum_of(sum);
      whole += memory_.group_mass[g];
      for (int k = 0; k < Bands; ++k) above[k] += sum_of(in_band[k]);
    }
    return whole;
  }
  [[nodiscard]] static double sum_of(V x) {
    T places[V::width];
    x.store(places);
    double sum = 0;
    for (const T place : places) sum += static_cast<double>(place);
    return sum;
  }

  /// The first of `count` places at which the running sum from `before` on exceeds the target; else the last with any mass.
  [[nodiscard]] static index passing(const double* weight, index count, double before, double target) {
    index found = 0;
    for (index i = 0; i < count; ++i) {
      if (weight[i] > 0) found = i;
      before += weight[i];
      if (before > target) return i;
    }
    return found;
  }

  /// Keeps of the list the elements up to the first in the order at which the running sum of weights reaches the target.
  template<class Weight>
  void cut_list(const Weight& weight, double target) {
    const auto [value, at] = find_cut(memory_, kept_, weight, target);
    keep_in_list(
        [&, v = value, j = at](index i) { return memory_.value[i] > v || (memory_.value[i] == v && memory_.at[i] <= j); });
  }
  strided_vector<const T> x_;
  strided_vector<T> writable_{};
  index number_, size_, kept_ = 0;
  ranked_row_memory<T> memory_;
  const T* dense_ = nullptr;
  ranked_element<T> best_{};
  bool prepared_ = false, listed_ = false, bad_ = false;
};

}  // namespace detail

DISPAR_NAMESPACE_END
