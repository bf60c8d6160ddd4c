// Our own declarations of the parts of two C interfaces that Pinion uses: PJRT, through which XLA's plugins are driven,
// and XLA's foreign function interface. Field names and order are the interfaces'; PJRTTests compares every size and
// offset with the official headers.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// MARK: PJRT

/// Common head of extensions: a linked list at the table, told apart by `type`.
typedef struct pj_extension {
  size_t struct_size;
  int type;
  struct pj_extension *next;
} pj_extension;

enum { PJ_EXTENSION_FFI = 5 };

typedef struct pj_error pj_error;
typedef struct pj_client pj_client;
typedef struct pj_device pj_device;
typedef struct pj_device_description pj_device_description;
typedef struct pj_buffer pj_buffer;
typedef struct pj_event pj_event;
typedef struct pj_executable pj_executable;
typedef struct pj_loaded_executable pj_loaded_executable;
typedef struct pj_serialized_executable pj_serialized_executable;

typedef struct pj_api_version {
  size_t struct_size;
  pj_extension *extension_start;
  int major_version;
  int minor_version;
} pj_api_version;

/// A plugin's table of functions. `struct_size` tells how many slots it has.
typedef struct pj_api {
  size_t struct_size;
  pj_extension *extension_start;
  pj_api_version pjrt_api_version;
  void *slots[];
} pj_api;

/// Places of the functions in the table.
enum pj_slot {
  PJ_ERROR_DESTROY = 0,
  PJ_ERROR_MESSAGE = 1,
  PJ_ERROR_GET_CODE = 2,
  PJ_PLUGIN_INITIALIZE = 3,
  PJ_EVENT_DESTROY = 5,
  PJ_EVENT_AWAIT = 8,
  PJ_EVENT_ON_READY = 9,
  PJ_CLIENT_CREATE = 10,
  PJ_CLIENT_DESTROY = 11,
  PJ_CLIENT_PLATFORM_NAME = 12,
  PJ_CLIENT_PLATFORM_VERSION = 14,
  PJ_CLIENT_ADDRESSABLE_DEVICES = 16,
  PJ_CLIENT_COMPILE = 20,
  PJ_CLIENT_BUFFER_FROM_HOST_BUFFER = 22,
  PJ_DEVICE_DESCRIPTION_TO_STRING = 28,
  PJ_DEVICE_GET_DESCRIPTION = 29,
  PJ_EXECUTABLE_DESTROY = 40,
  PJ_EXECUTABLE_NUM_OUTPUTS = 44,
  PJ_EXECUTABLE_OPTIMIZED_PROGRAM = 48,
  PJ_EXECUTABLE_SERIALIZE = 49,
  PJ_LOADED_EXECUTABLE_DESTROY = 50,
  PJ_LOADED_EXECUTABLE_GET_EXECUTABLE = 51,
  PJ_LOADED_EXECUTABLE_EXECUTE = 55,
  PJ_EXECUTABLE_DESERIALIZE_AND_LOAD = 56,
  PJ_BUFFER_DESTROY = 58,
  PJ_BUFFER_ELEMENT_TYPE = 59,
  PJ_BUFFER_DIMENSIONS = 60,
  PJ_BUFFER_ON_DEVICE_SIZE_IN_BYTES = 64,
  PJ_BUFFER_DELETE = 67,
  PJ_BUFFER_TO_HOST_BUFFER = 70,
  PJ_BUFFER_READY_EVENT = 72,
  PJ_BUFFER_OPAQUE_DEVICE_MEMORY_DATA_POINTER = 76,
};

/// Calls a function of the table; all but those below take a struct of arguments and return an error or null.
pj_error *pj_call(const pj_api *api, enum pj_slot slot, void *args);
/// Calls one of the two functions about errors that return nothing.
void pj_call_void(const pj_api *api, enum pj_slot slot, void *args);
/// Calls a plugin's entry point, found by dlsym.
const pj_api *pj_get_api(void *entry);

#define PJ_HEAD            \
  size_t struct_size;      \
  pj_extension *extension_start;

typedef struct { PJ_HEAD pj_error *error; } pj_error_destroy_args;
typedef struct { PJ_HEAD const pj_error *error; const char *message; size_t message_size; } pj_error_message_args;
typedef struct { PJ_HEAD const pj_error *error; int code; } pj_error_get_code_args;
typedef struct { PJ_HEAD } pj_plugin_initialize_args;

