#include "colour.h"

#include <IGESGraph_Color.hxx>

#include <algorithm>
#include <cmath>

namespace rr_occt {
namespace {

// IGES 5.3, 2.2.4.4.13: colour numbers of the directory entry.
constexpr Colour kNumbered[] = {
    {0, 0, 0, 255},   {255, 0, 0, 255},   {0, 255, 0, 255},   {0, 0, 255, 255},
    {255, 255, 0, 255}, {255, 0, 255, 255}, {0, 255, 255, 255}, {255, 255, 255, 255},
};

std::uint8_t from_percent(double percent) {
  if (!std::isfinite(percent)) return 0;
  return static_cast<std::uint8_t>(std::lround(std::clamp(percent, 0.0, 100.0) * 255.0 / 100.0));
}

}  // namespace

std::optional<Colour> colour_of(const Ref<IGESData_IGESEntity>& entity) {
  if (entity->DefColor() == IGESData_DefValue) {
    const int rank = entity->RankColor();
    if (rank >= 1 && rank <= 8) return kNumbered[rank - 1];
    return std::nullopt;
  }
  if (entity->DefColor() == IGESData_DefReference) {
    const Ref<IGESGraph_Color> definition = Ref<IGESGraph_Color>::DownCast(entity->Color());
    if (definition.IsNull()) return std::nullopt;
    double red = 0, green = 0, blue = 0;
    definition->RGBIntensity(red, green, blue);
    return Colour{from_percent(red), from_percent(green), from_percent(blue), 255};
  }
  return std::nullopt;
}

}  // namespace rr_occt
