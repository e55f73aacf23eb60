// Vectors of numbers and how far apart two of them are.
#pragma once
#include <cstdint>
#include <vector>

namespace seqbench::proof {

using Numbers = std::vector<double>;

// Normal numbers that an f32 holds: f32 and f64 get the same.
Numbers normal_numbers(std::int64_t count, std::uint64_t seed);

// Root mean square; 0 for an empty vector.
double rms(const Numbers& x);

// The largest |a - b| over the root mean square of `reference`; infinite when sizes differ, a number is not
// finite, or the reference is all zeros and the other is not.
double relative_error(const Numbers& value, const Numbers& reference);

bool all_finite(const Numbers& x);

}  // namespace seqbench::proof
