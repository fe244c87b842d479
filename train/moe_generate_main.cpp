#include "train/commands.h"

int main(int argc, char** argv) { return moe::generate_command(argc, argv); }
