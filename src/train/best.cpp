#include "train/best.h"

#include <cmath>

namespace seqbench {

void Best::offer(std::int64_t at, const Metrics& validation, const Buffer& now) {
  if (!std::isfinite(validation.loss)) return;
  const bool by_loss = validation.bits_per_byte || validation.excess;
  const bool as_accurate = by_loss || validation.accuracy == accuracy;
  const bool better = as_accurate ? validation.loss < loss : validation.accuracy > accuracy;
  if (step > 0 && !better) return;
  step = at;
  loss = validation.loss;
  accuracy = validation.accuracy;
  weights = now;
}

}  // namespace seqbench
