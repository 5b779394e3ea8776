#include "entity.h"

#include <IGESBasic_Name.hxx>
#include <IGESBasic_SingularSubfigure.hxx>
#include <IGESBasic_SubfigureDef.hxx>
#include <TCollection_HAsciiString.hxx>

#include <algorithm>

namespace rr_occt {
namespace {

constexpr std::size_t kMaxName = 256;
constexpr std::size_t kMaxListed = 6;

std::string trimmed(const Ref<TCollection_HAsciiString>& text) {
  if (text.IsNull()) return {};
  std::string s(text->ToCString());
  const auto first = s.find_first_not_of(" \t\r\n");
  if (first == std::string::npos) return {};
  s = s.substr(first, s.find_last_not_of(" \t\r\n") - first + 1);
  return s.substr(0, kMaxName);
}

struct TypeName {
  int type;
  const char* name;
};

// IGES 5.3, chapter 4: the types that one meets in models of machines.
constexpr TypeName kTypes[] = {
    {100, "circular arc"},          {102, "composite curve"},     {104, "conic arc"},
    {106, "copious data"},          {108, "plane"},               {110, "line"},
    {112, "parametric spline"},     {114, "spline surface"},      {116, "point"},
    {118, "ruled surface"},         {120, "surface of revolution"}, {122, "tabulated cylinder"},
    {124, "transformation matrix"}, {126, "B-spline curve"},      {128, "B-spline surface"},
    {130, "offset curve"},          {140, "offset surface"},      {141, "boundary"},
    {142, "curve on surface"},      {143, "bounded surface"},     {144, "trimmed surface"},
    {150, "block"},                 {152, "right angular wedge"}, {154, "right circular cylinder"},
    {156, "right circular cone frustum"}, {158, "sphere"},        {160, "torus"},
    {162, "solid of revolution"},   {164, "solid of linear extrusion"}, {168, "ellipsoid"},
    {180, "Boolean tree"},          {182, "selected component"},  {184, "solid assembly"},
    {186, "manifold solid"},        {190, "plane surface"},       {192, "cylindrical surface"},
    {194, "conical surface"},       {196, "spherical surface"},   {198, "toroidal surface"},
    {308, "subfigure definition"},  {402, "group"},               {408, "subfigure instance"},
    {412, "rectangular array"},     {414, "circular array"},      {420, "network subfigure instance"},
    {430, "solid instance"},        {502, "vertex list"},         {504, "edge list"},
    {508, "loop"},                  {510, "face"},                {514, "shell"},
};

}  // namespace

std::string name_of(const Ref<IGESData_IGESEntity>& entity) {
  if (entity->NbTypedProperties(STANDARD_TYPE(IGESBasic_Name)) > 0) {
    const auto property = Ref<IGESBasic_Name>::DownCast(entity->TypedProperty(STANDARD_TYPE(IGESBasic_Name)));
    if (!property.IsNull()) {
      std::string name = trimmed(property->Value());
      if (!name.empty()) return name;
    }
  }
  const auto placed = Ref<IGESBasic_SingularSubfigure>::DownCast(entity);
  if (!placed.IsNull() && !placed->Subfigure().IsNull()) return trimmed(placed->Subfigure()->Name());
  const auto definition = Ref<IGESBasic_SubfigureDef>::DownCast(entity);
  if (!definition.IsNull()) return trimmed(definition->Name());
  return entity->HasShortLabel() ? trimmed(entity->NameValue()) : std::string();
}

const char* type_name(int type) {
  for (const TypeName& entry : kTypes)
    if (entry.type == type) return entry.name;
  return "entity";
}

bool is_surface_type(int type) {
  switch (type) {
    case 108: case 114: case 118: case 120: case 122: case 128: case 140: case 143: case 144:
    case 190: case 192: case 194: case 196: case 198: case 510:
      return true;
    default:
      return false;
  }
}

bool is_curve_type(int type) {
  switch (type) {
    case 100: case 102: case 104: case 106: case 110: case 112: case 126: case 130: case 141: case 142:
      return true;
    default:
      return false;
  }
}

bool is_geometry_type(int type) {
  return is_surface_type(type) || is_curve_type(type) || (type >= 150 && type <= 186) || type == 408 || type == 412 ||
         type == 414 || type == 420 || type == 430 || type == 514;
}

void FaultList::add(const Ref<IGESData_IGESEntity>& entity) {
  Entry& entry = by_type_[entity->TypeNumber()];
  entry.count++;
  if (entry.directory_numbers.size() < kMaxListed) entry.directory_numbers.push_back(model_->DNum(entity));
}

std::vector<std::string> FaultList::lines(const std::string& what) const {
  std::vector<std::string> lines;
  for (const auto& [type, entry] : by_type_) {
    std::string line = entry.count == 1 ? "1 entity" : std::to_string(entry.count) + " entities";
    line += " of type " + std::to_string(type) + " (" + type_name(type) + ") " + what + ": ";
    std::vector<int> numbers = entry.directory_numbers;
    std::sort(numbers.begin(), numbers.end());
    for (std::size_t i = 0; i < numbers.size(); i++) line += (i ? ", D" : "D") + std::to_string(numbers[i]);
    if (entry.count > static_cast<int>(numbers.size())) line += ", ...";
    lines.push_back(line);
  }
  return lines;
}

}  // namespace rr_occt
