// Handlers of factorisations and solves. LAPACK counts columns first, so what it sees is the transpose of a row-major
// matrix; wherever that can be had by swapping roles (upper for lower, LQ for QR, U for V), nothing is moved.
#include <cmath>
#include <type_traits>

#include "Frame.h"
#include "Lanes.h"
#include "Lapack.h"

namespace pinion {
namespace {

template <class T>
T conjugate(T x) {
  if constexpr (is_complex<T>) {
    return std::conj(x);
  } else {
    return x;
  }
}

template <class T>
Real<T> size_of(T x) {
  if constexpr (is_complex<T>) {
    return std::abs(x.real()) + std::abs(x.imag());
  } else {
    return std::abs(x);
  }
}

template <class T>
void fill_nan(T *x, int64_t count) {
  std::fill(x, x + count, T(std::numeric_limits<Real<T>>::quiet_NaN()));
}

template <class T>
bool is_finite(const T *x, int64_t count) {
  for (int64_t i = 0; i < count; i++)
    if (!std::isfinite(size_of(x[i]))) return false;
  return true;
}

template <class T>
void identity(T *x, int64_t n) {
  std::fill(x, x + n * n, T(0));
  for (int64_t i = 0; i < n; i++) x[i * n + i] = T(1);
}

/// Calls `body(begin, end)` on a batch: few large matrices get BLAS's threads each, many small ones a thread of ours.
template <class Body>
void for_matrices(int64_t count, double operations_each, Body body, int64_t grain = 1) {
  const bool large = operations_each > 1e7;
  use_threads(large);
  if (large) {
    if (count > 0) body(int64_t(0), count);
  } else {
    for_ranges(count, operations_each, grain, body);
  }
}

double cube(int64_t n) { return double(n) * double(n) * double(n); }

/// The Hermitian part of a, by columns.
template <class T>
void symmetrize(const T *a, T *s, int64_t n) {
  const Real<T> half = Real<T>(0.5);
  constexpr int64_t block = 32;
  for (int64_t i0 = 0; i0 < n; i0 += block)
    for (int64_t j0 = 0; j0 <= i0; j0 += block)
      for (int64_t i = i0; i < std::min(i0 + block, n); i++)
        for (int64_t j = j0; j < std::min(j0 + block, i + 1); j++) {
          const T x = half * (a[i * n + j] + conjugate(a[j * n + i]));
          s[j * n + i] = x;
          s[i * n + j] = conjugate(x);
        }
}

/// y[j, i] = x[i, j].
template <class T>
void transpose(const T *x, T *y, int64_t rows, int64_t columns) {
  constexpr int64_t block = 16;
  for (int64_t i0 = 0; i0 < rows; i0 += block)
    for (int64_t j0 = 0; j0 < columns; j0 += block)
      for (int64_t i = i0; i < std::min(i0 + block, rows); i++)
        for (int64_t j = j0; j < std::min(j0 + block, columns); j++) y[j * rows + i] = x[i * columns + j];
}

/// op(a) x = b (or x op(a) = b) in place of b, all row-major; k is b's other size.
template <class T>
void solve_triangle(bool left, bool lower, bool transposed, bool unit, int64_t n, int64_t k, const T *a, T *b) {
  const Int order = Int(n), other = Int(k);
  const T one = T(1);
  const Int rows = left ? other : order, columns = left ? order : other;
  lapack<T>().trsm(left ? "R" : "L", lower ? "U" : "L", transposed ? "T" : "N", unit ? "U" : "N", &rows, &columns, &one,
                   a, &order, b, &rows, 1, 1, 1, 1);
}

template <class T>
void cholesky(const Stack &a, const Stack &l) {
  const int64_t n = a.rows;
  if constexpr (!is_complex<T>) {
    if (n <= lane_limit && a.count >= lane_count<T> / 2) {
      return for_ranges(a.count, cube(n) + 100, lane_count<T>, [&](int64_t begin, int64_t end) {
        cholesky_lanes(a.at<T>(0), l.at<T>(0), int(n), begin, end);
      });
    }
  }
  for_matrices(a.count, cube(n) / 3 + 500, [&](int64_t begin, int64_t end) {
    const Int order = Int(n);
    for (int64_t i = begin; i < end; i++) {
      T *out = l.at<T>(i);
      // By rows this is the transpose, whose upper factor is the transpose of the lower one.
      symmetrize(a.at<T>(i), out, n);
      if constexpr (is_complex<T>) {
        for (int64_t j = 0; j < n * n; j++) out[j] = std::conj(out[j]);
      }
      Int info = 0;
      lapack<T>().potrf("U", &order, out, &order, &info, 1);
      if (info != 0) {
        fill_nan(out, n * n);
      } else {
        for (int64_t r = 0; r < n; r++) std::fill(out + r * n + r + 1, out + (r + 1) * n, T(0));
      }
    }
  });
}

template <class T>
void triangular_solve(const Stack &a, const Stack &b, const Stack &x, bool left, bool lower, bool transposed, bool unit)
{
  const int64_t n = a.rows, k = left ? b.columns : b.rows;
  if constexpr (!is_complex<T>) {
    if (n <= lane_limit && k <= lane_limit && a.count >= lane_count<T> / 2) {
      // From the right, the transposed equation.
      const bool flipped = transposed == left;
      TriangleShape s;
      s.n = int(n), s.k = int(k), s.unit = unit;
      s.lower = lower != flipped;
      s.a_row = flipped ? 1 : int(n), s.a_column = flipped ? int(n) : 1;
      s.b_row = left ? int(k) : 1, s.b_column = left ? 1 : int(n);
      return for_ranges(a.count, double(n) * n * k + 2 * n * (n + k), lane_count<T>, [&](int64_t begin, int64_t end) {
        triangle_lanes(a.at<T>(0), b.at<T>(0), x.at<T>(0), s, begin, end);
      });
    }
  }
  for_matrices(a.count, double(n) * n * k + 500, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      std::copy(b.at<T>(i), b.at<T>(i) + b.size(), x.at<T>(i));
      if (n > 0 && k > 0) solve_triangle(left, lower, transposed, unit, n, k, a.at<T>(i), x.at<T>(i));
    }
  });
}

