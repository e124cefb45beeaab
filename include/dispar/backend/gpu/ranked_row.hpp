#pragma once
/// \file
/// One row in the order of its values, by a thread block: see `dispar/backend/ranked_rows.hpp`. The cut is searched by counts or
/// masses in buckets of the leading bits, level by level, in integers: the order of the threads does not show. What a selection
/// leaves is listed in shared memory where it fits, one element per thread.

#include <cmath>

#include "dispar/backend/gpu/row_block.hpp"
#include "dispar/backend/gpu/scan.hpp"
#include "dispar/backend/ranked_rows.hpp"

DISPAR_NAMESPACE_BEGIN

namespace detail {

inline constexpr int ranked_threads = 1024;
inline constexpr int ranked_bucket_bits = 11;
inline constexpr int ranked_buckets = 1 << ranked_bucket_bits;

/// The shared memory of a block.
template<class Bits>
struct ranked_scratch {
  unsigned long long weight[ranked_buckets];
  unsigned long long found_before;
  Bits key[ranked_threads], best_key;
  std::int32_t at[ranked_threads], best_at;
  int found, count;
};

/// T: number type of the row, const for one that is not changed. All members are called by all threads, with equal arguments,
/// and return the same to all.
template<class T>
class device_ranked_row {
  using stored = std::remove_const_t<T>;
  using C = computed_type<stored>;
  using bits = key_bits<C>;
  using whole_number = unsigned long long;

public:
  __device__ device_ranked_row(const strided<T>& x, index number, index size, ranked_scratch<bits>& scratch, id_count* counts)
      : x_{x.data + number * x.row_stride, x.col_stride}, number_(number), size_(size), scratch_(scratch), counts_(counts) {
    int shift = 0;
    while (index{1} << shift < size) ++shift;
    unit_ = static_cast<double>(whole_number{1} << (62 - shift));
  }

  [[nodiscard]] DISPAR_FN index number() const { return number_; }
  [[nodiscard]] DISPAR_FN index size() const { return size_; }
  [[nodiscard]] __device__ static bool leads() { return threadIdx.x == 0; }

  [[nodiscard]] __device__ ranked_element<C> best() {
    prepare();
    return {key_of_ordered_bits<C>(best_key_), best_at_};
  }
  __device__ void keep_first(index k) {
    prepare();
    if (best_at_ < 0) return;
    search(static_cast<double>(k), [](bits) { return whole_number{1}; });
  }
  __device__ void keep_mass(double p, double scale) {
    prepare();
    if (best_at_ < 0) return;
    const auto mass = mass_of(scale);
    search(p * static_cast<double>(sum_of(mass)), mass);
  }
  __device__ void keep_at_least(C value) {
    prepare();
    const bits bound = ordered_bits<C>(value, 0);
    if (best_at_ < 0 || bound <= cut_key_) return;
    cut_key_ = bound < best_key_ ? bound : best_key_;
    cut_at_ = size_;
    list();
  }
  [[nodiscard]] __device__ ranked_element<C> last() {
    prepare();
    if (best_at_ < 0) return {C(0), -1};
    return {key_of_ordered_bits<C>(cut_key_), cut_at_};
  }
  [[nodiscard]] __device__ double mass(double scale) {
    prepare();
    return best_at_ < 0 ? quiet_nan<double>() : static_cast<double>(sum_of(mass_of(scale))) / unit_;
  }
  [[nodiscard]] __device__ index draw(double u, double scale) {
    prepare();
    if (best_at_ < 0) return -1;
    const auto mass = mass_of(scale);
    const whole_number whole = sum_of(mass), wanted = static_cast<whole_number>(u * static_cast<double>(whole));
    const whole_number target = wanted < whole ? wanted : whole - 1;
    // Tile by tile of positions, or of the list, which is in their order.
    const index elements = listed_ ? count_ : size_;
    whole_number before = 0;
    for (index first = 0; first < elements; first += ranked_threads) {
      const index i = first + static_cast<index>(threadIdx.x);
      const element e = i < elements ? element_at(i) : element{0, -1};
      const whole_number mine = e.at >= 0 && keeps(e) ? mass(e.key) : 0;
      whole_number total = 0;
      const whole_number ahead = before + sum_before<whole_number, ranked_threads>(mine, total);
      if (before + total > target) {
        if (ahead <= target && ahead + mine > target) scratch_.found = static_cast<int>(e.at);
        __syncthreads();
        const index found = scratch_.found;
        __syncthreads();
        return found;
      }
      before += total;
    }
    return best_at_;  // never: the sum of all is above the target
  }

