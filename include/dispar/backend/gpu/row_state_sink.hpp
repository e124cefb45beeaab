#pragma once
/// \file
/// What sinks have in common that keep a state of a fold per row and slot: the thread block that owns a strip of rows merges what
/// its tiles bring.

#include "dispar/backend/gpu/sinks.hpp"

DISPAR_NAMESPACE_BEGIN

namespace detail {

/// The kernel's part; a sink adds `tile`.
template<class Fold>
struct row_states_on_device {
  static constexpr bool needs_tile = false;
  static constexpr int occupancy = 1;
  using fold = Fold;
  using state = typename fold::state;
  strided<state> out;
  index slots;
  const tile_block* blocks;
  bool accumulate;

  template<class Shared>
  __device__ void begin(const row_strip& own, const Shared&) const {
    const int row = static_cast<int>(threadIdx.x);
    if (!accumulate && row < own.count)
      for (index slot = 0; slot < slots; ++slot) out(own.number + row, slot) = fold::identity();
  }
  template<class... A>
  __device__ void end(const A&...) const {}

  /// The state of a row of the tile.
  [[nodiscard]] __device__ state& of(const tile_position& at, int row) const {
    return out(at.own.number + row, blocks[at.block].slot);
  }
};

/// The host's part; `OnDevice` is the kernel's.
template<class OnDevice, class Sink>
class row_state_sink {
  using state = typename Sink::state;
  using result = device_result<state, typename decltype(Sink::out)::space>;

public:
  static constexpr sink_pass pass = sink_pass::rows;
  static constexpr bool in_place = result::in_place, families = false, needs_tile = OnDevice::needs_tile;

  [[nodiscard]] OnDevice on_device() { return {{result_.on_device(), slots_, blocks_, accumulate_}}; }
  void finish(const gpu& b) { result_.start_copy(b); }
  void deliver() const { result_.deliver(); }

protected:
  row_state_sink(const char* name, const gpu& b, const Sink& sink, index rows, const device_schedule& schedule)
      : slots_(sink.out.cols()), blocks_(schedule.blocks.on_device()), accumulate_(sink.accumulate) {
    require_row_states(name, sink.out.rows(), slots_, rows, schedule.host.blocks);
    result_ = result(b, sink.out, sink.accumulate);
  }

private:
  index slots_;
  const tile_block* blocks_;
  bool accumulate_;
  result result_;
};

}  // namespace detail

DISPAR_NAMESPACE_END