/// Elimination with row exchanges in place, row-major, for matrices on which a call of LAPACK is most of the time.
///
/// Returns the sign of the permutation.
template <class T>
int32_t small_lu(T *a, int32_t *p, int64_t m, int64_t n) {
  int32_t sign = 1;
  for (int64_t j = 0; j < std::min(m, n); j++) {
    int64_t best = j;
    for (int64_t i = j + 1; i < m; i++)
      if (size_of(a[i * n + j]) > size_of(a[best * n + j])) best = i;
    if (best != j) {
      std::swap_ranges(a + j * n, a + (j + 1) * n, a + best * n);
      std::swap(p[j], p[best]);
      sign = -sign;
    }
    if (a[j * n + j] == T(0)) continue;
    const T inverse = T(1) / a[j * n + j];
    for (int64_t i = j + 1; i < m; i++) {
      const T factor = a[i * n + j] *= inverse;
      for (int64_t c = j + 1; c < n; c++) a[i * n + c] -= factor * a[j * n + c];
    }
  }
  return sign;
}

template <class T>
void lu(const Stack &a, const Stack &out, const Stack &order, const Stack &signs) {
  const int64_t m = a.rows, n = a.columns, k = std::min(m, n);
  for_matrices(a.count, double(m) * n * k + 200, [&](int64_t begin, int64_t end) {
    const bool small = m <= 24 && n <= 24;
    std::vector<T> columns(small ? 0 : a.size());
    std::vector<Int> pivots(k);
    const Int rows = Int(m), width = Int(n);
    for (int64_t i = begin; i < end; i++) {
      int32_t *p = order.at<int32_t>(i);
      for (int64_t j = 0; j < m; j++) p[j] = int32_t(j);
      T *to = out.at<T>(i);
      if (small) {
        std::copy(a.at<T>(i), a.at<T>(i) + a.size(), to);
        *signs.at<int32_t>(i) = small_lu(to, p, m, n);
        continue;
      }
      int32_t &sign = *signs.at<int32_t>(i) = 1;
      if (k == 0) continue;
      transpose(a.at<T>(i), columns.data(), m, n);
      Int info = 0;
      lapack<T>().getrf(&rows, &width, columns.data(), &rows, pivots.data(), &info);
      transpose(columns.data(), to, n, m);
      for (int64_t j = 0; j < k; j++) {
        if (pivots[j] - 1 == j) continue;
        std::swap(p[j], p[pivots[j] - 1]);
        sign = -sign;
      }
    }
  });
}

