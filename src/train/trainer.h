// Training steps over lanes.
#pragma once
#include <cstdint>
#include <vector>

#include "model/language_model.h"
#include "task/task.h"
#include "train/batch.h"

namespace seqbench {

// The learning rate of step `step` (from 0) of `train`: linear warmup over its first share, then constant or
// a cosine to 0.
double learning_rate(const Options& train, std::int64_t step);

// What training changes: all of it is in a checkpoint.
struct TrainState {
  std::int64_t step = 0;  // steps done
  Buffer weights;
  Buffer first_moment;
  Buffer second_moment;
};

// One model in training. A step's batch is cut into lanes; a worker takes a lane, runs forward and backward
// over its sequences in its private arena and adds to the lane's own gradient; lanes are then summed in their
// order and given to AdamW (Loshchilov & Hutter 2019, arXiv 1711.05101; betas 0.9 and 0.999, eps 1e-8). The
// result does not depend on threads.
class Trainer {
 public:
  Trainer(const Task& task, const LanguageModel& model, const Options& train, std::uint64_t seed,
          int threads);

  struct Step {
    ScoreSum sum;
    std::int64_t tokens = 0;   // read, without padding
    double gradient_norm = 0;  // of the mean loss, before clipping
    bool finite = true;  // false: loss or gradient is not a number, and the weights were left as they were
  };
  // Trains on the batch of step state().step at that learning rate, and counts the step. Throws what `stop`
  // throws, and then leaves the state as it was.
  Step step(double lr, const Stop& stop = {});

  TrainState& state() { return state_; }
  const TrainState& state() const { return state_; }
  // Bytes of weights, moments, gradients and the arenas at their fullest.
  std::int64_t peak_bytes() const;

 private:
  struct Lane {
    Gradients gradients;
    Batch batch;
    Tally tally;
    std::int64_t tokens = 0;
  };
  // A stretch of the flat parameters that one call of a kernel updates.
  struct Stretch {
    std::int64_t first = 0;
    std::int64_t count = 0;
    bool decays = false;
  };
  void run_lane(Lane& lane, std::int64_t index, Arena& arena, const Stop& stop);
  double sum_gradients(std::int64_t labels);
  void update(double lr, double gradient_scale);

  const Task& task_;
  const LanguageModel& model_;
  std::int64_t batch_;
  double clip_;
  double weight_decay_;
  int threads_;
  TrainState state_;
  std::vector<Lane> lanes_;
  std::vector<Arena> arenas_;  // one a worker
  std::vector<Stretch> stretches_;
  Buffer gradient_;  // the sum of the lanes'
};

}  // namespace seqbench
