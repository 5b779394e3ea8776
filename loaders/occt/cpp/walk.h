// Takes shapes apart into parts and their placements, and hands both to the observer.
#pragma once

#include "colour.h"
#include "congruent.h"
#include "mesh.h"

#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

namespace rr_occt {

struct Observer;

/// What is known about shapes from the entities they came from.
struct Attributes {
  ColourMap colours;
  std::unordered_map<const void*, std::string> names;
};

/// Delivers parts and placements; every distinct shape is triangulated once.
class Emitter {
 public:
  /// `scale` turns the kernel's millimetres into the units of the file.
  Emitter(Observer& observer, const Settings& settings, double scale)
      : observer_(observer), settings_(settings), scale_(scale) {}

  /// Delivers a shape and all that is placed in it. `colour` is for what has no colour of its own; `part_name` is for
  /// its parts, which are called as the last word of `name` where it is empty.
  void deliver(const TopoDS_Shape& shape, const Attributes& attributes, const std::string& name,
               const std::optional<Colour>& colour, const std::string& part_name = std::string());

  /// Faces that got no triangles, to be named by the caller; empties the list.
  std::vector<TopoDS_Shape> take_failed_faces() { return std::exchange(failed_faces_, {}); }
  /// Number of curves that could not be followed.
  int failed_curves() const { return failed_curves_; }
  /// True once a limit on triangles or placements was met; what came after it was left out.
  bool limited() const { return limited_; }
  /// Number of placements delivered.
  std::uint64_t placements() const { return placements_; }

 private:
  /// One part of a shape: its triangles, or its curves of one colour.
  struct Piece {
    std::uint32_t part;
    std::optional<Colour> colour;
  };
  struct Context {
    const Attributes& attributes;
    std::optional<Colour> colour;
    std::string part_name;
  };

  void walk(const TopoDS_Shape& shape, const gp_Trsf& placed, const std::string& path, const Context& context,
            int depth);
  /// `whole` is what `shape` was taken from (or `shape` itself): it stands for it when it is placed again.
  void place(const TopoDS_Shape& shape, const TopoDS_Shape& whole, const gp_Trsf& placed, const std::string& name,
             const Context& context);
  std::vector<Piece> mesh(const TopoDS_Shape& shape, const std::string& name, const Attributes& attributes);
  std::vector<Piece> mesh_curves(const TopoDS_Shape& shape, const std::string& name, const Attributes& attributes);
  Piece emit(PartData part, const std::string& name, const std::optional<Colour>& colour);

  Observer& observer_;
  const Settings& settings_;
  double scale_;
  std::vector<std::vector<Piece>> shapes_;
  std::unordered_map<const void*, std::size_t> by_identity_;
  /// Keeps the shapes of `by_identity_` alive, so that an address is not used again for another shape.
  std::vector<TopoDS_Shape> kept_;
  CongruentShapes congruent_;
  std::vector<TopoDS_Shape> failed_faces_;
  int failed_curves_ = 0;
  std::uint32_t parts_ = 0;
  std::uint64_t triangles_ = 0;
  std::uint64_t placements_ = 0;
  std::uint64_t visits_ = 0;
  bool limited_ = false;
};

}  // namespace rr_occt
