// What DSelect-k's selectors make of the logits of one token, and the gradient of it: the arithmetic
// that the CPU and the CUDA kernel share.
//
// A selector spells its expert in bits, and the products over its bits grow by doubling: level j of
// its tree has one product for each of the 2^j values of the j least significant bits, so that all of
// them together cost twice the last level, and backward goes down the same tree. A bit is a smooth
// step (Hazimeh et al. 2020, arXiv 2002.07772; DSelect-k, 2106.03760, section 3.1): a cubic from
// exactly 0 at -gamma/2 to exactly 1 at gamma/2, with slope 0 at both ends. S and 1 - S are products
// of their own, u^2 (1 + 2v) and v^2 (1 + 2u), and share the slope 6uv / gamma: wherever one of them
// is exactly 0 its slope is exactly 0 too. `1 - S` by subtraction rounds to 0 while the slope is not 0,
// and skipping zero weights would no longer be exact.
//
// Every sum has a fixed order. On x86-64, for whose baseline it is compiled, nothing is fused, so bits
// differ between processors only where the C library's exp and log do; CUDA fuses products and sums.
// Scratch is anything with operator[] and +. Letters: n tokens, k selectors, m bits.
#pragma once

#include <cmath>

#include "gates/selector_kernels.h"

#ifdef __CUDACC__
#define MOE_ON_DEVICE __host__ __device__ inline
#else
#define MOE_ON_DEVICE inline
#endif

