#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>
#include <omp.h>

int main(int argc, char** argv) {
  omp_set_num_threads(
      1);  // as the program does: kernels are single-threaded, lanes are what runs in parallel
  return doctest::Context(argc, argv).run();
}
