// What IGES entities are called and what they are.
#pragma once

#include "common.h"

#include <IGESData_IGESEntity.hxx>
#include <IGESData_IGESModel.hxx>

#include <map>
#include <vector>

namespace rr_occt {

/// Name of the entity: name property (406 form 15), subfigure name, or short label. Empty when it has none.
std::string name_of(const Ref<IGESData_IGESEntity>& entity);

/// The standard's name for an entity type, or "entity".
const char* type_name(int type);

/// Types that become faces or groups of faces.
bool is_surface_type(int type);

/// Types that become curves.
bool is_curve_type(int type);

/// Types that hold what can be shown (surfaces, curves, solids, placements), as opposed to properties, notes and views.
bool is_geometry_type(int type);

/// Collects entities with the same fault, so that a file with a thousand of them gives one line.
class FaultList {
 public:
  explicit FaultList(const Ref<IGESData_IGESModel>& model) : model_(model) {}
  void add(const Ref<IGESData_IGESEntity>& entity);
  bool empty() const { return by_type_.empty(); }
  /// One line per entity type: "3 entities of type 144 (trimmed surface) <what>: D17, D35, D41".
  std::vector<std::string> lines(const std::string& what) const;

 private:
  struct Entry {
    int count = 0;
    std::vector<int> directory_numbers;
  };
  Ref<IGESData_IGESModel> model_;
  std::map<int, Entry> by_type_;
};

}  // namespace rr_occt
