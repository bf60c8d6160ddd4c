import Foundation
import PJRT
import Testing

/// Our declarations against the official headers: a C program that includes both, and asserts equal sizes and offsets.
///
/// The headers come from PyPI's `xla-cpu-pjrt` and `jaxlib`; `./pinion test` fetches them to `.pinion/include`.
@Suite struct LayoutTests {
  static let checkout = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()
  static let headers =
    (ProcessInfo.processInfo.environment["PINION_HEADERS"]).map { URL(fileURLWithPath: $0) }
    ?? checkout.appendingPathComponent(".pinion/include")
  static let haveHeaders = ["pjrt_c_api.h", "xla_ffi_c_api.h"].allSatisfy {
    FileManager.default.fileExists(atPath: headers.appendingPathComponent($0).path)
  }

  /// Ours, theirs, and the fields where names differ (ours=theirs); fields of one name are listed once.
  static let structs: [(String, String, String)] = [
    ("pj_extension", "PJRT_Extension_Base", "struct_size type next"),
    ("pj_api_version", "PJRT_Api_Version", "struct_size extension_start major_version minor_version"),
    ("pj_error_destroy_args", "PJRT_Error_Destroy_Args", "error"),
    ("pj_error_message_args", "PJRT_Error_Message_Args", "error message message_size"),
    ("pj_error_get_code_args", "PJRT_Error_GetCode_Args", "error code"),
    ("pj_plugin_initialize_args", "PJRT_Plugin_Initialize_Args", "extension_start"),
    ("pj_event_args", "PJRT_Event_Await_Args", "event"),
    ("pj_event_args", "PJRT_Event_Destroy_Args", "event"),
    ("pj_event_on_ready_args", "PJRT_Event_OnReady_Args", "event callback user_arg"),
    ("pj_named_value", "PJRT_NamedValue", "name name_size type string_value int64_value value_size"),
    (
      "pj_client_create_args", "PJRT_Client_Create_Args",
      "create_options num_options kv_get_callback kv_get_user_arg kv_put_callback kv_put_user_arg client kv_try_get_callback kv_try_get_user_arg"
    ),
    ("pj_client_destroy_args", "PJRT_Client_Destroy_Args", "client"),
    ("pj_client_text_args", "PJRT_Client_PlatformName_Args", "client text=platform_name text_size=platform_name_size"),
    (
      "pj_client_text_args", "PJRT_Client_PlatformVersion_Args",
      "client text=platform_version text_size=platform_version_size"
    ),
    (
      "pj_client_addressable_devices_args", "PJRT_Client_AddressableDevices_Args",
      "client addressable_devices num_addressable_devices"
    ),
    ("pj_device_get_description_args", "PJRT_Device_GetDescription_Args", "device device_description"),
    (
      "pj_device_description_to_string_args", "PJRT_DeviceDescription_ToString_Args",
      "device_description to_string to_string_size"
    ),
    ("pj_program", "PJRT_Program", "code code_size format format_size"),
    (
      "pj_client_compile_args", "PJRT_Client_Compile_Args",
      "client program compile_options compile_options_size executable"
    ),
    (
      "pj_client_buffer_from_host_buffer_args", "PJRT_Client_BufferFromHostBuffer_Args",
      "client data type dims num_dims byte_strides num_byte_strides host_buffer_semantics device memory device_layout done_with_host_buffer buffer"
    ),
    ("pj_buffer_args", "PJRT_Buffer_Destroy_Args", "buffer"),
    ("pj_buffer_args", "PJRT_Buffer_Delete_Args", "buffer"),
    ("pj_buffer_element_type_args", "PJRT_Buffer_ElementType_Args", "buffer type"),
    ("pj_buffer_dimensions_args", "PJRT_Buffer_Dimensions_Args", "buffer dims num_dims"),
    ("pj_buffer_on_device_size_args", "PJRT_Buffer_OnDeviceSizeInBytes_Args", "buffer on_device_size_in_bytes"),
    ("pj_buffer_ready_event_args", "PJRT_Buffer_ReadyEvent_Args", "buffer event"),
    ("pj_buffer_opaque_pointer_args", "PJRT_Buffer_OpaqueDeviceMemoryDataPointer_Args", "buffer device_memory_ptr"),
    ("pj_buffer_to_host_buffer_args", "PJRT_Buffer_ToHostBuffer_Args", "src host_layout dst dst_size event"),
    (
      "pj_execute_options", "PJRT_ExecuteOptions",
      "send_callbacks recv_callbacks num_send_ops num_recv_ops launch_id non_donatable_input_indices num_non_donatable_input_indices context call_location num_tasks task_ids incarnation_ids"
    ),
    (
      "pj_loaded_executable_execute_args", "PJRT_LoadedExecutable_Execute_Args",
      "executable options argument_lists num_devices num_args output_lists device_complete_events execute_device"
    ),
    ("pj_loaded_executable_destroy_args", "PJRT_LoadedExecutable_Destroy_Args", "executable"),
    (
      "pj_loaded_executable_get_executable_args", "PJRT_LoadedExecutable_GetExecutable_Args",
      "loaded_executable executable"
    ),
    ("pj_executable_destroy_args", "PJRT_Executable_Destroy_Args", "executable"),
    ("pj_executable_num_outputs_args", "PJRT_Executable_NumOutputs_Args", "executable num_outputs"),
    (
      "pj_executable_optimized_program_args", "PJRT_Executable_OptimizedProgram_Args", "executable program"
    ),
    (
      "pj_executable_serialize_args", "PJRT_Executable_Serialize_Args",
      "executable serialized_bytes serialized_bytes_size serialized_executable serialized_executable_deleter"
    ),
    (
      "pj_executable_deserialize_and_load_args", "PJRT_Executable_DeserializeAndLoad_Args",
      "client serialized_executable serialized_executable_size loaded_executable overridden_serialized_compile_options overridden_serialized_compile_options_size"
    ),
    ("ffi_extension", "XLA_FFI_Extension_Base", "struct_size type next"),
    ("ffi_api_version", "XLA_FFI_Api_Version", "struct_size major_version minor_version"),
    ("ffi_error_create_args", "XLA_FFI_Error_Create_Args", "message errc"),
    ("ffi_byte_span", "XLA_FFI_ByteSpan", "ptr len"),
    ("ffi_scalar", "XLA_FFI_Scalar", "dtype value"),
    ("ffi_array", "XLA_FFI_Array", "dtype size data"),
    ("ffi_buffer", "XLA_FFI_Buffer", "struct_size dtype data rank dims"),
    ("ffi_args", "XLA_FFI_Args", "struct_size size types args"),
    ("ffi_rets", "XLA_FFI_Rets", "struct_size size types rets"),
    ("ffi_attrs", "XLA_FFI_Attrs", "struct_size size types names attrs"),
    ("ffi_call_frame", "XLA_FFI_CallFrame", "struct_size api ctx stage args rets attrs future"),
    ("ffi_metadata", "XLA_FFI_Metadata", "struct_size api_version traits state_type_id"),
    ("ffi_metadata_extension", "XLA_FFI_Metadata_Extension", "extension_base metadata"),
  ]

