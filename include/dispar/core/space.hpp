#pragma once
/// \file
/// Where memory lives, in the type: a host pointer cannot reach a GPU kernel by accident.

#include <concepts>

#include "dispar/core/config.hpp"

DISPAR_NAMESPACE_BEGIN

struct host {};     ///< ordinary memory of the process
struct device {};   ///< memory of an accelerator; the host cannot read it
struct managed {};  ///< migrates between host and device
struct pinned {};   ///< host memory that a device reads over the bus

template<class S>
concept memory_space = std::same_as<S, host> || std::same_as<S, device> || std::same_as<S, managed> || std::same_as<S, pinned>;

/// True where code that runs in `Space` (a backend's space: `host` or `device`) can read memory of `From`.
template<memory_space From, memory_space Space>
inline constexpr bool reachable = std::same_as<From, Space> || std::same_as<From, managed> || std::same_as<From, pinned>;

DISPAR_NAMESPACE_END
