#pragma once
/// \file
/// `run_ranked_rows` on the GPU: a thread block takes a row.

#include "dispar/backend/array.hpp"
#include "dispar/backend/gpu/ranked_row.hpp"

DISPAR_NAMESPACE_BEGIN

namespace detail {

template<class Program, class X>
__global__ void __launch_bounds__(ranked_threads)
    ranked_rows_kernel(Program program, strided<X> x, index size, id_count* counts, index table) {
  __shared__ ranked_scratch<key_bits<computed_type<std::remove_const_t<X>>>> scratch;
  const index i = static_cast<index>(blockIdx.x);
  device_ranked_row<X> row(x, i, size, scratch, counts + i * table);
  program(row);
}

}  // namespace detail

/// See `dispar/backend/ranked_rows.hpp`. `ids`: an upper bound of how many ids a row has that `change` counts. Returns at once.
template<class Program, class X, memory_space S>
void run_ranked_rows(const gpu& b, const Program& program, const matrix_view<X, S>& x, index ids = 0) {
  detail::require_device_memory<S>();
  detail::check_ranked(x);
  if (x.rows() == 0) return;
  const index table = ids > 0 ? detail::id_table_size(ids) : 0;
  array<detail::id_count, 1, gpu> counts(b, {x.rows() * table});
  detail::launch(b, "ranked_rows_kernel", detail::ranked_rows_kernel<Program, X>, x.rows(), detail::ranked_threads, program,
                 detail::strided_of(x), x.cols(), counts.data(), table);
}

DISPAR_NAMESPACE_END
