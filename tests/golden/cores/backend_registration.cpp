#include "backend_under_test.hpp"

namespace golden {
namespace {

const struct built {
  built() {
    if (backend_is_there()) add_backend(backend_name);
  }
} registered;

}  // namespace
}  // namespace golden
