// Finds shapes that are copies of each other.
//
// Most exporters flatten the assembly when they write IGES: twenty rollers arrive as twenty solids. Copies are found
// again before they are triangulated: same topology, types, orientations and colours in the same order, and all sample
// points carried onto each other by one rigid motion.
#pragma once

#include "mesh.h"

#include <gp_Trsf.hxx>

#include <optional>
#include <unordered_map>
#include <vector>

namespace rr_occt {

/// What is compared of a shape.
struct Fingerprint {
  std::size_t key = 0;
  double size = 0;
  std::vector<gp_XYZ> points;
  std::vector<gp_XYZ> normals;
  /// Three points that are far from one line, by index; none when the shape lies on a line.
  std::optional<std::array<std::size_t, 3>> frame;
};

/// Samples the shape. Empty when it cannot be sampled or has no three points off one line.
std::optional<Fingerprint> fingerprint_of(const TopoDS_Shape& shape, const ColourMap& colours);

/// Shapes seen so far, with a number each.
class CongruentShapes {
 public:
  struct Match {
    std::size_t number;
    /// Carries the earlier shape onto the new one.
    gp_Trsf motion;
  };
  std::optional<Match> find(const Fingerprint& shape) const;
  void add(Fingerprint shape, std::size_t number);

 private:
  struct Entry {
    Fingerprint shape;
    std::size_t number;
  };
  std::unordered_map<std::size_t, std::vector<Entry>> by_key_;
};

}  // namespace rr_occt
