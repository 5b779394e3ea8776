#include "import.h"

#include "common.h"
#include "rr-occt/src/lib.rs.h"

namespace rr_occt {

Import::Import(const Settings& settings, Observer& observer)
    : settings_(settings), observer_(observer), skip_(settings.skip.begin(), settings.skip.end()) {
  set_unit(1.0);
}

void Import::report(Stage stage, double done) {
  if (!observer_.progress(stage, done)) throw Cancelled{};
}

void Import::warn(const std::string& text) { observer_.warning(rust::String::lossy(text)); }

void Import::set_unit(double mm_per_unit) {
  mm_per_unit_ = mm_per_unit;
  emitter_ = std::make_unique<Emitter>(observer_, settings_, 1.0 / mm_per_unit);
}

void Import::deliver(const TopoDS_Shape& shape, const Attributes& attributes, const std::string& name,
                     const std::optional<Colour>& colour, const std::string& part_name) {
  try {
    emitter_->deliver(shape, attributes, name, colour, part_name);
  } catch (const Standard_Failure&) {
    failed_deliveries_++;
  }
}

void Import::tell_shape_faults(std::size_t unmeshed, bool limited) {
  unmeshed += emitter_->take_failed_faces().size();
  if (unmeshed > 0) warn(std::to_string(unmeshed) + " faces could not be divided into triangles");
  if (failed_deliveries_ > 0) warn(std::to_string(failed_deliveries_) + " shapes could not be shown completely");
  if (emitter_->failed_curves() > 0) warn(std::to_string(emitter_->failed_curves()) + " curves could not be followed");
  if (emitter_->limited() || limited)
    warn("the model is too large: what exceeds the limits on triangles and placements is left out");
}

}  // namespace rr_occt
