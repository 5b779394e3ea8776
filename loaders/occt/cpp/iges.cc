#include "read.h"

#include "colour.h"
#include "entity.h"
#include "guard.h"
#include "import.h"
#include "rr-occt/src/lib.rs.h"

#include <BRep_Builder.hxx>
#include <IGESBasic_Group.hxx>
#include <IGESControl_Reader.hxx>
#include <IGESData_GlobalSection.hxx>
#include <Interface_EntityIterator.hxx>
#include <Interface_Graph.hxx>
#include <Interface_HGraph.hxx>
#include <Standard_OutOfMemory.hxx>
#include <Standard_Version.hxx>
#include <TCollection_HAsciiString.hxx>
#include <TopExp_Explorer.hxx>
#include <TopoDS_Compound.hxx>
#include <TransferBRep.hxx>
#include <Transfer_Binder.hxx>
#include <Transfer_TransientProcess.hxx>
#include <XSControl_TransferReader.hxx>
#include <XSControl_WorkSession.hxx>

#include <cmath>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace rr_occt {
namespace {

using Entity = Ref<IGESData_IGESEntity>;

constexpr int kMaxGroupDepth = 100;
/// Entity use flag "2D parametric" (IGES 5.3, 2.2.4.4.9.3).
constexpr int kUseParametric = 5;

/// One entity that is translated on its own. A crash loses this much and not more.
struct Step {
  Entity entity;
  std::string path;
  std::optional<Colour> colour;
  /// Loose faces and curves of one group become one part.
  int group = 0;
};

rust::String lossy(const Ref<TCollection_HAsciiString>& text) {
  return text.IsNull() ? rust::String() : rust::String::lossy(text->ToCString(), text->Length());
}

class IgesImport : private Import {
 public:
  IgesImport(const Settings& settings, Observer& observer) : Import(settings, observer) {}

  void run(const std::string& path) {
    read(path);
    plan();
    tell_header();
    translate_all();
    tell_faults();
  }

 private:
  void read(const std::string& path) {
    report(Stage::Reading, -1.0);
    if (reader_.ReadFile(path.c_str()) != IFSelect_RetDone) throw std::runtime_error("not a readable IGES file");
    model_ = reader_.IGESModel();
    if (model_.IsNull() || model_->NbEntities() == 0) throw std::runtime_error("the file holds no entities");
    const double unit = model_->GlobalSection().UnitValue();
    // OCCT models in millimetres whatever the file says.
    set_unit(std::isfinite(unit) && unit > 0 ? unit : 1.0);
    unreadable_ = std::make_unique<FaultList>(model_);
    untranslated_ = std::make_unique<FaultList>(model_);
    unmeshed_ = std::make_unique<FaultList>(model_);
    for (int i = 1; i <= model_->NbEntities(); i++)
      if (model_->IsErrorEntity(i) && is_geometry_type(model_->Entity(i)->TypeNumber()))
        unreadable_->add(model_->Entity(i));
  }

  // ---- What is translated, in which order -------------------------------------------------------------------

  void plan() {
    const int roots = reader_.NbRootsForTransfer();
    graph_ = reader_.WS()->HGraph();
    if (graph_.IsNull()) throw std::runtime_error("the entities of the file refer to each other in a wrong way");
    // Hidden entities are construction aids; a file that hides everything is shown as it is.
    for (bool with_hidden : {false, true}) {
      hidden_ = 0;
      std::unordered_set<const void*> seen;
      for (int i = 1; i <= roots; i++) {
        const Entity root = Entity::DownCast(reader_.RootForTransfer(i));
        if (!root.IsNull()) plan_entity(root, "", std::nullopt, 0, with_hidden, 0, seen);
      }
      if (!steps_.empty()) break;
    }
    for (std::uint32_t index : settings_.split) split(index);
  }

  void plan_entity(const Entity& entity, const std::string& path, const std::optional<Colour>& colour, int group,
                   bool with_hidden, int depth, std::unordered_set<const void*>& seen) {
    if (!seen.insert(entity.get()).second) return;
    if (entity->BlankStatus() == 1 && !with_hidden) {
      hidden_++;
      return;
    }
    const auto own_colour = colour_of(entity);
    const auto inherited = own_colour ? own_colour : colour;
    const auto members = Ref<IGESBasic_Group>::DownCast(entity);
    if (members.IsNull() || entity->HasTransf() || depth > kMaxGroupDepth) {
      // A curve in the parameters of a surface whose surface is gone has no place in space.
      if (entity->UseFlag() == kUseParametric) return;
      if (is_geometry_type(entity->TypeNumber()) || !members.IsNull())
        steps_.push_back(Step{entity, path, inherited, group});
      return;
    }
    const std::string name = name_of(entity);
    const std::string inner = path.empty() || name.empty() ? path + name : path + "/" + name;
    const int inner_group = ++groups_;
    // What lies loose in the group first, so that it stays together.
    for (bool subgroups : {false, true})
      for (int i = 1; i <= members->NbEntities(); i++) {
        const Entity member = members->Entity(i);
        if (member.IsNull() || Ref<IGESBasic_Group>::DownCast(member).IsNull() == subgroups) continue;
        plan_entity(member, inner, inherited, inner_group, with_hidden, depth + 1, seen);
      }
  }

