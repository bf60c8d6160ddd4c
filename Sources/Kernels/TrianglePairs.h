// Integrals over pairs of triangles; included once for each instruction set.

struct Corners {
  Double8 point[3][3];
  Double8 normal[3];
  /// Twice the area.
  Double8 size;
};

PINION_V Corners corners(const double *from) {
  Corners c;
  for (int corner = 0; corner < 3; corner++)
    for (int axis = 0; axis < 3; axis++) c.point[corner][axis] = load(from + (corner * 3 + axis) * 8);
  Double8 a[3], b[3];
  for (int axis = 0; axis < 3; axis++) {
    a[axis] = c.point[1][axis] - c.point[0][axis];
    b[axis] = c.point[2][axis] - c.point[0][axis];
  }
  const Double8 n[3] = {a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]};
  const Double8 square = n[0] * n[0] + n[1] * n[1] + n[2] * n[2];
  const Double8 inverse = inverse_root(square);
  for (int axis = 0; axis < 3; axis++) c.normal[axis] = n[axis] * inverse;
  c.size = square * inverse;
  return c;
}

PINION_V void place(const Corners &c, const double *basis, Double8 *to) {
  for (int axis = 0; axis < 3; axis++)
    to[axis] = basis[0] * c.point[0][axis] + basis[1] * c.point[1][axis] + basis[2] * c.point[2][axis];
}

/// The four kernels at a pair of points.
template <bool L, bool Y>
PINION_V void kernel_values(const Double8 *x, const Double8 *y, const Corners &test, const Corners &trial,
                            const Double8 &cosine, const kernels_pair_weights &w, Double8 *value) {
  const Double8 dx = x[0] - y[0], dy = x[1] - y[1], dz = x[2] - y[2];
  const Double8 square = dx * dx + dy * dy + dz * dz;
  const Double8 inverse = inverse_root(square), inverse2 = inverse * inverse;
  const Double8 at_x = dx * test.normal[0] + dy * test.normal[1] + dz * test.normal[2];
  const Double8 at_y = dx * trial.normal[0] + dy * trial.normal[1] + dz * trial.normal[2];
  const Double8 both = at_x * at_y;
  for (int k = 0; k < 4; k++) value[k] = Double8{};
  if (L) {
    const Double8 s1 = inverse * inverse2, s2 = 3 * (s1 * inverse2);
    value[0] = w.laplace[0] * inverse;
    value[1] = w.laplace[1] * s1 * at_y;
    value[2] = -w.laplace[2] * s1 * at_x;
    value[3] = w.laplace[3] * (s1 * cosine - s2 * both);
  }
  if (Y) {
    const Double8 far = (square * inverse) * w.kappa;
    const Double8 g = exponential(-far) * inverse, decay = g * inverse2;
    const Double8 s1 = decay + far * decay, s2 = (3 * s1 + (far * far) * decay) * inverse2;
    value[0] += w.yukawa[0] * g;
    value[1] += w.yukawa[1] * s1 * at_y;
    value[2] -= w.yukawa[2] * s1 * at_x;
    value[3] += w.yukawa[3] * (s1 * cosine - s2 * both);
  }
}

PINION_V Double8 cosine_of(const Corners &test, const Corners &trial) {
  return test.normal[0] * trial.normal[0] + test.normal[1] * trial.normal[1] + test.normal[2] * trial.normal[2];
}

PINION_V void finish(const Corners &test, const Corners &trial, const Double8 *sums, double *out) {
  const Double8 scale = test.size * trial.size * 0.079577471545947667884;  // 1 / (4 pi)
  for (int k = 0; k < 36; k++) store(out + 8 * k, sums[k] * scale);
}

template <bool L, bool Y>
static void triangle_pairs(const double *test_corners, const double *trial_corners, const double *rule, int64_t points,
                           const kernels_pair_weights &w, double *out) {
  const Corners test = corners(test_corners), trial = corners(trial_corners);
  const Double8 cosine = cosine_of(test, trial);
  Double8 sums[36] = {};
  for (int64_t q = 0; q < points; q++, rule += 7) {
    Double8 x[3], y[3], value[4];
    place(test, rule + 1, x);
    place(trial, rule + 4, y);
    kernel_values<L, Y>(x, y, test, trial, cosine, w, value);
    for (int a = 0; a < 3; a++)
      for (int b = 0; b < 3; b++) {
        const double weight = rule[0] * rule[1 + a] * rule[4 + b];
        for (int k = 0; k < 4; k++) sums[k * 9 + a * 3 + b] += weight * value[k];
      }
  }
  finish(test, trial, sums, out);
}

template <bool L, bool Y>
static void triangle_pairs_product(const double *test_corners, const double *trial_corners, const double *rule,
                                   int64_t points, const kernels_pair_weights &w, double *out) {
  const Corners test = corners(test_corners), trial = corners(trial_corners);
  const Double8 cosine = cosine_of(test, trial);
  Double8 sums[36] = {};
  for (int64_t p = 0; p < points; p++) {
    Double8 x[3], inner[12] = {};
    place(test, rule + 4 * p + 1, x);
    for (int64_t q = 0; q < points; q++) {
      Double8 y[3], value[4];
      const double *row = rule + 4 * q;
      place(trial, row + 1, y);
      kernel_values<L, Y>(x, y, test, trial, cosine, w, value);
      for (int b = 0; b < 3; b++) {
        const double weight = row[0] * row[1 + b];
        for (int k = 0; k < 4; k++) inner[k * 3 + b] += weight * value[k];
      }
    }
    for (int a = 0; a < 3; a++) {
      const double weight = rule[4 * p] * rule[4 * p + 1 + a];
      for (int k = 0; k < 4; k++)
        for (int b = 0; b < 3; b++) sums[k * 9 + a * 3 + b] += weight * inner[k * 3 + b];
    }
  }
  finish(test, trial, sums, out);
}

static void all_triangle_pairs(const double *test, const double *trial, const double *rule, int64_t points,
                               const kernels_pair_weights &w, bool product, double *out) {
  bool l = false, y = false;
  for (int k = 0; k < 4; k++) l |= w.laplace[k] != 0, y |= w.yukawa[k] != 0;
  if (product) {
    if (l && y) return triangle_pairs_product<true, true>(test, trial, rule, points, w, out);
    if (y) return triangle_pairs_product<false, true>(test, trial, rule, points, w, out);
    return triangle_pairs_product<true, false>(test, trial, rule, points, w, out);
  }
  if (l && y) return triangle_pairs<true, true>(test, trial, rule, points, w, out);
  if (y) return triangle_pairs<false, true>(test, trial, rule, points, w, out);
  triangle_pairs<true, false>(test, trial, rule, points, w, out);
}
