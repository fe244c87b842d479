// Tensors that several processes have written, each its part of them into a safetensors file of its own,
// as the whole tensors that they are.
//
// A whole tensor is stored under its name. A part of one is stored as name[begin:end]: its elements begin to
// end - 1 in row-major order, with a shape of its own: rows of the whole, or flat.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "data/formats/safetensors.h"

namespace moe {

// "x[0:8]".
std::string part_name(const std::string& tensor, int64_t begin, int64_t end);

class SafetensorsSet {
 public:
  struct Whole {
    Dtype dtype = Dtype::kF32;
    int64_t elements = 0;
    // [elements] where every part is flat: then nobody has said what shape it had.
    std::vector<int64_t> shape;
    bool flat = false;
    struct Part {
      int64_t begin = 0, end = 0;  // elements
      size_t file = 0;
      std::string stored;  // its name there
      std::vector<int64_t> shape;
    };
    std::vector<Part> parts;  // they tile [0, elements)
  };

  // Opens the files and checks that the parts of every tensor lie end to end from its first element on,
  // none missing and none twice, of one dtype and with rows of one shape. Whether elements are missing at
  // the end only who knows the shape can tell. `name` is what messages call the set. Throws RunError.
  SafetensorsSet(const std::string& name, const std::vector<std::string>& paths);

  const std::string& name() const { return name_; }
  const std::map<std::string, Whole>& tensors() const { return tensors_; }
  // Copies elements `begin` to begin + count - 1 of a tensor, from those files alone that hold them; one
  // that is not there, or not that long, is std::invalid_argument. Throws RunError.
  void read(const std::string& tensor, int64_t begin, int64_t count, void* destination) const;

 private:
  std::string name_;
  std::vector<SafetensorsFile> files_;
  std::map<std::string, Whole> tensors_;
};

}  // namespace moe
