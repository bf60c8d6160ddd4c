// Convolutions and their gradients through oneDNN.
//
// Tensors lie as in the array library, channels last. oneDNN takes activations so, or wants them in blocks of channels,
// and always picks the kernel's layout itself; what differs is reordered on the way. Primitives are made once a shape.
#include <array>
#include <condition_variable>
#include <cstdlib>
#include <functional>
#include <map>
#include <mutex>
#include <string>

#include "Frame.h"
#include "OneDNN.h"

namespace pinion::onednn {
namespace {

/// XLA's numbers.
enum { ffi_s64 = 5, ffi_array_attribute = 1 };

/// Which tensor of a convolution is asked for; the other two are given.
enum Kind : int { result_of_input, gradient_of_input, gradient_of_kernel };

/// A convolution [n, input…, groups * c] x [kernel…, c, groups * o] -> [n, output…, groups * o]: all that tells it
/// from others.
struct Geometry {
  int64_t kind, type, rank, n, groups, c, o;
  std::array<int64_t, 3> input, kernel, output, strides, dilation, low, high;

  std::array<int64_t, 28> key() const {
    std::array<int64_t, 28> all{kind, type, rank, n, groups, c, o};
    auto next = all.begin() + 7;
    for (const auto &list : {input, kernel, output, strides, dilation, low, high})
      next = std::copy(list.begin(), list.end(), next);
    return all;
  }

  /// Whether the sizes agree, and oneDNN may be asked: it crops nothing, and knows no gaps in the input.
  bool is_sound() const {
    const int64_t most = std::numeric_limits<int>::max();
    for (int64_t size : {n, groups, c, o})
      if (size < 1 || size > most) return false;
    for (int64_t i = 0; i < rank; i++) {
      if (input[i] < 1 || kernel[i] < 1 || output[i] < 1 || strides[i] < 1 || dilation[i] < 1) return false;
      for (int64_t size : {input[i], kernel[i], output[i], strides[i], dilation[i], low[i], high[i]})
        if (size < 0 || size > most) return false;
      const int64_t reach = (kernel[i] - 1) * dilation[i] + 1;
      if (low[i] >= reach || high[i] >= reach + strides[i]) return false;
      const int64_t room = input[i] + low[i] + high[i] - reach;
      if (room < 0 || room / strides[i] + 1 != output[i]) return false;
    }
    return true;
  }
};

Owned<MemoryDesc> describe(int rank, const Dims dims, int type, const Dims strides) {
  MemoryDesc *made = nullptr;
  check(library.memory_desc_create_with_strides(&made, rank, dims, type, strides), "describe an operand");
  return Owned<MemoryDesc>(made);
}

Owned<MemoryDesc> describe_any(int rank, const Dims dims, int type) {
  MemoryDesc *made = nullptr;
  check(library.memory_desc_create_with_tag(&made, rank, dims, type, any_layout), "describe an operand");
  return Owned<MemoryDesc>(made);
}

/// A tensor as the array library has it, and the same in whatever layout oneDNN likes.
struct Described {
  Owned<MemoryDesc> plain, any;

  Described(int rank, const Dims dims, int type, const Dims strides)
      : plain(describe(rank, dims, type, strides)), any(describe_any(rank, dims, type)) {}

  /// [n, sizes…, channels], named as oneDNN does: n, channels, sizes.
  static Described activations(const Geometry &g, int64_t channels, const std::array<int64_t, 3> &sizes) {
    Dims dims = {g.n, channels}, strides = {0, 1};
    int64_t step = channels;
    for (int64_t i = g.rank - 1; i >= 0; i--) {
      dims[i + 2] = sizes[i];
      strides[i + 2] = step;
      step *= sizes[i];
    }
    strides[0] = step;
    return Described(int(g.rank) + 2, dims, int(g.type), strides);
  }

