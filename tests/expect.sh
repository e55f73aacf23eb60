# What the tests of the command line share: they stand in a folder of their own, and count in $failures what is not as expected.
failures=0

complain() {
  echo "FAILED: $1"
  sed 's/^/    /' out err
  failures=$((failures + 1))
}

# expect STATUS TEXT COMMAND...: the exit status, and a text on standard output or error.
expect() {
  status=$1
  text=$2
  shift 2
  "$@" >out 2>err
  got=$?
  [ "$got" -eq "$status" ] || complain "$*: exit status $got instead of $status"
  grep -qF -e "$text" out err || complain "$*: does not say: $text"
}
