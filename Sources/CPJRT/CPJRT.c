#include "CPJRT.h"

pj_error *pj_call(const pj_api *api, enum pj_slot slot, void *args) {
  return ((pj_error * (*)(void *)) api->slots[slot])(args);
}

void pj_call_void(const pj_api *api, enum pj_slot slot, void *args) { ((void (*)(void *))api->slots[slot])(args); }

const pj_api *pj_get_api(void *entry) { return ((const pj_api *(*)(void))entry)(); }

pj_error *pj_ffi_register(const pj_ffi_extension *extension, pj_ffi_register_handler_args *args) {
  return ((pj_error * (*)(pj_ffi_register_handler_args *)) extension->register_handler)(args);
}

bool ffi_answer_metadata(ffi_call_frame *frame) {
  for (ffi_extension *e = frame->extension_start; e != NULL; e = e->next) {
    if (e->type != FFI_EXTENSION_METADATA) continue;
    ffi_metadata *metadata = ((ffi_metadata_extension *)e)->metadata;
    metadata->api_version.major_version = FFI_API_MAJOR;
    metadata->api_version.minor_version = FFI_API_MINOR;
    return true;
  }
  return false;
}
