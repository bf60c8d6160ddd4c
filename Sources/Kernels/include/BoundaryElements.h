// Sums and integrals of 1/(4 pi r) and exp(-kappa r)/(4 pi r), eight at a time: the hot loops of boundary elements and
// fast multipoles. Each picks AVX-512, AVX2 or plain code at run time.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Points with charges and, where `dipole_x` isn't null, dipoles. Null charges leave that kernel out.
typedef struct {
  const double *x, *y, *z;
  const double *laplace, *yukawa;
  const double *dipole_x, *dipole_y, *dipole_z;
  /// What a dipole counts for in each kernel.
  double laplace_dipoles, yukawa_dipoles;
  double kappa;
} kernels_point_sources;

/// Points and what is added to there: [0] potential, [1...3] its gradient, or null.
typedef struct {
  const double *x, *y, *z;
  double *laplace[4], *yukawa[4];
} kernels_point_targets;

/// Adds the fields of the sources in `ranges` (pairs: first, past the last) to targets begin..<end; a source at the
/// very place of a target is skipped.
void kernels_point_sums(const kernels_point_sources *sources, const int64_t *ranges, int64_t range_count,
                        const kernels_point_targets *targets, int64_t begin, int64_t end);

/// What the four sums of `kernels_triangle_pairs` take of each kernel, and the inverse Debye length.
typedef struct {
  double laplace[4], yukawa[4];
  double kappa;
} kernels_pair_weights;

/// Integrals over eight pairs of flat triangles of basis_a(x) basis_b(y) times
/// [0] g, [1] dg/dn(y), [2] dg/dn(x), [3] d2g/dn(x)dn(y), each a sum over both kernels by `weights`.
///
/// test, trial: corners, [3 corners][3 coordinates][8 lanes]. rule: points as rows of weight, three basis values on
/// test, three on trial (relative to the product of doubled areas). out: [4][3 a][3 b][8].
void kernels_triangle_pairs(const double *test, const double *trial, const double *rule, int64_t points,
                            const kernels_pair_weights *weights, double *out);

/// The same with all pairs of points of one rule on a triangle: rows of weight and three basis values.
void kernels_triangle_pairs_product(const double *test, const double *trial, const double *rule, int64_t points,
                                    const kernels_pair_weights *weights, double *out);

/// y[g] (+)= scale * a x[g], or aᵀ x[g]: a is row-major [n, k]; x [groups][k][8], y [groups][n][8] (for aᵀ: n and k
/// exchanged).
void kernels_lanes_multiply(const double *a, int64_t n, int64_t k, bool transposes, bool adds, double scale,
                            const double *x, double *y, int64_t groups);

/// Spectra of eight boxes' values on the surface of a cube with p points an edge, padded to (2p)^3.
///
/// places: where each surface point lies in the p^3 cube. values: [points][8]. out: one spectrum for each box where
/// `boxes` isn't negative, at box * stride: [frequencies / 8][real, imaginary][8]; room: kernels_fourier_room(p) doubles.
void kernels_surface_spectra(int64_t p, const int32_t *places, int64_t points, const double *values,
                             const int64_t *boxes, int64_t stride, double *out, double *room);
/// Surface values [points][8] of spectra at eight places, the inverse of the former; null ones are zero.
/// Adds `scale` times them.
void kernels_surface_values(int64_t p, const int32_t *places, int64_t points, const double *const *spectra,
                            double scale, double *values, double *room);
/// Doubles of a spectrum, and of the room the two take.
int64_t kernels_spectrum_size(int64_t p);
int64_t kernels_fourier_room(int64_t p);
/// Spectra of real values on the full (2p)^3 grid, for one box.
void kernels_grid_spectrum(int64_t p, const double *grid, double *out);

/// to[pairs] += kernel * from, complex and elementwise: triples (target, source, kernel) of spectra of `stride` doubles,
/// by slices that stay in the cache.
void kernels_spectrum_products(const int32_t *triples, int64_t count, int64_t stride, const double *from,
                               const double *kernels, double *to);

/// Does nothing but fused multiply-adds, to see how many the machine does: the second function's many in each round.
double kernels_multiply_adds(int64_t rounds);
int64_t kernels_multiply_adds_operations(void);

#ifdef __cplusplus
}
#endif
