#pragma once

#include "dispar/backend/array.hpp"
#include "dispar/backend/step.hpp"
#include "dispar/contrastive/pair_bands.hpp"

DISPAR_NAMESPACE_BEGIN

namespace contrastive {

namespace detail {

/// Rows first .. of keys, unit, to where they belong in the ring.
template<class E, class T>
struct enqueue_rows {
  strided<const E> keys;
  index features, first, position, capacity;
  const double* norm;
  strided<T> ring;
  DISPAR_FN void operator()(index i) const {
    const double factor = cosine{}.row_factor(norm[first + i], 1);
    const index to = (position + first + i) % capacity;
    for (index k = 0; k < features; ++k) ring(to, k) = static_cast<T>(in_double(keys(first + i, k)) * factor);
  }
};

template<class T>
struct move_towards {
  const T* to;
  double momentum;
  T* value;
  DISPAR_FN void operator()(index i) const {
    value[i] = static_cast<T>(momentum * static_cast<double>(value[i]) + (1 - momentum) * static_cast<double>(to[i]));
  }
};

}  // namespace detail

/// The last keys that were seen, for MoCo's negatives: a ring in memory of the backend, first in, first out.
///
///     contrastive::key_queue<float, cpu> queue(cpu{}, 65536, d);
///     auto loss = contrastive::infonce(cpu{}, q, k, contrastive::cosine{}, contrastive::temperature{0.07}, {.x = gq},
///                                      {.negatives = queue.rows(), .in_batch = false});
///     queue.push(k);   // after the loss
///
/// Rows never written are not among `rows()`: the queue starts empty, in place of the released code's random rows. Default
/// capacity of MoCo: 65536 keys. He et al., CVPR 2020.
template<class T, backend B>
class key_queue {
public:
  /// The backend's space.
  using space = typename B::space;

  /// Throws `invalid_argument` for a capacity or features below 1.
  key_queue(const B& b, index capacity, index features) : backend_(b) {
    require(capacity > 0, "key_queue: capacity", "must be at least 1", static_cast<double>(capacity));
    require(features > 0, "key_queue: features", "must be at least 1", static_cast<double>(features));
    ring_ = array<T, 2, B>(b, {capacity, features});
  }
  /// A queue that is full: `rows` are its unit rows, the next key takes the place of row `position`.
  template<sample_matrix X>
  key_queue(const B& b, const X& rows, index position) : backend_(b), ring_(to(b, rows)), position_(position) {
    written_ = ring_.view().rows();
    require(written_ > 0, "key_queue: rows", "must be at least 1");
    require(position >= 0 && position < written_, "key_queue: position", "must be a row", static_cast<double>(position));
  }

  /// The keys, unit rows; none at first.
  [[nodiscard]] matrix_view<const T, space> rows() const { return ring_.view().slice(0, written_); }
  /// Where the next key goes.
  [[nodiscard]] index position() const noexcept { return position_; }

  /// Puts unit keys in the places of the oldest ones. Of more keys than the capacity the last ones are kept. Throws
  /// `invalid_argument` for keys of other than `features` columns.
  template<sample_matrix X>
  void push(const X& keys) {
    using E = value_type_of<X>;
    const matrix_view<const E, space_of<X>> all = view_of(keys);
    const index capacity = ring_.view().rows(), features = ring_.view().cols(), n = all.rows();
    require(all.cols() == features, "key_queue: columns of keys", "must be the features", static_cast<double>(all.cols()));
    const detail::embeddings<E, B> measured(backend_, detail::reached<B>(all));
    const index first = n > capacity ? n - capacity : 0;
    for_each_index(backend_, n - first,
                   detail::enqueue_rows<E, T>{dispar::detail::strided_of(measured.rows), features, first, position_, capacity,
                                              measured.norm.data(), dispar::detail::strided_of(ring_.view())});
    written_ = written_ + n < capacity ? written_ + n : capacity;
    position_ = (position_ + n) % capacity;
  }

private:
  B backend_;
  array<T, 2, B> ring_;
  index position_ = 0, written_ = 0;
};

/// value <- momentum value + (1 - momentum) towards, element by element: how MoCo's key encoder follows the query encoder.
/// Default momentum 0.999. Dense vectors of one length. Throws `invalid_argument` for lengths that differ.
template<backend B, class T, memory_space S>
void momentum_update(const B& b, const vector_view<T, S>& value, const vector_view<const T, S>& towards,
                     double momentum = 0.999) {
  static_assert(reachable<S, typename B::space>, "dispar: this backend cannot reach that memory");
  require(value.size() == towards.size(), "momentum_update: towards", "must have the length of value",
          static_cast<double>(towards.size()));
  require(value.stride(0) == 1 && towards.stride(0) == 1, "momentum_update: vectors", "must be dense");
  require(momentum >= 0 && momentum <= 1, "momentum_update: momentum", "must lie in [0, 1]", momentum);
  for_each_index(b, value.size(), static_cast<double>(value.size()),
                 detail::move_towards<T>{towards.data(), momentum, value.data()});
}

}  // namespace contrastive

DISPAR_NAMESPACE_END
