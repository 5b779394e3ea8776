#include "congruent.h"

#include <BRepAdaptor_Curve.hxx>
#include <BRepAdaptor_Surface.hxx>
#include <BRepTools.hxx>
#include <BRep_Tool.hxx>
#include <TopExp.hxx>
#include <TopTools_IndexedMapOfShape.hxx>
#include <TopoDS.hxx>
#include <TopoDS_Edge.hxx>
#include <TopoDS_Face.hxx>
#include <TopoDS_Vertex.hxx>
#include <gp_Ax3.hxx>

#include <cmath>

namespace rr_occt {
namespace {

/// Share of the size by which a copy may deviate: more than the digits that exporters write lose, less than one sees.
constexpr double kTolerance = 1e-5;
constexpr double kMinCosine = 0.9999;
/// Candidates with the same key that are compared; a file with more families than that is drawn without sharing.
constexpr std::size_t kMaxCandidates = 64;

class Hash {
 public:
  void add(std::size_t value) { value_ = (value_ ^ value) * 0x100000001b3ULL; }
  std::size_t value() const { return value_; }

 private:
  std::size_t value_ = 0xcbf29ce484222325ULL;
};

void sample_edge(const TopoDS_Edge& edge, Fingerprint& print, Hash& hash) {
  if (BRep_Tool::Degenerated(edge)) return;
  const BRepAdaptor_Curve curve(edge);
  hash.add(static_cast<std::size_t>(curve.GetType()));
  const double first = curve.FirstParameter(), length = curve.LastParameter() - first;
  for (double share : {0.5, 0.23}) print.points.push_back(curve.Value(first + share * length).XYZ());
}

void sample_face(const TopoDS_Face& face, const ColourMap& colours, Fingerprint& print, Hash& hash) {
  const BRepAdaptor_Surface surface(face, false);
  hash.add(static_cast<std::size_t>(surface.GetType()));
  hash.add(static_cast<std::size_t>(face.Orientation()));
  const auto colour = colours.find(identity(face));
  if (colour != colours.end())
    for (std::uint8_t channel : colour->second) hash.add(channel + 1u);
  else
    hash.add(0);
  double u0 = 0, u1 = 0, v0 = 0, v1 = 0;
  BRepTools::UVBounds(face, u0, u1, v0, v1);
  constexpr double kShares[][2] = {{0.5, 0.5}, {0.21, 0.34}, {0.83, 0.71}};
  for (const auto& share : kShares) {
    gp_Pnt point;
    gp_Vec along_u, along_v;
    surface.D1(u0 + share[0] * (u1 - u0), v0 + share[1] * (v1 - v0), point, along_u, along_v);
    print.points.push_back(point.XYZ());
    const gp_XYZ normal = along_u.Crossed(along_v).XYZ();
    const double length = normal.Modulus();
    print.normals.push_back(length > 0 ? normal / length : gp_XYZ(0, 0, 0));
  }
}

std::optional<std::array<std::size_t, 3>> frame_of(const std::vector<gp_XYZ>& points, double& size) {
  if (points.size() < 3) return std::nullopt;
  std::size_t second = 0, third = 0;
  double best = 0;
  for (std::size_t i = 1; i < points.size(); i++) {
    const double distance = (points[i] - points[0]).Modulus();
    if (distance > best) best = distance, second = i;
  }
  size = best;
  if (!(best > 0) || !std::isfinite(best)) return std::nullopt;
  const gp_XYZ line = (points[second] - points[0]) / best;
  best = 0;
  for (std::size_t i = 1; i < points.size(); i++) {
    const double distance = (points[i] - points[0]).Crossed(line).Modulus();
    if (distance > best) best = distance, third = i;
  }
  if (!(best > 0.01 * size)) return std::nullopt;
  return std::array<std::size_t, 3>{0, second, third};
}

gp_Ax3 axes_of(const std::vector<gp_XYZ>& points, const std::array<std::size_t, 3>& frame) {
  const gp_XYZ origin = points[frame[0]];
  const gp_Dir along(points[frame[1]] - origin);
  const gp_Dir across(along.XYZ().Crossed(points[frame[2]] - origin));
  return gp_Ax3(gp_Pnt(origin), across, along);
}

/// The rigid motion from `from` to `to`, if it carries all samples onto each other.
std::optional<gp_Trsf> motion_between(const Fingerprint& from, const Fingerprint& to) {
  if (from.points.size() != to.points.size() || from.normals.size() != to.normals.size()) return std::nullopt;
  const double tolerance = kTolerance * from.size;
  const auto& frame = *from.frame;
  for (int i = 0; i < 3; i++) {
    const std::size_t a = frame[i], b = frame[(i + 1) % 3];
    const double difference =
        (from.points[a] - from.points[b]).Modulus() - (to.points[a] - to.points[b]).Modulus();
    if (!(std::abs(difference) <= tolerance)) return std::nullopt;
  }
  gp_Trsf motion;
  motion.SetDisplacement(axes_of(from.points, frame), axes_of(to.points, frame));
  for (std::size_t i = 0; i < from.points.size(); i++) {
    const gp_XYZ moved = gp_Pnt(from.points[i]).Transformed(motion).XYZ();
    if (!((moved - to.points[i]).Modulus() <= tolerance)) return std::nullopt;
  }
  for (std::size_t i = 0; i < from.normals.size(); i++) {
    const gp_XYZ turned = gp_Vec(from.normals[i]).Transformed(motion).XYZ();
    if (from.normals[i].SquareModulus() > 0 && !(turned.Dot(to.normals[i]) > kMinCosine)) return std::nullopt;
  }
  return motion;
}

}  // namespace

std::optional<Fingerprint> fingerprint_of(const TopoDS_Shape& shape, const ColourMap& colours) {
  Fingerprint print;
  Hash hash;
  try {
    TopTools_IndexedMapOfShape vertices, edges, faces;
    TopExp::MapShapes(shape, TopAbs_VERTEX, vertices);
    TopExp::MapShapes(shape, TopAbs_EDGE, edges);
    TopExp::MapShapes(shape, TopAbs_FACE, faces);
    for (int i = 1; i <= vertices.Extent(); i++)
      print.points.push_back(BRep_Tool::Pnt(TopoDS::Vertex(vertices(i))).XYZ());
    for (int i = 1; i <= edges.Extent(); i++) sample_edge(TopoDS::Edge(edges(i)), print, hash);
    for (int i = 1; i <= faces.Extent(); i++) sample_face(TopoDS::Face(faces(i)), colours, print, hash);
    for (int count : {vertices.Extent(), edges.Extent(), faces.Extent()}) hash.add(static_cast<std::size_t>(count));
    print.frame = frame_of(print.points, print.size);
  } catch (const Standard_Failure&) {
    return std::nullopt;
  }
  if (!print.frame) return std::nullopt;
  print.key = hash.value();
  return print;
}

std::optional<CongruentShapes::Match> CongruentShapes::find(const Fingerprint& shape) const {
  const auto entries = by_key_.find(shape.key);
  if (entries == by_key_.end()) return std::nullopt;
  for (const Entry& entry : entries->second) {
    try {
      if (const auto motion = motion_between(entry.shape, shape)) return Match{entry.number, *motion};
    } catch (const Standard_Failure&) {
      // Points of the frame coincide: not a copy.
    }
  }
  return std::nullopt;
}

void CongruentShapes::add(Fingerprint shape, std::size_t number) {
  auto& entries = by_key_[shape.key];
  if (entries.size() < kMaxCandidates) entries.push_back(Entry{std::move(shape), number});
}

}  // namespace rr_occt
