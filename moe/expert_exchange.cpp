#include "moe/expert_exchange.h"

#include "layers/shapes.h"
#include "moe/exchange_plan.h"
#include "moe/slot_chunks.h"
#include "moe/slot_order.h"

namespace moe {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Everything of one layer's exchange that is no tensor of autograd's.
struct Plan : torch::CustomClassHolder {
  std::shared_ptr<const RankGroup> ranks;
  std::string forward_name, backward_name;
  std::vector<ExchangeRound> rounds;
  std::vector<Tensor> places;  // of every round, on the device
  SlotOrder order;
  Activation activation = Activation{};
  bool keep_projected = true;
};

using PlanPointer = c10::intrusive_ptr<Plan>;

// Of [L] or [L, n], in expert order, what goes out in a round, in the order of ranks.
Tensor outgoing(const Tensor& values, const ExchangeRound& round) {
  std::vector<Tensor> parts;
  for (size_t r = 0; r < round.sent.size(); ++r) {
    parts.push_back(values.narrow(0, round.begin[r], round.sent[r]));
  }
  return at::cat(parts);
}

// The reverse: what has come back, to its place in expert order.
void put_home(const Tensor& values, const Tensor& returned, const ExchangeRound& round) {
  int64_t at = 0;
  for (size_t r = 0; r < round.sent.size(); ++r) {
    values.narrow(0, round.begin[r], round.sent[r]).copy_(returned.narrow(0, at, round.sent[r]));
    at += round.sent[r];
  }
}

// [received, n] -> [rows, n], sorted by expert, zeros where padded.
Tensor sorted_rows(const Tensor& received, const ExchangeRound& round, const Tensor& places) {
  const bool padded = round.rows != received.size(0);
  const auto shape = {round.rows, received.size(1)};
  const auto sorted = padded ? at::zeros(shape, received.options()) : at::empty(shape, received.options());
  sorted.index_copy_(0, places, received);
  return sorted;
}

// Rows and a weight each, as one message: a float32 weight beside bf16 rows is two of their elements.
Tensor packed(const Tensor& rows, const Tensor& weight) {
  return at::cat({rows, weight.contiguous().view(rows.scalar_type())}, 1);
}

struct Unpacked {
  Tensor rows;    // [n, D]
  Tensor weight;  // [n, 1]
};
Unpacked unpacked(const Tensor& message, int64_t D, at::ScalarType weight_type) {
  return {message.narrow(1, 0, D).contiguous(),
          // A copy, since a view as wider elements needs a place that they can begin at.
          message.narrow(1, D, message.size(1) - D).clone(at::MemoryFormat::Contiguous).view(weight_type)};
}

// Rows on their way: out in one round while another is computed.
struct Journey {
  Tensor in, out;
  Pending pending;
};

// sent[r] rows of `out` set off to rank r, and received[r], `rows` in all, are awaited from it.
Journey begun(const RankGroup& ranks, Tensor out, int64_t rows, const std::vector<int64_t>& received,
              const std::vector<int64_t>& sent, const std::string& name) {
  Journey journey;
  journey.out = std::move(out);
  journey.in = at::empty({rows, journey.out.size(1)}, journey.out.options());
  journey.pending = ranks.exchange(journey.in, journey.out, received, sent, name);
  return journey;
}

// Rounds in a row: while `compute` (received -> what goes back) works on one, the next is on its way.
// message(c) makes what goes out; arrived(c, rows) takes what has come back.
template <class Message, class Compute, class Arrived>
void in_rounds(const Plan& plan, const std::string& name, Message message, Compute compute,
               Arrived arrived) {
  const size_t C = plan.rounds.size();
  std::vector<Journey> back(C);
  const auto go = [&](size_t c) {
    const auto& round = plan.rounds[c];
    return begun(*plan.ranks, message(c), round.received_rows(), round.received, round.sent, name);
  };
  auto next = go(0);
  for (size_t c = 0; c < C; ++c) {
    auto now = std::move(next);
    if (c + 1 < C) {
      next = go(c + 1);
    }
    now.pending.wait();
    const auto& round = plan.rounds[c];
    back[c] = begun(*plan.ranks, compute(c, now.in), round.sent_rows(), round.sent, round.received, name);
  }
  for (size_t c = 0; c < C; ++c) {
    back[c].pending.wait();
    arrived(c, back[c].in);
  }
}

struct ExchangedSlots : torch::autograd::Function<ExchangedSlots> {
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& weight,
                        const Tensor& input, const Tensor& down, PlanPointer plan) {
    const auto& order = plan->order;
    const int64_t D = x.size(1);
    std::vector<Tensor> saved = {weight, input, down};
    const auto returned = at::empty({order.offsets.back(), D}, x.options());  // [L, D]
    in_rounds(
        *plan, plan->forward_name,
        [&](size_t c) { return x.index_select(0, outgoing(order.token_of_row, plan->rounds[c])); },
        [&](size_t c, const Tensor& received) {
          const auto& round = plan->rounds[c];
          const auto rows = sorted_rows(received, round, plan->places[c]);                // [rows, D]
          const auto projected = piece_products(rows, round.pieces, input, true);         // [rows, N]
          const auto hidden = activate(projected, plan->activation);                      // [rows, F]
          const auto made = piece_products(hidden, round.pieces, down, false);            // [rows, D]
          saved.push_back(rows);
          saved.push_back(plan->keep_projected ? projected : Tensor());
          return made.index_select(0, plan->places[c]);
        },
        [&](size_t c, const Tensor& rows) { put_home(returned, rows, plan->rounds[c]); });
    context->save_for_backward(saved);
    context->saved_data["plan"] = c10::IValue::make_capsule(plan);
    const auto row_weight = weight.reshape({-1}).index_select(0, order.slot_of_row);  // [L]
    return sum_over_slots(returned, row_weight, order).to(x.scalar_type());           // [T, D]
  }

