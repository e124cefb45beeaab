#pragma once
/// \file
/// Every metric: what a model's scores are worth.

/// \namespace dispar::metrics
/// What a model's scores are worth.

#include "dispar/metrics/forecast_errors.hpp"   // IWYU pragma: export
#include "dispar/metrics/frechet_distance.hpp"  // IWYU pragma: export
#include "dispar/metrics/pope.hpp"              // IWYU pragma: export
#include "dispar/metrics/reidentification.hpp"  // IWYU pragma: export
#include "dispar/metrics/retrieval.hpp"         // IWYU pragma: export
#include "dispar/metrics/roc.hpp"               // IWYU pragma: export
