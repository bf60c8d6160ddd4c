// Products of fast multipole translations, eight boxes in the lanes; included once for each instruction set.

/// A block of rows times a block of groups, sums in registers.
template <int R, int W>
PINION_V void multiply_block(const double *a, int64_t row_step, int64_t column_step, int64_t inner, const double *x,
                             int64_t x_step, double *y, int64_t y_step, bool adds, double scale) {
  Double8 sums[R][W] = {};
  for (int64_t j = 0; j < inner; j++) {
    for (int w = 0; w < W; w++) {
      const Double8 value = load(x + w * x_step + 8 * j);
      for (int r = 0; r < R; r++) sums[r][w] += a[r * row_step + j * column_step] * value;
    }
  }
  for (int r = 0; r < R; r++)
    for (int w = 0; w < W; w++) {
      double *to = y + w * y_step + 8 * r;
      store(to, adds ? load(to) + scale * sums[r][w] : scale * sums[r][w]);
    }
}

template <int W>
static void multiply_groups(const double *a, int64_t rows, int64_t inner, int64_t row_step, int64_t column_step,
                            bool adds, double scale, const double *x, double *y) {
  int64_t i = 0;
  for (; i + 8 <= rows; i += 8)
    multiply_block<8, W>(a + i * row_step, row_step, column_step, inner, x, inner * 8, y + 8 * i, rows * 8, adds, scale);
  for (; i < rows; i++)
    multiply_block<1, W>(a + i * row_step, row_step, column_step, inner, x, inner * 8, y + 8 * i, rows * 8, adds, scale);
}

static void lanes_multiply(const double *a, int64_t n, int64_t k, bool transposes, bool adds, double scale,
                           const double *x, double *y, int64_t groups) {
  const int64_t rows = transposes ? k : n, inner = transposes ? n : k;
  const int64_t row_step = transposes ? 1 : k, column_step = transposes ? k : 1;
  int64_t g = 0;
  for (; g + 3 <= groups; g += 3)
    multiply_groups<3>(a, rows, inner, row_step, column_step, adds, scale, x + g * inner * 8, y + g * rows * 8);
  for (; g < groups; g++)
    multiply_groups<1>(a, rows, inner, row_step, column_step, adds, scale, x + g * inner * 8, y + g * rows * 8);
}

/// to[k] = sum over j of from[j] exp(sign 2 pi i j k / n), complex, on lines `step` vectors apart. K of them at a time.
template <int K>
PINION_V void some_of_line(const Waves &waves, double sign, const Double8 *re, const Double8 *im, int64_t count,
                           int64_t step, Double8 *to_re, Double8 *to_im, int64_t to_step, int64_t k) {
  Double8 a[K] = {}, b[K] = {};
  const double *cosine = &waves.cosine[k * waves.n], *sine = &waves.sine[k * waves.n];
  for (int64_t j = 0; j < count; j++) {
    const Double8 r = re[j * step], i = im[j * step];
    for (int m = 0; m < K; m++) {
      const double c = cosine[m * waves.n + j], s = sign * sine[m * waves.n + j];
      a[m] += c * r, a[m] -= s * i, b[m] += s * r, b[m] += c * i;
    }
  }
  for (int m = 0; m < K; m++) to_re[(k + m) * to_step] = a[m], to_im[(k + m) * to_step] = b[m];
}

static void line(const Waves &waves, double sign, const Double8 *re, const Double8 *im, int64_t count, int64_t step,
                 Double8 *to_re, Double8 *to_im, int64_t to_count, int64_t to_step) {
  int64_t k = 0;
  for (; k + 8 <= to_count; k += 8) some_of_line<8>(waves, sign, re, im, count, step, to_re, to_im, to_step, k);
  for (; k + 4 <= to_count; k += 4) some_of_line<4>(waves, sign, re, im, count, step, to_re, to_im, to_step, k);
  for (; k < to_count; k++) some_of_line<1>(waves, sign, re, im, count, step, to_re, to_im, to_step, k);
}

