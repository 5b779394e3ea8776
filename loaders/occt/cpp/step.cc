#include "guard.h"
#include "import.h"
#include "product.h"
#include "read.h"
#include "step_repair.h"

#include "rr-occt/src/lib.rs.h"

#include <Interface_HGraph.hxx>
#include <Interface_Static.hxx>
#include <STEPCAFControl_Reader.hxx>
#include <STEPControl_Reader.hxx>
#include <StepData_StepModel.hxx>
#include <TColStd_SequenceOfAsciiString.hxx>
#include <TDocStd_Document.hxx>
#include <XCAFDoc_DocumentTool.hxx>
#include <XSControl_WorkSession.hxx>

#include <algorithm>
#include <memory>

namespace rr_occt {
namespace {

/// Share of the work after which the shapes are there and triangulation begins.
constexpr double kTranslated = 0.5;

struct KnownUnit {
  const char* name;
  const char* ours;
  double mm;
};
// Names as the kernel gives them for units of ISO 10303-41, and for conversion-based units as exporters write them.
constexpr KnownUnit kUnits[] = {
    {"millimetre", "mm", 1.0}, {"centimetre", "cm", 10.0}, {"metre", "m", 1000.0},    {"kilometre", "km", 1e6},
    {"micrometre", "um", 1e-3}, {"inch", "inch", 25.4},     {"in", "inch", 25.4},      {"foot", "foot", 304.8},
    {"ft", "foot", 304.8},      {"feet", "foot", 304.8},    {"mile", "mile", 1609344.0}, {"mil", "mil", 0.0254},
    {"millimeter", "mm", 1.0},  {"centimeter", "cm", 10.0}, {"meter", "m", 1000.0},
};

class StepImport : private Import {
 public:
  StepImport(const Settings& settings, Observer& observer) : Import(settings, observer) {}

  void run(const std::string& path) {
    read(path);
    tell_header();
    deliver_all();
    tell_faults();
  }

 private:
  void read(const std::string& path) {
    report(Stage::Reading, -1.0);
    // The kernel models in millimetres whatever the file says; a setting of the environment must not change that.
    Interface_Static::SetCVal("xstep.cascade.unit", "MM");
    reader_.SetColorMode(true);
    reader_.SetNameMode(true);
    reader_.SetSHUOMode(true);
    reader_.SetLayerMode(false);
    if (reader_.ReadFile(path.c_str()) != IFSelect_RetDone) throw std::runtime_error("not a readable STEP file");
    find_unit();
    repair();
    document_ = new TDocStd_Document("XmlXCAF");
    const Ref<StepProgress> progress = new StepProgress(observer_, 0.0, kTranslated);
    if (!reader_.Transfer(document_, progress->Start())) throw std::runtime_error("nothing in the file can be shown");
    report(Stage::Translating, kTranslated);
    const TDF_Label main = document_->Main();
    products_ = std::make_unique<ProductList>(XCAFDoc_DocumentTool::ShapeTool(main),
                                              XCAFDoc_DocumentTool::ColorTool(main), settings_);
    products_->gather();
  }

  void repair() {
    const auto model = Ref<StepData_StepModel>::DownCast(reader_.ChangeReader().Model());
    if (model.IsNull()) return;
    errors_ = count_damaged(model);
    if (errors_ == 0 || !settings_.repair) return;
    const Ref<XSControl_WorkSession> session = reader_.ChangeReader().WS();
    session->ComputeGraph(true);
    const Ref<Interface_HGraph> graph = session->HGraph();
    if (!graph.IsNull()) damaged_ = drop_damaged(model, graph->Graph());
  }

  /// The unit of the file. Files with several are converted by the kernel; their numbers are told in millimetres.
  void find_unit() {
    TColStd_SequenceOfAsciiString lengths, angles, solid_angles;
    reader_.ChangeReader().FileUnits(lengths, angles, solid_angles);
    for (int i = 1; i <= lengths.Length(); i++) {
      std::string name = lengths.Value(i).ToCString();
      std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
      if (i == 1) {
        unit_name_ = name;
      } else if (name != unit_name_) {
        mixed_units_ = true;
      }
    }
    if (mixed_units_) unit_name_ = "millimetre";
    for (const KnownUnit& unit : kUnits) {
      if (unit_name_ != unit.name) continue;
      unit_name_ = unit.ours;
      set_unit(unit.mm);
      return;
    }
  }

  void tell_header() {
    Header header;
    header.unit_flag = unit_name_.empty() ? -1 : 0;
    header.unit_name = rust::String::lossy(unit_name_);
    header.mm_per_unit = mm_per_unit();
    header.entities = static_cast<std::uint32_t>(reader_.ChangeReader().StepModel()->NbEntities());
    header.steps = static_cast<std::uint32_t>(products_->products().size());
    observer_.header(std::move(header));
  }

  void deliver_all() {
    const auto count = static_cast<std::uint32_t>(products_->products().size());
    for (std::uint32_t index = 0; index < count; index++) {
      if (is_skipped(index)) continue;
      const Product& product = products_->products()[index];
      observer_.step_begins(index, rust::String::lossy("product \"" + product.name + "\""));
      report(Stage::Translating, kTranslated + (1.0 - kTranslated) * index / count);
      deliver_product(product);
      observer_.step_done(index);
    }
  }

  void deliver_product(const Product& product) {
    const TopoDS_Shape shape = XCAFDoc_ShapeTool::GetShape(product.label);
    if (shape.IsNull()) {
      empty_products_++;
      return;
    }
    Attributes attributes;
    products_->add_attributes(product, attributes);
    for (const Use& use : product.uses)
      deliver(shape.Moved(use.location), attributes, use.path, use.colour, product.name);
  }

  void tell_faults() {
    if (errors_ > 0) warn(std::to_string(errors_) + " entities are damaged, read as far as possible");
    if (damaged_ > 0) warn(std::to_string(damaged_) + " faces or other items lead to damaged entities: left out");
    if (mixed_units_) warn("the file mixes units of length; all numbers were converted to millimetres");
    if (empty_products_ > 0) warn(std::to_string(empty_products_) + " products have no shape");
    if (products_->hidden() > 0)
      warn(std::to_string(products_->hidden()) + " products are marked as hidden and not shown");
    tell_shape_faults(0, products_->limited());
  }

  STEPCAFControl_Reader reader_;
  Ref<TDocStd_Document> document_;
  std::string unit_name_;
  bool mixed_units_ = false;
  std::unique_ptr<ProductList> products_;
  int damaged_ = 0;
  int errors_ = 0;
  int empty_products_ = 0;
};

}  // namespace

void read_step(rust::Str path, const Settings& settings, Observer& observer) {
  guarded(settings, [&] { StepImport(settings, observer).run(std::string(path)); });
}

}  // namespace rr_occt
