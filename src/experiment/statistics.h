// Means and their intervals over a few seeds.
#pragma once
#include <vector>

#include "train/result.h"

namespace seqbench {

// Of at least one value; of an even number of them, the mean of the middle two.
double median(std::vector<double> values);

double mean(const std::vector<double>& values);

// 95% interval of the mean of at least two values (Student's t), clipped to `within`.
Interval student_interval(const std::vector<double>& values, Interval within);

}  // namespace seqbench
