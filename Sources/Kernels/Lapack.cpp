#include "Lapack.h"

#include <dlfcn.h>

#include <atomic>
#include <cstdio>
#include <mutex>
#include <string>
#include <type_traits>

#include "Frame.h"

namespace pinion {
namespace {

struct Library {
  Lapack<float> s;
  Lapack<double> d;
  Lapack<std::complex<float>> c;
  Lapack<std::complex<double>> z;
  void (*set_threads)(int);
  int (*get_threads)();
};

Library library;
std::atomic<bool> is_open{false};
int all_threads = 1;
std::atomic<int> threads{0};

/// Looks functions up, and remembers the first that is missing.
struct Finder {
  void *handle;
  std::string missing;

  template <class F>
  void find(F &function, const std::string &name) {
    void *address = dlsym(handle, name.c_str());
    if (address == nullptr && missing.empty()) missing = name;
    function = reinterpret_cast<F>(address);
  }

  template <class T>
  void fill(Lapack<T> &table, char prefix) {
    const std::string start = std::string("scipy_") + prefix;
    find(table.potrf, start + "potrf_");
    find(table.trsm, start + "trsm_");
    find(table.getrf, start + "getrf_");
    find(table.gelqf, start + "gelqf_");
    find(table.orglq, start + (is_complex<T> ? "unglq_" : "orglq_"));
    find(table.syevd, start + (is_complex<T> ? "heevd_" : "syevd_"));
    find(table.gesdd, start + "gesdd_");
  }
};

void require_open() {
  if (!is_open.load(std::memory_order_acquire)) throw Failure{"no LAPACK library is open"};
}

}  // namespace

template <>
const Lapack<float> &lapack() {
  return require_open(), library.s;
}
template <>
const Lapack<double> &lapack() {
  return require_open(), library.d;
}
template <>
const Lapack<std::complex<float>> &lapack() {
  return require_open(), library.c;
}
template <>
const Lapack<std::complex<double>> &lapack() {
  return require_open(), library.z;
}

void use_threads(bool many) {
  require_open();
  const int wanted = many ? all_threads : 1;
  if (threads.exchange(wanted) != wanted) library.set_threads(wanted);
}

}  // namespace pinion

bool kernels_lapack_open(const char *path, char *reason, size_t reason_size) {
  using namespace pinion;
  static std::mutex mutex;
  const std::lock_guard<std::mutex> guard(mutex);
  if (is_open.load()) return true;
  // Stays open: its threads and ours may be running its code.
  void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    const char *message = dlerror();
    std::snprintf(reason, reason_size, "%s", message ? message : "unknown reason");
    return false;
  }
  Finder finder{handle, ""};
  finder.fill(library.s, 's');
  finder.fill(library.d, 'd');
  finder.fill(library.c, 'c');
  finder.fill(library.z, 'z');
  finder.find(library.set_threads, "scipy_openblas_set_num_threads");
  finder.find(library.get_threads, "scipy_openblas_get_num_threads");
  if (!finder.missing.empty()) {
    std::snprintf(reason, reason_size, "it has no function %s", finder.missing.c_str());
    return false;
  }
  all_threads = std::max(1, library.get_threads());
  threads = all_threads;
  is_open.store(true, std::memory_order_release);
  return true;
}
