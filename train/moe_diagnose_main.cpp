#include "train/commands.h"

int main(int argc, char** argv) { return moe::diagnose_command(argc, argv); }
