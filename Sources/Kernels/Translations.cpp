#include <cstdlib>

#include "Kernels.h"

#define PINION_BODY "Translations.h"
#include "VectorSets.h"

void kernels_lanes_multiply(const double *a, int64_t n, int64_t k, bool transposes, bool adds, double scale,
                            const double *x, double *y, int64_t groups) {
  PINION_DISPATCH(lanes_multiply(a, n, k, transposes, adds, scale, x, y, groups));
}

void kernels_surface_spectra(int64_t p, const int32_t *places, int64_t points, const double *values,
                             const int64_t *boxes, int64_t stride, double *out, double *room) {
  PINION_DISPATCH(surface_spectra(p, places, points, values, boxes, stride, out, room));
}

void kernels_surface_values(int64_t p, const int32_t *places, int64_t points, const double *const *spectra,
                            double scale, double *values, double *room) {
  PINION_DISPATCH(surface_values(p, places, points, spectra, scale, values, room));
}

int64_t kernels_spectrum_size(int64_t p) { return (4 * p * p * (p + 1) + 7) / 8 * 16; }

int64_t kernels_fourier_room(int64_t p) { return 8 * (p * p * p + 16 * p * p * (p + 1)); }

void kernels_grid_spectrum(int64_t p, const double *grid, double *out) {
  PINION_DISPATCH(grid_spectrum(p, grid, out));
}

void kernels_spectrum_products(const int32_t *triples, int64_t count, int64_t stride, const double *from,
                               const double *kernels, double *to) {
  PINION_DISPATCH(spectrum_products(triples, count, stride, from, kernels, to));
}