  /// [kernel…, c, groups * o], named groups (where there are some), o, c, kernel.
  static Described weights(const Geometry &g) {
    const int lead = g.groups > 1 ? 1 : 0;
    Dims dims = {g.groups}, strides = {g.o};
    dims[lead] = g.o;
    strides[lead] = 1;
    dims[lead + 1] = g.c;
    int64_t step = g.groups * g.o;
    strides[lead + 1] = step;
    step *= g.c;
    for (int64_t i = g.rank - 1; i >= 0; i--) {
      dims[lead + 2 + i] = g.kernel[i];
      strides[lead + 2 + i] = step;
      step *= g.kernel[i];
    }
    return Described(int(g.rank) + 2 + lead, dims, int(g.type), strides);
  }
};

/// One operand or the result of a primitive: its data, and where oneDNN wants another layout a copy and the way there.
struct Port {
  Owned<Memory> data, copy;
  Owned<Primitive> reorder;
  size_t offset = 0;
};

size_t aligned(size_t size) { return (size + 63) / 64 * 64; }

/// A convolution made ready, for a number of threads. One caller at a time may run it.
struct Plan {
  Owned<Primitive> primitive;
  std::array<Port, 3> ports;  // two operands and the result
  std::array<int, 3> arguments;
  Owned<Memory> scratchpad;
  size_t scratch_offset = 0, workspace = 0;
  int threads = 1;
  std::mutex mutex;

  Owned<Memory> memory(const MemoryDesc *description) {
    Memory *made = nullptr;
    check(library.memory_create(&made, description, library.engine, nullptr), "make an operand");
    return Owned<Memory>(made);
  }

  void connect(Port &port, const MemoryDesc *given, const MemoryDesc *wanted, bool is_result) {
    port.data = memory(given);
    if (library.memory_desc_equal(given, wanted)) return;
    port.copy = memory(wanted);
    port.offset = workspace;
    workspace += aligned(library.memory_desc_get_size(wanted));
    PrimitiveDesc *description = nullptr;
    check(library.reorder_create(&description, is_result ? wanted : given, library.engine, is_result ? given : wanted,
                                 library.engine, nullptr),
          "change a layout");
    const Owned<PrimitiveDesc> owned(description);
    Primitive *made = nullptr;
    check(library.primitive_create(&made, description), "change a layout");
    port.reorder.reset(made);
  }

  void run(Stream *stream, const std::array<void *, 3> &data, char *room) {
    std::array<Argument, 4> list;
    for (int i = 0; i < 3; i++) {
      Port &port = ports[i];
      library.memory_set_data_handle(port.data.get(), data[i]);
      if (port.copy) library.memory_set_data_handle(port.copy.get(), room + port.offset);
      if (port.copy && i < 2) move(stream, port.reorder.get(), port.data.get(), port.copy.get());
      list[i] = {arguments[i], port.copy ? port.copy.get() : port.data.get()};
    }
    int count = 3;
    if (scratchpad) {
      library.memory_set_data_handle(scratchpad.get(), room + scratch_offset);
      list[count++] = {argument_scratchpad, scratchpad.get()};
    }
    check(library.primitive_execute(primitive.get(), stream, count, list.data()), "run a convolution");
    Port &result = ports[2];
    if (result.copy) move(stream, result.reorder.get(), result.copy.get(), result.data.get());
    check(library.stream_wait(stream), "run a convolution");
  }

