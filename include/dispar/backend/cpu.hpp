#pragma once

#include "dispar/backend/host/extremum_sink.hpp"
#include "dispar/backend/host/gather.hpp"
#include "dispar/backend/host/given_matrix.hpp"
#include "dispar/backend/host/gradient_sink.hpp"
#include "dispar/backend/host/kept_distances.hpp"
#include "dispar/backend/host/log_sum_exp_sink.hpp"
#include "dispar/backend/host/order_statistics.hpp"
#include "dispar/backend/host/pair_list.hpp"
#include "dispar/backend/host/pairwise.hpp"
#include "dispar/backend/host/quadratic_sink.hpp"
#include "dispar/backend/host/ranked_rows.hpp"
#include "dispar/backend/host/row_stream.hpp"
#include "dispar/backend/host/rows.hpp"
#include "dispar/backend/host/scan.hpp"
#include "dispar/backend/host/select.hpp"
#include "dispar/backend/host/sort.hpp"
#include "dispar/backend/host/step.hpp"
#include "dispar/backend/host/tiled_host.hpp"

DISPAR_NAMESPACE_BEGIN

/// The CPU: vector registers and OpenMP threads. `cpu{}` uses all of them, `cpu{.each = {.threads = 2}}` two.
using cpu = tiled_host<openmp>;

DISPAR_NAMESPACE_END
