// Includes the file PINION_BODY once for each instruction set, in namespaces plain, avx2 and avx512.
//
// No include guard: each source that defines PINION_BODY includes this anew.
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

// Vectors are passed only to functions that are always inlined: no ABI is involved.
#pragma clang diagnostic ignored "-Wpsabi"

namespace pinion {
/// 512, 256 or 128: the vectors that this machine has.
inline int vector_bits() {
#if defined(__x86_64__)
  static const int bits = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") ? 512
                          : __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")       ? 256
                                                                                                  : 128;
  return bits;
#else
  return 128;
#endif
}
}  // namespace pinion

#define PINION_BITS 128
namespace pinion::plain {
#include "Vector8.h"
#include PINION_BODY
}  // namespace pinion::plain
#undef PINION_BITS

#if defined(__x86_64__)
#define PINION_BITS 256
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
namespace pinion::avx2 {
#include "Vector8.h"
#include PINION_BODY
}  // namespace pinion::avx2
#pragma clang attribute pop
#undef PINION_BITS

#define PINION_BITS 512
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx2,fma"))), apply_to = function)
namespace pinion::avx512 {
#include "Vector8.h"
#include PINION_BODY
}  // namespace pinion::avx512
#pragma clang attribute pop
#undef PINION_BITS

#define PINION_DISPATCH(call)                   \
  switch (pinion::vector_bits()) {              \
    case 512: return pinion::avx512::call;      \
    case 256: return pinion::avx2::call;        \
    default: return pinion::plain::call;        \
  }
#else
#define PINION_DISPATCH(call) return pinion::plain::call
#endif