 private:
  static void move(Stream *stream, const Primitive *reorder, Memory *from, Memory *to) {
    const std::array<Argument, 2> list = {Argument{argument_source, from}, Argument{argument_result, to}};
    check(library.primitive_execute(reorder, stream, 2, list.data()), "change a layout");
  }
};

Owned<PrimitiveDesc> describe_convolution(const Geometry &g, Kind kind, const MemoryDesc *source,
                                          const MemoryDesc *weights, const MemoryDesc *result) {
  Dims gaps = {};
  for (int64_t i = 0; i < g.rank; i++) gaps[i] = g.dilation[i] - 1;
  PrimitiveDesc *forward = nullptr, *made = nullptr;
  library.forward_create(&forward, library.engine, forward_training, direct_convolution, source, weights, nullptr,
                         result, g.strides.data(), gaps, g.low.data(), g.high.data(), library.attributes);
  Owned<PrimitiveDesc> hint(forward);
  if (kind == result_of_input || !hint) return hint;
  if (kind == gradient_of_input) {
    library.backward_data_create(&made, library.engine, direct_convolution, source, weights, result, g.strides.data(),
                                 gaps, g.low.data(), g.high.data(), forward, library.attributes);
  } else {
    library.backward_weights_create(&made, library.engine, direct_convolution, source, weights, nullptr, result,
                                    g.strides.data(), gaps, g.low.data(), g.high.data(), forward, library.attributes);
  }
  return Owned<PrimitiveDesc>(made);
}

std::string implementation(const PrimitiveDesc *description) {
  const char *name = nullptr;
  library.primitive_desc_query(description, query_implementation, 0, &name);
  return name ? name : "";
}

/// The plan of a convolution; null where oneDNN has only its reference implementation, or none.
std::shared_ptr<Plan> make_plan(const Geometry &g, bool blocked) {
  const Kind kind = Kind(g.kind);
  const Described source = Described::activations(g, g.groups * g.c, g.input);
  const Described weights = Described::weights(g);
  const Described result = Described::activations(g, g.groups * g.o, g.output);
  const Owned<PrimitiveDesc> description =
      describe_convolution(g, kind, (blocked ? source.any : source.plain).get(), weights.any.get(),
                           (blocked ? result.any : result.plain).get());
  if (!description) return nullptr;
  auto plan = std::make_shared<Plan>();
  const std::string name = implementation(description.get());
  if (name.find("ref") != std::string::npos) return nullptr;
  Primitive *made = nullptr;
  if (library.primitive_create(&made, description.get()) != 0) return nullptr;
  plan->primitive.reset(made);
  auto wanted = [&](int query) { return library.primitive_desc_query_md(description.get(), query, 0); };
  auto connect = [&](int port, const Described &given, int query, int argument) {
    plan->connect(plan->ports[port], given.plain.get(), wanted(query), port == 2);
    plan->arguments[port] = argument;
  };
  switch (kind) {
    case result_of_input:
      connect(0, source, query_source, argument_source);
      connect(1, weights, query_weights, argument_weights);
      connect(2, result, query_result, argument_result);
      break;
    case gradient_of_input:
      connect(0, weights, query_weights, argument_weights);
      connect(1, result, query_result_gradient, argument_result_gradient);
      connect(2, source, query_source_gradient, argument_source_gradient);
      break;
    case gradient_of_kernel:
      connect(0, source, query_source, argument_source);
      connect(1, result, query_result_gradient, argument_result_gradient);
      connect(2, weights, query_weights_gradient, argument_weights_gradient);
      break;
  }
  const MemoryDesc *scratch = wanted(query_scratchpad);
  const size_t size = scratch ? library.memory_desc_get_size(scratch) : 0;
  if (size > 0) {
    plan->scratchpad = plan->memory(scratch);
    plan->scratch_offset = plan->workspace;
    plan->workspace += aligned(size);
  }
  return plan;
}

/// Below this many operations a convolution runs in the caller's thread alone: waking others takes as long.
constexpr double few_operations = 4e6;

/// Whether activations are better reordered to blocks of channels than left with channels last. Measured with oneDNN
/// 3.2 on Zen 4, whose AVX-512 was turned off for the rest.
bool prefers_blocks(const Geometry &g) {
  if (g.groups > 1) return g.c > 1;  // Unless each channel is a group.
  const bool has_avx512 = (library.effective_cpu_isa() & isa_avx512) == isa_avx512;
  return !has_avx512 && g.kind == gradient_of_kernel && g.c >= 32 && g.o >= 32;
}

/// The best plan for this processor; null where there is none, or XLA's own convolution is better.
std::shared_ptr<Plan> best_plan(const Geometry &g) {
  bool has_strides = false;
  for (int64_t i = 0; i < g.rank; i++) has_strides |= g.strides[i] > 1;
  // Vectors of 16 channels, of which few are used.
  if (g.kind == gradient_of_input && g.groups == 1 && g.c < 8 && has_strides) return nullptr;
  const bool blocked = prefers_blocks(g);
  double operations = 2.0 * double(g.n) * double(g.groups) * double(g.c) * double(g.o);
  for (int64_t i = 0; i < g.rank; i++) operations *= double(g.output[i]) * double(g.kernel[i]);
  const int threads = operations < few_operations ? 1 : library.threads;
  library.omp_set_num_threads(threads);
  std::shared_ptr<Plan> plan = make_plan(g, blocked);
  if (!plan && blocked) plan = make_plan(g, false);
  if (plan) plan->threads = threads;
  return plan;
}

/// Plans by geometry; also those that can't be made. The least recently used goes where there are too many.
std::shared_ptr<Plan> find_plan(const Geometry &g) {
  struct Entry {
    std::shared_ptr<Plan> plan;
    uint64_t used;
  };
  constexpr size_t limit = 1024;
  static std::mutex mutex;
  static auto &entries = *new std::map<std::array<int64_t, 28>, Entry>;
  static uint64_t clock = 0;
  const auto key = g.key();
  {
    const std::lock_guard<std::mutex> guard(mutex);
    const auto known = entries.find(key);
    if (known != entries.end()) {
      known->second.used = ++clock;
      return known->second.plan;
    }
  }
  std::shared_ptr<Plan> plan = g.is_sound() ? best_plan(g) : nullptr;
  const std::lock_guard<std::mutex> guard(mutex);
  if (entries.size() >= limit) {
    auto oldest = entries.begin();
    for (auto i = entries.begin(); i != entries.end(); ++i)
      if (i->second.used < oldest->second.used) oldest = i;
    entries.erase(oldest);
  }
  return entries.emplace(key, Entry{plan, ++clock}).first->second.plan;
}

/// Memory for copies in other layouts and scratchpads.
class Room {
 public:
  ~Room() { std::free(memory); }
  char *reserve(size_t size) {
    if (size > this->size) {
      std::free(memory);
      memory = nullptr;
      this->size = 0;
      memory = static_cast<char *>(std::aligned_alloc(64, aligned(size)));
      if (memory == nullptr) throw std::bad_alloc();
      this->size = aligned(size);
    }
    return memory;
  }

