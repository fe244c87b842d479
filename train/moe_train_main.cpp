#include "train/commands.h"

int main(int argc, char** argv) { return moe::train_command(argc, argv); }
