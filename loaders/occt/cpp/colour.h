// Colours of IGES entities (IGES 5.3, 2.2.4.4.13 and 4.77).
#pragma once

#include "common.h"

#include <IGESData_IGESEntity.hxx>

#include <optional>

namespace rr_occt {

using Colour = std::array<std::uint8_t, 4>;

/// The colour that the directory entry of `entity` names: a number from 1 to 8 or a colour definition (type 314).
std::optional<Colour> colour_of(const Ref<IGESData_IGESEntity>& entity);

}  // namespace rr_occt
