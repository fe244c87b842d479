// Where ranks meet: a c10d key-value store that all of them reach.
#pragma once

#include <chrono>
#include <string>

#include <torch/csrc/distributed/c10d/Store.hpp>

#include "train/launch/launch.h"

namespace moe {

struct Rendezvous {
  c10::intrusive_ptr<c10d::Store> store;
  std::string keeper;   // who serves it, in words, for when it is gone
  bool served = false;  // by this process: without it the others have none
  bool growing = false;  // a file, to which everything written is added
};

// `file` (parallel.store), else torchrun's store, else one that rank 0 serves at the launch's address. On
// one machine that one listens on 127.0.0.1 alone: stores have no authentication. Waits for the
// store to be there, at most `timeout`. RankFailure when it is not; RunError where it cannot be made.
Rendezvous open_rendezvous(const Launch& launch, const std::string& file, std::chrono::milliseconds timeout);

}  // namespace moe