  template<class Function>
  __device__ void change(const id_rows& ids, const Function& function) {
    static_assert(!std::is_const_v<T>, "dispar: elements of a constant view cannot change");
    const index many = ids.count(number_), table = id_table_size(many);
    if (many == 0) return;
    const auto each_entry = [&](const auto& visit) {
      for (index i = static_cast<index>(threadIdx.x); i < table; i += ranked_threads) visit(counts_[i]);
      __syncthreads();
    };
    each_entry([](id_count& entry) { entry = {-1, 0}; });
    for (index i = static_cast<index>(threadIdx.x); i < many; i += ranked_threads) {
      const std::int64_t id = ids.id(number_, i);
      if (id < 0 || id >= size_) continue;
      const int own = static_cast<int>(id);
      index place = id_place(id, table);
      for (;; place = (place + 1) & (table - 1)) {
        const int there = atomicCAS(&counts_[place].id, -1, own);
        if (there == -1 || there == own) break;
      }
      atomicAdd(&counts_[place].count, 1);
    }
    __syncthreads();
    each_entry([&](id_count& entry) {
      if (entry.id < 0) return;
      T& x = x_(entry.id);
      x = static_cast<T>(function(lane<C>(computed(x)), entry.count).value);
      entry = {-1, 0};  // which entry it was depends on who came first
    });
    prepared_ = false;
  }

  template<class Out, class Function>
  __device__ void write(const strided<Out>& out, const Function& function) {
    prepare();
    for (index j = static_cast<index>(threadIdx.x); j < size_; j += ranked_threads) {
      const C x = computed(stored(x_(j)));
      const bool kept = best_at_ >= 0 && keeps({ordered_bits<C>(x, 0), static_cast<std::int32_t>(j)});
      out(number_, j) = static_cast<Out>(function(lane<C>(x), kept).value);
    }
  }

private:
  struct element {
    bits key;
    std::int32_t at;
  };

  /// Of place i: a position, or one of the list.
  [[nodiscard]] __device__ element element_at(index i) const {
    if (listed_) return {scratch_.key[i], scratch_.at[i]};
    return {ordered_bits<C>(computed(stored(x_(i))), 0), static_cast<std::int32_t>(i)};
  }
  [[nodiscard]] __device__ bool keeps(element e) const {
    return e.key > cut_key_ || (e.key == cut_key_ && static_cast<index>(e.at) <= cut_at_);
  }
  /// visit(element) for those kept, by one of the threads.
  template<class Visit>
  __device__ void each(const Visit& visit) const {
    if (listed_) {
      const auto i = static_cast<index>(threadIdx.x);
      if (i < count_ && keeps(element_at(i))) visit(element_at(i));
      return;
    }
    row_registers<C, 1> chunk;
    const strided<const stored> row{x_.data, 0, x_.stride};
    for (index at = static_cast<index>(threadIdx.x) * row_chunk; at < size_; at += ranked_threads * row_chunk) {
      chunk.load(&row, 0, at, size_);
#pragma unroll
      for (int j = 0; j < row_chunk; ++j) {
        const element e{ordered_bits<C>(chunk.x[0][j], 0), static_cast<std::int32_t>(at + j)};
        if (j < chunk.count && keeps(e)) visit(e);
      }
    }
  }

  /// In units of 1 / unit_ of the best one's.
  [[nodiscard]] __device__ auto mass_of(double scale) const {
    const C greatest = key_of_ordered_bits<C>(best_key_), factor = static_cast<C>(scale * log2_of_e);
    return [greatest, factor, unit = unit_](bits key) {
      const C e = exp2_nonpositive(lane<C>((key_of_ordered_bits<C>(key) - greatest) * factor)).value;
      return static_cast<whole_number>(static_cast<double>(e) * unit);
    };
  }
  template<class Weight>
  [[nodiscard]] __device__ whole_number sum_of(const Weight& weight) const {
    whole_number mine = 0, total = 0;
    each([&](element e) { mine += weight(e.key); });
    (void)sum_before<whole_number, ranked_threads>(mine, total);
    return total;
  }

  /// The first element; NaN and infinity are the greatest keys.
  __device__ void prepare() {
    if (prepared_) return;
    prepared_ = true;
    listed_ = false;
    cut_key_ = 0;
    cut_at_ = size_;
    element mine{0, 0x7fffffff};
    each([&](element e) {
      if (e.key > mine.key || (e.key == mine.key && e.at < mine.at)) mine = e;
    });
    const auto i = static_cast<int>(threadIdx.x);
    __syncthreads();
    scratch_.key[i] = mine.key;
    scratch_.at[i] = mine.at;
    __syncthreads();
    for (int reach = ranked_threads / 2; reach > 0; reach /= 2) {
      if (i < reach) {
        const element other{scratch_.key[i + reach], scratch_.at[i + reach]};
        if (other.key > scratch_.key[i] || (other.key == scratch_.key[i] && other.at < scratch_.at[i])) {
          scratch_.key[i] = other.key;
          scratch_.at[i] = other.at;
        }
      }
      __syncthreads();
    }
    best_key_ = scratch_.key[0];
    best_at_ = is_special(key_of_ordered_bits<C>(best_key_)) ? -1 : scratch_.at[0];
    __syncthreads();
  }

