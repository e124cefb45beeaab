#pragma once

#include <utility>

#include "dispar/backend/host/schedule.hpp"

namespace engine_tests {

/// Data whose tiles are `register_tiles` register tiles wide, whatever the shapes: a test sees tiles of every width on small
/// data.
template<class Data>
struct with_tile_edge : Data {
  dispar::index register_tiles;

  with_tile_edge(Data data, dispar::index tiles) : Data(std::move(data)), register_tiles(tiles) {}
  [[nodiscard]] dispar::index tile_edge() const {
    return register_tiles * dispar::detail::register_tile<typename Data::value_type>::width;
  }
};

}  // namespace engine_tests
