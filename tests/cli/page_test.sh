#!/bin/sh
# page_test.sh SEQBENCH SOURCE: a report page opens in headless Chromium without an error on its console, and its tables sort.
# Skipped (77) where there is no Chromium.
set -u
seqbench=$(realpath "$1")
source=$(realpath "$2")
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome) || {
  echo "SKIPPED: no chromium"
  exit 77
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$seqbench" report "$source/results" --format html --out "$work/page.html" || exit 1
# Presses the heading of the accuracies twice, and writes the first row's mechanism into the title.
cat >"$work/press" <<'END'
<script>
const heading = [...document.querySelectorAll('table.sort th')].find(h => h.textContent.startsWith('test accuracy'));
heading.firstChild.click();
heading.firstChild.click();
document.title = 'first:' + heading.closest('table').tBodies[0].rows[0].cells[0].textContent;
</script></body>
END
sed -i -e "/<\/body>/{r $work/press
d}" "$work/page.html"
timeout 60 "$browser" --headless --no-sandbox --disable-gpu --enable-logging=stderr --user-data-dir="$work/profile" --dump-dom \
  "file://$work/page.html" >"$work/dom" 2>"$work/log"
if grep CONSOLE "$work/log"; then echo "FAILED: the page has errors on its console"; exit 1; fi
grep -q '<title>first:softmax' "$work/dom" || { echo "FAILED: the table does not sort by accuracy"; grep -o '<title>[^<]*' "$work/dom"; exit 1; }
echo "all as expected"
