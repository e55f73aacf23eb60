#include "bench/bench.h"

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>

#include "base/error.h"
#include "bench/subject.h"
#include "kernels/flops.h"
#include "kernels/matmul.h"

namespace seqbench {
namespace {

using Clock = std::chrono::steady_clock;

// Decoding grows some states: after this many tokens it starts again from the context it is named after.
constexpr std::int64_t kDecodedTokens = 16;

void report(benchmark::State& run, double tokens, double flops) {
  run.counters["tokens/s"] = benchmark::Counter(tokens, benchmark::Counter::kIsIterationInvariantRate);
  if (flops > 0) {
    run.counters["FLOP/s"] = benchmark::Counter(flops, benchmark::Counter::kIsIterationInvariantRate);
  }
}

// Times work(subject) over whole sequences.
template <class Work>
void time_sequences(benchmark::State& run, const MixerSpec& mixer, const BenchShape& shape,
                    const Work& work) {
  BenchSubject subject(mixer, shape);
  work(subject);  // memory, code and oneDNN's primitives are there from now on
  const double before = flops::counted();
  work(subject);
  const double flops = flops::counted() - before;
  for (auto _ : run) work(subject);
  report(run, static_cast<double>(subject.tokens()), flops);
}

void time_decode(benchmark::State& run, const MixerSpec& mixer, const BenchShape& shape) {
  BenchSubject subject(mixer, shape);
  State context = subject.empty_state();
  subject.prefill(context);
  State state = context;
  std::int64_t decoded = 0;
  for (auto _ : run) {
    if (decoded++ % kDecodedTokens == 0) {
      state = context;
      subject.decode(state);  // a copied state is not where the last one was
    }
    const auto start = Clock::now();
    subject.decode(state);
    run.SetIterationTime(std::chrono::duration<double>(Clock::now() - start).count());
  }
  report(run, static_cast<double>(shape.batch), 0);
  run.counters["state_bytes"] = static_cast<double>(context.bytes());
}

std::string label_of(const MixerSpec& mixer) {
  std::string label = mixer.name;
  for (const Option& option : mechanisms().find(mixer.name, mixer.path).options) {
    const Value& value = mixer.options.all().find(option.name)->second;
    if (value != option.default_value) label += fmt::format(" {}={}", option.name, to_text(value));
  }
  return label;
}

void add_benchmarks(const MixerSpec& mixer, const BenchShape& shape) {
  const auto add = [&](const char* what, const auto& body) {
    return benchmark::RegisterBenchmark(fmt::format("{}/{}/{}", label_of(mixer), what, shape.length).c_str(),
                                        body)
        ->Unit(benchmark::kMicrosecond);
  };
  add("forward", [=](benchmark::State& run) {
    time_sequences(run, mixer, shape, [](BenchSubject& subject) { subject.forward(); });
  });
  add("train", [=](benchmark::State& run) {
    time_sequences(run, mixer, shape, [](BenchSubject& subject) { subject.train(); });
  });
  add("prefill", [=](benchmark::State& run) {
    time_sequences(run, mixer, shape, [](BenchSubject& subject) {
      State state = subject.empty_state();
      subject.prefill(state);
    });
  });
  add("decode", [=](benchmark::State& run) { time_decode(run, mixer, shape); })->UseManualTime();
}

// Google Benchmark takes what it knows from an argument list, keeps a pointer to the first, and ends the
// program when a value is bad.
void initialize(const Texts& flags) {
  static char program[] = "seqbench bench";
  Texts arguments = flags;
  std::vector<char*> pointers = {program};
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  int count = static_cast<int>(pointers.size());
  benchmark::Initialize(&count, pointers.data());
  if (count > 1) {
    fail(
        "bench: unknown argument \"{}\"; expected names of mechanisms, and flags of Google Benchmark such as "
        "--benchmark_filter=decode.",
        pointers[1]);
  }
}

// Google Benchmark says how it was built itself, Debian's as "debug", with a warning: what is timed is ours.
void name_builds() {
#ifdef NDEBUG
  benchmark::AddCustomContext("seqbench_build_type", "release");
#else
  benchmark::AddCustomContext("seqbench_build_type", "debug");
#endif
  benchmark::AddCustomContext("library_build_type_means",
                              "how Google Benchmark was built, which only counts rounds and keeps the time; what is "
                              "timed is seqbench's own code");
}

}  // namespace

void run_benchmarks(const BenchPlan& plan) {
  kernels::use_one_thread_per_kernel();
  for (const MixerSpec& mixer : plan.mixers) {
    for (const std::int64_t length : plan.lengths) {
      const BenchShape shape{plan.batch, plan.width, length};
      expect_fit(mixer, shape);
      add_benchmarks(mixer, shape);
    }
  }
  name_builds();
  initialize(plan.flags);
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}

}  // namespace seqbench
