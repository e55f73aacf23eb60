// What fuzzing feeds: each takes any bytes, and an exception that leaves it is a fault of the program.
// Under libFuzzer one of them is a program (libfuzzer.cpp); unit/fuzz/replay_test.cpp gives each its corpus.
#pragma once
#include <string_view>

namespace seqbench::fuzz {

void spec(std::string_view input);         // a spec: parsed, its grid expanded, resolved, and written again
void safetensors(std::string_view input);  // a file of named tensors
void result(std::string_view input);       // a result.json, and every table made of it
void checkpoint(std::string_view input);   // a checkpoint, and the curve beside it
void corpus(std::string_view input);       // options, and the text files of a language model
void tokenizer(std::string_view input);    // a training text, and one to encode

// What checkpoint does: whether a run could go on from it.
bool resumes(std::string_view input);

struct Target {
  const char* name;  // of its folder in corpus/
  void (*run)(std::string_view input);
};
inline constexpr Target kTargets[] = {{"spec", spec},     {"safetensors", safetensors},
                                      {"result", result}, {"checkpoint", checkpoint},
                                      {"corpus", corpus}, {"tokenizer", tokenizer}};

}  // namespace seqbench::fuzz
