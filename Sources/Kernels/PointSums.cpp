#include "Kernels.h"

#define PINION_BODY "PointSums.h"
#include "VectorSets.h"

void kernels_point_sums(const kernels_point_sources *sources, const int64_t *ranges, int64_t range_count,
                        const kernels_point_targets *targets, int64_t begin, int64_t end) {
  PINION_DISPATCH(all_point_sums(*sources, ranges, range_count, *targets, begin, end));
}

double kernels_multiply_adds(int64_t rounds) { PINION_DISPATCH(multiply_adds(rounds)); }

int64_t kernels_multiply_adds_operations(void) { return 12 * 8 * 2; }

int kernels_vector_bits(void) { return pinion::vector_bits(); }

bool kernels_prefers_wide_vectors(void) {
#if defined(__x86_64__)
  return pinion::vector_bits() == 512 && __builtin_cpu_supports("avx512vbmi2");
#else
  return false;
#endif
}
