// Shorthands used by every file of the bridge.
#pragma once

#include <Standard_Failure.hxx>
#include <Standard_Handle.hxx>
#include <TopoDS_Shape.hxx>

#include <array>
#include <cstdint>
#include <string>

namespace rr_occt {

/// OCCT's reference-counted pointer.
template <class T> using Ref = opencascade::handle<T>;

/// Identity of a shape without its location and orientation: what several placements share.
inline const void* identity(const TopoDS_Shape& shape) { return shape.TShape().get(); }

/// Thrown when the caller asked to stop.
struct Cancelled {};

/// OCCT's exception in words.
inline std::string message_of(const Standard_Failure& failure) {
  const char* text = failure.GetMessageString();
  return text != nullptr && *text != '\0' ? text : "geometry kernel error";
}

}  // namespace rr_occt
