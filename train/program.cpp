#include "train/program.h"

#include <c10/util/Exception.h>

#include <filesystem>
#include <iostream>

#include "configs/errors.h"
#include "train/environment.h"

namespace moe {

std::string program_name(char** argv) { return std::filesystem::path(argv[0]).filename(); }

int run_program(CLI::App& app, int argc, char** argv, const std::function<int()>& body) {
  restart_with_settings(argv);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& problem) {
    return app.exit(problem, std::cout, std::cerr) == 0 ? kDone : kUsage;
  }
  try {
    return body();
  } catch (const UserError& problem) {
    std::cerr << app.get_name() << ": " << problem.what() << std::endl;
    return problem.exit_code();
  } catch (const c10::Error& problem) {
    std::cerr << app.get_name() << ": " << problem.what_without_backtrace() << std::endl;
  } catch (const std::exception& problem) {
    std::cerr << app.get_name() << ": " << problem.what() << std::endl;
  }
  return kFailed;
}

}  // namespace moe
