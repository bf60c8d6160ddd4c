// The functions of oneDNN's C interface (version 3) that handlers call, found at run time; owners of what they make.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace pinion::onednn {

struct Engine;
struct Stream;
struct MemoryDesc;
struct Memory;
struct PrimitiveDesc;
struct Primitive;
struct Attributes;

using Status = int;  // 0: success
using Dims = int64_t[12];

/// The numbers of the interface's enumerations.
enum : int {
  cpu = 1,
  in_order = 1,
  any_layout = 1,
  forward_training = 64,
  direct_convolution = 1,
  user_scratchpad = 1,
  query_implementation = 8,
  query_source = 129,
  query_source_gradient = 130,
  query_weights = 131,
  query_weights_gradient = 132,
  query_result = 133,
  query_result_gradient = 134,
  query_scratchpad = 136,
  argument_source = 1,
  argument_result = 17,
  argument_weights = 33,
  argument_scratchpad = 80,
  argument_source_gradient = 129,
  argument_result_gradient = 145,
  argument_weights_gradient = 161,
  isa_avx512 = 0x27,
};

enum DataType : int { f16 = 1, bf16 = 2, f32 = 3 };

struct Argument {
  int index;
  Memory *memory;
};

struct Version {
  int major, minor, patch;
  const char *hash;
  unsigned cpu_runtime, gpu_runtime;
};

struct Functions {
  const Version *(*version)();
  int (*effective_cpu_isa)();
  Status (*engine_create)(Engine **, int kind, size_t index);
  Status (*stream_create)(Stream **, Engine *, unsigned flags);
  Status (*stream_wait)(Stream *);
  Status (*attributes_create)(Attributes **);
  Status (*attributes_set_scratchpad_mode)(Attributes *, int mode);
  Status (*memory_desc_create_with_strides)(MemoryDesc **, int rank, const Dims, int type, const Dims strides);
  Status (*memory_desc_create_with_tag)(MemoryDesc **, int rank, const Dims, int type, int tag);
  Status (*memory_desc_destroy)(MemoryDesc *);
  int (*memory_desc_equal)(const MemoryDesc *, const MemoryDesc *);
  size_t (*memory_desc_get_size)(const MemoryDesc *);
  Status (*memory_create)(Memory **, const MemoryDesc *, Engine *, void *data);
  Status (*memory_set_data_handle)(Memory *, void *data);
  Status (*memory_destroy)(Memory *);
  Status (*primitive_desc_query)(const PrimitiveDesc *, int what, int index, void *result);
  const MemoryDesc *(*primitive_desc_query_md)(const PrimitiveDesc *, int what, int index);
  Status (*primitive_desc_destroy)(PrimitiveDesc *);
  Status (*primitive_create)(Primitive **, const PrimitiveDesc *);
  Status (*primitive_execute)(const Primitive *, Stream *, int count, const Argument *);
  Status (*primitive_destroy)(Primitive *);
  Status (*reorder_create)(PrimitiveDesc **, const MemoryDesc *from, Engine *, const MemoryDesc *to, Engine *,
                           const Attributes *);
  Status (*forward_create)(PrimitiveDesc **, Engine *, int kind, int algorithm, const MemoryDesc *source,
                           const MemoryDesc *weights, const MemoryDesc *bias, const MemoryDesc *result,
                           const Dims strides, const Dims dilation, const Dims low, const Dims high,
                           const Attributes *);
  Status (*backward_data_create)(PrimitiveDesc **, Engine *, int algorithm, const MemoryDesc *source,
                                 const MemoryDesc *weights, const MemoryDesc *result, const Dims strides,
                                 const Dims dilation, const Dims low, const Dims high, const PrimitiveDesc *forward,
                                 const Attributes *);
  Status (*backward_weights_create)(PrimitiveDesc **, Engine *, int algorithm, const MemoryDesc *source,
                                    const MemoryDesc *weights, const MemoryDesc *bias, const MemoryDesc *result,
                                    const Dims strides, const Dims dilation, const Dims low, const Dims high,
                                    const PrimitiveDesc *forward, const Attributes *);
  void (*omp_set_num_threads)(int);
  int (*omp_get_max_threads)();
};

struct Library : Functions {
  std::atomic<bool> is_open{false};
  Engine *engine = nullptr;
  /// For all convolutions: the caller gives the memory for intermediate values.
  Attributes *attributes = nullptr;
  /// Those that OpenMP takes unless told otherwise: one a processor that this process may use.
  int threads = 1;
};

/// The open library.
extern Library library;

/// Throws `Failure` unless the status says that all went well.
void check(Status status, const char *what);

template <class T>
struct Release;
template <>
struct Release<MemoryDesc> {
  void operator()(MemoryDesc *value) const { library.memory_desc_destroy(value); }
};
template <>
struct Release<Memory> {
  void operator()(Memory *value) const { library.memory_destroy(value); }
};
template <>
struct Release<PrimitiveDesc> {
  void operator()(PrimitiveDesc *value) const { library.primitive_desc_destroy(value); }
};
template <>
struct Release<Primitive> {
  void operator()(Primitive *value) const { library.primitive_destroy(value); }
};

template <class T>
using Owned = std::unique_ptr<T, Release<T>>;

}  // namespace pinion::onednn
