// What the importers of all formats share: whom they tell, which steps they leave out, how shapes are delivered, and the
// faults that any of them can meet.
#pragma once

#include "walk.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>

namespace rr_occt {

struct Settings;
struct Observer;
enum class Stage : std::uint8_t;

class Import {
 protected:
  Import(const Settings& settings, Observer& observer);

  /// Throws Cancelled when the observer wants no more. `done` is a share of all work, negative where it is not known.
  void report(Stage stage, double done);
  void warn(const std::string& text);

  bool is_skipped(std::uint32_t step) const { return skip_.count(step) != 0; }
  void skip(std::uint32_t step) { skip_.insert(step); }

  /// Has to come before the first delivery: parts are delivered in the file's unit, and the kernel counts millimetres.
  void set_unit(double mm_per_unit);
  double mm_per_unit() const { return mm_per_unit_; }

  /// Hands a shape to the observer. What the kernel cannot do with it costs this shape and is told at the end.
  void deliver(const TopoDS_Shape& shape, const Attributes& attributes, const std::string& name,
               const std::optional<Colour>& colour, const std::string& part_name = std::string());
  std::vector<TopoDS_Shape> take_failed_faces() { return emitter_->take_failed_faces(); }

  /// What went wrong with the shapes; `unmeshed` faces beside those that nobody took. `limited` where the caller left
  /// something out for the sake of a limit.
  void tell_shape_faults(std::size_t unmeshed, bool limited);

  const Settings& settings_;
  Observer& observer_;

 private:
  std::unordered_set<std::uint32_t> skip_;
  std::unique_ptr<Emitter> emitter_;
  double mm_per_unit_ = 1.0;
  int failed_deliveries_ = 0;
};

}  // namespace rr_occt
