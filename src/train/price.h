// What a run will take, before it runs.
#pragma once
#include <cstdint>

#include "base/stop.h"
#include "train/spec.h"

namespace seqbench {

struct Price {
  std::int64_t parameters = 0;
  double flops_per_token = 0;  // forward and backward
  double train_flops = 0;      // of all steps
  double train_seconds = 0;    // of all steps, when none stops early
  double valid_seconds = 0;    // of all points of the curve
  double test_seconds = 0;     // of the validation and the tests after training
  double measure_seconds = 0;
  double seconds() const { return train_seconds + valid_seconds + test_seconds + measure_seconds; }
};

// From timing on `threads` threads: whole steps and examples where those are quick, else passes over some
// rows or over shorter sequences, in proportion to the FLOPs. Takes `effort` seconds for each of five
// timings, and the least that can be timed of each. Writes nothing. Throws what `stop` throws, Error and
// std::bad_alloc.
Price price(const RunSpec& spec, int threads, double effort, const Stop& stop);

// A measure of the work of a run, from its options alone: parameters times tokens.
double rough_work(const RunSpec& spec);

}  // namespace seqbench