  /// Gives back what is more than most convolutions need.
  void trim() {
    if (size <= size_t(256) << 20) return;
    std::free(memory);
    memory = nullptr;
    size = 0;
  }

 private:
  char *memory = nullptr;
  size_t size = 0;
};

/// The thread that runs convolutions on all processors, one after another.
///
/// OpenMP keeps a team of threads for each thread that calls it, so it's called from one thread only, whichever of
/// XLA's wants the convolution.
class Worker {
 public:
  static Worker &shared() {
    static Worker &worker = *new Worker;  // Waits for work until the process ends.
    return worker;
  }

  void run(const std::function<void()> &work) {
    const std::lock_guard<std::mutex> turn(turns);
    std::unique_lock<std::mutex> lock(mutex);
    task = &work;
    error = nullptr;
    wake.notify_one();
    done.wait(lock, [&] { return task == nullptr; });
    if (error) std::rethrow_exception(error);
  }

  Room room;

 private:
  Worker() { std::thread([this] { loop(); }).detach(); }

  void loop() {
    std::unique_lock<std::mutex> lock(mutex);
    for (;;) {
      wake.wait(lock, [&] { return task != nullptr; });
      try {
        (*task)();
      } catch (...) {
        error = std::current_exception();
      }
      task = nullptr;
      done.notify_one();
    }
  }

