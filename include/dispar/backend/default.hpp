#pragma once

#include "dispar/backend/cpu.hpp"

DISPAR_NAMESPACE_BEGIN

/// The backend of the calls without one. It is a template parameter's default there, hence part of the function's name.
using default_backend = cpu;

DISPAR_NAMESPACE_END
