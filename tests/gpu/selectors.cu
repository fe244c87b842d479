#include "tests/gpu/selectors.h"

#include "tests/gpu/device_buffer.h"

namespace moe::gpu {

template <class T>
SelectorResult<T> selectors_on_device(const SelectorCase<T>& given) {
  SelectorResult<T> result(given.in);
  DeviceBuffer bit(given.bit), mix(given.mix), dweight(given.dweight), dentropy(given.dentropy),
      dreach(given.dreach), dcollision(given.dcollision), weight(result.weight),
      entropy(result.entropy), reach(result.reach), collision(result.collision), dbit(result.dbit),
      dmix(result.dmix);
  DeviceBuffer preferred(result.preferred);
  auto in = given.in;
  in.bit = bit.data();
  in.mix = mix.data();
  DeviceBuffer scratch(std::vector<T>(static_cast<size_t>(scratch_values_cuda(in))));
  const SelectorLaunch<T> launch{scratch.data(), nullptr};
  select_forward_cuda(in,
                      SelectorOutputs<T>{weight.data(), entropy.data(), reach.data(),
                                         collision.data(), preferred.data()},
                      launch);
  select_backward_cuda(in,
                       SelectorGradients<T>{dweight.data(), dentropy.data(), dreach.data(),
                                            dcollision.data(), dbit.data(), dmix.data()},
                       launch);
  result.weight = weight.to_host();
  result.entropy = entropy.to_host();
  result.reach = reach.to_host();
  result.collision = collision.to_host();
  result.preferred = preferred.to_host();
  result.dbit = dbit.to_host();
  result.dmix = dmix.to_host();
  return result;
}

template SelectorResult<float> selectors_on_device(const SelectorCase<float>&);
template SelectorResult<double> selectors_on_device(const SelectorCase<double>&);

}  // namespace moe::gpu
