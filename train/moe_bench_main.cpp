#include "train/commands.h"

int main(int argc, char** argv) { return moe::bench_command(argc, argv); }