  /// Cuts behind the first element in the order at which the running sum of weights reaches the target, or keeps all.
  template<class Weight>
  __device__ void search(double target, const Weight& weight) {
    bits high = best_key_, low = cut_key_ > 0 ? cut_key_ : 0;
    whole_number before = 0;
    for (;;) {
      const int shift = bucket_shift<bits>(high - low, ranked_bucket_bits);
      for (int k = static_cast<int>(threadIdx.x); k < ranked_buckets; k += ranked_threads) scratch_.weight[k] = 0;
      if (threadIdx.x == 0) scratch_.found = -1;
      __syncthreads();
      each([&](element e) {
        if (e.key > high || e.key < low) return;
        atomicAdd(&scratch_.weight[(high - e.key) >> shift], weight(e.key));
      });
      __syncthreads();
      constexpr int own = ranked_buckets / ranked_threads;
      whole_number mine = 0, total = 0;
      for (int k = 0; k < own; ++k) mine += scratch_.weight[static_cast<int>(threadIdx.x) * own + k];
      whole_number ahead = before + sum_before<whole_number, ranked_threads>(mine, total);
      if (!(static_cast<double>(before + total) >= target)) return;  // fewer than that: all stay
      for (int k = 0; k < own; ++k) {
        const whole_number here = scratch_.weight[static_cast<int>(threadIdx.x) * own + k];
        // The first bucket at whose end the target is reached, and that holds anything.
        if (here > 0 && static_cast<double>(ahead + here) >= target && (ahead == before || static_cast<double>(ahead) < target)) {
          scratch_.found = static_cast<int>(threadIdx.x) * own + k;
          scratch_.found_before = ahead;
        }
        ahead += here;
      }
      __syncthreads();
      const int found = scratch_.found;
      if (found < 0) return;  // a target of 0 and no mass
      before = scratch_.found_before;
      high -= static_cast<bits>(static_cast<bits>(found) << shift);
      const bits width = static_cast<bits>((bits{1} << shift) - 1);
      low = high - low > width ? static_cast<bits>(high - width) : low;
      __syncthreads();
      if (shift == 0) break;
    }
    cut_among_equals(high, before, target, weight(high));
    list();
  }
  /// Elements with this key share a weight: those at the first positions stay.
  __device__ void cut_among_equals(bits key, whole_number before, double target, whole_number weight) {
    const index elements = listed_ ? count_ : size_;
    whole_number places = 0;
    index last = best_at_;
    for (index first = 0; first < elements; first += ranked_threads) {
      const index i = first + static_cast<index>(threadIdx.x);
      const element e = i < elements ? element_at(i) : element{0, -1};
      const bool equal = e.at >= 0 && e.key == key && keeps(e);
      whole_number total = 0;
      const whole_number ahead = places + sum_before<whole_number, ranked_threads>(equal ? 1 : 0, total);
      if (threadIdx.x == 0) scratch_.found = -1;
      __syncthreads();
      const double sum_before_it = static_cast<double>(before + ahead * weight);
      const bool reaches = static_cast<double>(before + (ahead + 1) * weight) >= target;
      if (equal && reaches && (ahead == 0 || sum_before_it < target)) scratch_.found = static_cast<int>(e.at);
      __syncthreads();
      last = scratch_.found;
      __syncthreads();
      if (last >= 0) break;
      places += total;
    }
    cut_key_ = key;
    cut_at_ = last >= 0 ? last : size_;
  }

  /// Lists what is kept in shared memory, in the order of positions, where it fits.
  __device__ void list() {
    if (listed_) return;
    if (threadIdx.x == 0) scratch_.count = 0;
    __syncthreads();
    each([&](element e) {
      const int place = atomicAdd(&scratch_.count, 1);
      if (place >= ranked_threads) return;
      scratch_.key[place] = e.key;
      scratch_.at[place] = e.at;
    });
    __syncthreads();
    const int count = scratch_.count, i = static_cast<int>(threadIdx.x);
    if (count <= ranked_threads) {
      element mine{0, 0};
      int rank = 0;
      if (i < count) {
        mine = {scratch_.key[i], scratch_.at[i]};
        for (int k = 0; k < count; ++k) rank += scratch_.at[k] < mine.at ? 1 : 0;
      }
      __syncthreads();
      if (i < count) {
        scratch_.key[rank] = mine.key;
        scratch_.at[rank] = mine.at;
      }
      listed_ = true;
      count_ = count;
    }
    __syncthreads();
  }

  strided_vector<T> x_;
  index number_, size_, count_ = 0;
  ranked_scratch<bits>& scratch_;
  id_count* counts_;
  double unit_;
  bits best_key_ = 0, cut_key_ = 0;
  index best_at_ = -1, cut_at_ = 0;
  bool prepared_ = false, listed_ = false;
};

}  // namespace detail

DISPAR_NAMESPACE_END