  /// Replaces a step that cannot be survived as a whole by its faces; their steps are appended.
  void split(std::uint32_t index) {
    if (index >= steps_.size()) return;
    skip(index);
    const Step whole = steps_[index];
    const int group = ++groups_;
    const std::string name = name_of(whole.entity);
    const std::string path = whole.path.empty() || name.empty() ? whole.path + name : whole.path + "/" + name;
    for_each_below(whole.entity, [&](const Entity& entity) {
      if (!is_surface_type(entity->TypeNumber()) || entity == whole.entity) return;
      const auto colour = colour_of(entity);
      steps_.push_back(Step{entity, path, colour ? colour : whole.colour, group});
    });
  }

  /// Visits the entity and what it is made of, from the top down to faces and curves.
  template <class Visit> void for_each_below(const Entity& top, Visit visit) {
    std::vector<Entity> queue{top};
    std::unordered_set<const void*> seen{top.get()};
    for (std::size_t next = 0; next < queue.size(); next++) {
      const Entity entity = queue[next];
      visit(entity);
      const int type = entity->TypeNumber();
      if (is_surface_type(type) || (is_curve_type(type) && type != 102)) continue;
      for (Interface_EntityIterator shared = graph_->Graph().Shareds(entity); shared.More(); shared.Next()) {
        const Entity below = Entity::DownCast(shared.Value());
        if (!below.IsNull() && seen.insert(below.get()).second) queue.push_back(below);
      }
    }
  }

  void tell_header() {
    const IGESData_GlobalSection& global = model_->GlobalSection();
    Header header;
    header.unit_flag = global.UnitFlag();
    header.unit_name = lossy(global.UnitName());
    header.mm_per_unit = mm_per_unit();
    header.system = lossy(global.SystemId());
    header.entities = static_cast<std::uint32_t>(model_->NbEntities());
    header.steps = static_cast<std::uint32_t>(steps_.size());
    observer_.header(std::move(header));
  }

  // ---- Translation --------------------------------------------------------------------------------------------

  void translate_all() {
    int group = 0;
    for (std::uint32_t index = 0; index < steps_.size(); index++) {
      if (is_skipped(index)) continue;
      const Step& step = steps_[index];
      if (step.group != group) flush();
      group = step.group;
      begin(index);
      report(Stage::Translating, static_cast<double>(index) / static_cast<double>(steps_.size()));
      const TopoDS_Shape shape = translate(step, index);
      if (shape.IsNull()) {
        if (is_geometry_type(step.entity->TypeNumber())) untranslated_->add(step.entity);
        observer_.step_done(index);
      } else if (shape.ShapeType() <= TopAbs_SHELL) {
        deliver_named(shape, step.path, step.colour);
        observer_.step_done(index);
      } else {
        keep_loose(shape, step, index);
      }
      reader_.ClearShapes();
    }
    flush();
  }

  TopoDS_Shape translate(const Step& step, std::uint32_t index) {
    const double share = 1.0 / static_cast<double>(steps_.size());
    const Ref<StepProgress> progress = new StepProgress(observer_, index * share, share);
    TopoDS_Shape shape;
    try {
      if (!reader_.TransferEntity(step.entity, progress->Start())) return shape;
      shape = reader_.OneShape();
      gather_attributes(step.entity);
    } catch (const Standard_Failure& failure) {
      if (dynamic_cast<const Standard_OutOfMemory*>(&failure) != nullptr) throw std::bad_alloc();
      return TopoDS_Shape();
    }
    report(Stage::Translating, (index + 1) * share);
    return shape;
  }

