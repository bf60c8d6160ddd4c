// Large blocks of memory: in huge pages, and kept for the next one who asks.
//
// XLA allocates a program's temporary memory and its results at each call, with posix_memalign, and frees them with
// free. The C library maps a block of many megabytes anew each time, and the kernel fills it with zeros page by page: a
// tenth to a half of the time of a training step. So blocks of this size are mapped here, where huge pages are left to
// those who ask ("madvise" in /sys/kernel/mm/transparent_hugepage/enabled) with a request for them, and a freed one is
// kept until another of about its size is wanted. The dynamic linker finds a program's own definitions before the C
// library's, for the plugin too.

#include <features.h>

#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <dlfcn.h>
#include <malloc.h>
#include <mutex>
#include <sys/mman.h>
#include <unistd.h>

// The C library's own.
extern "C" void __libc_free(void *) noexcept;
extern "C" void *__libc_realloc(void *, std::size_t) noexcept;

namespace {

// Below, a block may hold no whole huge page, and the C library seldom maps it anew.
constexpr std::size_t kLarge = std::size_t(4) << 20;
// Where each large block begins; hardly any other does, so that `free` seldom has to look.
constexpr std::uintptr_t kBoundary = std::uintptr_t(2) << 20;
constexpr std::size_t kPage = 4096;
constexpr int kMost = 4096;

struct Block {
  std::uintptr_t start;
  std::size_t size;
  // When it was freed; 0: in use.
  std::uint64_t freed;
};

// Never destroyed, as blocks are freed until the very end.
std::mutex &lock = *new std::mutex;
Block *blocks = nullptr;
int count = 0;
std::uint64_t now = 0;
std::size_t kept = 0;

// At most an eighth of the machine's memory is kept.
std::size_t limit() {
  static const std::size_t bytes =
      std::size_t(sysconf(_SC_PHYS_PAGES)) / 8 * std::size_t(sysconf(_SC_PAGESIZE));
  return bytes;
}

std::size_t rounded(std::size_t size) { return (size + kPage - 1) & ~(kPage - 1); }

void unmap(int index) {
  const Block block = blocks[index];
  if (block.freed != 0) kept -= block.size;
  blocks[index] = blocks[--count];
  munmap(reinterpret_cast<void *>(block.start), block.size);
}

// A kept block that is as large as is asked, and hardly larger.
void *reuse(std::size_t size) {
  int best = -1;
  for (int i = 0; i < count; i++) {
    const Block &block = blocks[i];
    if (block.freed == 0 || block.size < size || block.size - size > size / 8) continue;
    // The one freed last lies in the caches.
    const bool isBetter = best < 0 || block.size < blocks[best].size ||
                          (block.size == blocks[best].size && block.freed > blocks[best].freed);
    if (isBetter) best = i;
  }
  if (best < 0) return nullptr;
  blocks[best].freed = 0;
  kept -= blocks[best].size;
  return reinterpret_cast<void *>(blocks[best].start);
}

void *map(std::size_t size) {
  const std::size_t room = size + kBoundary;
  void *memory = mmap(nullptr, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return nullptr;
  const auto begin = reinterpret_cast<std::uintptr_t>(memory);
  const auto start = (begin + kBoundary - 1) & ~(kBoundary - 1);
  if (start > begin) munmap(memory, start - begin);
  if (start + size < begin + room) munmap(reinterpret_cast<void *>(start + size), begin + room - start - size);
  // A wish: where it isn't granted, all works as before.
  madvise(reinterpret_cast<void *>(start), size, MADV_HUGEPAGE);
  return reinterpret_cast<void *>(start);
}

void unmapKept() {
  for (int i = count - 1; i >= 0; i--)
    if (blocks[i].freed != 0) unmap(i);
}

// Null where there's no memory, or too many blocks.
void *allocate(std::size_t size) {
  const std::lock_guard<std::mutex> hold(lock);
  if (blocks == nullptr) {
    void *table = mmap(nullptr, kMost * sizeof(Block), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (table == MAP_FAILED) return nullptr;
    blocks = static_cast<Block *>(table);
  }
  if (void *memory = reuse(size)) return memory;
  if (count == kMost) return nullptr;
  void *memory = map(size);
  while (memory == nullptr && kept > 0) {
    unmapKept();
    memory = map(size);
  }
  if (memory != nullptr) blocks[count++] = {reinterpret_cast<std::uintptr_t>(memory), size, 0};
  return memory;
}

bool mayBeLarge(const void *memory) {
  return memory != nullptr && (reinterpret_cast<std::uintptr_t>(memory) & (kBoundary - 1)) == 0;
}

int find(const void *memory) {
  for (int i = count - 1; i >= 0; i--)
    if (blocks[i].start == reinterpret_cast<std::uintptr_t>(memory) && blocks[i].freed == 0) return i;
  return -1;
}

// Size of the large block that begins there; 0: none does.
std::size_t sizeOfLarge(const void *memory) {
  const std::lock_guard<std::mutex> hold(lock);
  const int index = find(memory);
  return index < 0 ? 0 : blocks[index].size;
}

bool release(void *memory) {
  const std::lock_guard<std::mutex> hold(lock);
  const int index = find(memory);
  if (index < 0) return false;
  blocks[index].freed = ++now;
  kept += blocks[index].size;
  while (kept > limit()) {
    int oldest = -1;
    for (int i = 0; i < count; i++)
      if (blocks[i].freed != 0 && (oldest < 0 || blocks[i].freed < blocks[oldest].freed)) oldest = i;
    unmap(oldest);
  }
  return true;
}

}  // namespace

#define PINION_EXPORTED extern "C" __attribute__((visibility("default")))

PINION_EXPORTED int posix_memalign(void **block, std::size_t alignment, std::size_t size) noexcept {
  const bool isPower = alignment != 0 && (alignment & (alignment - 1)) == 0;
  if (!isPower || alignment % sizeof(void *) != 0) return EINVAL;
  const int before = errno;
  void *memory = nullptr;
  if (size >= kLarge && size <= PTRDIFF_MAX - kBoundary - kPage && alignment <= kBoundary)
    memory = allocate(rounded(size));
  if (memory == nullptr) memory = memalign(alignment, size);
  errno = before;
  if (memory == nullptr) return ENOMEM;
  *block = memory;
  return 0;
}

PINION_EXPORTED void free(void *memory) noexcept {
  if (mayBeLarge(memory)) {
    const int before = errno;
    const bool isReleased = release(memory);
    errno = before;
    if (isReleased) return;
  }
  __libc_free(memory);
}

PINION_EXPORTED void *realloc(void *memory, std::size_t size) noexcept {
  const std::size_t old = mayBeLarge(memory) ? sizeOfLarge(memory) : 0;
  if (old == 0) return __libc_realloc(memory, size);
  if (size == 0) {
    free(memory);
    return nullptr;
  }
  void *moved = malloc(size);
  if (moved == nullptr) return nullptr;
  std::memcpy(moved, memory, std::min(old, size));
  free(memory);
  return moved;
}

// Swift asks for it where an array grows whose elements are aligned to more than 16 bytes.
PINION_EXPORTED std::size_t malloc_usable_size(void *memory) noexcept {
  const std::size_t size = mayBeLarge(memory) ? sizeOfLarge(memory) : 0;
  if (size != 0) return size;
  using Function = std::size_t (*)(void *);
  static const auto original = reinterpret_cast<Function>(dlsym(RTLD_NEXT, "malloc_usable_size"));
  return original == nullptr ? 0 : original(memory);
}

// Gives kept blocks back to the system too.
PINION_EXPORTED int malloc_trim(std::size_t pad) noexcept {
  {
    const std::lock_guard<std::mutex> hold(lock);
    unmapKept();
  }
  using Function = int (*)(std::size_t);
  static const auto original = reinterpret_cast<Function>(dlsym(RTLD_NEXT, "malloc_trim"));
  return original == nullptr ? 0 : original(pad);
}

#endif
