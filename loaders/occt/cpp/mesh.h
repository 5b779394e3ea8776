// Turns shapes into triangles and polylines.
#pragma once

#include "colour.h"
#include "common.h"

#include <unordered_map>
#include <vector>

namespace rr_occt {

struct Settings;
struct PartData;

/// Colours by identity of face or edge.
using ColourMap = std::unordered_map<const void*, Colour>;

/// Chord error for `shape` in its own units: a share of its diagonal.
double deflection_of(const TopoDS_Shape& shape, const Settings& settings);

/// Triangulates all faces of `shape` and appends them with their normals and colours; coordinates are multiplied by
/// `scale`. Faces that have no triangles afterwards are added to `failed`.
void add_faces(const TopoDS_Shape& shape, const Settings& settings, const ColourMap& colours, double scale,
               PartData& part, std::vector<TopoDS_Shape>& failed);

}  // namespace rr_occt