/// The pruned transform: m points an edge are not zero (p, or all 2p). room: three complex grids.
static void forward(int64_t p, int64_t m, const Double8 *cube, Double8 *room, Double8 **re, Double8 **im) {
  const Waves &waves = waves_of(p);
  const int64_t n = 2 * p, h = p + 1, size = n * n * h;
  Double8 *r1 = room, *i1 = r1 + size, *r2 = i1 + size, *i2 = r2 + size;
  for (int64_t line = 0; line < m * m; line++)
    for (int64_t k = 0; k < h; k++) {
      Double8 a = {}, b = {};
      const double *cosine = &waves.cosine[k * n], *sine = &waves.sine[k * n];
      for (int64_t j = 0; j < m; j++) a += cosine[j] * cube[line * m + j], b -= sine[j] * cube[line * m + j];
      r1[line * h + k] = a, i1[line * h + k] = b;
    }
  for (int64_t x = 0; x < m; x++)
    for (int64_t z = 0; z < h; z++)
      line(waves, -1, r1 + x * m * h + z, i1 + x * m * h + z, m, h, r2 + x * n * h + z, i2 + x * n * h + z, n, h);
  for (int64_t yz = 0; yz < n * h; yz++) line(waves, -1, r2 + yz, i2 + yz, m, n * h, r1 + yz, i1 + yz, n, n * h);
  *re = r1, *im = i1;
}

static void surface_spectra(int64_t p, const int32_t *places, int64_t points, const double *values,
                            const int64_t *boxes, int64_t stride, double *out, double *room) {
  Double8 *cube = reinterpret_cast<Double8 *>(room), *re, *im;
  std::memset(cube, 0, size_t(p * p * p) * sizeof(Double8));
  for (int64_t i = 0; i < points; i++) cube[places[i]] = load(values + 8 * i);
  forward(p, p, cube, cube + p * p * p, &re, &im);
  const int64_t size = 4 * p * p * (p + 1);
  for (int w = 0; w < 8; w++) {
    if (boxes[w] < 0) continue;
    double *to = out + boxes[w] * stride;
    const double *r = reinterpret_cast<const double *>(re) + w, *i = reinterpret_cast<const double *>(im) + w;
    for (int64_t f = 0; f < size; f += 8) {
      const int64_t some = size - f < 8 ? size - f : 8;
      for (int64_t k = 0; k < some; k++) to[2 * f + k] = r[8 * (f + k)], to[2 * f + 8 + k] = i[8 * (f + k)];
      for (int64_t k = some; k < 8; k++) to[2 * f + k] = to[2 * f + 8 + k] = 0;
    }
  }
}

static void surface_values(int64_t p, const int32_t *places, int64_t points, const double *const *spectra,
                           double scale, double *values, double *room) {
  const Waves &waves = waves_of(p);
  const int64_t n = 2 * p, h = p + 1, size = n * n * h;
  Double8 *r1 = reinterpret_cast<Double8 *>(room), *i1 = r1 + size, *r2 = i1 + size, *i2 = r2 + size;
  for (int w = 0; w < 8; w++) {
    double *r = reinterpret_cast<double *>(r1) + w, *i = reinterpret_cast<double *>(i1) + w;
    const double *from = spectra[w];
    for (int64_t f = 0; f < size; f += 8)
      for (int64_t k = 0; k < 8 && f + k < size; k++) {
        r[8 * (f + k)] = from ? from[2 * f + k] : 0;
        i[8 * (f + k)] = from ? from[2 * f + 8 + k] : 0;
      }
  }
  for (int64_t yz = 0; yz < n * h; yz++) line(waves, 1, r1 + yz, i1 + yz, n, n * h, r2 + yz, i2 + yz, p, n * h);
  for (int64_t x = 0; x < p; x++)
    for (int64_t z = 0; z < h; z++)
      line(waves, 1, r2 + x * n * h + z, i2 + x * n * h + z, n, h, r1 + x * p * h + z, i1 + x * p * h + z, p, h);
  const double unit = scale / double(n * n * n);
  for (int64_t i = 0; i < points; i++) {
    const int64_t row = places[i] / p, z = places[i] % p;
    const Double8 *r = r1 + row * h, *s = i1 + row * h;
    // Frequencies and their mirror images; the first and last have none.
    Double8 sum = r[0] + (z % 2 == 0 ? r[p] : -r[p]);
    for (int64_t k = 1; k < p; k++) sum += 2 * (waves.cosine[z * n + k] * r[k] - waves.sine[z * n + k] * s[k]);
    store(values + 8 * i, load(values + 8 * i) + unit * sum);
  }
}

