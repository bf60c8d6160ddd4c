// Eight doubles and the few functions of them that the kernels need; included by VectorSets.h, once for each
// instruction set. A compiler splits them where registers are narrower.

typedef double Double8 __attribute__((vector_size(64)));
typedef int64_t Int8 __attribute__((vector_size(64)));
typedef double Loose8 __attribute__((vector_size(64), aligned(8)));
#define PINION_V static inline __attribute__((always_inline))

PINION_V Double8 load(const double *p) { return *reinterpret_cast<const Loose8 *>(p); }
PINION_V void store(double *p, Double8 v) { *reinterpret_cast<Loose8 *>(p) = v; }
PINION_V Double8 broadcast(double v) { return Double8{v, v, v, v, v, v, v, v}; }

/// 1 / sqrt(v) where v is greater than zero, else 0.
PINION_V Double8 inverse_root(Double8 v) {
#if PINION_BITS == 512
  // An estimate of 14 bits; one step of fourth order leaves rounding.
  const Double8 y = (Double8)_mm512_rsqrt14_pd((__m512d)v);
  const Double8 e = 1 - v * y * y;
  const Double8 better = y + y * e * (0.5 + e * (0.375 + e * 0.3125));
#else
  const Double8 better = 1 / __builtin_elementwise_sqrt(v);
#endif
  return (Double8)((Int8)better & (Int8)(v > 0));
}

/// exp(v) for v <= 0, with 1e-15 relative; 0 below -700.
PINION_V Double8 exponential(Double8 v) {
  const double shift = 6755399441055744.0;  // 1.5 * 2^52: adding it rounds to an integer in the low bits.
  const Int8 seen = (Int8)(v > -700);
  const Double8 clipped = (Double8)((Int8)v & seen);
  const Double8 rounded = clipped * 1.4426950408889634 + shift;
  const Double8 k = rounded - shift;
  const Double8 f = (clipped - k * 0.693147180369123816490) - k * 1.90821492927058770002e-10;
  const Double8 f2 = f * f, f4 = f2 * f2;
  // Taylor's polynomial on |f| <= ln(2)/2, by Estrin's scheme.
  const Double8 a = 1 + f, b = 0.5 + f * (1.0 / 6), c = 1.0 / 24 + f * (1.0 / 120), d = 1.0 / 720 + f * (1.0 / 5040);
  const Double8 e = 1.0 / 40320 + f * (1.0 / 362880), g = 1.0 / 3628800 + f * (1.0 / 39916800);
  const Double8 h = 1.0 / 479001600 + f * (1.0 / 6227020800.0);
  const Double8 value = (a + f2 * b) + f4 * ((c + f2 * d) + f4 * ((e + f2 * g) + f4 * h));
  const Int8 power = (Int8)rounded << 52;
  return (Double8)(((Int8)value + power) & seen);
}