  /// Colours and names of all shapes below an entity: what is below overrides what is above.
  void gather_attributes(const Entity& top) {
    const auto process = reader_.WS()->TransferReader()->TransientProcess();
    for_each_below(top, [&](const Entity& entity) {
      const Ref<Transfer_Binder> binder = process->Find(entity);
      const TopoDS_Shape shape = binder.IsNull() ? TopoDS_Shape() : TransferBRep::ShapeResult(binder);
      const int type = entity->TypeNumber();
      if (shape.IsNull()) {
        const bool is_face = type == 143 || type == 144 || type == 510;
        if (is_face && entity != top) untranslated_->add(entity);
        return;
      }
      const std::string name = name_of(entity);
      if (!name.empty()) attributes_.names.emplace(identity(shape), name);
      if (is_surface_type(type)) entity_of_.emplace(identity(shape), entity);
      // A placement must not paint the faces that it shares with other placements.
      if (type == 408 || type == 402) return;
      if (const auto colour = colour_of(entity)) paint(shape, *colour);
    });
  }

  void paint(const TopoDS_Shape& shape, const Colour& colour) {
    TopExp_Explorer parts(shape, TopAbs_FACE);
    if (!parts.More()) parts.Init(shape, TopAbs_EDGE);
    for (; parts.More(); parts.Next()) attributes_.colours[identity(parts.Current())] = colour;
  }

  // ---- Delivery -----------------------------------------------------------------------------------------------

  void begin(std::uint32_t index) {
    const Entity& entity = steps_[index].entity;
    const int type = entity->TypeNumber();
    observer_.step_begins(index, "D" + std::to_string(model_->DNum(entity)) + " (type " + std::to_string(type) + ", " +
                                     type_name(type) + ")");
  }

  void keep_loose(const TopoDS_Shape& shape, const Step& step, std::uint32_t index) {
    if (loose_steps_.empty()) {
      BRep_Builder().MakeCompound(loose_);
      loose_path_ = step.path;
    }
    // The group's colour, or that of the step where it has a shape without any of its own.
    if (step.colour) paint_unpainted(shape, *step.colour);
    BRep_Builder().Add(loose_, shape);
    loose_steps_.push_back(index);
    if (loose_steps_.size() >= settings_.batch) flush();
  }

  void paint_unpainted(const TopoDS_Shape& shape, const Colour& colour) {
    TopExp_Explorer parts(shape, TopAbs_FACE);
    if (!parts.More()) parts.Init(shape, TopAbs_EDGE);
    for (; parts.More(); parts.Next()) attributes_.colours.emplace(identity(parts.Current()), colour);
  }

  void flush() {
    if (loose_steps_.empty()) return;
    if (loose_steps_.size() > 1) observer_.batch_begins();
    std::string name = loose_path_;
    if (loose_steps_.size() == 1) {
      const std::string own = name_of(steps_[loose_steps_.front()].entity);
      if (!own.empty()) name = name.empty() ? own : name + "/" + own;
    }
    deliver_named(loose_, name, std::nullopt);
    for (std::uint32_t index : loose_steps_) observer_.step_done(index);
    loose_steps_.clear();
    loose_ = TopoDS_Compound();
  }

  /// Faces without triangles are named by the entity that they came from.
  void deliver_named(const TopoDS_Shape& shape, const std::string& name, const std::optional<Colour>& colour) {
    deliver(shape, attributes_, name, colour);
    for (const TopoDS_Shape& face : take_failed_faces()) {
      const auto entity = entity_of_.find(identity(face));
      if (entity != entity_of_.end()) unmeshed_->add(entity->second);
      else unmeshed_faces_++;
    }
  }

  // ---- What went wrong ----------------------------------------------------------------------------------------

  void tell_faults() {
    for (const std::string& line : unreadable_->lines("damaged, read as far as possible")) warn(line);
    for (const std::string& line : untranslated_->lines("could not be translated")) warn(line);
    for (const std::string& line : unmeshed_->lines("could not be divided into triangles")) warn(line);
    if (hidden_ > 0) warn(std::to_string(hidden_) + " entities are marked as hidden and not shown");
    tell_shape_faults(unmeshed_faces_, false);
  }

  IGESControl_Reader reader_;
  Ref<IGESData_IGESModel> model_;
  Ref<Interface_HGraph> graph_;
  std::vector<Step> steps_;
  int groups_ = 0;
  int hidden_ = 0;
  Attributes attributes_;
  std::unordered_map<const void*, Entity> entity_of_;
  TopoDS_Compound loose_;
  std::string loose_path_;
  std::vector<std::uint32_t> loose_steps_;
  std::unique_ptr<FaultList> unreadable_, untranslated_, unmeshed_;
  std::size_t unmeshed_faces_ = 0;
};

}  // namespace

void read_iges(rust::Str path, const Settings& settings, Observer& observer) {
  guarded(settings, [&] { IgesImport(settings, observer).run(std::string(path)); });
}

rust::String kernel_version() { return OCC_VERSION_COMPLETE; }

}  // namespace rr_occt
