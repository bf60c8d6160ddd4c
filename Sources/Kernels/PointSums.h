// Fields of points at points; included once for each instruction set.

/// Charges, dipoles where D, gradients where G; Laplace where L, Yukawa where Y.
///
/// With d = x - y: potential q g + p.d s1; gradient p s1 - (q s1 + p.d s2) d, where s1 = -g'/r and s2 = -s1'/r.
template <bool L, bool Y, bool D, bool G>
static void point_sums(const kernels_point_sources &s, const int64_t *ranges, int64_t range_count,
                       const kernels_point_targets &t, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; i += 8) {
    const int lanes = int(end - i < 8 ? end - i : 8);
    alignas(64) double place[3][8];
    const double *axes[3] = {t.x, t.y, t.z};
    Double8 x, y, z;
    if (lanes == 8) {
      x = load(t.x + i), y = load(t.y + i), z = load(t.z + i);
    } else {
      for (int axis = 0; axis < 3; axis++)
        for (int w = 0; w < 8; w++) place[axis][w] = axes[axis][i + (w < lanes ? w : 0)];
      x = load(place[0]), y = load(place[1]), z = load(place[2]);
    }
    Double8 l[4] = {}, v[4] = {};
    for (int64_t range = 0; range < range_count; range++) {
      for (int64_t j = ranges[2 * range]; j < ranges[2 * range + 1]; j++) {
        const Double8 dx = x - s.x[j], dy = y - s.y[j], dz = z - s.z[j];
        const Double8 square = dx * dx + dy * dy + dz * dz;
        const Double8 inverse = inverse_root(square);
        Double8 inverse2, along;
        if (D || G) inverse2 = inverse * inverse;
        if (D) along = dx * s.dipole_x[j] + dy * s.dipole_y[j] + dz * s.dipole_z[j];
        if (L) {
          l[0] += s.laplace[j] * inverse;
          if (D || G) {
            const Double8 s1 = inverse * inverse2;
            Double8 towards;
            if (G) towards = s.laplace[j] * s1;
            if (D) {
              const Double8 dipole = s1 * s.laplace_dipoles;
              l[0] += dipole * along;
              if (G) {
                towards += 3 * (dipole * inverse2) * along;
                l[1] += dipole * s.dipole_x[j], l[2] += dipole * s.dipole_y[j], l[3] += dipole * s.dipole_z[j];
              }
            }
            if (G) l[1] -= towards * dx, l[2] -= towards * dy, l[3] -= towards * dz;
          }
        }
        if (Y) {
          const Double8 far = (square * inverse) * s.kappa;
          const Double8 g = exponential(-far) * inverse;
          v[0] += s.yukawa[j] * g;
          if (D || G) {
            const Double8 decay = g * inverse2;
            const Double8 s1 = decay + far * decay;
            Double8 towards;
            if (G) towards = s.yukawa[j] * s1;
            if (D) {
              const Double8 dipole = s1 * s.yukawa_dipoles;
              v[0] += dipole * along;
              if (G) {
                towards += (3 * dipole + (far * far) * (decay * s.yukawa_dipoles)) * inverse2 * along;
                v[1] += dipole * s.dipole_x[j], v[2] += dipole * s.dipole_y[j], v[3] += dipole * s.dipole_z[j];
              }
            }
            if (G) v[1] -= towards * dx, v[2] -= towards * dy, v[3] -= towards * dz;
          }
        }
      }
    }
    const double unit = 0.079577471545947667884;  // 1 / (4 pi)
    for (int k = 0; k < (G ? 4 : 1); k++) {
      if (lanes == 8) {
        if (L) store(t.laplace[k] + i, load(t.laplace[k] + i) + unit * l[k]);
        if (Y) store(t.yukawa[k] + i, load(t.yukawa[k] + i) + unit * v[k]);
      } else {
        for (int w = 0; w < lanes; w++) {
          if (L) t.laplace[k][i + w] += unit * l[k][w];
          if (Y) t.yukawa[k][i + w] += unit * v[k][w];
        }
      }
    }
  }
}

template <bool L, bool Y>
static void point_sums_of(const kernels_point_sources &s, const int64_t *ranges, int64_t count,
                          const kernels_point_targets &t, int64_t begin, int64_t end) {
  const bool gradient = (L ? t.laplace[1] : t.yukawa[1]) != nullptr;
  if (s.dipole_x != nullptr) {
    if (gradient) return point_sums<L, Y, true, true>(s, ranges, count, t, begin, end);
    return point_sums<L, Y, true, false>(s, ranges, count, t, begin, end);
  }
  if (gradient) return point_sums<L, Y, false, true>(s, ranges, count, t, begin, end);
  point_sums<L, Y, false, false>(s, ranges, count, t, begin, end);
}

static void all_point_sums(const kernels_point_sources &s, const int64_t *ranges, int64_t count,
                           const kernels_point_targets &t, int64_t begin, int64_t end) {
  if (s.laplace != nullptr && s.yukawa != nullptr) return point_sums_of<true, true>(s, ranges, count, t, begin, end);
  if (s.laplace != nullptr) return point_sums_of<true, false>(s, ranges, count, t, begin, end);
  if (s.yukawa != nullptr) point_sums_of<false, true>(s, ranges, count, t, begin, end);
}

/// Twelve chains of fused multiply-adds, which hide each other's latency; what they come to, so that none is left out.
static double multiply_adds(int64_t rounds) {
  Double8 sums[12];
  for (int k = 0; k < 12; k++) sums[k] = broadcast(k);
  const Double8 factor = broadcast(0.999999), more = broadcast(1e-6);
  for (int64_t round = 0; round < rounds; round++)
    for (int k = 0; k < 12; k++) sums[k] = sums[k] * factor + more;
  double all = 0;
  for (int k = 0; k < 12; k++) all += sums[k][0];
  return all;
}