typedef struct { PJ_HEAD pj_event *event; } pj_event_args;
typedef struct {
  PJ_HEAD pj_event *event;
  void (*callback)(pj_error *error, void *user_arg);
  void *user_arg;
} pj_event_on_ready_args;

typedef enum { PJ_NAMED_STRING = 0, PJ_NAMED_INT64 = 1 } pj_named_value_type;
typedef struct {
  PJ_HEAD const char *name;
  size_t name_size;
  pj_named_value_type type;
  union {
    const char *string_value;
    int64_t int64_value;
  };
  size_t value_size;
} pj_named_value;

typedef struct {
  PJ_HEAD const pj_named_value *create_options;
  size_t num_options;
  void *kv_get_callback;
  void *kv_get_user_arg;
  void *kv_put_callback;
  void *kv_put_user_arg;
  pj_client *client;
  void *kv_try_get_callback;
  void *kv_try_get_user_arg;
} pj_client_create_args;
typedef struct { PJ_HEAD pj_client *client; } pj_client_destroy_args;
typedef struct { PJ_HEAD pj_client *client; const char *text; size_t text_size; } pj_client_text_args;
typedef struct {
  PJ_HEAD pj_client *client;
  pj_device *const *addressable_devices;
  size_t num_addressable_devices;
} pj_client_addressable_devices_args;

typedef struct {
  PJ_HEAD pj_device *device;
  pj_device_description *device_description;
} pj_device_get_description_args;
typedef struct {
  PJ_HEAD pj_device_description *device_description;
  const char *to_string;
  size_t to_string_size;
} pj_device_description_to_string_args;

typedef struct {
  PJ_HEAD char *code;
  size_t code_size;
  const char *format;
  size_t format_size;
} pj_program;
typedef struct {
  PJ_HEAD pj_client *client;
  const pj_program *program;
  const char *compile_options;
  size_t compile_options_size;
  pj_loaded_executable *executable;
} pj_client_compile_args;

typedef enum {
  PJ_HOST_IMMUTABLE_ONLY_DURING_CALL = 0,
  PJ_HOST_IMMUTABLE_UNTIL_TRANSFER_COMPLETES = 1,
  PJ_HOST_IMMUTABLE_ZERO_COPY = 2,
} pj_host_buffer_semantics;
typedef struct {
  PJ_HEAD pj_client *client;
  const void *data;
  int type;
  const int64_t *dims;
  size_t num_dims;
  const int64_t *byte_strides;
  size_t num_byte_strides;
  pj_host_buffer_semantics host_buffer_semantics;
  pj_device *device;
  void *memory;
  void *device_layout;
  pj_event *done_with_host_buffer;
  pj_buffer *buffer;
} pj_client_buffer_from_host_buffer_args;

typedef struct { PJ_HEAD pj_buffer *buffer; } pj_buffer_args;
typedef struct { PJ_HEAD pj_buffer *buffer; int type; } pj_buffer_element_type_args;
typedef struct { PJ_HEAD pj_buffer *buffer; const int64_t *dims; size_t num_dims; } pj_buffer_dimensions_args;
typedef struct { PJ_HEAD pj_buffer *buffer; size_t on_device_size_in_bytes; } pj_buffer_on_device_size_args;
typedef struct { PJ_HEAD pj_buffer *buffer; pj_event *event; } pj_buffer_ready_event_args;
typedef struct { PJ_HEAD pj_buffer *buffer; void *device_memory_ptr; } pj_buffer_opaque_pointer_args;
typedef struct {
  PJ_HEAD pj_buffer *src;
  void *host_layout;
  void *dst;
  size_t dst_size;
  pj_event *event;
} pj_buffer_to_host_buffer_args;

