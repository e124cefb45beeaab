#include "dispar/core/space.hpp"

#include <doctest/doctest.h>

using dispar::device;
using dispar::host;
using dispar::managed;
using dispar::pinned;
using dispar::reachable;

TEST_CASE("the memory spaces") {
  CHECK(dispar::memory_space<host>);
  CHECK(dispar::memory_space<device>);
  CHECK(dispar::memory_space<managed>);
  CHECK(dispar::memory_space<pinned>);
  CHECK_FALSE(dispar::memory_space<int>);
}

TEST_CASE("each side reaches its own memory, both reach managed and pinned memory") {
  CHECK(reachable<host, host>);
  CHECK(reachable<device, device>);
  CHECK_FALSE(reachable<device, host>);
  CHECK_FALSE(reachable<host, device>);
  CHECK(reachable<managed, host>);
  CHECK(reachable<managed, device>);
  CHECK(reachable<pinned, host>);
  CHECK(reachable<pinned, device>);
}
