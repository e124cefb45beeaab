#pragma once
/// \file
/// What depends on shapes only stays on the device: segments and tiles are uploaded by the first call of a shape.

#include <memory>
#include <utility>
#include <vector>

#include "dispar/backend/gpu/tile_schedule.hpp"
#include "dispar/backend/gpu/transfer.hpp"

DISPAR_NAMESPACE_BEGIN

namespace detail {

/// A gpu for arrays that stay between calls.
struct lasting_memory {
  using space = device;
  gpu b;
  [[nodiscard]] void* allocate(std::size_t bytes) const { return b.allocate_lasting(bytes); }
  void deallocate(void* p, std::size_t bytes) const noexcept { b.deallocate(p, bytes); }
  void wait() const { b.wait(); }
};

/// Numbers on the host, which stay there until the device has read them, and their copy.
template<class T>
class host_and_device {
public:
  host_and_device(const gpu& b, std::vector<T> numbers)
      : numbers_(std::move(numbers)), copy_({b}, {static_cast<index>(numbers_.size())}) {
    if (!numbers_.empty())
      check_cuda(cudaMemcpyAsync(copy_.data(), numbers_.data(), copy_.bytes(), cudaMemcpyHostToDevice, b.stream()),
                 "cudaMemcpyAsync");
  }
  [[nodiscard]] const T* on_device() const noexcept { return copy_.data(); }

private:
  std::vector<T> numbers_;
  array<T, 1, lasting_memory> copy_;
};

enum class table_kind : index { segments, tiles };

/// The table of a shape: that of an earlier call, or `make()`.
template<class Table, class Make>
[[nodiscard]] const Table& table_of(const gpu& b, tables_by_shape::key shape, const Make& make) {
  const bool captured = capturing(b.stream());
  tables_by_shape& tables = b.of_this_stream().tables;
  if (const Table* const present = tables.find<Table>(shape, captured)) return *present;
  if (captured) require_no_capture(b.stream(), "the first call with these shapes");
  return tables.add<Table>(std::move(shape), std::make_shared<const Table>(make()));
}

/// Where the rows of a segment are.
struct segment_place {
  index first;   ///< number of its first row among those of all segments
  index packed;  ///< its first packed row
};
/// The segment of a row.
[[nodiscard]] DISPAR_FN int segment_of(const segment_place* segments, int count, index row) {
  int s = count - 1;
  while (s > 0 && row < segments[s].first) --s;
  return s;
}

template<class Segments>
[[nodiscard]] tables_by_shape::key shape_of(table_kind kind, const Segments& data) {
  tables_by_shape::key shape{static_cast<index>(kind), data.packed_rows()};
  for (int s = 0; s < data.segments(); ++s) {
    shape.push_back(data.count(s));
    shape.push_back(data.first_packed(s));
  }
  return shape;
}

/// The segments of the data, on the device.
template<class Segments>
[[nodiscard]] const segment_place* places_on_device(const gpu& b, const Segments& data) {
  return table_of<host_and_device<segment_place>>(b, shape_of(table_kind::segments, data),
                                                  [&] {
                                                    std::vector<segment_place> places;
                                                    for (int s = 0; s < data.segments(); ++s)
                                                      places.push_back({data.first(s), data.first_packed(s)});
                                                    return host_and_device<segment_place>(b, std::move(places));
                                                  })
      .on_device();
}

/// A `tile_schedule` with its lists on the device.
struct device_schedule {
  tile_schedule host;
  host_and_device<row_strip> strips;
  host_and_device<tile_block> blocks;
  host_and_device<tile_run> runs;

  device_schedule(const gpu& b, tile_schedule schedule)
      : host(std::move(schedule)), strips(b, host.strips), blocks(b, host.blocks), runs(b, host.runs) {}
  operator const tile_schedule&() const noexcept { return host; }
};

template<class Data>
[[nodiscard]] const device_schedule& schedule_on_device(const gpu& b, const Data& data, std::span<const pair_block> blocks,
                                                        index edge) {
  auto shape = shape_of(table_kind::tiles, data);
  shape.push_back(edge);
  for (const pair_block& block : blocks)
    for (const index number : {index{block.rows}, index{block.cols}, index{block.triangle}, index{block.slot}})
      shape.push_back(number);
  return table_of<device_schedule>(b, std::move(shape), [&] { return device_schedule(b, tile_schedule(data, blocks, edge)); });
}

}  // namespace detail

DISPAR_NAMESPACE_END
