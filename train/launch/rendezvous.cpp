#include "train/launch/rendezvous.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include <c10/util/Logging.h>
#include <torch/csrc/distributed/c10d/FileStore.hpp>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include "configs/errors.h"
#include "train/format.h"

namespace moe {
namespace {

// A socket bound to 127.0.0.1 alone. The store, which takes it over, would listen on all interfaces.
int bind_loopback(int64_t port) {
  const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  // A port of ranks that ended a moment ago is free.
  if (descriptor < 0 || ::setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
      ::bind(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    const std::string reason = std::strerror(errno);
    if (descriptor >= 0) ::close(descriptor);
    throw RunError("rendezvous: rank 0 cannot listen on 127.0.0.1:" + std::to_string(port) + ": " + reason +
                   "; start all ranks with another MASTER_PORT (torchrun --master-port), or with "
                   "parallel.store");
  }
  return descriptor;
}

// c10d logs a stack trace whenever a store or a rank does not answer, which this project says in a sentence.
// Errors stay, but for those of connecting: each try is one, and how it ended is said by what is thrown.
class LogsLess {
 public:
  LogsLess() {
    if (!chosen_) FLAGS_caffe2_log_level = 3;
  }
  ~LogsLess() {
    if (!chosen_) FLAGS_caffe2_log_level = 2;
  }
  LogsLess(const LogsLess&) = delete;
  LogsLess& operator=(const LogsLess&) = delete;

 private:
  const bool chosen_ = std::getenv("TORCH_CPP_LOG_LEVEL") != nullptr;
};

// Why a name leads nowhere; empty where it has an address.
std::string unresolved(const std::string& host) {
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(host.c_str(), nullptr, nullptr, &found);
  if (error == 0) ::freeaddrinfo(found);
  return error == 0 ? "" : host + ": " + ::gai_strerror(error);
}

Rendezvous at_file(const std::string& file, int64_t ranks) {
  const auto folder = std::filesystem::absolute(file).parent_path();
  std::error_code ignored;
  if (!std::filesystem::is_directory(folder, ignored) || std::filesystem::is_directory(file, ignored)) {
    throw ConfigError("parallel.store: expected a file in a folder that exists, found '" + file +
                      "': name one on a file system that all ranks share");
  }
  Rendezvous made;
  made.store = c10::make_intrusive<c10d::FileStore>(file, static_cast<int>(ranks));
  made.keeper = "the file '" + file + "', in which the ranks meet,";
  made.growing = true;
  return made;
}

Rendezvous at_address(const Launch& launch, std::chrono::milliseconds timeout) {
  Rendezvous made;
  made.served = launch.rank == 0 && !launch.agent_store;
  made.keeper = std::string(launch.agent_store ? "torchrun's agent" : "rank 0") + ", which serves the store,";
  const bool loopback = launch.one_machine() && !launch.agent_store;
  const std::string host = loopback ? "127.0.0.1" : launch.address;

  c10d::TCPStoreOptions options;
  options.port = static_cast<uint16_t>(launch.port);
  options.isServer = made.served;
  options.waitWorkers = false;  // meet() waits, and can say for whom
  options.timeout = timeout;
  if (made.served && loopback) options.masterListenFd = bind_loopback(launch.port);
  const auto place = host + ":" + std::to_string(launch.port);
  try {
    const LogsLess logs_less;
    made.store = c10::make_intrusive<c10d::TCPStore>(host, options);
  } catch (const c10::Error& error) {
    const std::string said = error.what_without_backtrace(), unknown = unresolved(host);
    const auto reason = " (" + (unknown.empty() ? "c10d: " + said.substr(0, said.find('\n')) : unknown) + ")";
    if (made.served) {
      throw RunError("rendezvous: rank 0 cannot serve a store at " + place + reason +
                     ": start all ranks with another MASTER_PORT (torchrun --master-port)");
    }
    const auto within = format("%g s", std::chrono::duration<double>(timeout).count());
    throw RankFailure("rendezvous: " + made.keeper + " has not answered at " + place + " within " + within +
                      ": was it started, and is MASTER_ADDR its machine?" + reason);
  }
  return made;
}

}  // namespace

Rendezvous open_rendezvous(const Launch& launch, const std::string& file, std::chrono::milliseconds timeout) {
  auto made = file.empty() ? at_address(launch, timeout) : at_file(file, launch.ranks);
  // torchrun's store holds keys of its own, and a job may run several programs.
  made.store = c10::make_intrusive<c10d::PrefixStore>("moe/" + launch.job, made.store);
  made.store->setTimeout(timeout);
  return made;
}

}  // namespace moe
