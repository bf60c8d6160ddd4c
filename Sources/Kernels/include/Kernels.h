// Foreign functions of programs: what XLA does slowly, or not at all.
//
// Each handler takes its operands and attributes from the frame, and returns null or an error made with the frame's
// table. Matrices lie row-major in the last two axes; all axes before count matrices.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "BoundaryElements.h"
#include "CPJRT.h"

#ifdef __cplusplus
extern "C" {
#endif

/// Whether 512-bit or 256-bit vectors are used here: 512, 256 or 128.
int kernels_vector_bits(void);
/// Whether the processor keeps its clock with 512-bit vectors: Intel's since Ice Lake, AMD's since Zen 4.
bool kernels_prefers_wide_vectors(void);

/// Opens an OpenBLAS whose symbols begin with `scipy_`, for the handlers below; false with a reason where it doesn't fit.
bool kernels_lapack_open(const char *path, char *reason, size_t reason_size);

/// a -> lower L of (a + aᴴ)/2 = L Lᴴ; NaN where that isn't positive definite.
ffi_error *kernels_cholesky(ffi_call_frame *frame);
/// a, b -> x of op(a) x = b, or of x op(a) = b. Attributes: left, lower, transpose, unit.
ffi_error *kernels_triangular_solve(ffi_call_frame *frame);
/// a -> L and U in one matrix, permutation p (int32) with a[p] = L U, sign of p (int32).
ffi_error *kernels_lu(ffi_call_frame *frame);
/// lu, p, b -> x of a x = b, or of aᵀ x = b. Attribute: transpose.
ffi_error *kernels_lu_solve(ffi_call_frame *frame);
/// a -> Q, R. The shape of Q tells whether it is square.
ffi_error *kernels_qr(ffi_call_frame *frame);
/// a -> eigenvalues of (a + aᴴ)/2 in ascending order, and eigenvectors as columns where there is a second result.
ffi_error *kernels_eigh(ffi_call_frame *frame);
/// a -> singular values in descending order, and U, Vᴴ where there are three results; their shapes tell whether square.
ffi_error *kernels_svd(ffi_call_frame *frame);

/// Opens a oneDNN for the handlers below; false with a reason where it doesn't fit.
bool kernels_convolution_open(const char *path, char *reason, size_t reason_size);
/// Whether oneDNN has a good implementation; made ready if so.
///
/// kind: 0 the result, 1 the input's gradient, 2 the kernel's. Sizes: [n, spatial..., groups * c],
/// [spatial..., c, groups * o], [n, spatial..., groups * o]. numbers: groups, then for each spatial axis strides,
/// dilation of the kernel, low padding, high padding.
bool kernels_convolution_takes(int kind, int element_type, int64_t axes, const int64_t *input, const int64_t *kernel,
                               const int64_t *output, const int64_t *numbers);
/// input, kernel -> output. Attribute of all three: geometry, the numbers above.
ffi_error *kernels_convolution(ffi_call_frame *frame);
/// kernel, output's gradient -> input's gradient.
ffi_error *kernels_convolution_input(ffi_call_frame *frame);
/// input, output's gradient -> kernel's gradient.
ffi_error *kernels_convolution_kernel(ffi_call_frame *frame);

#ifdef __cplusplus
}
#endif
