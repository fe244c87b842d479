#include "train/commands.h"

int main(int argc, char** argv) { return moe::compare_command(argc, argv); }
