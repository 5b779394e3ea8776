// Polylines: edges of faces as they were triangulated, and curves that bound no face.
#pragma once

#include "mesh.h"

namespace rr_occt {

/// Appends the boundaries between faces of a triangulated shape as pairs of points; no seams, no edge twice.
void add_edges(const TopoDS_Shape& shape, double scale, PartData& part);

/// Appends one edge that bounds no face as pairs of points. False when its curve cannot be followed.
bool add_curve(const TopoDS_Shape& edge, double deflection, const Settings& settings, double scale, PartData& part);

}  // namespace rr_occt
