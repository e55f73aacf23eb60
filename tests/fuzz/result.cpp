#include "base/error.h"
#include "fuzz/parts.h"
#include "fuzz/targets.h"
#include "report/record.h"
#include "report/report.h"

namespace seqbench::fuzz {

void result(std::string_view input) {
  const MemoryFile file(input);
  const Records records = read_records({file.path()});
  expect(records.all.size() + records.problems.size() == 1, "a result is read, or is a problem");
  if (records.all.empty()) return;
  try {
    for (const ReportFormat format : {ReportFormat::text, ReportFormat::csv, ReportFormat::json, ReportFormat::html})
      make_report({.folders = {file.path()}, .format = format});
  } catch (const Error&) {
  }
}

}  // namespace seqbench::fuzz
