#include "guard.h"
#include "import.h"
#include "read.h"

#include "rr-occt/src/lib.rs.h"

#include <BRepTools.hxx>
#include <BRep_Builder.hxx>
#include <BinTools.hxx>
#include <TopoDS_Compound.hxx>
#include <TopoDS_Iterator.hxx>

#include <fstream>

namespace rr_occt {
namespace {

constexpr int kMaxDepth = 100;

class BrepImport : private Import {
 public:
  BrepImport(const Settings& settings, Observer& observer) : Import(settings, observer) {}

  void run(const std::string& path) {
    report(Stage::Reading, -1.0);
    const TopoDS_Shape whole = read(path);
    if (whole.IsNull()) throw std::runtime_error("the file holds no shape");
    plan(whole, 0);
    Header header;
    // The format knows no units.
    header.unit_flag = -1;
    header.mm_per_unit = 1.0;
    header.entities = header.steps = static_cast<std::uint32_t>(steps_.size());
    observer_.header(std::move(header));
    deliver_all();
    tell_shape_faults(0, limited_);
  }

 private:
  static TopoDS_Shape read(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) throw std::runtime_error("the file cannot be opened");
    std::string head(256, '\0');
    file.read(&head[0], static_cast<std::streamsize>(head.size()));
    file.clear();
    file.seekg(0);
    TopoDS_Shape shape;
    if (head.find("Open CASCADE Topology") != std::string::npos) {
      BinTools::Read(shape, file);
    } else {
      BRepTools::Read(shape, file, BRep_Builder());
    }
    return shape;
  }

  /// Takes compounds apart: what is placed on its own is a step, so that a crash costs one of them.
  void plan(const TopoDS_Shape& shape, int depth) {
    if (steps_.size() >= settings_.max_placements) {
      limited_ = true;
      return;
    }
    if (shape.ShapeType() != TopAbs_COMPOUND || depth > kMaxDepth) {
      steps_.push_back(shape);
      return;
    }
    TopoDS_Compound loose;
    BRep_Builder().MakeCompound(loose);
    bool any_loose = false;
    for (TopoDS_Iterator children(shape); children.More(); children.Next()) {
      if (children.Value().ShapeType() <= TopAbs_SHELL) {
        plan(children.Value(), depth + 1);
      } else {
        BRep_Builder().Add(loose, children.Value());
        any_loose = true;
      }
    }
    if (any_loose) steps_.push_back(loose);
  }

  void deliver_all() {
    const Attributes none;
    for (std::uint32_t index = 0; index < steps_.size(); index++) {
      if (is_skipped(index)) continue;
      observer_.step_begins(index, "shape " + std::to_string(index + 1));
      report(Stage::Translating, static_cast<double>(index) / static_cast<double>(steps_.size()));
      deliver(steps_[index], none, "", std::nullopt);
      observer_.step_done(index);
    }
  }

  std::vector<TopoDS_Shape> steps_;
  bool limited_ = false;
};

}  // namespace

void read_brep(rust::Str path, const Settings& settings, Observer& observer) {
  guarded(settings, [&] { BrepImport(settings, observer).run(std::string(path)); });
}

}  // namespace rr_occt
