#pragma once
/// \file
/// `run_ranked_rows` on the host: a thread takes a row.

#include "dispar/backend/host/chunks.hpp"
#include "dispar/backend/host/kept_workspaces.hpp"
#include "dispar/backend/host/ranked_row.hpp"

DISPAR_NAMESPACE_BEGIN

/// See `dispar/backend/ranked_rows.hpp`. `ids`: an upper bound of how many ids a row has that `change` counts. Memory: about 32
/// bytes per column for every thread, which the calling thread keeps for its next call where it comes from the heap.
template<class Each, class Memory, class Program, class X, memory_space S>
void run_ranked_rows(const tiled_host<Each, Memory>& b, const Program& program, const matrix_view<X, S>& x, index ids = 0) {
  detail::require_host_memory<S>();
  detail::check_ranked(x);
  if (x.rows() == 0) return;
  using T = std::remove_const_t<X>;
  static_assert(real<T>, "dispar: rows on the host are float or double; numbers of 16 bits are for the gpu backend");
  const index n = x.cols();
  const auto rows = detail::strided_of(x);
  const auto bytes = static_cast<std::size_t>(detail::ranked_row_memory<T>{}.place_at(0, n, ids));
  detail::with_kept_workspaces(b, bytes, [&](const auto& memory) {
    b.run(x.rows(), 20.0 * static_cast<double>(x.rows()) * static_cast<double>(n), [&](index i) noexcept {
      const typename detail::workspaces<tiled_host<Each, Memory>>::lease lease(memory);
      detail::ranked_row_memory<T> of_row;
      (void)of_row.place_at(reinterpret_cast<std::uintptr_t>(lease.data()), n, ids);
      detail::host_ranked_row<T> row(rows, i, n, of_row);
      program(row);
    });
  });
}

DISPAR_NAMESPACE_END
