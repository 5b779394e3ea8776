#include "outline.h"

#include "rr-occt/src/lib.rs.h"

#include <BRepAdaptor_Curve.hxx>
#include <BRep_Tool.hxx>
#include <GCPnts_TangentialDeflection.hxx>
#include <Poly_PolygonOnTriangulation.hxx>
#include <Poly_Triangulation.hxx>
#include <TopExp_Explorer.hxx>
#include <TopoDS.hxx>
#include <TopoDS_Edge.hxx>
#include <TopoDS_Face.hxx>

#include <algorithm>
#include <cmath>
#include <set>
#include <tuple>

namespace rr_occt {
namespace {

constexpr int kMaxPointsPerCurve = 20000;

using Points = std::vector<gp_Pnt>;

/// Trimmed surfaces that touch each bring the common boundary along: the same segment twice, perhaps turned round.
class SegmentSet {
 public:
  explicit SegmentSet(double tolerance) : tolerance_(tolerance) {}
  bool insert(const gp_Pnt& a, const gp_Pnt& b) {
    Cell first = cell(a), second = cell(b);
    if (second < first) std::swap(first, second);
    return seen_.emplace(first, second).second;
  }

 private:
  using Cell = std::tuple<long long, long long, long long>;
  Cell cell(const gp_Pnt& p) const {
    return {std::llround(p.X() / tolerance_), std::llround(p.Y() / tolerance_), std::llround(p.Z() / tolerance_)};
  }
  double tolerance_;
  std::set<std::pair<Cell, Cell>> seen_;
};

void push_segment(rust::Vec<float>& to, const gp_Pnt& a, const gp_Pnt& b, double scale) {
  for (const gp_Pnt& p : {a, b})
    for (double v : {p.X(), p.Y(), p.Z()}) to.push_back(static_cast<float>(v * scale));
}

Points polyline_of(const TopoDS_Edge& edge, const Ref<Poly_Triangulation>& mesh, const TopLoc_Location& location) {
  Points points;
  const Ref<Poly_PolygonOnTriangulation> polygon = BRep_Tool::PolygonOnTriangulation(edge, mesh, location);
  if (polygon.IsNull()) return points;
  const gp_Trsf placed = location.Transformation();
  for (int i = 1; i <= polygon->NbNodes(); i++) {
    const int node = polygon->Node(i);
    if (node < 1 || node > mesh->NbNodes()) return {};
    points.push_back(mesh->Node(node).Transformed(placed));
  }
  return points;
}

}  // namespace

void add_edges(const TopoDS_Shape& shape, double scale, PartData& part) {
  SegmentSet segments(1e-4);
  for (TopExp_Explorer faces(shape, TopAbs_FACE); faces.More(); faces.Next()) {
    const TopoDS_Face& face = TopoDS::Face(faces.Current());
    TopLoc_Location location;
    const Ref<Poly_Triangulation> mesh = BRep_Tool::Triangulation(face, location);
    if (mesh.IsNull()) continue;
    for (TopExp_Explorer edges(face, TopAbs_EDGE); edges.More(); edges.Next()) {
      const TopoDS_Edge& edge = TopoDS::Edge(edges.Current());
      if (BRep_Tool::Degenerated(edge) || BRep_Tool::IsClosed(edge, face)) continue;
      const Points points = polyline_of(edge, mesh, location);
      for (std::size_t i = 1; i < points.size(); i++)
        if (segments.insert(points[i - 1], points[i])) push_segment(part.edges, points[i - 1], points[i], scale);
    }
  }
}

bool add_curve(const TopoDS_Shape& shape, double deflection, const Settings& settings, double scale, PartData& part) {
  const TopoDS_Edge& edge = TopoDS::Edge(shape);
  if (BRep_Tool::Degenerated(edge)) return true;
  try {
    const BRepAdaptor_Curve curve(edge);
    const GCPnts_TangentialDeflection sampled(curve, settings.angle_rad, deflection);
    const int count = std::min(sampled.NbPoints(), kMaxPointsPerCurve);
    for (int i = 2; i <= count; i++) push_segment(part.lines, sampled.Value(i - 1), sampled.Value(i), scale);
    return count >= 2;
  } catch (const Standard_Failure&) {
    return false;
  }
}

}  // namespace rr_occt