template <class T>
void lu_solve(const Stack &lu, const Stack &order, const Stack &b, const Stack &x, bool transposed) {
  const int64_t n = lu.rows, k = b.columns;
  if (n == 0 || k == 0) return;
  for_matrices(lu.count, 2 * double(n) * n * k + 200, [&](int64_t begin, int64_t end) {
    std::vector<T> room(transposed ? n * k : 0);
    for (int64_t i = begin; i < end; i++) {
      const T *a = lu.at<T>(i), *right = b.at<T>(i);
      const int32_t *p = order.at<int32_t>(i);
      T *to = transposed ? room.data() : x.at<T>(i);
      for (int64_t r = 0; r < n; r++) std::copy_n(right + (transposed ? r : p[r]) * k, k, to + r * k);
      if (n > 24) {
        solve_triangle(true, !transposed, transposed, !transposed, n, k, a, to);
        solve_triangle(true, transposed, transposed, transposed, n, k, a, to);
      } else {
        // One row at a time, whose multiples leave the others.
        auto substitute = [&](bool forward, bool unit) {
          for (int64_t step = 0; step < n; step++) {
            const int64_t j = forward ? step : n - 1 - step;
            if (!unit)
              for (int64_t c = 0; c < k; c++) to[j * k + c] /= a[j * n + j];
            for (int64_t r = forward ? j + 1 : 0; r < (forward ? n : j); r++) {
              const T factor = transposed ? a[j * n + r] : a[r * n + j];
              for (int64_t c = 0; c < k; c++) to[r * k + c] -= factor * to[j * k + c];
            }
          }
        };
        substitute(true, !transposed);
        substitute(false, transposed);
      }
      if (transposed)
        for (int64_t r = 0; r < n; r++) std::copy_n(to + r * k, k, x.at<T>(i) + p[r] * k);
    }
  });
}

void check(Int info) {
  if (info < 0) throw Failure{"LAPACK refuses argument " + std::to_string(-info)};
}

template <class T>
Int length(T x) {
  return std::max<Int>(1, Int(std::real(x)));
}

