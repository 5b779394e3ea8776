// What all formats share: how the kernel is set up, its progress, and how its exceptions leave the bridge.
#pragma once

#include "common.h"

#include <Message_ProgressIndicator.hxx>
#include <Message_ProgressScope.hxx>
#include <Standard_OutOfMemory.hxx>

#include <new>
#include <stdexcept>

namespace rr_occt {

struct Settings;
struct Observer;

/// Passes the kernel's progress within one step on, and the wish to stop back.
class StepProgress : public Message_ProgressIndicator {
 public:
  /// The step is the share `share` of all work and begins at `from`.
  StepProgress(Observer& observer, double from, double share) : observer_(observer), from_(from), share_(share) {}

 protected:
  Standard_Boolean UserBreak() override { return stop_; }
  void Show(const Message_ProgressScope&, const Standard_Boolean) override;

 private:
  Observer& observer_;
  double from_, share_;
  Standard_Boolean stop_ = Standard_False;
};

/// Silences the kernel and sets its threads.
void prepare_kernel(const Settings& settings);

/// Runs a reader. Whatever it throws becomes a std::runtime_error with the reason, which cxx hands to Rust.
template <class Run> void guarded(const Settings& settings, Run run) {
  prepare_kernel(settings);
  try {
    run();
  } catch (const Cancelled&) {
    throw std::runtime_error("cancelled");
  } catch (const Standard_OutOfMemory&) {
    throw std::runtime_error("out of memory");
  } catch (const std::bad_alloc&) {
    throw std::runtime_error("out of memory");
  } catch (const Standard_Failure& failure) {
    throw std::runtime_error(message_of(failure));
  }
}

}  // namespace rr_occt