  std::mutex turns, mutex;
  std::condition_variable wake, done;
  const std::function<void()> *task = nullptr;
  std::exception_ptr error;
};

Stream *make_stream() {
  Stream *made = nullptr;
  check(library.stream_create(&made, library.engine, in_order), "make a stream");
  return made;
}

void run(const Geometry &g, const std::array<void *, 3> &data) {
  if (!library.is_open.load(std::memory_order_acquire)) throw Failure{"no oneDNN library is open"};
  const std::shared_ptr<Plan> plan = find_plan(g);
  if (!plan) throw Failure{"oneDNN has no such convolution for this processor"};
  static Stream *const stream = make_stream();  // On a CPU a stream has no state.
  if (plan->threads == 1) {
    const std::lock_guard<std::mutex> guard(plan->mutex);
    library.omp_set_num_threads(1);
    Room room;
    plan->run(stream, data, room.reserve(plan->workspace));
  } else {
    Worker &worker = Worker::shared();
    worker.run([&] {
      library.omp_set_num_threads(plan->threads);
      plan->run(stream, data, worker.room.reserve(plan->workspace));
      worker.room.trim();
    });
  }
}

/// The geometry of a call; `numbers` are groups, strides, dilation, low and high padding.
Geometry geometry(Kind kind, int element_type, int64_t axes, const int64_t *input, const int64_t *kernel,
                  const int64_t *output, const int64_t *numbers) {
  Geometry g{};
  const int64_t rank = axes - 2;
  g.kind = kind;
  g.rank = rank;
  switch (element_type) {
    case 10: g.type = f16; break;
    case 11: g.type = f32; break;
    case 16: g.type = bf16; break;
    default: throw Failure{"oneDNN convolves float32, float16 and bfloat16"};
  }
  for (auto *list : {&g.input, &g.kernel, &g.output, &g.strides, &g.dilation}) list->fill(1);
  g.groups = numbers[0];
  for (int64_t i = 0; i < rank; i++) {
    g.input[i] = input[i + 1];
    g.kernel[i] = kernel[i];
    g.output[i] = output[i + 1];
    g.strides[i] = numbers[1 + i];
    g.dilation[i] = numbers[1 + rank + i];
    g.low[i] = numbers[1 + 2 * rank + i];
    g.high[i] = numbers[1 + 3 * rank + i];
  }
  g.n = input[0];
  g.c = kernel[rank];
  g.o = g.groups > 0 ? kernel[rank + 1] / g.groups : 0;
  if (output[0] != g.n || input[rank + 1] != g.c * g.groups || kernel[rank + 1] != g.o * g.groups ||
      output[rank + 1] != g.o * g.groups)
    throw Failure{"sizes of a convolution's operands don't fit"};
  return g;
}

/// Attribute `geometry`: integers of 64 bits.
const int64_t *numbers(const ffi_call_frame *frame, int64_t count) {
  for (int64_t i = 0; i < frame->attrs.size; i++) {
    const ffi_byte_span *name = frame->attrs.names[i];
    if (std::string(name->ptr, name->len) != "geometry" || frame->attrs.types[i] != ffi_array_attribute) continue;
    const ffi_array *list = static_cast<const ffi_array *>(frame->attrs.attrs[i]);
    if (list->dtype == ffi_s64 && int64_t(list->size) == count) return static_cast<const int64_t *>(list->data);
  }
  throw Failure{"attribute geometry is missing"};
}

ffi_error *convolve(ffi_call_frame *frame, Kind kind) {
  return handle(frame, [&] {
    if (frame->args.size != 2 || frame->rets.size != 1) throw Failure{"a convolution takes two operands"};
    const auto *first = static_cast<const ffi_buffer *>(frame->args.args[0]);
    const auto *second = static_cast<const ffi_buffer *>(frame->args.args[1]);
    const auto *made = static_cast<const ffi_buffer *>(frame->rets.rets[0]);
    const ffi_buffer *input = kind == gradient_of_input ? made : first;
    const ffi_buffer *kernel = kind == gradient_of_kernel ? made : kind == gradient_of_input ? first : second;
    const ffi_buffer *output = kind == result_of_input ? made : second;
    const int64_t axes = input->rank;
    if (axes < 3 || axes > 5 || kernel->rank != axes || output->rank != axes)
      throw Failure{"a convolution takes 1 to 3 spatial axes"};
    if (kernel->dtype != input->dtype || output->dtype != input->dtype) throw Failure{"element types differ"};
    run(geometry(kind, input->dtype, axes, input->dims, kernel->dims, output->dims, numbers(frame, 4 * axes - 7)),
        {first->data, second->data, made->data});
  });
}

}  // namespace
}  // namespace pinion::onednn

using namespace pinion;

bool kernels_convolution_takes(int kind, int element_type, int64_t axes, const int64_t *input, const int64_t *kernel,
                               const int64_t *output, const int64_t *numbers) {
  try {
    return onednn::library.is_open.load(std::memory_order_acquire) && axes >= 3 && axes <= 5 &&
           onednn::find_plan(onednn::geometry(onednn::Kind(kind), element_type, axes, input, kernel, output, numbers));
  } catch (const Failure &) {
    return false;
  } catch (const std::exception &) {
    return false;
  }
}

ffi_error *kernels_convolution(ffi_call_frame *frame) { return onednn::convolve(frame, onednn::result_of_input); }
ffi_error *kernels_convolution_input(ffi_call_frame *frame) {
  return onednn::convolve(frame, onednn::gradient_of_input);
}
ffi_error *kernels_convolution_kernel(ffi_call_frame *frame) {
  return onednn::convolve(frame, onednn::gradient_of_kernel);
}
