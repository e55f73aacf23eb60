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
  double tokens_per_s = 0;
};
// Of a training step: medians of at least `repeats` steps and `seconds` of them, at a learning rate of 0,
// after one that is not counted, unless it was a long one and one is enough.
StepTime step_time(Trainer& trainer, int repeats, double seconds);

// Fills what `measure` asks for: state bytes at every context always; speeds when measure.speed is set.
void measure(const Task& task, const LanguageModel& model, const Options& measure_options, Trainer& trainer,
             Cost& cost);

}  // namespace seqbench
