#include "Kernels.h"

#define PINION_BODY "TrianglePairs.h"
#include "VectorSets.h"

void kernels_triangle_pairs(const double *test, const double *trial, const double *rule, int64_t points,
                            const kernels_pair_weights *weights, double *out) {
  PINION_DISPATCH(all_triangle_pairs(test, trial, rule, points, *weights, false, out));
}

void kernels_triangle_pairs_product(const double *test, const double *trial, const double *rule, int64_t points,
                                    const kernels_pair_weights *weights, double *out) {
  PINION_DISPATCH(all_triangle_pairs(test, trial, rule, points, *weights, true, out));
}
