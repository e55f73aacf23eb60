// What a trained model costs, measured on this machine.
#pragma once
#include <cstdint>

#include "model/language_model.h"
#include "task/task.h"
#include "train/result.h"
#include "train/spec.h"
#include "train/trainer.h"
#include "train/work_progress.h"

namespace seqbench {

// FLOPs of a training step (forward and backward) per token, counted where the kernels are called. Throws
// what `stop` throws.
double flops_per_token(const Task& task, const LanguageModel& model, const Buffer& weights,
                       const Stop& stop = {});

// Over how many samples it counts.
std::int64_t counted_samples(std::int64_t length);

// The state of one sequence after `tokens` random tokens. Throws Error beyond model.longest().
DecodeState state_after(const LanguageModel& model, const Buffer& weights, std::int64_t vocab_size,
                        std::int64_t tokens);

// Fills what `measure` asks for: state bytes at every context always; when measure.speed is set, speeds, on
// `threads` threads for training and on one for prefill and decoding, each timing beside the machine's own
// rate at that moment. `progress` is told of contexts. Throws what `stop` throws.
void measure(const Task& task, const LanguageModel& model, const Options& measure_options, Trainer& trainer,
             int threads, Cost& cost, WorkProgress& progress, const Stop& stop = {});

// What measure() takes, beside one reading of each context: where a step takes `step` seconds, and where a
// context is read in `read` and a token after it in `token` seconds.
double training_repeats(double step);
double context_repeats(double read, double token);

}  // namespace seqbench
