#pragma once
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "base/error.h"
#include "experiment/store.h"
#include "unit/folder.h"

namespace seqbench {

// What the Error says that `f` throws; "" when it throws none.
template <class F>
std::string message_of(const F& f) {
  try {
    f();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

inline bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

inline Json small_spec() {
  return parse_json(R"({"task": {"name": "mqar", "vocab_size": 64, "length": 32, "pairs": 4},
                        "model": {"width": 16, "mixer": "softmax"}, "train": {"steps": 4, "batch": 8}})",
                    "test");
}

}  // namespace seqbench
