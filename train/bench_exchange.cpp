// The exchange layer, taken apart: its messages alone, its computing alone, and both together.
#include <ATen/Parallel.h>

#include <algorithm>
#include <fstream>
#include <numeric>
#include <optional>
#include <sstream>

#include "configs/errors.h"
#include "moe/exchange_plan.h"
#include "moe/slot_order.h"
#include "train/bench.h"
#include "train/bench_layer_work.h"
#include "train/bench_timing.h"
#include "train/format.h"
#include "train/traffic_estimate.h"

namespace moe {
namespace {

constexpr const char* kWhat = "the bench of the expert exchange";
constexpr double kMebibyte = 1048576;
constexpr int64_t kLoopbackPasses = 5;

using Counts = std::vector<std::vector<int64_t>>;  // [rank][expert] live slots

// The layer's own messages: counts, then rows there and back, in backward with a weight each.
class Messages {
 public:
  Messages(const Counts& counts, int64_t slots, int64_t d_model, Mesh::Group ranks)
      : ranks_(std::move(ranks)), round_(exchange_rounds(counts, ranks_->rank(), 1, false).front()) {
    const auto E = static_cast<int64_t>(counts.front().size());
    mine_ = at::zeros({1, E + slots}, at::kLong);
    all_ = at::zeros({ranks_->size(), E + slots}, at::kLong);
    for (const int64_t width : {d_model, d_model + 1}) {  // a float32 weight is one element of such rows
      at_home_.push_back(at::zeros({round_.sent_rows(), width}));
      away_.push_back(at::zeros({round_.received_rows(), width}));
    }
  }

  void pass() const {
    ranks_->gather(all_, mine_, kWhat).wait();
    for (size_t i = 0; i < at_home_.size(); ++i) {
      ranks_->exchange(away_[i], at_home_[i], round_.received, round_.sent, kWhat).wait();
      ranks_->exchange(at_home_[i], away_[i], round_.sent, round_.received, kWhat).wait();
    }
  }

 private:
  Mesh::Group ranks_;
  ExchangeRound round_;
  Tensor mine_, all_;
  std::vector<Tensor> at_home_, away_;
};

Counts counts_of_all(const Tensor& mine, const RankGroup& control) {
  const int64_t N = control.size(), E = mine.numel();
  const auto all = at::empty({N, E}, at::kLong);
  control.gather(all, mine.view({1, E}), kWhat).wait();
  Counts counts;
  for (int64_t r = 0; r < N; ++r) {
    const auto* first = all.data_ptr<int64_t>() + r * E;
    counts.emplace_back(first, first + E);
  }
  return counts;
}

// Of these slots, by formula: what this rank hands over in forward and backward.
double bytes_by_counts(const Counts& counts, int64_t rank, int64_t slots, int64_t d_model) {
  const auto N = static_cast<int64_t>(counts.size()), E = static_cast<int64_t>(counts.front().size());
  const auto between = [&](int64_t from, int64_t to) {
    const auto first = counts[static_cast<size_t>(from)].begin() + to * (E / N);
    return static_cast<double>(std::accumulate(first, first + E / N, int64_t{0}));
  };
  double sent = 0, received = 0;
  for (int64_t other = 0; other < N; ++other) {
    sent += other == rank ? 0 : between(rank, other);
    received += other == rank ? 0 : between(other, rank);
  }
  return count_bytes(E, slots, N) + exchange_bytes(sent, received, d_model, 4, 4, false) +
         exchange_bytes(sent, received, d_model, 4, 4, true);
}

double bytes_so_far(const RankGroup& ranks) {
  double sum = 0;
  for (const auto& [operation, traffic] : ranks.traffic()) {
    sum += traffic.bytes;
  }
  return sum;
}

// Bytes that the loopback interface has received, of everyone on this machine and with all headers.
std::optional<double> loopback_bytes() {
  std::ifstream file("/proc/net/dev");
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);  // "lo: BYTES ..."
    std::string name;
    double bytes = 0;
    if (words >> name && name == "lo:" && words >> bytes) return bytes;
  }
  return std::nullopt;
}

void wait_for_all(const Mesh& mesh) {
  const auto one = at::ones({1});
  mesh.control->sum(one, kWhat).wait();
}

// Of one pass, of all ranks together; null where it cannot be read.
Json loopback_of(LayerWork& layer, const Mesh& mesh) {
  wait_for_all(mesh);
  const auto before = loopback_bytes();
  wait_for_all(mesh);
  for (int64_t pass = 0; pass < kLoopbackPasses; ++pass) {
    layer.layer_pass();
  }
  wait_for_all(mesh);
  const auto after = loopback_bytes();
  return before && after ? Json((*after - *before) / static_cast<double>(kLoopbackPasses)) : Json();
}

