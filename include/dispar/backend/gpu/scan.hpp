#pragma once
/// \file
/// `inclusive_scan` and `exclusive_scan` on the GPU: the sums of tiles, their prefix sums, the sums within each tile.
///
/// cub::DeviceScan is faster (it reads once), but its floating-point sums depend on which block comes first: they change from run
/// to run. Here the tree depends on the length only.

#include "dispar/backend/gpu/transfer.hpp"
#include "dispar/backend/scan.hpp"

DISPAR_NAMESPACE_BEGIN

namespace detail {

inline constexpr int scan_threads = 256;
inline constexpr index scan_items = 8, scan_tile = scan_items * scan_threads;

/// What a primitive of the GPU asks of its arguments.
template<memory_space... S>
constexpr void require_device_memory() {
  static_assert((reachable<S, device> && ...),
                "dispar: the gpu backend cannot read host memory; copy the data with dispar::to(gpu, x) or use the cpu backend");
}

/// The sum over the threads before this one; `total` is the sum over the block. All threads call it.
template<class A, int Threads = scan_threads>
[[nodiscard]] __device__ A sum_before(A mine, A& total) {
  __shared__ A sums[Threads];
  const int thread = static_cast<int>(threadIdx.x);
  sums[thread] = mine;
  __syncthreads();
  for (int reach = 1; reach < Threads; reach *= 2) {
    const A below = thread >= reach ? sums[thread - reach] : A(0);
    __syncthreads();
    sums[thread] = static_cast<A>(below + sums[thread]);
    __syncthreads();
  }
  total = sums[Threads - 1];
  const A before = thread > 0 ? sums[thread - 1] : A(0);
  __syncthreads();  // the next call writes again
  return before;
}

template<class A, class Load>
[[nodiscard]] __device__ A sum_of_items(const Load& load, index first, index size) {
  A sum = 0;
  for (index i = first; i < first + scan_items && i < size; ++i) sum = static_cast<A>(sum + load(i));
  return sum;
}

template<class A, class Load>
__global__ void __launch_bounds__(scan_threads) tile_sums_kernel(Load load, index size, A* sums) {
  const index tile = static_cast<index>(blockIdx.x), first = tile * scan_tile + static_cast<index>(threadIdx.x) * scan_items;
  A total;
  (void)sum_before(sum_of_items<A>(load, first, size), total);
  if (threadIdx.x == 0) sums[tile] = total;
}

/// Sums of tiles become sums of the tiles before each; behind the last, the sum of all. One block.
template<class A>
__global__ void __launch_bounds__(scan_threads) tile_offsets_kernel(A* sums, index tiles) {
  A all = 0;
  for (index first = 0; first < tiles; first += scan_threads) {
    const index tile = first + static_cast<index>(threadIdx.x);
    A total;
    const A before = sum_before(tile < tiles ? sums[tile] : A(0), total);
    if (tile < tiles) sums[tile] = static_cast<A>(all + before);
    all = static_cast<A>(all + total);
  }
  if (threadIdx.x == 0) sums[tiles] = all;
}

template<class A, class Load, class Store>
__global__ void __launch_bounds__(scan_threads) scan_kernel(Load load, Store store, index size, const A* offsets) {
  const index tile = static_cast<index>(blockIdx.x), first = tile * scan_tile + static_cast<index>(threadIdx.x) * scan_items;
  A total;
  A before = static_cast<A>(offsets[tile] + sum_before(sum_of_items<A>(load, first, size), total));
  for (index i = first; i < first + scan_items && i < size; ++i) {
    const A after = static_cast<A>(before + load(i));
    store(i, before, after);
    before = after;
  }
}

/// store(i, load(0) + ... + load(i - 1), load(0) + ... + load(i)) for all i < size, and the sum of all as the last element of
/// what is returned.
template<class A, class Load, class Store>
[[nodiscard]] array<A, 1, gpu> scan_tiles(const gpu& b, index size, const Load& load, const Store& store) {
  const index tiles = (size + scan_tile - 1) / scan_tile;
  array<A, 1, gpu> sums(b, {tiles + 1});
  launch(b, "tile_sums_kernel", tile_sums_kernel<A, Load>, tiles, scan_threads, load, size, sums.data());
  launch(b, "tile_offsets_kernel", tile_offsets_kernel<A>, 1, scan_threads, sums.data(), tiles);
  launch(b, "scan_kernel", scan_kernel<A, Load, Store>, tiles, scan_threads, load, store, size,
         static_cast<const A*>(sums.data()));
  return sums;
}

template<bool Inclusive, class T, memory_space S, class Out, memory_space R>
void scan_vector(const gpu& b, const vector_view<T, S>& x, const vector_view<Out, R>& out, Out initial) {
  require_device_memory<S, R>();
  check_scan<std::remove_const_t<T>, Out>(x.size(), out.size());
  using A = typename scan_sum<Out>::type;
  (void)scan_tiles<A>(b, x.size(), scan_load<A, T>{strided_of(x)},
                      scan_store<Inclusive, A, Out>{strided_of(out), static_cast<A>(initial)});
}

}  // namespace detail

/// See `dispar/backend/scan.hpp`.
///@{
template<class T, memory_space S, class Out, memory_space R>
void inclusive_scan(const gpu& b, vector_view<T, S> x, vector_view<Out, R> out) {
  detail::scan_vector<true>(b, x, out, Out(0));
}
template<class T, memory_space S, class Out, memory_space R>
void exclusive_scan(const gpu& b, vector_view<T, S> x, vector_view<Out, R> out, std::type_identity_t<Out> initial = 0) {
  detail::scan_vector<false>(b, x, out, initial);
}
///@}

DISPAR_NAMESPACE_END
