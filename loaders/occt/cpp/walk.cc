#include "walk.h"

#include "outline.h"
#include "rr-occt/src/lib.rs.h"

#include <BRep_Builder.hxx>
#include <TopExp_Explorer.hxx>
#include <TopoDS_Compound.hxx>
#include <TopoDS_Iterator.hxx>

#include <map>

namespace rr_occt {
namespace {

constexpr int kMaxDepth = 200;
/// Nested placements multiply: ten levels of ten make ten thousand million visits.
constexpr std::uint64_t kVisitsPerPlacement = 8;

rust::String to_rust(const std::string& text) { return rust::String::lossy(text); }

std::array<double, 12> matrix_of(const gp_Trsf& placed, double scale) {
  std::array<double, 12> matrix{};
  for (int row = 0; row < 3; row++)
    for (int column = 0; column < 4; column++)
      matrix[row * 4 + column] = placed.Value(row + 1, column + 1) * (column == 3 ? scale : 1.0);
  return matrix;
}

bool has(const TopoDS_Shape& shape, TopAbs_ShapeEnum kind) { return TopExp_Explorer(shape, kind).More(); }

}  // namespace

void Emitter::deliver(const TopoDS_Shape& shape, const Attributes& attributes, const std::string& name,
                      const std::optional<Colour>& colour, const std::string& part_name) {
  walk(shape, gp_Trsf(), name, Context{attributes, colour, part_name}, 0);
}

void Emitter::walk(const TopoDS_Shape& shape, const gp_Trsf& placed, const std::string& path, const Context& context,
                   int depth) {
  if (shape.IsNull()) return;
  if (depth > kMaxDepth || placements_ >= settings_.max_placements ||
      ++visits_ > settings_.max_placements * kVisitsPerPlacement) {
    limited_ = true;
    return;
  }
  std::string full = path;
  const auto name = context.attributes.names.find(identity(shape));
  if (name != context.attributes.names.end() && name->second != path)
    full = path.empty() ? name->second : path + "/" + name->second;

  const gp_Trsf here = placed * shape.Location().Transformation();
  TopoDS_Shape bare = shape;
  bare.Location(TopLoc_Location());
  if (bare.ShapeType() != TopAbs_COMPOUND) {
    place(bare, bare, here, full, context);
    return;
  }
  // Solids, shells and compounds are placed on their own; loose faces and curves together make one part.
  BRep_Builder builder;
  TopoDS_Compound loose;
  builder.MakeCompound(loose);
  bool any_loose = false;
  for (TopoDS_Iterator children(bare); children.More(); children.Next()) {
    const TopoDS_Shape& child = children.Value();
    if (child.IsNull()) continue;
    if (child.ShapeType() <= TopAbs_SHELL) {
      walk(child, here, full, context, depth + 1);
    } else {
      builder.Add(loose, child);
      any_loose = true;
    }
  }
  if (any_loose) place(loose, bare, here, full, context);
}

void Emitter::place(const TopoDS_Shape& shape, const TopoDS_Shape& whole, const gp_Trsf& placed,
                    const std::string& name, const Context& context) {
  gp_Trsf at = placed;
  std::size_t number = 0;
  const auto known = by_identity_.find(identity(whole));
  if (known != by_identity_.end()) {
    number = known->second;
  } else {
    auto print = fingerprint_of(shape, context.attributes.colours);
    const auto match = print ? congruent_.find(*print) : std::nullopt;
    if (match) {
      // The copy itself is not triangulated and may be asked for again: it is compared again then.
      number = match->number;
      at = placed * match->motion;
    } else {
      number = shapes_.size();
      shapes_.push_back(mesh(shape, context.part_name.empty() ? name : context.part_name, context.attributes));
      by_identity_.emplace(identity(whole), number);
      kept_.push_back(whole);
      if (print) congruent_.add(std::move(*print), number);
    }
  }
  for (const Piece& piece : shapes_[number]) {
    Placement placement;
    placement.part = piece.part;
    placement.name = to_rust(name);
    placement.matrix = matrix_of(at, scale_);
    const std::optional<Colour> colour = piece.colour ? piece.colour : context.colour;
    placement.has_colour = colour.has_value();
    placement.rgba = colour.value_or(Colour{0, 0, 0, 0});
    observer_.placement(std::move(placement));
    placements_++;
  }
}

std::vector<Emitter::Piece> Emitter::mesh(const TopoDS_Shape& shape, const std::string& name,
                                          const Attributes& attributes) {
  std::vector<Piece> pieces;
  if (triangles_ >= settings_.max_triangles) {
    limited_ = true;
    return pieces;
  }
  if (has(shape, TopAbs_FACE)) {
    PartData part{};
    add_faces(shape, settings_, attributes.colours, scale_, part, failed_faces_);
    add_edges(shape, scale_, part);
    triangles_ += part.indices.size() / 3;
    if (!part.indices.empty()) pieces.push_back(emit(std::move(part), name, std::nullopt));
  }
  for (Piece& piece : mesh_curves(shape, name, attributes)) pieces.push_back(piece);
  return pieces;
}

std::vector<Emitter::Piece> Emitter::mesh_curves(const TopoDS_Shape& shape, const std::string& name,
                                                 const Attributes& attributes) {
  std::map<std::optional<Colour>, PartData> by_colour;
  std::optional<double> deflection;
  for (TopExp_Explorer edges(shape, TopAbs_EDGE, TopAbs_FACE); edges.More(); edges.Next()) {
    if (!deflection) deflection = deflection_of(shape, settings_);
    const auto colour = attributes.colours.find(identity(edges.Current()));
    const auto key = colour == attributes.colours.end() ? std::nullopt : std::optional<Colour>(colour->second);
    if (!add_curve(edges.Current(), *deflection, settings_, scale_, by_colour[key])) failed_curves_++;
  }
  std::vector<Piece> pieces;
  for (auto& [colour, part] : by_colour)
    if (!part.lines.empty()) pieces.push_back(emit(std::move(part), name, colour));
  return pieces;
}

Emitter::Piece Emitter::emit(PartData part, const std::string& name, const std::optional<Colour>& colour) {
  // The path is for the placements; the part has the last name in it.
  const auto slash = name.find_last_of('/');
  part.name = to_rust(slash == std::string::npos ? name : name.substr(slash + 1));
  observer_.part(std::move(part));
  return Piece{parts_++, colour};
}

}  // namespace rr_occt