namespace moe {

template <class T>
struct SmoothBit {
  T on, off;  // S(t) and 1 - S(t)
  T slope;    // of on; that of off is its negative
};

template <class T>
MOE_ON_DEVICE T clamp_unit(T x) {
  // Written so that NaN stays NaN.
  return x < 0 ? T(0) : x > 1 ? T(1) : x;
}

template <class T>
MOE_ON_DEVICE SmoothBit<T> smooth_bit(T t, T gamma) {
  const T u = clamp_unit(t / gamma + T(0.5)), v = clamp_unit(T(0.5) - t / gamma);
  return {u * u * (1 + 2 * v), v * v * (1 + 2 * u), 6 * u * v / gamma};
}

// The selector's tree into tree[0 .. 2^(m+1)): level j stands at 2^j, its value i being the product
// over the j last bits as i spells them. So the choice of expert e stands at 2^m + e.
template <class T, class Scratch>
MOE_ON_DEVICE void grow_selector(const T* bit, int64_t m, T gamma, Scratch tree) {
  tree[1] = T(1);
  for (int64_t j = 0; j < m; ++j) {
    const auto value = smooth_bit(bit[m - 1 - j], gamma);
    const int64_t size = int64_t{1} << j;
    for (int64_t i = 0; i < size; ++i) {
      const T prefix = tree[size + i];
      tree[2 * size + i] = prefix * value.off;
      tree[3 * size + i] = prefix * value.on;
    }
  }
}

// softmax(mix) into share[0 .. k).
template <class T, class Scratch>
MOE_ON_DEVICE void mixture(const T* mix, int64_t k, Scratch share) {
  T highest = mix[0], sum = 0;
  for (int64_t s = 1; s < k; ++s) highest = mix[s] > highest ? mix[s] : highest;
  for (int64_t s = 0; s < k; ++s) sum += share[s] = std::exp(mix[s] - highest);
  for (int64_t s = 0; s < k; ++s) share[s] /= sum;
}

template <class T>
constexpr T kSelectorEps = T(1e-6);  // of the entropy as published; against 1/0 of the reach
template <class T>
constexpr T kTinyWeight = T(1e-30);  // below: 0, by a mask (flush_tiny in gates/routing.h)

// Scratch values that a token needs, in forward or backward.
MOE_ON_DEVICE int64_t selector_scratch(int64_t k, int64_t m, int64_t E) {
  return k * (int64_t{2} << m) + (int64_t{1} << m) + 2 * E + k;
}

template <class T, class Scratch>
MOE_ON_DEVICE void select_forward(const SelectorInputs<T>& in, const SelectorOutputs<T>& out,
                                  int64_t t, Scratch scratch) {
  const int64_t k = in.k, m = in.m, E = in.E, codes = int64_t{1} << m;
  const auto tree = scratch, share = scratch + 2 * codes, all = share + k;
  T* weight = out.weight + t * E;
  mixture(in.mix + t * k, k, share);
  for (int64_t e = 0; e < E; ++e) weight[e] = all[e] = 0;
  T entropy = 0, reciprocal = 0, collision = 0;
  for (int64_t s = 0; s < k; ++s) {
    grow_selector(in.bit + (t * k + s) * m, m, in.gamma, tree);
    const auto pick = tree + codes;
    const T mine = share[s];
    T reach = 0, most = -1;
    int64_t preferred = -1 - s;  // none: all of it is on codes without an expert
    for (int64_t e = 0; e < E; ++e) weight[e] += mine * pick[e];
    for (int64_t e = 0; e < E; ++e) {
      const T r = pick[e];
      if (r == 0) continue;  // most, once the gate is sparse
      reach += r;
      entropy -= r * std::log(r + kSelectorEps<T>);
      collision += r * all[e];
      all[e] += r;
      if (r > most) {
        most = r;
        preferred = e;
      }
    }
    reciprocal += 1 / (reach + kSelectorEps<T>);
    out.preferred[t * k + s] = preferred;
  }
  // Written so that NaN stays NaN.
  for (int64_t e = 0; e < E; ++e) weight[e] = weight[e] < kTinyWeight<T> ? T(0) : weight[e];
  out.entropy[t] = entropy;
  out.reciprocal_reach[t] = reciprocal;
  out.collision[t] = collision;
}

// <cotangents, outputs> by the logits. The gradient of a mixing logit is formed from differences of
// selectors, m_s sum_j m_j <dw, r_s - r_j>: exactly 0 where selectors coincide, and without the
// cancellation that softmax's own backward has while selectors are still alike (a gate starts so).
template <class T, class Scratch>
MOE_ON_DEVICE void select_backward(const SelectorInputs<T>& in, const SelectorGradients<T>& grad,
                                   int64_t t, Scratch scratch) {
  const int64_t k = in.k, m = in.m, E = in.E, codes = int64_t{1} << m;
  const auto trees = scratch, dpick = scratch + k * 2 * codes, all = dpick + codes;
  const auto dweight = all + E, share = dweight + E;
  const auto pick_of = [&](int64_t s) { return trees + s * 2 * codes + codes; };
  T* dmix = grad.mix + t * k;
  mixture(in.mix + t * k, k, share);
  for (int64_t e = 0; e < E; ++e) dweight[e] = all[e] = 0;
  for (int64_t s = 0; s < k; ++s) {
    grow_selector(in.bit + (t * k + s) * m, m, in.gamma, trees + s * 2 * codes);
    const auto pick = pick_of(s);
    const T mine = share[s];
    for (int64_t e = 0; e < E; ++e) {
      dweight[e] += mine * pick[e];  // the weight itself, until the mask has been read off it
      all[e] += pick[e];
    }
    dmix[s] = 0;
  }
  for (int64_t e = 0; e < E; ++e) {
    const bool flushed = dweight[e] < kTinyWeight<T>;
    dweight[e] = flushed || !grad.weight ? T(0) : grad.weight[t * E + e];
  }
  for (int64_t s = 0; grad.weight && s < k; ++s) {
    for (int64_t j = s + 1; j < k; ++j) {
      const auto one = pick_of(s), other = pick_of(j);
      T difference = 0;
      for (int64_t e = 0; e < E; ++e) difference += (one[e] - other[e]) * dweight[e];
      dmix[s] += share[s] * share[j] * difference;
      dmix[j] -= share[s] * share[j] * difference;
    }
  }
  const T dentropy = grad.entropy ? grad.entropy[t] : T(0);
  const T dcollision = grad.collision ? grad.collision[t] : T(0);
  for (int64_t s = 0; s < k; ++s) {
    const auto tree = trees + s * 2 * codes, pick = tree + codes;
    const T mine = share[s];
    T dreach = 0;
    if (grad.reciprocal_reach) {
      T reach = kSelectorEps<T>;
      for (int64_t e = 0; e < E; ++e) reach += pick[e];
      dreach = -grad.reciprocal_reach[t] / (reach * reach);
    }
    for (int64_t e = 0; e < E; ++e) {
      dpick[e] = mine * dweight[e] + dreach + dcollision * (all[e] - pick[e]);
    }
    for (int64_t e = E; e < codes; ++e) dpick[e] = 0;
    for (int64_t e = 0; dentropy != 0 && e < E; ++e) {
      const T r = pick[e];
      // A product that is 0 has a factor that is 0, and flat: nothing would come of its logarithm.
      if (r != 0) {
        dpick[e] -= dentropy * (std::log(r + kSelectorEps<T>) + r / (r + kSelectorEps<T>));
      }
    }
    T* dbit = grad.bit + (t * k + s) * m;
    const T* bit = in.bit + (t * k + s) * m;
    for (int64_t j = m - 1; j >= 0; --j) {
      const auto value = smooth_bit(bit[m - 1 - j], in.gamma);
      const int64_t size = int64_t{1} << j;
      T don = 0, doff = 0;
      for (int64_t i = 0; i < size; ++i) {
        const T prefix = tree[size + i], below = dpick[i], above = dpick[size + i];
        doff += prefix * below;
        don += prefix * above;
        dpick[i] = value.off * below + value.on * above;
      }
      dbit[m - 1 - j] = (don - doff) * value.slope;
    }
  }
}

}  // namespace moe
