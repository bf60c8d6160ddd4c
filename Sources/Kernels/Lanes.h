// Cholesky factors and triangular solves of many small real matrices at a time: one matrix a SIMD lane.
//
// A call of LAPACK costs more than a factor of an 8x8 matrix; here the lanes share all control.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#if defined(__x86_64__)
#define PINION_AVX2 __attribute__((target("avx2,fma")))
#endif
#define PINION_INLINE inline __attribute__((always_inline))

namespace pinion {

/// The largest matrix that goes through lanes.
constexpr int64_t lane_limit = 32;
template <class T>
constexpr int lane_count = 64 / sizeof(T);

inline bool has_avx2() {
#if defined(__x86_64__)
  static const bool answer = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  return answer;
#else
  return false;
#endif
}

/// Lower factors of `lanes` matrices of (a + aᵀ)/2; `m` is room for n * n * W elements.
template <class T>
PINION_INLINE void cholesky_lanes_body(const T *a, T *l, T *m, int n, int lanes) {
  constexpr int W = lane_count<T>;
  const int size = n * n;
  for (int w = 0; w < W; w++) {
    const T *source = a + (w < lanes ? w : lanes - 1) * size;
    for (int i = 0; i < n; i++)
      for (int j = 0; j <= i; j++) m[(i * n + j) * W + w] = T(0.5) * (source[i * n + j] + source[j * n + i]);
  }
  T broken[W] = {};
  for (int j = 0; j < n; j++) {
    T diagonal[W];
    for (int w = 0; w < W; w++) diagonal[w] = m[(j * n + j) * W + w];
    for (int k = 0; k < j; k++) {
      const T *row = m + (j * n + k) * W;
      for (int w = 0; w < W; w++) diagonal[w] -= row[w] * row[w];
    }
    for (int w = 0; w < W; w++) {
      broken[w] += diagonal[w] > 0 ? T(0) : T(1);
      m[(j * n + j) * W + w] = std::sqrt(diagonal[w]);
      diagonal[w] = 1 / m[(j * n + j) * W + w];
    }
    for (int i = j + 1; i < n; i++) {
      T sum[W];
      for (int w = 0; w < W; w++) sum[w] = m[(i * n + j) * W + w];
      for (int k = 0; k < j; k++) {
        const T *left = m + (i * n + k) * W, *right = m + (j * n + k) * W;
        for (int w = 0; w < W; w++) sum[w] -= left[w] * right[w];
      }
      for (int w = 0; w < W; w++) m[(i * n + j) * W + w] = sum[w] * diagonal[w];
    }
  }
  for (int w = 0; w < lanes; w++) {
    const T none = broken[w] > 0 ? std::numeric_limits<T>::quiet_NaN() : T(0);
    T *target = l + w * size;
    for (int i = 0; i < n; i++) {
      for (int j = 0; j <= i; j++) target[i * n + j] = m[(i * n + j) * W + w] + none;
      for (int j = i + 1; j < n; j++) target[i * n + j] = none;
    }
  }
}

/// What a triangular solve shall do, as row-major strides: op(a)[i, j] = a[i * a_row + j * a_column], lower or upper.
struct TriangleShape {
  int n, k;
  int a_row, a_column, b_row, b_column;
  bool lower, unit;
};

/// x of op(a) x = b for `lanes` matrices; `m` is room for (n * n + n * k) * W elements.
template <class T>
PINION_INLINE void triangle_lanes_body(const T *a, const T *b, T *x, T *m, const TriangleShape &s, int lanes) {
  constexpr int W = lane_count<T>;
  const int n = s.n, k = s.k;
  T *r = m + n * n * W;
  for (int w = 0; w < W; w++) {
    const int lane = w < lanes ? w : lanes - 1;
    const T *from = a + lane * n * n, *right = b + lane * n * k;
    for (int i = 0; i < n; i++) {
      for (int j = s.lower ? 0 : i; j < (s.lower ? i + 1 : n); j++)
        m[(i * n + j) * W + w] = from[i * s.a_row + j * s.a_column];
      for (int c = 0; c < k; c++) r[(i * k + c) * W + w] = right[i * s.b_row + c * s.b_column];
    }
  }
  for (int step = 0; step < n; step++) {
    const int i = s.lower ? step : n - 1 - step;
    T inverse[W];
    for (int w = 0; w < W; w++) inverse[w] = s.unit ? T(1) : 1 / m[(i * n + i) * W + w];
    for (int c = 0; c < k; c++) {
      T sum[W];
      for (int w = 0; w < W; w++) sum[w] = r[(i * k + c) * W + w];
      for (int j = s.lower ? 0 : i + 1; j < (s.lower ? i : n); j++) {
        const T *left = m + (i * n + j) * W, *known = r + (j * k + c) * W;
        for (int w = 0; w < W; w++) sum[w] -= left[w] * known[w];
      }
      for (int w = 0; w < W; w++) r[(i * k + c) * W + w] = sum[w] * inverse[w];
    }
  }
  for (int w = 0; w < lanes; w++)
    for (int i = 0; i < n; i++)
      for (int c = 0; c < k; c++) x[w * n * k + i * s.b_row + c * s.b_column] = r[(i * k + c) * W + w];
}

template <class T>
void cholesky_lanes_plain(const T *a, T *l, T *m, int n, int lanes) {
  cholesky_lanes_body(a, l, m, n, lanes);
}
template <class T>
void triangle_lanes_plain(const T *a, const T *b, T *x, T *m, const TriangleShape &s, int lanes) {
  triangle_lanes_body(a, b, x, m, s, lanes);
}
#if defined(__x86_64__)
template <class T>
PINION_AVX2 void cholesky_lanes_avx2(const T *a, T *l, T *m, int n, int lanes) {
  cholesky_lanes_body(a, l, m, n, lanes);
}
template <class T>
PINION_AVX2 void triangle_lanes_avx2(const T *a, const T *b, T *x, T *m, const TriangleShape &s, int lanes) {
  triangle_lanes_body(a, b, x, m, s, lanes);
}
#endif

/// Factors of matrices begin..<end of a stack of n x n.
template <class T>
void cholesky_lanes(const T *a, T *l, int n, int64_t begin, int64_t end) {
  std::vector<T> room(static_cast<size_t>(n) * n * lane_count<T>);
  for (int64_t i = begin; i < end; i += lane_count<T>) {
    const int lanes = static_cast<int>(std::min<int64_t>(lane_count<T>, end - i));
    const int64_t offset = i * n * n;
#if defined(__x86_64__)
    if (has_avx2()) {
      cholesky_lanes_avx2(a + offset, l + offset, room.data(), n, lanes);
      continue;
    }
#endif
    cholesky_lanes_plain(a + offset, l + offset, room.data(), n, lanes);
  }
}

/// Solves with matrices begin..<end of a stack.
template <class T>
void triangle_lanes(const T *a, const T *b, T *x, const TriangleShape &s, int64_t begin, int64_t end) {
  std::vector<T> room(static_cast<size_t>(s.n) * (s.n + s.k) * lane_count<T>);
  for (int64_t i = begin; i < end; i += lane_count<T>) {
    const int lanes = static_cast<int>(std::min<int64_t>(lane_count<T>, end - i));
    const T *left = a + i * s.n * s.n, *right = b + i * s.n * s.k;
    T *to = x + i * s.n * s.k;
#if defined(__x86_64__)
    if (has_avx2()) {
      triangle_lanes_avx2(left, right, to, room.data(), s, lanes);
      continue;
    }
#endif
    triangle_lanes_plain(left, right, to, room.data(), s, lanes);
  }
}

}  // namespace pinion
