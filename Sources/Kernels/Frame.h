// What handlers need of XLA's call frame, and threads for batches.
#pragma once

#include <algorithm>
#include <atomic>
#include <complex>
#include <cstdint>
#include <cstring>
#include <exception>
#include <limits>
#include <new>
#include <string>
#include <thread>
#include <vector>

#include "Kernels.h"

namespace pinion {

enum ElementType { F32 = 11, F64 = 12, C64 = 15, C128 = 18 };

struct Failure {
  std::string message;
};

/// A stack of matrices, row-major; of vectors where `matrix_rank` is 1, of numbers where it is 0.
struct Stack {
  int dtype;
  void *data;
  int64_t count = 1;
  int64_t rows, columns;

  explicit Stack(const ffi_buffer *buffer, int64_t matrix_rank = 2) : dtype(buffer->dtype), data(buffer->data) {
    if (buffer->rank < matrix_rank) throw Failure{"an operand has too few axes"};
    const int64_t lead = buffer->rank - matrix_rank;
    for (int64_t i = 0; i < lead; i++) count *= buffer->dims[i];
    rows = matrix_rank == 2 ? buffer->dims[lead] : 1;
    columns = matrix_rank >= 1 ? buffer->dims[buffer->rank - 1] : 1;
    if (rows > std::numeric_limits<int>::max() / 2 || columns > std::numeric_limits<int>::max() / 2)
      throw Failure{"a matrix has more rows or columns than LAPACK can count"};
  }

  int64_t size() const { return rows * columns; }

  template <class T>
  T *at(int64_t index) const {
    return static_cast<T *>(data) + index * size();
  }
};

inline Stack operand(const ffi_call_frame *frame, int64_t index, int64_t matrix_rank = 2) {
  if (index >= frame->args.size) throw Failure{"an operand is missing"};
  return Stack(static_cast<const ffi_buffer *>(frame->args.args[index]), matrix_rank);
}

inline Stack result(const ffi_call_frame *frame, int64_t index, int64_t matrix_rank = 2) {
  if (index >= frame->rets.size) throw Failure{"a result is missing"};
  return Stack(static_cast<const ffi_buffer *>(frame->rets.rets[index]), matrix_rank);
}

/// An attribute that is an integer of 64 bits.
inline bool flag(const ffi_call_frame *frame, const char *name) {
  for (int64_t i = 0; i < frame->attrs.size; i++) {
    const ffi_byte_span *span = frame->attrs.names[i];
    if (span->len == std::strlen(name) && std::memcmp(span->ptr, name, span->len) == 0) {
      const ffi_scalar *scalar = static_cast<const ffi_scalar *>(frame->attrs.attrs[i]);
      return *static_cast<const int64_t *>(scalar->value) != 0;
    }
  }
  throw Failure{std::string("attribute ") + name + " is missing"};
}

inline ffi_error *error(const ffi_call_frame *frame, const char *message) {
  ffi_error_create_args args = {};
  args.struct_size = sizeof(args);
  args.message = message;
  args.errc = 13;  // internal
  return frame->api->error_create(&args);
}

/// Runs a handler's work; nothing may be thrown into XLA.
template <class Body>
ffi_error *handle(ffi_call_frame *frame, Body body) {
  if (ffi_answer_metadata(frame)) return nullptr;
  try {
    body();
    return nullptr;
  } catch (const Failure &failure) {
    return error(frame, failure.message.c_str());
  } catch (const std::exception &exception) {
    return error(frame, exception.what());
  }
}

/// Calls `body(type)` with a null pointer to the element type.
template <class Body>
void with_type(int dtype, Body body) {
  switch (dtype) {
    case F32: return body(static_cast<float *>(nullptr));
    case F64: return body(static_cast<double *>(nullptr));
    case C64: return body(static_cast<std::complex<float> *>(nullptr));
    case C128: return body(static_cast<std::complex<double> *>(nullptr));
    default: throw Failure{"the element type is neither a float nor complex"};
  }
}

/// Calls `body(begin, end)` on parts of 0..<count, on several threads where the work is worth it.
template <class Body>
void for_ranges(int64_t count, double operations_each, int64_t grain, Body body) {
  const double work = operations_each * static_cast<double>(count);
  const int64_t most = std::min<int64_t>({std::max(1u, std::thread::hardware_concurrency()), (count + grain - 1) / grain,
                                          static_cast<int64_t>(std::min(work / 2e6, 1e6))});
  if (most <= 1) {
    if (count > 0) body(int64_t(0), count);
    return;
  }
  const int64_t pieces = most * 4;
  const int64_t length = std::max<int64_t>(1, (count / pieces + grain - 1) / grain) * grain;
  std::atomic<int64_t> next{0};
  std::atomic<bool> failed{false};
  auto work_on = [&] {
    try {
      for (int64_t begin; (begin = next.fetch_add(length)) < count;) body(begin, std::min(begin + length, count));
    } catch (...) {
      failed = true;  // Memory ran out; the frame's thread reports it.
    }
  };
  std::vector<std::thread> threads;
  try {
    for (int64_t i = 1; i < most; i++) threads.emplace_back(work_on);
  } catch (const std::exception &) {
    // No more threads to be had; those there are do it.
  }
  work_on();
  for (std::thread &thread : threads) thread.join();
  if (failed) throw std::bad_alloc();
}

}  // namespace pinion
