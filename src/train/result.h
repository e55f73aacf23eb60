// What a run finds out.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "task/task.h"

namespace seqbench {

struct Interval {
  double low = 0;
  double high = 0;
};

// Scores over some examples of one split. Means are over labelled positions, each counting once.
struct Metrics {
  double loss = 0;      // nats per labelled position
  double accuracy = 0;  // labelled positions whose label has the largest logit
  double exact = 0;     // examples with every labelled position right
  // 95%, Wilson. With one trial an example, whose labels are not independent: they ask the same sequence.
  // Of texts and sources (scored_by_loss) with one trial a label: what the tokens before leave open of each
  // is taken to be independent.
  Interval accuracy_interval;
  std::optional<double> bits_per_byte;  // of text
  std::optional<double>
      excess;  // loss above that of the source itself, where it is known: 0 is the best possible
  Chance chance;
  std::int64_t examples = 0;
  std::int64_t labels = 0;
  std::int64_t errors = 0;  // labels whose token has not the largest logit
  struct SliceMetrics {
    std::string by;
    std::int64_t value = 0;
    double loss = 0;
    double accuracy = 0;
    double exact = 0;           // not a number for slices of labels
    std::int64_t examples = 0;  // 0 for slices of labels (position, distance)
    std::int64_t labels = 0;
  };
  std::vector<SliceMetrics> slices;
};

// Of a text or a random source no one is right every time: its loss says more than its accuracy.
inline bool scored_by_loss(const Metrics& metrics) { return metrics.bits_per_byte || metrics.excess; }

// One line of curve.jsonl. Holds no times: the curve of a spec is bitwise the same each time it is run.
struct CurvePoint {
  std::int64_t step = 0;
  double lr = 0;
  double train_loss = 0;      // mean over the steps since the last point
  double train_accuracy = 0;  // likewise
  double gradient_norm = 0;   // of the last step, before clipping
  double valid_loss = 0;
  double valid_accuracy = 0;
};

// One timing, and the machine's own rate right beside it on as many threads (train/machine_rate.h): their
// ratio is what compares across moments and machines.
struct SpeedSample {
  double tokens_per_s = 0;
  double gemm_gflops = 0;
};
using SpeedSamples = std::vector<SpeedSample>;

struct Cost {
  std::int64_t parameters = 0;
  std::int64_t mixer_parameters = 0;
  std::int64_t task_length = 0;                      // tokens of a training sequence, at most
  std::map<std::int64_t, std::int64_t> state_bytes;  // context length -> bytes of one sequence's decode state
  double flops_per_token = 0;  // of a training step (forward and backward), counted in the kernels
  // Speeds are absent when measure.speed is false.
  std::optional<double> train_tokens_per_s;
  std::map<std::int64_t, double> prefill_tokens_per_s;  // one sequence, one thread
  std::map<std::int64_t, double> decode_us_per_token;   // one sequence, one thread, at that context
  SpeedSamples train_samples;                           // what the speeds are medians of
  std::map<std::int64_t, SpeedSamples> prefill_samples;
  std::map<std::int64_t, SpeedSamples> decode_samples;
  std::int64_t peak_bytes = 0;          // weights, gradients, moments and arenas of this run
  std::int64_t process_peak_bytes = 0;  // of the whole process so far (maximum resident set)
};

enum class Status { ok, diverged, timeout, failed };
const char* name_of(Status status);

// A test at other options of the task.
struct SettingMetrics {
  std::map<std::string, Value> setting;  // what is different
  Metrics metrics;
};

// Of the weights with the best validation during training (train/best.h), which may be the last.
struct BestResult {
  std::int64_t step = 0;
  Metrics valid, test;  // of no examples: not tested
  std::vector<SettingMetrics> settings = {};
};

struct RunResult {
  Status status = Status::ok;
  std::string message;  // why, when not ok
  std::int64_t steps = 0;
  Metrics train;  // over the last steps' batches (since the last point of the curve)
  Metrics valid;
  Metrics test;
  std::vector<SettingMetrics> settings;  // of further_tests() (train/spec.h), in their order
  std::optional<BestResult> best = {};
  Cost cost;
  double train_seconds = 0;         // wall time of training, validation included
  std::int64_t resumes = 0;         // times the run was taken up again
  std::int64_t repeated_steps = 0;  // done again because of that
  double total_seconds = 0;
};

}  // namespace seqbench
