// The one file that knows oneDNN. Compiles with 2.x and 3.x, which differ in how a primitive is described.
#include "kernels/matmul.h"

#include <fmt/format.h>
#include <omp.h>

#include <array>
#include <dnnl.hpp>
#include <memory>
#include <stdexcept>
#include <unordered_map>

#include "base/memory.h"
#include "kernels/flops.h"

namespace seqbench::kernels {
namespace {

using dnnl::memory;

dnnl::engine& engine() {
  static dnnl::engine cpu(dnnl::engine::kind::cpu, 0);
  return cpu;
}

struct Hash {
  std::size_t operator()(const Matmul& s) const {
    std::size_t h = static_cast<std::size_t>(s.m);
    for (const std::int64_t v :
         {s.n, s.k, std::int64_t{s.transpose_a * 4 + s.transpose_b * 2 + s.accumulate}}) {
      h = h * 0x9e3779b97f4a7c15ULL + static_cast<std::size_t>(v);
    }
    return h;
  }
};

memory::desc matrix(std::int64_t rows, std::int64_t columns, bool transposed) {
  return {
      {rows, columns}, memory::data_type::f32, transposed ? memory::dims{1, rows} : memory::dims{columns, 1}};
}

dnnl::matmul::primitive_desc describe(const Matmul& s) {
  const memory::desc a = matrix(s.m, s.k, s.transpose_a);
  const memory::desc b = matrix(s.k, s.n, s.transpose_b);
  const memory::desc c = matrix(s.m, s.n, false);
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  if (s.accumulate) {
    dnnl::post_ops sum;
    sum.append_sum(1.0F);
    attributes.set_post_ops(sum);
  }
#if DNNL_VERSION_MAJOR >= 3
  return {engine(), a, b, c, attributes};
#else
  return {dnnl::matmul::desc(a, b, c), attributes, engine()};
#endif
}

// A primitive with its memory objects: made once per shape and thread, so that a call only sets three
// pointers.
struct Product {
  explicit Product(const Matmul& shape)
      : description(describe(shape)),
        primitive(description),
        a(description.src_desc(), engine(), nullptr),
        b(description.weights_desc(), engine(), nullptr),
        c(description.dst_desc(), engine(), nullptr),
        scratchpad(description.scratchpad_desc(), engine(), nullptr) {}

  dnnl::matmul::primitive_desc description;
  dnnl::matmul primitive;
  memory a, b, c, scratchpad;
};

// What a thread keeps: its primitives, and one scratchpad as large as the largest of them wants.
class ThreadCache {
 public:
  Product& product(const Matmul& shape) {
    const auto found = products_.find(shape);
    if (found != products_.end()) return *found->second;
    use_one_thread_per_kernel();  // oneDNN plans a primitive for the threads it finds now
    auto made = std::make_unique<Product>(shape);
    reserve(made->description.scratchpad_desc().get_size());
    return *products_.emplace(shape, std::move(made)).first->second;
  }
  void run(Product& p, const float* a, const float* b, float* c) {
    // The C call takes an array; the C++ one would build a hash table each time.
    p.a.set_data_handle(const_cast<float*>(a));
    p.b.set_data_handle(const_cast<float*>(b));
    p.c.set_data_handle(c);
    p.scratchpad.set_data_handle(scratchpad_.get());
    const std::array<dnnl_exec_arg_t, 4> args = {{{DNNL_ARG_SRC, p.a.get()},
                                                  {DNNL_ARG_WEIGHTS, p.b.get()},
                                                  {DNNL_ARG_DST, p.c.get()},
                                                  {DNNL_ARG_SCRATCHPAD, p.scratchpad.get()}}};
    const dnnl_status_t status =
        dnnl_primitive_execute(p.primitive.get(), stream_.get(), static_cast<int>(args.size()), args.data());
    if (status != dnnl_success) throw std::runtime_error("oneDNN failed to run a matrix product");
  }

 private:
  void reserve(std::size_t bytes) {
    if (bytes <= scratchpad_bytes_) return;
    scratchpad_ = allocate_aligned(bytes);
    scratchpad_bytes_ = bytes;
  }
  dnnl::stream stream_{engine()};
  std::unordered_map<Matmul, std::unique_ptr<Product>, Hash> products_;
  std::unique_ptr<std::byte[], FreeAligned> scratchpad_ = allocate_aligned(kAlignment);
  std::size_t scratchpad_bytes_ = kAlignment;
};

const char* isa_name() {
  switch (dnnl::get_effective_cpu_isa()) {
    case dnnl::cpu_isa::sse41:
      return "SSE4.1";
    case dnnl::cpu_isa::avx:
      return "AVX";
    case dnnl::cpu_isa::avx2:
      return "AVX2";
    case dnnl::cpu_isa::avx2_vnni:
      return "AVX2 VNNI";
    case dnnl::cpu_isa::avx512_core:
      return "AVX-512";
    case dnnl::cpu_isa::avx512_core_vnni:
      return "AVX-512 VNNI";
    case dnnl::cpu_isa::avx512_core_bf16:
      return "AVX-512 bf16";
    case dnnl::cpu_isa::avx512_core_amx:
      return "AVX-512 AMX";
    default:
      return "its best";
  }
}

}  // namespace

void use_one_thread_per_kernel() { omp_set_num_threads(1); }

void matmul(const Matmul& shape, const float* a, const float* b, float* c) {
  if (shape.m == 0 || shape.n == 0 || shape.k == 0) return;
  thread_local ThreadCache cache;
  cache.run(cache.product(shape), a, b, c);
  flops::add(2.0 * static_cast<double>(shape.m) * static_cast<double>(shape.n) *
             static_cast<double>(shape.k));
}

void matmul(const Matmul& shape, const double* a, const double* b, double* c) {
  if (shape.m == 0 || shape.n == 0 || shape.k == 0) return;
  naive::matmul(shape, a, b, c);
}

void cap_matmul_isa(bool avx2) {
  if (dnnl::set_max_cpu_isa(avx2 ? dnnl::cpu_isa::avx2 : dnnl::cpu_isa::sse41) != dnnl::status::success) {
    throw std::logic_error("oneDNN has settled its instruction set before it was capped");
  }
}

std::string matmul_library() {
  const dnnl_version_t* version = dnnl_version();
  return fmt::format("oneDNN {}.{}.{} ({})", version->major, version->minor, version->patch, isa_name());
}

}  // namespace seqbench::kernels
