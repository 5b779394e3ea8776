#include "product.h"

#include "rr-occt/src/lib.rs.h"

#include <Quantity_ColorRGBA.hxx>
#include <TCollection_AsciiString.hxx>
#include <TDF_LabelSequence.hxx>
#include <TDF_Tool.hxx>
#include <TDataStd_Name.hxx>
#include <TopExp_Explorer.hxx>
#include <XCAFDoc_GraphNode.hxx>

#include <algorithm>
#include <cmath>

namespace rr_occt {
namespace {

constexpr int kMaxDepth = 200;
/// Nested assemblies multiply, see walk.cc.
constexpr std::uint64_t kVisitsPerPlacement = 8;

std::string entry_of(const TDF_Label& label) {
  TCollection_AsciiString entry;
  TDF_Tool::Entry(label, entry);
  return entry.ToCString();
}

/// The name that the file gives, in UTF-8. The kernel's own names for what has none are no names.
std::string name_of(const TDF_Label& label) {
  Ref<TDataStd_Name> attribute;
  if (!label.FindAttribute(TDataStd_Name::GetID(), attribute)) return "";
  const TCollection_AsciiString text(attribute->Get());
  const std::string name = text.ToCString();
  static const char* const kMadeUp[] = {"=>[", "NAUO", "SOLID", "SHELL", "COMPOUND", "COMPSOLID", "FACE", "Open CASCADE"};
  for (const char* prefix : kMadeUp)
    if (name.compare(0, std::string(prefix).size(), prefix) == 0) return "";
  return name;
}

std::uint8_t to_byte(double share) {
  if (!std::isfinite(share)) return 0;
  return static_cast<std::uint8_t>(std::lround(std::clamp(share, 0.0, 1.0) * 255.0));
}

}  // namespace

void ProductList::gather() {
  TDF_LabelSequence roots;
  shapes_->GetFreeShapes(roots);
  for (bool with_hidden : {false, true}) {
    products_.clear();
    by_entry_.clear();
    hidden_ = 0;
    uses_ = visits_ = 0;
    for (int i = 1; i <= roots.Length(); i++)
      visit(roots.Value(i), TopLoc_Location(), "", std::nullopt, 0, with_hidden);
    if (!products_.empty()) break;
  }
}

void ProductList::visit(const TDF_Label& label, const TopLoc_Location& placed, const std::string& path,
                        const std::optional<Colour>& colour, int depth, bool with_hidden) {
  const std::size_t above = places_.size();
  visit_label(label, placed, path, colour, depth, with_hidden);
  places_.resize(above);
}

void ProductList::visit_label(const TDF_Label& label, const TopLoc_Location& placed, const std::string& path,
                              const std::optional<Colour>& colour, int depth, bool with_hidden) {
  if (depth > kMaxDepth || uses_ >= settings_.max_placements ||
      ++visits_ > settings_.max_placements * kVisitsPerPlacement) {
    limited_ = true;
    return;
  }
  TDF_Label target = label;
  TopLoc_Location here = placed;
  std::string name = name_of(label);
  std::optional<Colour> own = colour_of(label);
  bool visible = colours_->IsVisible(label);
  if (XCAFDoc_ShapeTool::IsReference(label)) {
    here = placed * XCAFDoc_ShapeTool::GetLocation(label);
    places_.push_back(label);
    if (!XCAFDoc_ShapeTool::GetReferredShape(label, target)) return;
    if (name.empty()) name = name_of(target);
    visible = visible && colours_->IsVisible(target);
    // The place overrides the part.
    if (!own) own = colour_of(target);
  }
  if (!visible && !with_hidden) {
    hidden_++;
    return;
  }
  const std::optional<Colour> inherited = own ? own : colour;
  const std::string full = path.empty() || name.empty() ? path + name : path + "/" + name;
  TDF_LabelSequence components;
  if (XCAFDoc_ShapeTool::IsAssembly(target) && XCAFDoc_ShapeTool::GetComponents(target, components, false)) {
    for (int i = 1; i <= components.Length(); i++)
      visit(components.Value(i), here, full, inherited, depth + 1, with_hidden);
    return;
  }
  const auto [known, is_new] = by_entry_.emplace(entry_of(target), products_.size());
  if (is_new) products_.push_back(Product{target, name_of(target), {}});
  const std::optional<Colour> from_above = colour_from_above();
  products_[known->second].uses.push_back(Use{here, full, from_above ? from_above : inherited});
  uses_++;
}

void ProductList::add_attributes(const Product& product, Attributes& attributes) const {
  struct Styled {
    TopoDS_Shape shape;
    std::optional<Colour> colour;
  };
  std::vector<Styled> all;
  TDF_LabelSequence below;
  XCAFDoc_ShapeTool::GetSubShapes(product.label, below);
  for (int i = 1; i <= below.Length(); i++) {
    const TopoDS_Shape shape = XCAFDoc_ShapeTool::GetShape(below.Value(i));
    if (shape.IsNull()) continue;
    const std::string name = name_of(below.Value(i));
    if (!name.empty() && shape.ShapeType() <= TopAbs_SHELL) attributes.names.emplace(identity(shape), name);
    all.push_back(Styled{shape, colour_of(below.Value(i))});
  }
  // From solids down to edges, so that what is below overrides what is above.
  std::stable_sort(all.begin(), all.end(),
                   [](const Styled& a, const Styled& b) { return a.shape.ShapeType() < b.shape.ShapeType(); });
  for (const Styled& styled : all) {
    if (!styled.colour) continue;
    TopExp_Explorer parts(styled.shape, TopAbs_FACE);
    if (!parts.More()) parts.Init(styled.shape, TopAbs_EDGE);
    for (; parts.More(); parts.Next()) attributes.colours[identity(parts.Current())] = *styled.colour;
  }
}

std::optional<Colour> ProductList::colour_from_above() const {
  // The kernel calls it SHUO, a specified higher usage occurrence (ISO 10303-44). The highest assembly decides.
  for (std::size_t first = 0; first + 1 < places_.size(); first++) {
    TDF_LabelSequence places;
    for (std::size_t i = first; i < places_.size(); i++) places.Append(places_[i]);
    Ref<XCAFDoc_GraphNode> occurrence;
    if (!XCAFDoc_ShapeTool::FindSHUO(places, occurrence) || occurrence.IsNull()) continue;
    if (const auto colour = colour_of(occurrence->Label())) return colour;
  }
  return std::nullopt;
}

std::optional<Colour> ProductList::colour_of(const TDF_Label& label) const {
  Quantity_ColorRGBA found;
  for (XCAFDoc_ColorType kind : {XCAFDoc_ColorSurf, XCAFDoc_ColorGen, XCAFDoc_ColorCurv}) {
    if (!colours_->GetColor(label, kind, found)) continue;
    // The kernel keeps linear light; STEP files and our own colours are sRGB.
    double red = 0, green = 0, blue = 0;
    found.GetRGB().Values(red, green, blue, Quantity_TOC_sRGB);
    return Colour{to_byte(red), to_byte(green), to_byte(blue), to_byte(found.Alpha())};
  }
  return std::nullopt;
}

}  // namespace rr_occt