typedef struct {
  PJ_HEAD void **send_callbacks;
  void **recv_callbacks;
  size_t num_send_ops;
  size_t num_recv_ops;
  int launch_id;
  const int64_t *non_donatable_input_indices;
  size_t num_non_donatable_input_indices;
  void *context;
  const char *call_location;
  size_t num_tasks;
  int *task_ids;
  int64_t *incarnation_ids;
} pj_execute_options;
typedef struct {
  PJ_HEAD pj_loaded_executable *executable;
  pj_execute_options *options;
  pj_buffer *const *const *argument_lists;
  size_t num_devices;
  size_t num_args;
  pj_buffer **const *output_lists;
  pj_event **device_complete_events;
  pj_device *execute_device;
} pj_loaded_executable_execute_args;
typedef struct { PJ_HEAD pj_loaded_executable *executable; } pj_loaded_executable_destroy_args;
typedef struct {
  PJ_HEAD pj_loaded_executable *loaded_executable;
  pj_executable *executable;
} pj_loaded_executable_get_executable_args;
typedef struct { PJ_HEAD pj_executable *executable; } pj_executable_destroy_args;
typedef struct { PJ_HEAD pj_executable *executable; size_t num_outputs; } pj_executable_num_outputs_args;
typedef struct { PJ_HEAD pj_executable *executable; pj_program *program; } pj_executable_optimized_program_args;
typedef struct {
  PJ_HEAD const pj_executable *executable;
  const char *serialized_bytes;
  size_t serialized_bytes_size;
  pj_serialized_executable *serialized_executable;
  void (*serialized_executable_deleter)(pj_serialized_executable *exec);
} pj_executable_serialize_args;
typedef struct {
  PJ_HEAD pj_client *client;
  const char *serialized_executable;
  size_t serialized_executable_size;
  pj_loaded_executable *loaded_executable;
  const char *overridden_serialized_compile_options;
  size_t overridden_serialized_compile_options_size;
} pj_executable_deserialize_and_load_args;

/// Registration of foreign functions, as of interface 0.115. This one struct has no pointer to extensions.
typedef struct {
  size_t struct_size;
  const char *target_name;
  size_t target_name_size;
  void *handler;
  const char *platform_name;
  size_t platform_name_size;
  int traits;
} pj_ffi_register_handler_args;
typedef struct {
  pj_extension base;
  void *type_id_register;
  void *user_data_add;
  void *register_handler;
} pj_ffi_extension;
pj_error *pj_ffi_register(const pj_ffi_extension *extension, pj_ffi_register_handler_args *args);

// MARK: XLA FFI

typedef struct ffi_extension {
  size_t struct_size;
  int type;
  struct ffi_extension *next;
} ffi_extension;

#define FFI_HEAD           \
  size_t struct_size;      \
  ffi_extension *extension_start;

enum { FFI_EXTENSION_METADATA = 1, FFI_STAGE_EXECUTE = 3, FFI_API_MAJOR = 0, FFI_API_MINOR = 3 };

typedef struct ffi_error ffi_error;
typedef struct { FFI_HEAD int major_version; int minor_version; } ffi_api_version;
typedef struct { FFI_HEAD const char *message; int errc; } ffi_error_create_args;

/// The table of functions that XLA hands to a foreign function.
typedef struct {
  FFI_HEAD ffi_api_version api_version;
  const void *internal_api;
  ffi_error *(*error_create)(ffi_error_create_args *args);
} ffi_api;

typedef struct { const char *ptr; size_t len; } ffi_byte_span;
typedef struct { int dtype; void *value; } ffi_scalar;
typedef struct { int dtype; size_t size; void *data; } ffi_array;
typedef struct { FFI_HEAD int dtype; void *data; int64_t rank; int64_t *dims; } ffi_buffer;
typedef struct { FFI_HEAD int64_t size; int *types; void **args; } ffi_args;
typedef struct { FFI_HEAD int64_t size; int *types; void **rets; } ffi_rets;
typedef struct { FFI_HEAD int64_t size; int *types; ffi_byte_span **names; void **attrs; } ffi_attrs;
typedef struct {
  FFI_HEAD const ffi_api *api;
  void *ctx;
  int stage;
  ffi_args args;
  ffi_rets rets;
  ffi_attrs attrs;
  void *future;
} ffi_call_frame;

typedef struct { size_t struct_size; ffi_api_version api_version; uint32_t traits; int64_t state_type_id; } ffi_metadata;
typedef struct { ffi_extension extension_base; ffi_metadata *metadata; } ffi_metadata_extension;

/// Answers XLA's question for the interface's version; false where the call is a real one.
bool ffi_answer_metadata(ffi_call_frame *frame);

#ifdef __cplusplus
}
#endif
