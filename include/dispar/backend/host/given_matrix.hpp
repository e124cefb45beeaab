#pragma once

#include <array>

#include "dispar/backend/host/register_tile.hpp"
#include "dispar/backend/host/tiled_host.hpp"
#include "dispar/backend/sample.hpp"

DISPAR_NAMESPACE_BEGIN

/// A source of distances that the caller has: a Gram, score or distance matrix over the rows of all segments. Of a symmetric
/// pair of blocks only the one above the diagonal is read. Nothing is copied.
template<class T, int Segments>
class given_matrix {
  using R = detail::register_tile<T>;
  using V = typename R::V;

public:
  using value_type = T;
  using metric_type = dot;
  static constexpr int channels = 1;
  static constexpr index panel = R::panel;

  given_matrix(matrix_view<const T> matrix, std::array<index, static_cast<std::size_t>(Segments)> counts)
      : matrix_(matrix), count_(counts) {
    for (std::size_t s = 0; s < count_.size(); ++s) {
      require(count_[s] > 0, "given: segment", "must have at least one row", static_cast<double>(count_[s]));
      first_[s] = rows_;
      first_packed_[s] = packed_;
      rows_ += count_[s];
      packed_ += (count_[s] + panel - 1) / panel * panel;
    }
    require(matrix.rows() == rows_, "given: rows of the matrix", "must be the rows of all segments",
            static_cast<double>(matrix.rows()));
    require(matrix.cols() == rows_, "given: cols of the matrix", "must be the rows of all segments",
            static_cast<double>(matrix.cols()));
  }

  [[nodiscard]] int segments() const noexcept { return Segments; }
  [[nodiscard]] index count(int s) const noexcept { return count_[static_cast<std::size_t>(s)]; }
  [[nodiscard]] index rows() const noexcept { return rows_; }
  [[nodiscard]] index first(int s) const noexcept { return first_[static_cast<std::size_t>(s)]; }
  [[nodiscard]] index packed_rows() const noexcept { return packed_ + R::width; }
  [[nodiscard]] index first_packed(int s) const noexcept { return first_packed_[static_cast<std::size_t>(s)]; }

  /// Reading a pair costs about as much as this many multiply-adds.
  [[nodiscard]] double pair_cost() const noexcept { return 16; }

  void distances(int, index i, index j, V (&d)[R::rows][R::vectors]) const {
    for (int r = 0; r < R::rows; ++r)
      for (int v = 0; v < R::vectors; ++v) {
        T values[R::lanes];
        for (int l = 0; l < R::lanes; ++l) values[l] = matrix_(unpacked(i + r), unpacked(j + v * R::lanes + l));
        d[r][v] = V::load(values);
      }
  }
  [[nodiscard]] T distance(int, index i, index j) const { return matrix_(unpacked(i), unpacked(j)); }

private:
  /// The matrix row of a packed row; padding gives some row that exists, and is masked by the engine.
  [[nodiscard]] index unpacked(index packed) const {
    std::size_t s = static_cast<std::size_t>(Segments) - 1;
    while (s > 0 && packed < first_packed_[s]) --s;
    const index within = packed - first_packed_[s];
    return first_[s] + (within < count_[s] ? within : count_[s] - 1);
  }

  matrix_view<const T> matrix_;
  std::array<index, static_cast<std::size_t>(Segments)> count_, first_{}, first_packed_{};
  index rows_ = 0, packed_ = 0;
};

/// A caller's matrix as the data of `pairwise` on a host backend, with the rows of each segment counted.
template<class Each, class Memory, class T, memory_space S, std::size_t Segments>
[[nodiscard]] auto given_samples(const tiled_host<Each, Memory>&, const matrix_view<const T, S>& matrix,
                                 const std::array<index, Segments>& counts) {
  static_assert(reachable<S, host>,
                "dispar: this backend runs on the host and cannot read device memory; copy the data or use a device backend");
  return given_matrix<T, static_cast<int>(Segments)>(as_host(matrix), counts);
}

DISPAR_NAMESPACE_END