static void grid_spectrum(int64_t p, const double *grid, double *out) {
  const int64_t n = 2 * p, size = n * n * (p + 1);
  void *room = nullptr;
  if (posix_memalign(&room, 64, size_t(n * n * n + 4 * size) * sizeof(Double8)) != 0) return;
  Double8 *cube = static_cast<Double8 *>(room), *re, *im;
  for (int64_t i = 0; i < n * n * n; i++) cube[i] = broadcast(grid[i]);
  forward(p, n, cube, cube + n * n * n, &re, &im);
  for (int64_t f = 0; f < size; f += 8)
    for (int64_t k = 0; k < 8; k++) {
      out[2 * f + k] = f + k < size ? re[f + k][0] : 0;
      out[2 * f + 8 + k] = f + k < size ? im[f + k][0] : 0;
    }
  free(room);
}

/// Targets come in runs of the same number.
static void spectrum_products(const int32_t *triples, int64_t count, int64_t stride, const double *from,
                              const double *kernels, double *to) {
  constexpr int B = 4;  // blocks of eight frequencies whose sums stay in registers
  const int64_t blocks = stride / 16;
  // Slices of 64 frequencies: the kernels of all offsets then fit into the second cache.
  for (int64_t first = 0; first < blocks; first += 8) {
    const int64_t last = first + 8 < blocks ? first + 8 : blocks;
    for (int64_t begin = 0; begin < count;) {
      int64_t end = begin + 1;
      while (end < count && triples[3 * end] == triples[3 * begin]) end++;
      for (int64_t block = first; block < last; block += B) {
        const int some = int(last - block < B ? last - block : B);
        double *target = to + int64_t(triples[3 * begin]) * stride + block * 16;
        if (some == B) {
          Double8 re[B], im[B];
          for (int b = 0; b < B; b++) re[b] = load(target + 16 * b), im[b] = load(target + 16 * b + 8);
          for (int64_t t = begin; t < end; t++) {
            const double *s = from + int64_t(triples[3 * t + 1]) * stride + block * 16;
            const double *k = kernels + int64_t(triples[3 * t + 2]) * stride + block * 16;
            for (int b = 0; b < B; b++) {
              const Double8 sr = load(s + 16 * b), si = load(s + 16 * b + 8);
              const Double8 kr = load(k + 16 * b), ki = load(k + 16 * b + 8);
              re[b] += sr * kr, re[b] -= si * ki, im[b] += sr * ki, im[b] += si * kr;
            }
          }
          for (int b = 0; b < B; b++) store(target + 16 * b, re[b]), store(target + 16 * b + 8, im[b]);
        } else {
          for (int b = 0; b < some; b++) {
            Double8 re = load(target + 16 * b), im = load(target + 16 * b + 8);
            for (int64_t t = begin; t < end; t++) {
              const double *s = from + int64_t(triples[3 * t + 1]) * stride + (block + b) * 16;
              const double *k = kernels + int64_t(triples[3 * t + 2]) * stride + (block + b) * 16;
              const Double8 sr = load(s), si = load(s + 8), kr = load(k), ki = load(k + 8);
              re += sr * kr, re -= si * ki, im += sr * ki, im += si * kr;
            }
            store(target + 16 * b, re), store(target + 16 * b + 8, im);
          }
        }
      }
      begin = end;
    }
  }
}
