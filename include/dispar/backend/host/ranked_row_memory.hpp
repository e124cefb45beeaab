#pragma once

#include <cstdint>

#include "dispar/backend/ranked_rows.hpp"

DISPAR_NAMESPACE_BEGIN

namespace detail {

/// Elements whose maximum and mass are kept: the price of finding the elements above a bound.
inline constexpr index ranked_group = 256;

/// The memory in which a thread ranks a row of n elements.
template<class T>
struct ranked_row_memory {
  double* group_mass;
  double* weight;    ///< of a listed element
  key_bits<T>* key;  ///< of the elements among which a cut is searched
  T* row;            ///< a row whose elements are apart
  T* value;          ///< of a listed element
  T* group_maximum;
  std::int32_t* at;     ///< position of a listed element
  std::int32_t* place;  ///< in the list, of the elements among which a cut is searched
  id_count* counts;

  [[nodiscard]] static index groups(index n) { return (n + ranked_group - 1) / ranked_group; }

  /// Takes pieces from the address `at_byte` on; returns the end: from 0 on, how many bytes there have to be.
  std::uintptr_t place_at(std::uintptr_t at_byte, index n, index ids) {
    const auto take = [&at_byte](auto*& target, index count) {
      using U = std::remove_reference_t<decltype(*target)>;
      target = reinterpret_cast<U*>(at_byte);
      at_byte += (static_cast<std::size_t>(count) * sizeof(U) + 63) / 64 * 64;
    };
    const index padded = n + ranked_group;  // whole groups and packs
    take(group_mass, groups(n));
    take(weight, padded);
    take(key, n);
    take(row, padded);
    take(value, padded);
    take(group_maximum, 2 * groups(n));
    take(at, padded);
    take(place, n);
    take(counts, ids > 0 ? id_table_size(ids) : 0);
    return at_byte;
  }
};

}  // namespace detail

DISPAR_NAMESPACE_END