template <class T>
void qr(const Stack &a, const Stack &q, const Stack &r) {
  const int64_t m = a.rows, n = a.columns, k = std::min(m, n), width = q.columns;
  for_matrices(a.count, 4 * double(m) * n * k + 2000, [&](int64_t begin, int64_t end) {
    const Int rows = Int(n), columns = Int(m), rank = Int(k), wide = Int(width), ask = -1;
    std::vector<T> factor(a.size()), tau(k), work(1);
    Int info = 0, lwork = 1;
    if (k > 0) {
      T first, second;
      lapack<T>().gelqf(&rows, &columns, factor.data(), &rows, tau.data(), &first, &ask, &info);
      check(info);
      lapack<T>().orglq(&wide, &columns, &rank, q.at<T>(0), &wide, tau.data(), &second, &ask, &info);
      check(info);
      lwork = std::max(length(first), length(second));
      work.resize(lwork);
    }
    for (int64_t i = begin; i < end; i++) {
      T *to = q.at<T>(i), *upper = r.at<T>(i);
      if (k == 0) {
        if (width == m) identity(to, m);
        std::fill(upper, upper + r.size(), T(0));
        continue;
      }
      std::copy(a.at<T>(i), a.at<T>(i) + a.size(), factor.data());
      // a = Q R by rows is aᵀ = Rᵀ Qᵀ by columns.
      lapack<T>().gelqf(&rows, &columns, factor.data(), &rows, tau.data(), work.data(), &lwork, &info);
      std::fill(upper, upper + r.size(), T(0));
      for (int64_t j = 0; j < k; j++) std::copy_n(factor.data() + j * n + j, n - j, upper + j * n + j);
      for (int64_t j = 0; j < m; j++) {
        std::copy_n(factor.data() + j * n, k, to + j * width);
        std::fill(to + j * width + k, to + (j + 1) * width, T(0));
      }
      lapack<T>().orglq(&wide, &columns, &rank, to, &wide, tau.data(), work.data(), &lwork, &info);
    }
  });
}

template <class T>
void eigh(const Stack &a, const Stack &values, const Stack *vectors) {
  const int64_t n = a.rows;
  if (n == 0) return;
  for_matrices(a.count, (vectors ? 10 : 2) * cube(n) + 2000, [&](int64_t begin, int64_t end) {
    const char *job = vectors ? "V" : "N";
    std::vector<T> matrix(a.size()), work(1);
    std::vector<Real<T>> rwork(1);
    std::vector<Int> iwork(1);
    Int info = 0;
    lapack<T>().eigen(job, Int(n), matrix.data(), values.at<Real<T>>(0), work.data(), -1, rwork.data(), -1,
                      iwork.data(), -1, &info);
    check(info);
    work.resize(length(work[0]));
    rwork.resize(length(rwork[0]));
    iwork.resize(std::max<Int>(1, iwork[0]));
    for (int64_t i = begin; i < end; i++) {
      Real<T> *w = values.at<Real<T>>(i);
      symmetrize(a.at<T>(i), matrix.data(), n);
      info = 1;
      if (is_finite(matrix.data(), a.size()))
        lapack<T>().eigen(job, Int(n), matrix.data(), w, work.data(), Int(work.size()), rwork.data(), Int(rwork.size()),
                          iwork.data(), Int(iwork.size()), &info);
      if (info != 0) {
        fill_nan(w, n);
        if (vectors) fill_nan(vectors->at<T>(i), a.size());
      } else if (vectors) {
        transpose(matrix.data(), vectors->at<T>(i), n, n);
      }
    }
  });
}

template <class T>
void svd(const Stack &a, const Stack &values, const Stack *u, const Stack *vh) {
  const int64_t m = a.rows, n = a.columns, k = std::min(m, n), mx = std::max(m, n);
  if (k == 0) {
    for (int64_t i = 0; u && i < a.count; i++) {
      if (u->columns == m) identity(u->at<T>(i), m);
      if (vh->rows == n) identity(vh->at<T>(i), n);
    }
    return;
  }
  const char *job = !u ? "N" : u->columns == m && vh->rows == n ? "A" : "S";
  for_matrices(a.count, 20 * double(mx) * k * k + 5000, [&](int64_t begin, int64_t end) {
    std::vector<T> matrix(a.size()), work(1);
    std::vector<Real<T>> rwork(is_complex<T> ? (u ? 5 * k * k + std::max(5 * k, 2 * mx * k + 2 * k * k + k) : 7 * k) : 0);
    std::vector<Int> iwork(8 * k);
    T none;
    const Int ldu = Int(n), ldvt = u ? Int(u->columns) : 1;
    Int info = 0;
    // a = U S Vᴴ by rows is aᵀ = (Vᴴ)ᵀ S Uᵀ by columns: the two change places.
    auto call = [&](int64_t i, Int lwork) {
      lapack<T>().singular(job, Int(n), Int(m), matrix.data(), values.at<Real<T>>(i), u ? vh->at<T>(i) : &none, ldu,
                           u ? u->at<T>(i) : &none, ldvt, work.data(), lwork, rwork.data(), iwork.data(), &info);
    };
    call(begin, -1);
    check(info);
    work.resize(length(work[0]));
    for (int64_t i = begin; i < end; i++) {
      std::copy(a.at<T>(i), a.at<T>(i) + a.size(), matrix.data());
      info = 1;
      if (is_finite(matrix.data(), a.size())) call(i, Int(work.size()));
      if (info == 0) continue;
      fill_nan(values.at<Real<T>>(i), k);
      if (u) fill_nan(u->at<T>(i), u->size()), fill_nan(vh->at<T>(i), vh->size());
    }
  });
}

}  // namespace
}  // namespace pinion

