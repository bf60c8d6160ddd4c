// The functions of LAPACK and BLAS that handlers call, found at run time.
#pragma once

#include <complex>

namespace pinion {

using Int = int;
template <class T>
struct RealOf {
  using type = T;
};
template <class T>
struct RealOf<std::complex<T>> {
  using type = T;
};
template <class T>
using Real = typename RealOf<T>::type;
template <class T>
constexpr bool is_complex = !std::is_same<T, Real<T>>::value;

/// Fortran passes lengths of strings after all other arguments.
using Length = size_t;

/// The functions for one element type.
template <class T>
struct Lapack {
  using R = Real<T>;
  void (*potrf)(const char *uplo, const Int *n, T *a, const Int *lda, Int *info, Length);
  void (*trsm)(const char *side, const char *uplo, const char *trans, const char *diag, const Int *m, const Int *n,
               const T *alpha, const T *a, const Int *lda, T *b, const Int *ldb, Length, Length, Length, Length);
  void (*getrf)(const Int *m, const Int *n, T *a, const Int *lda, Int *pivots, Int *info);
  void (*gelqf)(const Int *m, const Int *n, T *a, const Int *lda, T *tau, T *work, const Int *lwork, Int *info);
  void (*orglq)(const Int *m, const Int *n, const Int *k, T *a, const Int *lda, const T *tau, T *work,
                const Int *lwork, Int *info);
  /// syevd, and heevd with its real work space.
  void *syevd;
  /// gesdd; for complex elements with real work space.
  void *gesdd;

  void eigen(const char *job, Int n, T *a, R *w, T *work, Int lwork, R *rwork, Int lrwork, Int *iwork, Int liwork,
             Int *info) const {
    if constexpr (is_complex<T>) {
      using F = void (*)(const char *, const char *, const Int *, T *, const Int *, R *, T *, const Int *, R *,
                         const Int *, Int *, const Int *, Int *, Length, Length);
      reinterpret_cast<F>(syevd)(job, "L", &n, a, &n, w, work, &lwork, rwork, &lrwork, iwork, &liwork, info, 1, 1);
    } else {
      using F = void (*)(const char *, const char *, const Int *, T *, const Int *, R *, T *, const Int *, Int *,
                         const Int *, Int *, Length, Length);
      reinterpret_cast<F>(syevd)(job, "L", &n, a, &n, w, work, &lwork, iwork, &liwork, info, 1, 1);
    }
  }

  void singular(const char *job, Int m, Int n, T *a, R *s, T *u, Int ldu, T *vt, Int ldvt, T *work, Int lwork,
                R *rwork, Int *iwork, Int *info) const {
    if constexpr (is_complex<T>) {
      using F = void (*)(const char *, const Int *, const Int *, T *, const Int *, R *, T *, const Int *, T *,
                         const Int *, T *, const Int *, R *, Int *, Int *, Length);
      reinterpret_cast<F>(gesdd)(job, &m, &n, a, &m, s, u, &ldu, vt, &ldvt, work, &lwork, rwork, iwork, info, 1);
    } else {
      using F = void (*)(const char *, const Int *, const Int *, T *, const Int *, R *, T *, const Int *, T *,
                         const Int *, T *, const Int *, Int *, Int *, Length);
      reinterpret_cast<F>(gesdd)(job, &m, &n, a, &m, s, u, &ldu, vt, &ldvt, work, &lwork, iwork, info, 1);
    }
  }
};

/// The functions for an element type; throws where no library is open.
template <class T>
const Lapack<T> &lapack();

/// Lets BLAS use one thread, or all that it began with.
void use_threads(bool many);

}  // namespace pinion
