#pragma once

#include <utility>

#include "dispar/backend/host/packed_samples.hpp"
#include "dispar/backend/pairwise.hpp"

DISPAR_NAMESPACE_BEGIN

/// Packed samples whose distances the first pass over one block computes and keeps, register tile by register tile, and later
/// passes read. The same bits as computing them again.
template<class Data, class Backend>
class kept_distances : public Data {
  using T = typename Data::value_type;
  using R = detail::register_tile<T>;
  using V = typename R::V;
  static constexpr index tile = R::rows * R::width;

public:
  /// Not kept without a block.
  kept_distances(const Backend& b, Data data, const pair_block* block) : Data(std::move(data)) {
    static_assert(Data::channels == 1, "dispar: distances are kept of one channel");
    if (block == nullptr) return;
    first_row_ = this->first_packed(block->rows);
    first_col_ = this->first_packed(block->cols);
    tiles_along_ = (this->count(block->cols) + R::width - 1) / R::width;
    memory_ = array<T, 1, Backend>(b, {(this->count(block->rows) + R::rows - 1) / R::rows * tiles_along_ * tile});
    kept_ = memory_.data();
  }

  /// The passes after this call read.
  void give() noexcept { given_ = kept_ != nullptr; }

  /// See `packed_samples`.
  [[gnu::always_inline]] void distances(int c, index i, index j, V (&d)[R::rows][R::vectors]) const {
    const index offset = ((i - first_row_) / R::rows * tiles_along_ + (j - first_col_) / R::width) * tile;
    if (given_) {
      const T* const at = kept_ + offset;
      DISPAR_UNROLL
      for (int r = 0; r < R::rows; ++r) DISPAR_UNROLL
      for (int v = 0; v < R::vectors; ++v) d[r][v] = V::load(at + (r * R::vectors + v) * R::lanes);
      return;
    }
    Data::distances(c, i, j, d);
    if (kept_ == nullptr) return;
    T* const at = kept_ + offset;
    DISPAR_UNROLL
    for (int r = 0; r < R::rows; ++r) DISPAR_UNROLL
    for (int v = 0; v < R::vectors; ++v) d[r][v].store(at + (r * R::vectors + v) * R::lanes);
  }

private:
  array<T, 1, Backend> memory_{};
  T* kept_ = nullptr;
  index first_row_ = 0, first_col_ = 0, tiles_along_ = 0;
  bool given_ = false;
};

/// See `backend/pairwise.hpp`.
template<class Each, class Memory, class Data>
[[nodiscard]] auto keep_distances(const tiled_host<Each, Memory>& b, Data data, const pair_block* block) {
  return kept_distances<Data, tiled_host<Each, Memory>>(b, std::move(data), block);
}

DISPAR_NAMESPACE_END