using namespace pinion;

/// The element type of a null pointer.
#define TYPE(pointer) typename std::remove_pointer<decltype(pointer)>::type

ffi_error *kernels_cholesky(ffi_call_frame *frame) {
  return handle(frame, [&] {
    const Stack a = operand(frame, 0), l = result(frame, 0);
    with_type(a.dtype, [&](auto *type) { cholesky<TYPE(type)>(a, l); });
  });
}

ffi_error *kernels_triangular_solve(ffi_call_frame *frame) {
  return handle(frame, [&] {
    const Stack a = operand(frame, 0), b = operand(frame, 1), x = result(frame, 0);
    const bool left = flag(frame, "left"), lower = flag(frame, "lower"), transposed = flag(frame, "transpose");
    const bool unit = flag(frame, "unit");
    with_type(a.dtype, [&](auto *type) { triangular_solve<TYPE(type)>(a, b, x, left, lower, transposed, unit); });
  });
}

ffi_error *kernels_lu(ffi_call_frame *frame) {
  return handle(frame, [&] {
    const Stack a = operand(frame, 0), out = result(frame, 0), order = result(frame, 1, 1), signs = result(frame, 2, 0);
    with_type(a.dtype, [&](auto *type) { lu<TYPE(type)>(a, out, order, signs); });
  });
}

ffi_error *kernels_lu_solve(ffi_call_frame *frame) {
  return handle(frame, [&] {
    const Stack a = operand(frame, 0), order = operand(frame, 1, 1), b = operand(frame, 2), x = result(frame, 0);
    const bool transposed = flag(frame, "transpose");
    with_type(a.dtype, [&](auto *type) { lu_solve<TYPE(type)>(a, order, b, x, transposed); });
  });
}

ffi_error *kernels_qr(ffi_call_frame *frame) {
  return handle(frame, [&] {
    const Stack a = operand(frame, 0), q = result(frame, 0), r = result(frame, 1);
    with_type(a.dtype, [&](auto *type) { qr<TYPE(type)>(a, q, r); });
  });
}

ffi_error *kernels_eigh(ffi_call_frame *frame) {
  return handle(frame, [&] {
    const Stack a = operand(frame, 0), values = result(frame, 0, 1);
    with_type(a.dtype, [&](auto *type) {
      if (frame->rets.size == 1) return eigh<TYPE(type)>(a, values, nullptr);
      const Stack vectors = result(frame, 1);
      eigh<TYPE(type)>(a, values, &vectors);
    });
  });
}

ffi_error *kernels_svd(ffi_call_frame *frame) {
  return handle(frame, [&] {
    const Stack a = operand(frame, 0), values = result(frame, 0, 1);
    with_type(a.dtype, [&](auto *type) {
      if (frame->rets.size == 1) return svd<TYPE(type)>(a, values, nullptr, nullptr);
      const Stack u = result(frame, 1), vh = result(frame, 2);
      svd<TYPE(type)>(a, values, &u, &vh);
    });
  });
}
