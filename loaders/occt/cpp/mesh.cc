#include "mesh.h"

#include "rr-occt/src/lib.rs.h"

#include <BRepAdaptor_Surface.hxx>
#include <BRepBndLib.hxx>
#include <BRepMesh_IncrementalMesh.hxx>
#include <BRep_Tool.hxx>
#include <Bnd_Box.hxx>
#include <IMeshTools_Parameters.hxx>
#include <Poly_Triangulation.hxx>
#include <TopExp_Explorer.hxx>
#include <TopoDS.hxx>
#include <TopoDS_Face.hxx>

#include <algorithm>
#include <cmath>

namespace rr_occt {
namespace {

using Vectors = std::vector<gp_XYZ>;

/// Sum of the normals of the triangles around each node, not scaled to unit length.
Vectors normals_from_triangles(const Ref<Poly_Triangulation>& mesh) {
  Vectors sums(mesh->NbNodes(), gp_XYZ(0, 0, 0));
  for (int i = 1; i <= mesh->NbTriangles(); i++) {
    int a = 0, b = 0, c = 0;
    mesh->Triangle(i).Get(a, b, c);
    const gp_XYZ origin = mesh->Node(a).XYZ();
    const gp_XYZ normal = (mesh->Node(b).XYZ() - origin).Crossed(mesh->Node(c).XYZ() - origin);
    for (int node : {a, b, c}) sums[node - 1] += normal;
  }
  return sums;
}

/// Normals of the surface itself where it has one; at poles and folds those of the triangles.
Vectors normals_of(const TopoDS_Face& face, const Ref<Poly_Triangulation>& mesh) {
  Vectors normals = normals_from_triangles(mesh);
  if (!mesh->HasUVNodes()) return normals;
  const BRepAdaptor_Surface surface(face, false);
  const gp_Trsf to_mesh = face.Location().Transformation().Inverted();
  for (int i = 1; i <= mesh->NbNodes(); i++) {
    const gp_Pnt2d uv = mesh->UVNode(i);
    gp_Pnt point;
    gp_Vec along_u, along_v;
    try {
      surface.D1(uv.X(), uv.Y(), point, along_u, along_v);
    } catch (const Standard_Failure&) {
      continue;
    }
    gp_Vec normal = along_u.Crossed(along_v);
    const double size = along_u.Magnitude() * along_v.Magnitude();
    if (!(normal.Magnitude() > 1e-6 * size) || !std::isfinite(size)) continue;
    normal.Transform(to_mesh);
    gp_XYZ& value = normals[i - 1];
    // The triangles know which side is front; the derivatives of a damaged surface may not.
    value = normal.XYZ().Dot(value) < 0 ? normal.XYZ().Reversed() : normal.XYZ();
  }
  return normals;
}

void push(rust::Vec<float>& to, const gp_XYZ& v, double scale) {
  to.push_back(static_cast<float>(v.X() * scale));
  to.push_back(static_cast<float>(v.Y() * scale));
  to.push_back(static_cast<float>(v.Z() * scale));
}

void add_face(const TopoDS_Face& face, const Ref<Poly_Triangulation>& mesh, const gp_Trsf& placed, double scale,
              PartData& part) {
  const bool reversed = face.Orientation() == TopAbs_REVERSED;
  const bool flipped = reversed != placed.IsNegative();
  const auto base = static_cast<std::uint32_t>(part.positions.size() / 3);
  const Vectors normals = normals_of(face, mesh);
  for (int i = 1; i <= mesh->NbNodes(); i++) {
    push(part.positions, mesh->Node(i).Transformed(placed).XYZ(), scale);
    gp_Vec normal(normals[i - 1]);
    normal.Transform(placed);
    if (reversed) normal.Reverse();
    const double length = normal.Magnitude();
    const bool usable = std::isfinite(length) && length > 0;
    push(part.normals, usable ? normal.XYZ() / length : gp_XYZ(0, 0, 1), 1.0);
  }
  for (int i = 1; i <= mesh->NbTriangles(); i++) {
    int a = 0, b = 0, c = 0;
    mesh->Triangle(i).Get(a, b, c);
    if (flipped) std::swap(b, c);
    for (int node : {a, b, c}) part.indices.push_back(base + static_cast<std::uint32_t>(node) - 1);
  }
}

}  // namespace

double deflection_of(const TopoDS_Shape& shape, const Settings& settings) {
  constexpr double kFallback = 0.1, kSmallest = 1e-4;
  Bnd_Box box;
  try {
    BRepBndLib::Add(shape, box, false);
  } catch (const Standard_Failure&) {
    return kFallback;
  }
  if (box.IsVoid() || box.IsOpen()) return kFallback;
  const double diagonal = std::sqrt(box.SquareExtent());
  return std::isfinite(diagonal) ? std::max(kSmallest, diagonal * settings.relative_deflection) : kFallback;
}

void add_faces(const TopoDS_Shape& shape, const Settings& settings, const ColourMap& colours, double scale,
               PartData& part, std::vector<TopoDS_Shape>& failed) {
  IMeshTools_Parameters parameters;
  parameters.Deflection = parameters.DeflectionInterior = deflection_of(shape, settings);
  parameters.Angle = settings.angle_rad;
  // Normals come from the surfaces, so that the inside of a face looks smooth with fewer triangles.
  parameters.AngleInterior = 2 * settings.angle_rad;
  parameters.InParallel = settings.threads > 1;
  try {
    const BRepMesh_IncrementalMesh mesher(shape, parameters);
  } catch (const Standard_Failure&) {
    // What was triangulated before the failure is kept; the other faces are reported below.
  }
  for (TopExp_Explorer faces(shape, TopAbs_FACE); faces.More(); faces.Next()) {
    const TopoDS_Face& face = TopoDS::Face(faces.Current());
    TopLoc_Location location;
    const Ref<Poly_Triangulation> mesh = BRep_Tool::Triangulation(face, location);
    if (mesh.IsNull() || mesh->NbTriangles() == 0) {
      failed.push_back(face);
      continue;
    }
    FaceRun run;
    run.first_triangle = static_cast<std::uint32_t>(part.indices.size() / 3);
    run.triangle_count = static_cast<std::uint32_t>(mesh->NbTriangles());
    const auto colour = colours.find(identity(face));
    run.has_colour = colour != colours.end();
    run.rgba = run.has_colour ? colour->second : Colour{0, 0, 0, 0};
    add_face(face, mesh, location.Transformation(), scale, part);
    part.faces.push_back(run);
  }
}

}  // namespace rr_occt