  static variable_list backward(AutogradContext* context, variable_list grads) {
    const auto saved = context->get_saved_variables();
    const auto &weight = saved[0], &input = saved[1], &down = saved[2];
    const auto plan = c10::static_intrusive_pointer_cast<Plan>(context->saved_data["plan"].toCapsule());
    const auto& order = plan->order;
    const auto dy = grads[0].contiguous();  // [T, D]
    const int64_t L = order.offsets.back(), D = dy.size(1);
    // Frozen experts need no gradient of their own.
    const bool of_input = context->needs_input_grad(2), of_down = context->needs_input_grad(3);
    const ExpertWeights experts{input, down, plan->activation,
                                of_input ? ExpertWeights::zeros_like(input) : Tensor(),
                                of_down ? ExpertWeights::zeros_like(down) : Tensor()};
    const auto flat_weight = weight.reshape({-1, 1});
    const auto drows = at::empty({L, D}, dy.options());
    const auto drow_weight = at::empty({L, 1}, weight.options());
    in_rounds(
        *plan, plan->backward_name,
        [&](size_t c) {
          const auto& round = plan->rounds[c];
          return packed(dy.index_select(0, outgoing(order.token_of_row, round)),
                        flat_weight.index_select(0, outgoing(order.slot_of_row, round)));
        },
        [&](size_t c, const Tensor& received) {
          const auto& round = plan->rounds[c];
          const auto message = unpacked(received, D, weight.scalar_type());
          const auto& rows = saved[3 + 2 * c];
          const auto projected = plan->keep_projected
                                     ? saved[4 + 2 * c]
                                     : piece_products(rows, round.pieces, input, true);
          const auto gradients =
              rows_backward(rows, projected, sorted_rows(message.rows, round, plan->places[c]),
                            sorted_rows(message.weight, round, plan->places[c]), round.pieces, experts);
          return packed(gradients.rows.index_select(0, plan->places[c]),
                        gradients.weight.index_select(0, plan->places[c]));
        },
        [&](size_t c, const Tensor& rows) {
          const auto message = unpacked(rows, D, weight.scalar_type());
          put_home(drows, message.rows, plan->rounds[c]);
          put_home(drow_weight, message.weight, plan->rounds[c]);
        });
    const auto dx = sum_over_slots(drows, {}, order).to(dy.scalar_type());  // [T, D]
    return {dx, of_slots(drow_weight.squeeze(1), weight, order.slot_of_row),
            of_input ? experts.dinput.to(input.scalar_type()) : Tensor(),
            of_down ? experts.ddown.to(down.scalar_type()) : Tensor(), Tensor()};
  }
};

}  // namespace

ExchangeDispatcher::ExchangeDispatcher(std::shared_ptr<const RankGroup> ranks, int64_t layer,
                                       ExchangeOptions options)
    : ranks_(std::move(ranks)),
      forward_name_("the expert exchange of layer " + std::to_string(layer)),
      backward_name_(forward_name_ + ", backward"),
      options_(options) {}

Dispatched ExchangeDispatcher::run(const Tensor& x, const Routing& routing, Experts& experts) const {
  const int64_t N = ranks_->size(), E = N * experts.count(), K = routing.expert.size(1);
  check_shape(routing.stats.tokens_per_expert, {E}, "expert exchange counts");
  // Every rank learns every rank's counts; the one place where this layer's host waits for the device.
  const auto mine = live_count_tensor(routing).unsqueeze(0);       // [1, E + K]
  auto all = at::empty({N, E + K}, mine.options());
  ranks_->gather(all, mine, forward_name_).wait();
  all = all.cpu();
  std::vector<std::vector<int64_t>> counts;
  for (int64_t r = 0; r < N; ++r) {
    const auto* first = all.data_ptr<int64_t>() + r * (E + K);
    counts.emplace_back(first, first + E);
  }
  const auto plan = c10::make_intrusive<Plan>();
  plan->ranks = ranks_;
  plan->forward_name = forward_name_;
  plan->backward_name = backward_name_;
  const bool few_sizes = needs_few_sizes(x);
  plan->rounds = exchange_rounds(counts, ranks_->rank(),
                                 number_of_rounds(counts, options_.rounds, options_.chunk), few_sizes);
  plan->order = slot_order(routing, live_counts(all.select(0, ranks_->rank()), E));
  plan->activation = experts.activation();
  plan->keep_projected = options_.chunk == 0;
  Dispatched result;
  for (const auto& round : plan->rounds) {
    plan->places.push_back(at::tensor(round.places, at::kLong).to(x.device()));
    result.rows_executed += round.rows;
  }
  result.y = ExchangedSlots::apply(x.contiguous(), routing.weight, experts.input(), experts.down(), plan);
  result.rows_recomputed = plan->keep_projected ? 0
                                                : recomputed_share(experts.activation()) *
                                                      static_cast<double>(result.rows_executed);
  result.host_syncs = 1;
  return result;
}

double exchange_bytes_per_row(int64_t d_model, double model_bytes, double weight_bytes, bool backward) {
  const double rows = 2 * static_cast<double>(d_model) * model_bytes;
  return backward ? rows + 2 * weight_bytes : rows;
}

}  // namespace moe
