// What a trained model costs, measured on this machine.
#pragma once
#include <cstdint>

#include "model/language_model.h"
#include "task/task.h"
#include "train/result.h"
#include "train/spec.h"
#include "train/trainer.h"

namespace seqbench {

// FLOPs of a training step (forward and backward) per token, counted where the kernels are called.
double flops_per_token(const Task& task, const LanguageModel& model, const Buffer& weights);

struct StepTime {
  double seconds = 0;
  std::int64_t tokens = 0;
};
// Of one training step at a learning rate of 0: the second, unless the first was a long one.
StepTime step_time(Trainer& trainer);

// The state of one sequence after `tokens` random tokens. Throws Error beyond model.longest().
DecodeState state_after(const LanguageModel& model, const Buffer& weights, std::int64_t vocab_size,
                        std::int64_t tokens);

// Fills what `measure` asks for: state bytes at every context always; when measure.speed is set, speeds, on
// `threads` threads for training and on one for prefill and decoding, each timing beside the machine's own
// rate at that moment.
void measure(const Task& task, const LanguageModel& model, const Options& measure_options, Trainer& trainer,
             int threads, Cost& cost);

}  // namespace seqbench