  /// Slots of the table, by the official names of its functions.
  static let slots = [
    "ERROR_DESTROY": "Error_Destroy", "ERROR_MESSAGE": "Error_Message", "ERROR_GET_CODE": "Error_GetCode",
    "PLUGIN_INITIALIZE": "Plugin_Initialize", "EVENT_DESTROY": "Event_Destroy", "EVENT_AWAIT": "Event_Await",
    "EVENT_ON_READY": "Event_OnReady", "CLIENT_CREATE": "Client_Create", "CLIENT_DESTROY": "Client_Destroy",
    "CLIENT_PLATFORM_NAME": "Client_PlatformName", "CLIENT_PLATFORM_VERSION": "Client_PlatformVersion",
    "CLIENT_ADDRESSABLE_DEVICES": "Client_AddressableDevices", "CLIENT_COMPILE": "Client_Compile",
    "CLIENT_BUFFER_FROM_HOST_BUFFER": "Client_BufferFromHostBuffer",
    "DEVICE_DESCRIPTION_TO_STRING": "DeviceDescription_ToString", "DEVICE_GET_DESCRIPTION": "Device_GetDescription",
    "EXECUTABLE_DESTROY": "Executable_Destroy", "EXECUTABLE_NUM_OUTPUTS": "Executable_NumOutputs",
    "EXECUTABLE_OPTIMIZED_PROGRAM": "Executable_OptimizedProgram",
    "EXECUTABLE_SERIALIZE": "Executable_Serialize", "LOADED_EXECUTABLE_DESTROY": "LoadedExecutable_Destroy",
    "LOADED_EXECUTABLE_GET_EXECUTABLE": "LoadedExecutable_GetExecutable",
    "LOADED_EXECUTABLE_EXECUTE": "LoadedExecutable_Execute",
    "EXECUTABLE_DESERIALIZE_AND_LOAD": "Executable_DeserializeAndLoad", "BUFFER_DESTROY": "Buffer_Destroy",
    "BUFFER_ELEMENT_TYPE": "Buffer_ElementType", "BUFFER_DIMENSIONS": "Buffer_Dimensions",
    "BUFFER_ON_DEVICE_SIZE_IN_BYTES": "Buffer_OnDeviceSizeInBytes", "BUFFER_DELETE": "Buffer_Delete",
    "BUFFER_TO_HOST_BUFFER": "Buffer_ToHostBuffer", "BUFFER_READY_EVENT": "Buffer_ReadyEvent",
    "BUFFER_OPAQUE_DEVICE_MEMORY_DATA_POINTER": "Buffer_OpaqueDeviceMemoryDataPointer",
  ]

