#pragma once
/// \file
/// How a loss of CUDA tensors, asked for by a file that g++ compiles with torch, reaches the kernels in a file that nvcc compiles
/// without: a table of functions, filled when the program starts, of calls that are plain numbers and pointers.

#include <cxxabi.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <typeinfo>

#include "dispar/core/config.hpp"

/// Not in dispar's inline namespace, which differs between the two files: here they meet.
namespace dispar_device_call {

/// Device memory: elements, extents and strides counted in elements; null: not there, not wanted.
struct matrix {
  void* data = nullptr;      ///< the first element
  std::int64_t extent[2]{};  ///< rows, columns
  std::int64_t stride[2]{};  ///< from row to row, from column to column
};

/// One sample: as many matrices as the kernel has channels.
struct sample {
  const matrix* channel;   ///< the rows
  const matrix* gradient;  ///< by the rows of each channel
  matrix weights;          ///< of the rows, one column
};

/// A loss to be computed.
struct call {
  int device = 0;                        ///< CUDA's number
  sample x;                              ///< the first sample
  sample y;                              ///< the second sample
  const double* theta = nullptr;         ///< the kernel's parameters
  double* parameter_gradient = nullptr;  ///< on the host; null: not wanted
  const void* loss = nullptr;            ///< the loss struct, copied byte by byte
  double* results = nullptr;             ///< what the loss gives
};

/// Throws what derives from std::exception; waits for its results.
using function = void (*)(const call&);

/// By loss, kernel and element.
inline std::map<std::string, function>& table() {
  static std::map<std::string, function> all;
  return all;
}

/// A loss of rows to be computed.
struct row_call {
  int device = 0;              ///< CUDA's number
  matrix a;                    ///< logits
  matrix b;                    ///< the other logits, where the loss has two
  matrix by_a;                 ///< gradient by a
  matrix by_b;                 ///< gradient by b
  matrix values;               ///< doubles, one column
  matrix labels;               ///< 64-bit integers, one column
  matrix lengths;              ///< 64-bit integers, one column
  matrix mask;                 ///< bytes
  const void* loss = nullptr;  ///< the loss struct, copied byte by byte
};

/// As `function`.
using row_function = void (*)(const row_call&);

/// By loss and element.
inline std::map<std::string, row_function>& row_table() {
  static std::map<std::string, row_function> all;
  return all;
}

/// A loss of embeddings to be computed.
struct embedding_call {
  int device = 0;              ///< CUDA's number
  matrix rows[4];              ///< matrices of embeddings
  matrix by[4];                ///< gradients by them
  matrix labels[3];            ///< 64-bit integers, one column
  matrix numbers;              ///< one column
  bool scalars = false;        ///< whether derivatives by trained numbers are wanted
  const void* loss = nullptr;  ///< the loss struct, copied byte by byte
  double* results = nullptr;   ///< on the host: what the loss gives
};

/// As `function`.
using embedding_function = void (*)(const embedding_call&);

/// By loss and element.
inline std::map<std::string, embedding_function>& embedding_table() {
  static std::map<std::string, embedding_function> all;
  return all;
}

}  // namespace dispar_device_call

DISPAR_NAMESPACE_BEGIN

namespace autograd::detail {

/// The name of a type without the inline namespace of the file that asks.
template<class X>
[[nodiscard]] std::string plain_name() {
  const std::unique_ptr<char, void (*)(void*)> text(abi::__cxa_demangle(typeid(X).name(), nullptr, nullptr, nullptr), std::free);
  std::string name = text ? text.get() : typeid(X).name();
  const std::string inner = DISPAR_STRINGIZE(DISPAR_ABI) "::";
  for (std::size_t at = name.find(inner); at != std::string::npos; at = name.find(inner)) name.erase(at, inner.size());
  return name;
}

/// "dispar 0.1: dispar::autograd::mmd_criterion_loss (32 bytes) by dispar::gaussian on float": what both files must agree on.
/// Losses of rows and of embeddings are by no kernel.
///@{
template<class Loss>
[[nodiscard]] std::string device_loss_name() {
  return "dispar " + std::to_string(DISPAR_VERSION_MAJOR) + "." + std::to_string(DISPAR_VERSION_MINOR) + ": " +
         plain_name<Loss>() + " (" + std::to_string(sizeof(Loss)) + " bytes)";
}
template<class Loss, class K, class T>
[[nodiscard]] std::string device_function_name() {
  return device_loss_name<Loss>() + " by " + plain_name<K>() + " on " + plain_name<T>();
}
template<class Loss, class T>
[[nodiscard]] std::string device_function_name() {
  return device_loss_name<Loss>() + " on " + plain_name<T>();
}
///@}

}  // namespace autograd::detail

DISPAR_NAMESPACE_END
