#pragma once
/// \file
/// Everything that needs nothing but the compiler: the CPU backend and every concept. Other backends and the adaptors to other
/// libraries have headers of their own (`dispar/backend/thrust.hpp`, `dispar/backend/gpu.hpp`, `dispar/interop/*.hpp`).

#include "dispar/contrastive.hpp"
#include "dispar/core/fold.hpp"
#include "dispar/core/random.hpp"
#include "dispar/core/version.hpp"
#include "dispar/decoding.hpp"
#include "dispar/divergence.hpp"
#include "dispar/metrics.hpp"
#include "dispar/mmd.hpp"
#include "dispar/preference.hpp"