  static let constants = [
    "PJ_EXTENSION_FFI": "PJRT_Extension_Type_FFI", "PJ_NAMED_INT64": "PJRT_NamedValue_kInt64",
    "PJ_HOST_IMMUTABLE_ONLY_DURING_CALL": "PJRT_HostBufferSemantics_kImmutableOnlyDuringCall",
    "PJ_HOST_IMMUTABLE_ZERO_COPY": "PJRT_HostBufferSemantics_kImmutableZeroCopy",
    "FFI_EXTENSION_METADATA": "XLA_FFI_Extension_Metadata", "FFI_STAGE_EXECUTE": "XLA_FFI_ExecutionStage_EXECUTE",
    "\(ElementType.pred.rawValue)": "PJRT_Buffer_Type_PRED", "\(ElementType.s64.rawValue)": "PJRT_Buffer_Type_S64",
    "\(ElementType.u64.rawValue)": "PJRT_Buffer_Type_U64", "\(ElementType.f64.rawValue)": "PJRT_Buffer_Type_F64",
    "\(ElementType.bf16.rawValue)": "PJRT_Buffer_Type_BF16", "\(ElementType.c128.rawValue)": "PJRT_Buffer_Type_C128",
  ]

  /// Assertions of the C program.
  static func assertions() -> String {
    var text = ""
    for (ours, theirs, fields) in structs {
      // A struct may have grown at its end since: ours is right as far as it goes.
      text += "_Static_assert(sizeof(\(ours)) <= sizeof(struct \(theirs)), \"size of \(theirs)\");\n"
      for field in fields.split(separator: " ") {
        let names = field.split(separator: "=")
        let (mine, official) = (names[0], names[names.count - 1])
        text +=
          "_Static_assert(offsetof(\(ours), \(mine)) == offsetof(struct \(theirs), \(official)), \"\(theirs).\(official)\");\n"
      }
    }
    for (slot, function) in slots {
      text +=
        "_Static_assert(offsetof(pj_api, slots) + 8 * PJ_\(slot) == offsetof(PJRT_Api, PJRT_\(function)), \"slot of \(function)\");\n"
    }
    for (ours, theirs) in constants { text += "_Static_assert((int)\(ours) == (int)\(theirs), \"\(theirs)\");\n" }
    text +=
      "_Static_assert(offsetof(ffi_api, error_create) == offsetof(struct XLA_FFI_Api, XLA_FFI_Error_Create), \"ffi api\");\n"
    return text
  }

  @Test(.enabled(if: haveHeaders, "the official headers aren't in .pinion/include; ./pinion test fetches them"))
  func sizesAndOffsetsAreTheOfficialOnes() throws {
    let good = try compile(Self.assertions())
    #expect(good.status == 0, "\(good.output)")
    // The check itself must be able to fail.
    let bad = try compile(
      "_Static_assert(offsetof(pj_program, code) == offsetof(struct PJRT_Program, format), \"x\");\n")
    #expect(bad.status != 0)
  }

  private func compile(_ assertions: String) throws -> (status: Int32, output: String) {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("pinion-abi-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let source = folder.appendingPathComponent("abi.c")
    try """
    #include "pjrt_c_api.h"
    #include "xla_ffi_c_api.h"
    #include "CPJRT.h"
    \(assertions)
    """.write(to: source, atomically: true, encoding: .utf8)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [
      "sh", "-c",
      "if command -v clang >/dev/null; then c=clang; else c=cc; fi; exec \"$c\" -std=c11 -fsyntax-only \"$@\"",
      "sh", "-I", Self.headers.path, "-I", Self.checkout.appendingPathComponent("Sources/CPJRT/include").path,
      source.path,
    ]
    let pipe = Pipe()
    process.standardError = pipe
    try process.run()
    let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return (process.terminationStatus, output)
  }
}
