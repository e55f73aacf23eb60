// What `seqbench report` makes of folders of results.
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "report/pivot.h"
#include "report/summary.h"

namespace seqbench {

enum class ReportFormat { text, markdown, csv, latex, html, json };
// Throws Error for an unknown name.
ReportFormat report_format(const std::string& name);
const Texts& report_formats();

struct ReportRequest {
  std::vector<std::filesystem::path> folders;
  ReportFormat format = ReportFormat::text;
  std::optional<Pivot> pivot = {};  // one figure over two fields instead of everything
  Texts filters = {};
  Selection selection = {};
  bool explain = false;              // name the files behind each row
  std::filesystem::path plots = {};  // a folder for the plots as SVG files; empty: none
};

struct Report {
  std::string text;
  Texts problems;  // what could not be used, a line each
};

// Throws Error when a folder does not exist or none has a result, and for fields, metrics and filters that
// fit none.
Report make_report(const ReportRequest& request);

}  // namespace seqbench
