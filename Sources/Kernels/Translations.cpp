#include <cmath>
#include <cstdlib>
#include <vector>

#include "Kernels.h"

namespace pinion {

/// cos and sin of 2 pi j k / n, row k, n = 2p.
struct Waves {
  int64_t n;
  std::vector<double> cosine, sine;
  explicit Waves(int64_t p) : n(2 * p), cosine(n * n), sine(n * n) {
    for (int64_t k = 0; k < n; k++)
      for (int64_t j = 0; j < n; j++) {
        const double angle = 6.283185307179586476925 * double(j * k % n) / double(n);
        cosine[k * n + j] = std::cos(angle);
        sine[k * n + j] = std::sin(angle);
      }
  }
};

constexpr int64_t most_points = 12;

/// Made once; p is at most `most_points`.
static const Waves &waves_of(int64_t p) {
  static const std::vector<Waves> all = [] {
    std::vector<Waves> all;
    for (int64_t p = 0; p <= most_points; p++) all.emplace_back(p);
    return all;
  }();
  return all[p];
}

}  // namespace pinion

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
