// The weights of the best validation so far, kept beside those in training.
#pragma once
#include <cstdint>

#include "autograd/buffer.h"
#include "train/result.h"

namespace seqbench {

struct Best {
  std::int64_t step = 0;  // 0: no validation yet
  double loss = 0;
  double accuracy = 0;
  Buffer weights;

  // Takes the weights of `step` when their validation is better: by accuracy, between equal ones by loss; of
  // text and random sources, where no one is right every time, by loss. Of validations alike the first stays.
  // A loss that is no number is never better.
  void offer(std::int64_t step, const Metrics& validation, const Buffer& weights);
};

}  // namespace seqbench
