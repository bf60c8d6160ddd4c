#include "OneDNN.h"

#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>

#include "Frame.h"

namespace pinion::onednn {

Library library;

namespace {

template <class F>
bool find(void *handle, F &function, const char *name) {
  function = reinterpret_cast<F>(dlsym(handle, name));
  return function != nullptr;
}

/// Fills the table; the name of a function that is missing, or null.
const char *fill(void *handle, Functions &functions) {
#define PINION_FIND(field, name) \
  if (!find(handle, functions.field, name)) return name
  PINION_FIND(version, "dnnl_version");
  PINION_FIND(effective_cpu_isa, "dnnl_get_effective_cpu_isa");
  PINION_FIND(engine_create, "dnnl_engine_create");
  PINION_FIND(stream_create, "dnnl_stream_create");
  PINION_FIND(stream_wait, "dnnl_stream_wait");
  PINION_FIND(attributes_create, "dnnl_primitive_attr_create");
  PINION_FIND(attributes_set_scratchpad_mode, "dnnl_primitive_attr_set_scratchpad_mode");
  PINION_FIND(memory_desc_create_with_strides, "dnnl_memory_desc_create_with_strides");
  PINION_FIND(memory_desc_create_with_tag, "dnnl_memory_desc_create_with_tag");
  PINION_FIND(memory_desc_destroy, "dnnl_memory_desc_destroy");
  PINION_FIND(memory_desc_equal, "dnnl_memory_desc_equal");
  PINION_FIND(memory_desc_get_size, "dnnl_memory_desc_get_size");
  PINION_FIND(memory_create, "dnnl_memory_create");
  PINION_FIND(memory_set_data_handle, "dnnl_memory_set_data_handle");
  PINION_FIND(memory_destroy, "dnnl_memory_destroy");
  PINION_FIND(primitive_desc_query, "dnnl_primitive_desc_query");
  PINION_FIND(primitive_desc_query_md, "dnnl_primitive_desc_query_md");
  PINION_FIND(primitive_desc_destroy, "dnnl_primitive_desc_destroy");
  PINION_FIND(primitive_create, "dnnl_primitive_create");
  PINION_FIND(primitive_execute, "dnnl_primitive_execute");
  PINION_FIND(primitive_destroy, "dnnl_primitive_destroy");
  PINION_FIND(reorder_create, "dnnl_reorder_primitive_desc_create");
  PINION_FIND(forward_create, "dnnl_convolution_forward_primitive_desc_create");
  PINION_FIND(backward_data_create, "dnnl_convolution_backward_data_primitive_desc_create");
  PINION_FIND(backward_weights_create, "dnnl_convolution_backward_weights_primitive_desc_create");
  PINION_FIND(omp_set_num_threads, "omp_set_num_threads");
  PINION_FIND(omp_get_max_threads, "omp_get_max_threads");
#undef PINION_FIND
  return nullptr;
}

}  // namespace

void check(Status status, const char *what) {
  if (status != 0) throw Failure{std::string("oneDNN can't ") + what + " (status " + std::to_string(status) + ")"};
}

}  // namespace pinion::onednn

bool kernels_convolution_open(const char *path, char *reason, size_t reason_size) {
  using namespace pinion::onednn;
  static std::mutex mutex;
  const std::lock_guard<std::mutex> guard(mutex);
  // OpenMP's threads shall sleep between convolutions: XLA's have work to do then. Read when the library is loaded.
  setenv("OMP_WAIT_POLICY", "passive", 0);
  // Stays open: its threads and ours may be running its code.
  void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    const char *message = dlerror();
    std::snprintf(reason, reason_size, "%s", message ? message : "unknown reason");
    return false;
  }
  Functions found = {};
  if (const char *missing = fill(handle, found)) {
    std::snprintf(reason, reason_size, "it has no function %s", missing);
    return false;
  }
  const Version *version = found.version();
  if (version == nullptr || version->major != 3) {
    std::snprintf(reason, reason_size, "it is oneDNN %d, not 3", version ? version->major : 0);
    return false;
  }
  if (library.is_open.load()) return true;
  static_cast<Functions &>(library) = found;
  if (library.engine_create(&library.engine, cpu, 0) != 0 || library.attributes_create(&library.attributes) != 0 ||
      library.attributes_set_scratchpad_mode(library.attributes, user_scratchpad) != 0) {
    std::snprintf(reason, reason_size, "it can't use this processor");
    return false;
  }
  library.threads = std::max(1, library.omp_get_max_threads());
  library.is_open.store(true, std::memory_order_release);
  return true;
}
