// Large blocks of memory in huge pages.
//
// XLA allocates a program's temporary memory at each call, with posix_memalign. A block of many megabytes is mapped
// anew each time, and the kernel fills it page by page: a tenth to a fifth of the time of a training step. Where huge
// pages are left to those who ask ("madvise" in /sys/kernel/mm/transparent_hugepage/enabled), this asks for them.
// The dynamic linker finds a program's own definition before the C library's, for the plugin too.

#include <features.h>

#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <malloc.h>
#include <sys/mman.h>

namespace {
// Below, a block may hold no whole huge page, and isn't mapped anew.
constexpr std::size_t kLarge = std::size_t(4) << 20;
constexpr std::uintptr_t kPage = 4096;
}  // namespace

extern "C" __attribute__((visibility("default"))) int posix_memalign(
    void **block, std::size_t alignment, std::size_t size) noexcept {
  const bool isPower = alignment != 0 && (alignment & (alignment - 1)) == 0;
  if (!isPower || alignment % sizeof(void *) != 0) return EINVAL;
  const int before = errno;
  void *memory = memalign(alignment, size);
  if (memory == nullptr) {
    errno = before;
    return ENOMEM;
  }
  if (size >= kLarge) {
    const auto start = (reinterpret_cast<std::uintptr_t>(memory) + kPage - 1) & ~(kPage - 1);
    const auto end = (reinterpret_cast<std::uintptr_t>(memory) + size) & ~(kPage - 1);
    // A wish: where it isn't granted, all works as before.
    madvise(reinterpret_cast<void *>(start), end - start, MADV_HUGEPAGE);
    errno = before;
  }
  *block = memory;
  return 0;
}

#endif
