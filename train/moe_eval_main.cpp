#include "train/commands.h"

int main(int argc, char** argv) { return moe::eval_command(argc, argv); }