Json bytes_json(LayerWork& layer, const Counts& counts, const LayerShape& shape, int64_t slots,
                const Mesh& mesh, bool loopback) {
  const int64_t N = mesh.expert_ranks();
  const double before = bytes_so_far(*mesh.expert);
  layer.layer_pass();
  const auto mine = at::tensor({bytes_so_far(*mesh.expert) - before,
                                bytes_by_counts(counts, mesh.expert_index(), slots, shape.d_model)},
                               at::kDouble);
  const auto all = at::empty({N, 2}, at::kDouble);
  mesh.control->gather(all, mine.view({1, 2}), kWhat).wait();
  const double even = rows_for_others(static_cast<double>(shape.tokens), static_cast<double>(shape.k), N);
  Json measured = Json::array(), by_counts = Json::array();
  for (int64_t r = 0; r < N; ++r) {
    measured.push_back(all[r][0].item<double>());
    by_counts.push_back(all[r][1].item<double>());
  }
  return {{"measured", measured},
          {"by_counts", by_counts},
          {"even", count_bytes(shape.experts, slots, N) +
                       exchange_bytes(even, even, shape.d_model, 4, 4, false) +
                       exchange_bytes(even, even, shape.d_model, 4, 4, true)},
          {"loopback", loopback ? loopback_of(layer, mesh) : Json()}};
}

// The slowest rank's.
Seconds slowest(const Seconds& mine, const Mesh& mesh) {
  Seconds all;
  for (const auto& of_work : mine) {
    const auto most = at::tensor(of_work, at::kDouble);
    mesh.control->max(most, kWhat).wait();
    const auto* first = most.data_ptr<double>();
    all.emplace_back(first, first + most.numel());
  }
  return all;
}

}  // namespace

Json bench_exchange(const LayerShape& shape, const std::string& gate, const Mesh& mesh, bool loopback,
                    int64_t rounds) {
  const int64_t N = mesh.expert_ranks();
  if (shape.experts % N != 0) {
    ConfigError problem("--experts: expected a multiple of the " + std::to_string(N) + " ranks, found " +
                        std::to_string(shape.experts));
    problem.elsewhere = !mesh.first();
    throw problem;
  }
  // Gates' own sums over ranks are left out on both sides.
  auto spread = mesh;
  spread.world = std::make_shared<RankGroup>();
  const auto kind = "kind: " + gate;
  LayerWork at_home(shape, kind, {}, mesh.rank());
  std::vector<int64_t> parts = {1};
  for (const int64_t more : {2, 4}) {
    if (more <= shape.experts / N) parts.push_back(more);
  }
  std::vector<std::unique_ptr<LayerWork>> layers;
  for (const int64_t n : parts) {
    layers.push_back(std::make_unique<LayerWork>(shape, kind, Layout{spread, n}, mesh.rank()));
  }
  const auto routing = [&] {
    at::NoGradGuard no_grad;
    return at_home.route();
  }();
  const int64_t slots = routing.expert.size(1);
  const auto counts = counts_of_all(
      live_count_tensor(routing).narrow(0, 0, shape.experts).contiguous().cpu(), *mesh.control);
  const Messages messages(counts, slots, shape.d_model, mesh.expert);

  std::vector<std::function<void()>> works = {[&] { messages.pass(); }, [&] { at_home.layer_pass(); }};
  for (const auto& layer : layers) {
    works.push_back([&layer] { layer->layer_pass(); });
  }
  const auto seconds = slowest(in_turn(works, rounds, [&] { wait_for_all(mesh); }), mesh);
  std::vector<double> apart;  // messages and computing, one after the other
  for (size_t round = 0; round < seconds[0].size(); ++round) {
    apart.push_back(seconds[0][round] + seconds[1][round]);
  }
  Json rows = {ratio_row("messages", seconds[0], "experts_at_home", seconds[1]),
               ratio_row("exchange_layer", seconds[2], "messages_and_experts_at_home", apart)};
  for (size_t i = 1; i < parts.size(); ++i) {
    rows.push_back(ratio_row("in_" + std::to_string(parts[i]) + "_rounds", seconds[2 + i],
                             "exchange_layer", seconds[2]));
  }
  return {{"bench", "exchange"},
          {"threads", at::get_num_threads()},
          {"ranks", N},
          {"gate", gate},
          {"shape", shape_json(shape)},
          {"bytes", bytes_json(*layers.front(), counts, shape, slots, mesh, loopback)},
          {"rows", rows}};
}

std::string exchange_bytes_text(const Json& result) {
  const auto& bytes = result.at("bytes");
  double sum = 0, most = 0, by_counts = 0;
  for (size_t r = 0; r < bytes.at("measured").size(); ++r) {
    const auto of_rank = bytes["measured"][r].get<double>();
    sum += of_rank;
    if (of_rank > most) {
      most = of_rank;
      by_counts = bytes["by_counts"][r].get<double>();
    }
  }
  auto text = format("bytes of a step: a rank hands over at most %.3f MiB, %.3f by formula from its counts, "
                     "%.3f at even load\n",
                     most / kMebibyte, by_counts / kMebibyte, bytes.at("even").get<double>() / kMebibyte);
  if (!bytes.at("loopback").is_null()) {
    const auto carried = bytes["loopback"].get<double>();
    text += format("all ranks %.3f MiB; the loopback interface carried %.3f MiB, %.3f times that\n", sum / kMebibyte,
                   carried / kMebibyte, carried / sum);
  }
  return text;
}

}  // namespace moe
