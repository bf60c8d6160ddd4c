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

/// exp(v) for v <= 0, with 1e-13 relative; that of -700 below.
PINION_V Double8 exponential(Double8 v) {
  const double shift = 6755399441055744.0;  // 1.5 * 2^52: adding it rounds to an integer in the low bits.
  const Double8 clipped = __builtin_elementwise_max(v, broadcast(-700));
#if PINION_BITS == 512
  // 2^(j/8), j the lowest three bits, by a permutation; what is left is at most ln(2)/16.
  const Double8 powers = {1.0, 1.0905077326652577, 1.1892071150027210, 1.2968395546510096,
                          1.4142135623730951, 1.5422108254079408, 1.6817928305074290, 1.8340080864093424};
  const Double8 rounded = clipped * 11.541560327111707 + shift;
  const Double8 f = clipped - (rounded - shift) * 0.086643397569993164;
  const Double8 power = (Double8)_mm512_permutexvar_pd((__m512i)rounded, (__m512d)powers);
  const Double8 rest = f * (1 + f * (0.5 + f * (1.0 / 6 + f * (1.0 / 24 + f * (1.0 / 120 + f * (1.0 / 720))))));
  const Double8 value = power + power * rest;
  return (Double8)((Int8)value + (((Int8)rounded & ~7) << 49));
#else
  const Double8 rounded = clipped * 1.4426950408889634 + shift;
  const Double8 k = rounded - shift;
  const Double8 f = (clipped - k * 0.693147180369123816490) - k * 1.90821492927058770002e-10;
  const Double8 f2 = f * f, f4 = f2 * f2;
  // Taylor's polynomial on |f| <= ln(2)/2, by Estrin's scheme.
  const Double8 a = 1 + f, b = 0.5 + f * (1.0 / 6), c = 1.0 / 24 + f * (1.0 / 120), d = 1.0 / 720 + f * (1.0 / 5040);
  const Double8 e = 1.0 / 40320 + f * (1.0 / 362880), g = 1.0 / 3628800 + f * (1.0 / 39916800);
  const Double8 h = 1.0 / 479001600 + f * (1.0 / 6227020800.0);
  const Double8 value = (a + f2 * b) + f4 * ((c + f2 * d) + f4 * ((e + f2 * g) + f4 * h));
  return (Double8)((Int8)value + ((Int8)rounded << 52));
#endif
}
